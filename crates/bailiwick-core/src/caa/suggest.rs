//! CAA records that would say what an estate has decided: who may issue in each zone, and no more.
//!
//! A suggestion is only read by people. Each record says why, and a dry run says who could no longer
//! issue if it replaced what is there now.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::climb::{ClimbStep, PrivateTlds, climb};
use super::judge::CaaOutcome;
use super::lookup::{Found, LookupAnswer, Proof, Source, SourceAnswer, SourceRole};
use super::name::CaaName;
use super::record::CaaRecord;
use super::terms::{AccountUri, CaaTerms, IssuerDomain, ValidationMethod};
use crate::estate::{CaaIntent, Estate, Issuer, Service, Zone, ZoneKey};
use crate::names::{DnsName, IssuerId, SanName, ServiceId};
use crate::time::Time;

/// What is known of our accounts at issuers, beyond the estate.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct KnownAccounts {
    /// The URI of our account at an issuer (RFC 8657, section 3).
    pub accounts: BTreeMap<IssuerId, BTreeSet<AccountUri>>,
    /// How control of a name is shown at an issuer (RFC 8657, section 4).
    pub methods: BTreeMap<IssuerId, BTreeSet<ValidationMethod>>,
}

/// What is suggested for one set of a zone: that of its apex, or one that is declared below it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ZoneSuggestion {
    /// The zone.
    pub zone: ZoneKey,
    /// Whose set it is.
    pub owner: DnsName,
    /// Each record of the suggested set and each that it drops.
    pub records: Vec<SuggestedRecord>,
    /// Who could issue before, and could not after.
    pub loses: Vec<Loss>,
}

/// One record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SuggestedRecord {
    /// What happens to it.
    pub edit: SuggestedEdit,
    /// The record.
    pub record: CaaRecord,
    /// Why, in a sentence.
    pub because: String,
}

/// What happens to a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum SuggestedEdit {
    /// It is there and stays.
    Keep,
    /// It is missing.
    Add,
    /// It is there and should go.
    Drop,
}

/// A service that could get a certificate before and could not after.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Loss {
    /// Whose.
    pub service: ServiceId,
    /// For which name.
    pub name: SanName,
    /// From whom.
    pub issuer: IssuerId,
}

/// What an estate's zones should publish, at their apex and wherever a set is declared below it, compared
/// with `current` where that is known, and else with what the estate intends today.
#[must_use]
pub fn suggest(
    estate: &Estate,
    known: &KnownAccounts,
    current: &BTreeMap<(ZoneKey, DnsName), Vec<CaaRecord>>,
) -> Vec<ZoneSuggestion> {
    let mut all = Vec::new();
    for (key, zone) in &estate.zones {
        let uses = uses(estate, key);
        for (owner, intent) in zone.caa_sets(key.name.apex()) {
            let now = current.get(&(key.clone(), owner.clone())).cloned();
            let now = now.unwrap_or_else(|| intent.records());
            let set = DeclaredSet { key, zone, owner, intent };
            all.push(match set.canary(estate) {
                Some(because) => set.kept(now, &because),
                None => suggest_set(estate, known, &set, &uses, &now),
            });
        }
    }
    all
}

/// A set that an estate declares.
struct DeclaredSet<'a> {
    key: &'a ZoneKey,
    zone: &'a Zone,
    owner: &'a DnsName,
    intent: &'a CaaIntent,
}

impl DeclaredSet<'_> {
    /// Whether it is the set that decides about a name of its zone.
    fn decides(&self, name: &SanName) -> bool {
        let below = name.dns().and_then(|name| self.zone.below_for(name));
        below.map_or(self.key.name.apex(), |(owner, _)| owner) == self.owner
    }

    /// Why it is as it is, where it is there for a canary: no service says what it should be.
    fn canary(&self, estate: &Estate) -> Option<String> {
        estate.issuers.iter().find_map(|(id, issuer)| {
            let names = issuer.canary.as_ref()?.names();
            let (sense, _) = names.into_iter().find(|(_, name)| *name == self.owner)?;
            Some(format!("the `{sense}` canary agreed with issuer `{id}` is sent for this name"))
        })
    }

    fn kept(&self, now: Vec<CaaRecord>, because: &str) -> ZoneSuggestion {
        let keep = |record| SuggestedRecord {
            edit: SuggestedEdit::Keep,
            record,
            because: because.to_owned(),
        };
        let records = now.into_iter().map(keep).collect();
        let (zone, owner) = (self.key.clone(), self.owner.clone());
        ZoneSuggestion { zone, owner, records, loses: Vec::new() }
    }
}

/// A name that somebody may want a certificate for, and from whom.
struct Use<'a> {
    service: &'a ServiceId,
    name: SanName,
    issuer: &'a IssuerId,
    by_envelope: bool,
}

fn suggest_set(
    estate: &Estate,
    known: &KnownAccounts,
    set: &DeclaredSet<'_>,
    of_zone: &[Use<'_>],
    now: &[CaaRecord],
) -> ZoneSuggestion {
    let uses: Vec<&Use<'_>> = of_zone.iter().filter(|one| set.decides(&one.name)).collect();
    let wanted = wanted(estate, known, set, &uses);
    let mut records: Vec<SuggestedRecord> = Vec::new();
    for (record, because) in &wanted {
        let there = now.iter().any(|one| same(one, record));
        let edit = if there { SuggestedEdit::Keep } else { SuggestedEdit::Add };
        records.push(SuggestedRecord { edit, record: record.clone(), because: because.clone() });
    }
    for record in now.iter().filter(|one| !wanted.iter().any(|(record, _)| same(record, one))) {
        records.push(SuggestedRecord {
            edit: SuggestedEdit::Drop,
            record: record.clone(),
            because: why_dropped(estate, &uses, record),
        });
    }
    let after: Vec<CaaRecord> = wanted.into_iter().map(|(record, _)| record).collect();
    let permitted = |set: &[CaaRecord], one: &Use<'_>| permits(set, estate, known, one);
    let loses = uses
        .iter()
        .filter(|one| permitted(now, one) && !permitted(&after, one))
        .map(|one| Loss {
            service: one.service.clone(),
            name: one.name.clone(),
            issuer: one.issuer.clone(),
        })
        .collect();
    ZoneSuggestion { zone: set.key.clone(), owner: set.owner.clone(), records, loses }
}

/// Who may want what in a zone: each service with a name there, from the issuers of its envelopes, or,
/// without one, from those that serve its environment and profiles.
fn uses<'a>(estate: &'a Estate, key: &ZoneKey) -> Vec<Use<'a>> {
    let mut all = Vec::new();
    for (id, service) in &estate.services {
        if service.view.is_some_and(|view| view != key.view) {
            continue;
        }
        for name in names_in(estate, service, key) {
            let enveloped: BTreeSet<&IssuerId> = service
                .envelopes
                .values()
                .filter(|envelope| envelope.names.contains(&name))
                .map(|envelope| &envelope.issuer)
                .collect();
            for (issuer, _) in estate.issuers.iter().filter(|(_, issuer)| serves(issuer, service)) {
                let by_envelope = enveloped.contains(issuer);
                if by_envelope || enveloped.is_empty() {
                    all.push(Use { service: id, name: name.clone(), issuer, by_envelope });
                }
            }
        }
    }
    all
}

/// A service's names that lie in the zone itself and not in one below it.
fn names_in(estate: &Estate, service: &Service, key: &ZoneKey) -> BTreeSet<SanName> {
    let below = service.below.iter().filter_map(|base| SanName::parse(base.as_str()).ok());
    // CAA says nothing about addresses (RFC 8738, section 4 names no such check).
    let is_here = |name: &SanName| {
        let zone = name.dns().and_then(|base| estate.zone_of(base, key.view));
        zone.is_some_and(|(zone, _)| zone == key)
    };
    service.names.iter().cloned().chain(below).filter(is_here).collect()
}

fn serves(issuer: &Issuer, service: &Service) -> bool {
    issuer.environments.contains(&service.environment)
        && service.profiles.iter().any(|profile| issuer.profiles.contains(profile))
}

/// The set that says it, each record with its reason.
fn wanted(
    estate: &Estate,
    known: &KnownAccounts,
    of: &DeclaredSet<'_>,
    uses: &[&Use<'_>],
) -> Vec<(CaaRecord, String)> {
    let plain: BTreeSet<&IssuerId> =
        uses.iter().filter(|one| !one.name.is_wildcard()).map(|one| one.issuer).collect();
    let wild: BTreeSet<&IssuerId> = uses
        .iter()
        .filter(|one| one.name.is_wildcard() && of.zone.limits.wildcard_allowed)
        .map(|one| one.issuer)
        .collect();
    let mut set = Vec::new();
    property(&mut set, "issue", &plain, estate, known, uses);
    if plain.is_empty() {
        let why =
            "no service of the estate wants a certificate for a name here, so nobody may issue";
        set.push((record("issue", ";"), why.to_owned()));
    }
    if wild.is_empty() {
        let why = if of.zone.limits.wildcard_allowed {
            "no service owns a wildcard name here"
        } else {
            "the zone's limits allow no wildcard name"
        };
        set.push((record("issuewild", ";"), why.to_owned()));
    } else if wild != plain {
        property(&mut set, "issuewild", &wild, estate, known, uses);
    }
    for value in &of.intent.iodef {
        set.push((record("iodef", value), "the estate wants reports there".to_owned()));
    }
    set
}

fn property(
    set: &mut Vec<(CaaRecord, String)>,
    tag: &str,
    issuers: &BTreeSet<&IssuerId>,
    estate: &Estate,
    known: &KnownAccounts,
    uses: &[&Use<'_>],
) {
    for id in issuers {
        let Some(issuer) = estate.issuers.get(*id) else { continue };
        let why = why_wanted(id, tag == "issuewild", uses);
        for domain in &issuer.caa_domains {
            for value in values(domain, id, known) {
                set.push((record(tag, &value), why.clone()));
            }
        }
    }
}

/// One value per account, or one for all where none is known.
fn values(domain: &str, id: &IssuerId, known: &KnownAccounts) -> Vec<String> {
    let methods =
        known.methods.get(id).filter(|all| !all.is_empty()).map_or_else(String::new, |all| {
            let all: Vec<&str> = all.iter().map(ValidationMethod::as_str).collect();
            format!("; validationmethods={}", all.join(","))
        });
    let accounts = known.accounts.get(id).filter(|all| !all.is_empty());
    accounts.map_or_else(
        || vec![format!("{domain}{methods}")],
        |all| all.iter().map(|uri| format!("{domain}; accounturi={uri}{methods}")).collect(),
    )
}

fn why_wanted(id: &IssuerId, wildcard: bool, uses: &[&Use<'_>]) -> String {
    let here = || uses.iter().filter(|one| one.issuer == id && one.name.is_wildcard() == wildcard);
    let services: BTreeSet<&ServiceId> = here().map(|one| one.service).collect();
    let named: Vec<String> = services.iter().take(3).map(|id| format!("`{id}`")).collect();
    let more = services.len().saturating_sub(named.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let how = if here().any(|one| one.by_envelope) { "by an envelope of" } else { "for" };
    format!("issuer `{id}` serves names here {how} {}{more}", named.join(", "))
}

fn why_dropped(estate: &Estate, uses: &[&Use<'_>], dropped: &CaaRecord) -> String {
    let value = super::value::IssueValue::read(&dropped.value).ok();
    let issuer = value.as_ref().and_then(|value| value.issuer.as_ref());
    let Some(domain) = issuer else {
        return "the suggested set says the same in other records, or it says nothing".to_owned();
    };
    let answers = |issuer: &Issuer| {
        issuer.caa_domains.iter().any(|own| own.eq_ignore_ascii_case(domain.as_str()))
    };
    match estate.issuers.iter().find(|(_, issuer)| answers(issuer)) {
        None => format!("no issuer of the estate answers to `{domain}`"),
        Some((id, _)) if uses.iter().any(|one| one.issuer == id) => {
            format!("issuer `{id}` is wanted under other conditions, which another record says")
        }
        Some((id, _)) => format!("no service here may use issuer `{id}`"),
    }
}

fn record(tag: &str, value: &str) -> CaaRecord {
    CaaRecord { flags: 0, tag: tag.as_bytes().to_vec(), value: value.as_bytes().to_vec() }
}

/// Records that say the same to every CA: tags compare without case.
fn same(one: &CaaRecord, other: &CaaRecord) -> bool {
    one.is_issuer_critical() == other.is_issuer_critical()
        && one.tag.eq_ignore_ascii_case(&other.tag)
        && one.value == other.value
}

/// Whether a set lets an issuer issue, as our own account there, by any way that is known.
fn permits(set: &[CaaRecord], estate: &Estate, known: &KnownAccounts, one: &Use<'_>) -> bool {
    let Some(issuer) = estate.issuers.get(one.issuer) else { return false };
    let domains = issuer.caa_domains.iter().filter_map(|domain| IssuerDomain::parse(domain).ok());
    let terms = CaaTerms::tls(domains);
    let or_none = |all: Vec<CaaTerms>, terms: &CaaTerms| {
        if all.is_empty() { vec![terms.clone()] } else { all }
    };
    let accounts = known.accounts.get(one.issuer).into_iter().flatten();
    let accounts =
        or_none(accounts.map(|uri| terms.clone().for_account(uri.clone())).collect(), &terms);
    let methods: Vec<&ValidationMethod> =
        known.methods.get(one.issuer).into_iter().flatten().collect();
    accounts.iter().any(|terms| {
        let by = methods.iter().map(|method| terms.clone().by_method((*method).clone())).collect();
        or_none(by, terms).iter().any(|terms| judged(set, &one.name, terms) == CaaOutcome::Allow)
    })
}

/// The judgement of a set as if it were found at the name.
fn judged(set: &[CaaRecord], name: &SanName, terms: &CaaTerms) -> CaaOutcome {
    let Some(base) = name.dns().cloned() else { return CaaOutcome::Allow };
    let asked = if name.is_wildcard() { CaaName::wildcard(base) } else { CaaName::plain(base) };
    let ClimbStep::Ask(asking) = climb(asked, PrivateTlds::reserved()) else {
        return CaaOutcome::Unknown;
    };
    if set.is_empty() {
        return CaaOutcome::Allow;
    }
    let source = Source { role: SourceRole::Authority, server: ([0, 0, 0, 0], 0).into() };
    let found = Found {
        records: set.to_vec(),
        ttl_seconds: 0,
        proof: Proof::Indeterminate,
        aliases: Vec::new(),
    };
    let sources = vec![SourceAnswer { source, answer: LookupAnswer::Records(found) }];
    match asking.answer(Time::from_unix_ms(0), sources) {
        ClimbStep::Finished(evidence) => evidence.judge(terms).outcome(),
        ClimbStep::Ask(_) => CaaOutcome::Unknown,
    }
}

impl CaaIntent {
    /// The records that the intent stands for.
    #[must_use]
    pub fn records(&self) -> Vec<CaaRecord> {
        let of = |tag: &'static str, values: &[String]| -> Vec<CaaRecord> {
            values.iter().map(|value| record(tag, value)).collect()
        };
        [of("issue", &self.issue), of("issuewild", &self.issuewild), of("iodef", &self.iodef)]
            .concat()
    }
}

impl fmt::Display for SuggestedEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keep => "keep",
            Self::Add => "add",
            Self::Drop => "drop",
        })
    }
}
