//! Canaries of the built-in CAs: the gate's own last look at CAA, asked for a permitted and for a
//! forbidden request of each declared set of each zone. Nothing is signed.

use std::collections::BTreeSet;

use bailiwick_core::caa::{CaaOutcome, CaaRecord};
use bailiwick_core::estate::{Issuer, IssuerKind, Zone, ZoneKey};
use bailiwick_core::names::{DnsName, IssuerId, SanName};
use bailiwick_core::record::{Batch, Entry, Fact};
use bailiwick_core::time::{DAY_MS, Time};
use bailiwick_core::watch::{
    Canaries, CanaryRun, Decided, Effective, Permitted, Picture, Stands, Vantage, changed_at,
    permitted_domains,
};
use bailiwick_store::CanaryRow;

use super::super::{App, Live};
use super::WATCH;
use crate::drive::caa::CaaSeen;
use crate::fault::Fault;

/// No set names this one (RFC 6761, section 6.4).
const STRANGER: &str = "canary.invalid";

/// The canaries of a built-in CA as far as they count for a zone: they are run for each of its declared
/// sets, and what went worst speaks for all.
pub(crate) fn of(
    stored: &[CanaryRow],
    (id, issuer): (&IssuerId, &Issuer),
    (key, zone): (&ZoneKey, &Zone),
) -> Canaries {
    if issuer.kind != IssuerKind::BuiltIn {
        return super::canaries::of(stored, id, issuer);
    }
    let apex = key.name.apex();
    let of_all = |permitted: bool| {
        let sets = zone.caa_sets(apex);
        let rows: Vec<_> =
            sets.map(|(owner, _)| newest(stored, (id, key), owner, permitted)).collect();
        let row = super::canaries::worst(&rows)?;
        let mut told = super::canaries::told(row);
        if row.run.name != *apex {
            told.says = format!("for {}: {}", row.run.name, told.says);
        }
        Some(told)
    };
    Canaries { agreed: true, home: None, allowed: of_all(true), forbidden: of_all(false) }
}

/// The newest of one set and sense.
fn newest<'a>(
    stored: &'a [CanaryRow],
    (id, key): (&IssuerId, &ZoneKey),
    owner: &DnsName,
    permitted: bool,
) -> Option<&'a CanaryRow> {
    let rows = stored.iter().filter(|row| row.run.issuer == *id && row.run.zone == *key);
    let rows = rows.filter(|row| row.run.permitted == permitted && row.run.name == *owner);
    rows.max_by_key(|row| row.at)
}

impl App {
    /// The canaries that count for a zone: those of the built-in CAs for its own sets, and all of each CA
    /// with which canaries are agreed, wherever its names lie.
    pub(super) async fn canaries_about(
        &self,
        live: &Live,
        key: &ZoneKey,
    ) -> Result<Vec<CanaryRow>, Fault> {
        let mut all = self.store.canaries_in_zone(key).await?;
        let issuers = live.estate().issuers.iter();
        for (id, _) in issuers.filter(|(_, issuer)| issuer.canary.is_some()) {
            all.retain(|row| row.run.issuer != *id);
            all.extend(self.store.canaries(Some(id)).await?);
        }
        Ok(all)
    }

    /// Asks the gate, for every built-in CA and declared set, where that was not done since policy or
    /// record last changed, or for a day. Whether it was.
    pub(super) async fn run_gate_canaries(
        &self,
        live: &Live,
        decided: &Decided<'_>,
        picture: &Picture,
        stored: &[CanaryRow],
    ) -> Result<bool, Fault> {
        let apex = decided.key.name.apex();
        if deciding_set(decided, picture, apex).is_none() {
            return Ok(false);
        }
        let changed = changed_at(decided, picture);
        let mut batch = Batch::default();
        for (id, issuer) in &decided.estate.issuers {
            if issuer.kind != IssuerKind::BuiltIn || !self.issuers.contains_key(id) {
                continue;
            }
            for (owner, _) in decided.zone.caa_sets(apex) {
                let Some(records) = deciding_set(decided, picture, owner) else { continue };
                let fresh = |permitted: bool| {
                    newest(stored, (id, decided.key), owner, permitted).is_some_and(|row| {
                        changed.is_none_or(|changed| row.at >= changed)
                            && self.now().ms_since(row.at) < DAY_MS
                            && row.run.stands != Stands::Unknown
                    })
                };
                if fresh(true) && fresh(false) {
                    continue;
                }
                let stranger = BTreeSet::from([STRANGER.to_owned()]);
                for (permitted, domains) in [(true, &issuer.caa_domains), (false, &stranger)] {
                    let expected = expected(records, domains);
                    let of = decided.key;
                    let run = self.ask_the_gate(live, of, owner, id, domains, permitted, expected);
                    let fact = Fact::CanaryTried(Box::new(run.await));
                    batch.entries.push(Entry { at: self.now(), by: WATCH, fact });
                }
            }
        }
        // The same answer again is no news; it is for the date on which it was given.
        let news = batch.entries.iter().any(|entry| is_news(&entry.fact, stored, self.now()));
        if !news {
            return Ok(false);
        }
        self.commit(batch).await?;
        Ok(true)
    }

    #[expect(clippy::too_many_arguments, reason = "a request to the gate has that many parts")]
    async fn ask_the_gate(
        &self,
        live: &Live,
        zone: &ZoneKey,
        name: &DnsName,
        issuer: &IssuerId,
        domains: &BTreeSet<String>,
        permitted: bool,
        expected: CaaOutcome,
    ) -> CanaryRun {
        let account = format!("{}canary", self.settings.account_url_prefix());
        let seen = match SanName::parse(name.as_str()) {
            Ok(san) => {
                let asked = [(san, Some("dns-01".to_owned()))];
                CaaSeen::look(self, live, domains, &account, &asked).await
            }
            Err(_) => CaaSeen::nothing(),
        };
        let who = domains.iter().next().map_or("nobody", String::as_str);
        let got = seen.decision();
        let did = match got {
            CaaOutcome::Allow => "let it pass",
            CaaOutcome::Deny => "refused it",
            CaaOutcome::Unknown => "could not decide, and refused it",
        };
        let (stands, says) = match (expected, got) {
            (CaaOutcome::Deny, CaaOutcome::Deny) | (CaaOutcome::Allow, CaaOutcome::Allow) => {
                (Stands::Holds, format!("the gate was asked as `{who}` and {did}"))
            }
            // Nothing forbids anything where there is no set: there is nothing to be shown.
            (CaaOutcome::Allow, _) if !permitted => {
                (Stands::Unknown, "nothing is forbidden there".to_owned())
            }
            (CaaOutcome::Deny, CaaOutcome::Allow) => (
                Stands::Fails,
                format!("the gate was asked as `{who}` and {did}, though CAA forbids it"),
            ),
            // An account or a method may be bound, and this canary has neither.
            (CaaOutcome::Allow, CaaOutcome::Deny) | (_, _) => (
                Stands::Unknown,
                format!("the gate was asked as `{who}` and {did}: {}", seen.refusal()),
            ),
        };
        CanaryRun {
            issuer: issuer.clone(),
            zone: zone.clone(),
            name: name.clone(),
            permitted,
            stands,
            says: says.chars().take(600).collect(),
            certificate: None,
            revoked: false,
            order: None,
            caa: None,
        }
    }
}

/// Whether a canary says something else than the one before it, or is its first in a day.
fn is_news(fact: &Fact, stored: &[CanaryRow], now: Time) -> bool {
    let Fact::CanaryTried(run) = fact else { return true };
    let before = stored.iter().find(|row| {
        row.run.issuer == run.issuer
            && row.run.zone == run.zone
            && row.run.name == run.name
            && row.run.permitted == run.permitted
    });
    before.is_none_or(|row| {
        (row.run.stands, &row.run.says) != (run.stands, &run.says)
            || run.stands != Stands::Unknown
            || now.ms_since(row.at) >= DAY_MS
    })
}

/// The set that decides about a name as the primary serves it; `None` where that is not known.
fn deciding_set<'a>(
    decided: &Decided<'_>,
    picture: &'a Picture,
    owner: &DnsName,
) -> Option<&'a [CaaRecord]> {
    let server =
        decided.zone.connector.as_ref().and_then(bailiwick_core::estate::Connector::server);
    let server = server.filter(|one| decided.zone.servers.contains(one));
    let server = server.or(decided.zone.servers.first().copied())?;
    match picture.effective(Vantage::authority(server), owner, decided.key.name.apex()) {
        Effective::Set(_, known) => known.seen.records(),
        Effective::Nothing => Some(&[]),
        Effective::Unknown => None,
    }
}

/// What has to come of a request by somebody who answers to these domains.
fn expected(records: &[CaaRecord], domains: &BTreeSet<String>) -> CaaOutcome {
    match permitted_domains(records) {
        Permitted::Everybody => CaaOutcome::Allow,
        Permitted::Only(named) => {
            let named = domains.iter().any(|one| named.contains(&one.to_ascii_lowercase()));
            if named { CaaOutcome::Allow } else { CaaOutcome::Deny }
        }
    }
}
