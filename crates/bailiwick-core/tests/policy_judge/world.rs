//! A small organisation, built by hand, for the tests of the judge.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use bailiwick_core::certificate::{
    CertificateProfile, KeyKind, KeyPurpose, ProfileRules, RevocationPointers,
};
use bailiwick_core::estate::{
    ActiveEstate, AttestationKind, AuthorityPlan, CaaIntent, Duties, Environment, Estate,
    EstateHistory, Issuer, IssuerKind, Mode, Organisation, Ownership, Pattern, Person, Profile,
    Service, Team, View, Zone, ZoneClass, ZoneKey, ZoneLimits,
};
use bailiwick_core::names::{
    AccountId, ChangeId, EnvelopeId, IssuerId, PersonId, ProfileId, SanName, ServiceId, TeamId,
};
use bailiwick_core::policy::{
    AccountFacts, ApprovalFacts, AuthorFacts, CaaFact, EnvelopeApproval, EnvelopeFacts, Fact,
    Facts, FinalizeFacts, IssueAsked, IssueFacts, KeyFacts, PolicySet, SignIn, Stage, UsesLeft,
    ValidationMethod, Verdict, judge,
};
use bailiwick_core::time::{DAY_MS, Time};

pub(crate) const NOW: Time = Time::from_unix_seconds(1_790_000_000);

pub(crate) fn days_ago(days: i64) -> Time {
    NOW.plus_ms(-days * DAY_MS)
}

pub(crate) fn person(id: &str) -> PersonId {
    PersonId::parse(id).unwrap()
}

pub(crate) fn team(id: &str) -> TeamId {
    TeamId::parse(id).unwrap()
}

pub(crate) fn service(id: &str) -> ServiceId {
    ServiceId::parse(id).unwrap()
}

pub(crate) fn name(text: &str) -> SanName {
    SanName::parse(text).unwrap()
}

pub(crate) fn names(texts: &[&str]) -> BTreeSet<SanName> {
    texts.iter().map(|text| name(text)).collect()
}

pub(crate) fn zone(text: &str) -> ZoneKey {
    ZoneKey::parse(text).unwrap()
}

fn environments(words: &[&str]) -> BTreeSet<Environment> {
    words.iter().map(|word| Environment::parse(word).unwrap()).collect()
}

fn profiles(words: &[&str]) -> BTreeSet<ProfileId> {
    words.iter().map(|word| ProfileId::parse(word).unwrap()).collect()
}

fn a_team(unit: &str, members: &[&str], parts: &[&str]) -> Team {
    let members: BTreeSet<PersonId> = members.iter().map(|id| person(id)).collect();
    Team {
        unit: unit.to_owned(),
        on_call: members.first().cloned().unwrap_or_else(|| person("pia")),
        deputy: members.last().cloned().unwrap_or_else(|| person("sol")),
        members,
        parts: parts.iter().map(|id| team(id)).collect(),
    }
}

fn a_zone(pattern: Pattern) -> Zone {
    Zone {
        class: ZoneClass::CustomerFacing,
        pattern,
        mode: Mode::Enforce,
        policy_owner: team("pki"),
        operator: team("dns"),
        servers: Vec::new(),
        connector: None,
        transfer: None,
        caa: CaaIntent { issue: vec!["ca.bailiwick.example".to_owned()], ..CaaIntent::default() },
        caa_below: BTreeMap::new(),
        limits: ZoneLimits {
            names_per_certificate_max: 3,
            wildcard_allowed: false,
            lifetime_days_max: 90,
            ownership_days_max: 365,
        },
        gates: Vec::new(),
        delegation: None,
    }
}

fn a_service(names: &[&str], owner: &str) -> Service {
    Service {
        name: "a service".to_owned(),
        environment: Environment::parse("production").unwrap(),
        namespace: None,
        view: None,
        names: names.iter().map(|text| name(text)).collect(),
        below: BTreeSet::new(),
        duties: Duties {
            policy_owner: team(owner),
            operator: team(owner),
            integration_owner: team(owner),
        },
        ownership: Some(Ownership { verified_at: days_ago(10), by: person("pia") }),
        profiles: profiles(&["tls-server", "workload"]),
        workload: None,
        attested: BTreeMap::new(),
        deployments: BTreeMap::new(),
        relying_parties: BTreeMap::new(),
        envelopes: BTreeMap::new(),
    }
}

fn a_profile(id: &str, attested: Option<&str>) -> (ProfileId, Profile) {
    let id = ProfileId::parse(id).unwrap();
    let certificate = CertificateProfile {
        id: id.clone(),
        lifetime_seconds_max: 90 * 86_400,
        backdate_seconds: 300,
        purposes: BTreeSet::from([KeyPurpose::ServerAuth]),
        keys_allowed: BTreeSet::from([KeyKind::EcdsaP256, KeyKind::Rsa]),
        rsa_bits_min: 2048,
        names_max: 10,
        wildcard_allowed: true,
        revocation: RevocationPointers { crl: true, ocsp: false },
        workload_uri: false,
        rules: ProfileRules::Private,
    };
    let attestation_required = attested.map(|word| AttestationKind::parse(word).unwrap());
    let environments = environments(&["production", "staging"]);
    (id, Profile { certificate, environments, attestation_required })
}

/// Teams: security (pia, sol) owns control and holds pki; dns (dana, dov); shop (sam, sue);
/// payments (pat, pam); audit (ada, abe).
pub(crate) fn estate() -> Estate {
    let people = ["pia", "sol", "dana", "dov", "sam", "sue", "pat", "pam", "ada", "abe"];
    let a_person =
        |id: &str| Person { name: id.to_owned(), email: format!("{id}@corp.example"), left: None };
    let (tls_server, tls_server_profile) = a_profile("tls-server", None);
    let (workload, workload_profile) = a_profile("workload", Some("host-key"));
    Estate {
        organisation: Organisation {
            name: "Example Trading".to_owned(),
            control_owner: team("security"),
            auditors: Some(team("audit")),
            administrators: BTreeSet::from([person("dana")]),
            freezes: BTreeMap::new(),
            vantages: BTreeMap::new(),
        },
        people: people.iter().map(|id| (person(id), a_person(id))).collect(),
        teams: BTreeMap::from([
            (team("security"), a_team("security", &[], &["pki"])),
            (team("pki"), a_team("security", &["pia", "sol"], &[])),
            (team("dns"), a_team("infrastructure", &["dana", "dov"], &[])),
            (team("shop"), a_team("trading", &["sam", "sue"], &[])),
            (team("payments"), a_team("trading", &["pat", "pam"], &[])),
            (team("audit"), a_team("audit", &["abe", "ada"], &[])),
        ]),
        zones: BTreeMap::from([
            (zone("shop.example"), a_zone(Pattern::ServiceTeam)),
            (zone("pay.example"), a_zone(Pattern::Central)),
            (zone("corp.example/internal"), a_zone(Pattern::Shared)),
        ]),
        services: BTreeMap::from([
            (
                service("shop-web"),
                a_service(&["www.shop.example", "shop.example", "api.shop.example"], "shop"),
            ),
            (service("pay-api"), a_service(&["api.pay.example"], "payments")),
            (
                service("intranet"),
                Service {
                    view: Some(View::Internal),
                    ..a_service(&["intra.corp.example"], "shop")
                },
            ),
        ]),
        issuers: BTreeMap::from([(
            IssuerId::parse("house").unwrap(),
            Issuer {
                upstream: None,
                canary: None,
                kind: IssuerKind::BuiltIn,
                caa_domains: BTreeSet::from(["ca.bailiwick.example".to_owned()]),
                environments: environments(&["production", "staging"]),
                profiles: profiles(&["tls-server", "workload"]),
                authority: AuthorityPlan::default(),
            },
        )]),
        profiles: BTreeMap::from([(tls_server, tls_server_profile), (workload, workload_profile)]),
        attestors: BTreeMap::new(),
        exceptions: BTreeMap::new(),
        stand_ins: BTreeMap::new(),
        policies: BTreeMap::new(),
    }
}

/// The estate in force since a hundred days ago, whose delegations nobody looks at.
pub(crate) fn active(estate: Estate) -> ActiveEstate {
    let history = EstateHistory::default().advance(None, &estate, days_ago(100));
    ActiveEstate::new(estate, history).with_delegations(Some(BTreeMap::new()))
}

/// The default policies, compiled once.
pub(crate) fn policies() -> &'static PolicySet {
    static POLICIES: OnceLock<PolicySet> = OnceLock::new();
    POLICIES.get_or_init(|| compile(&[]))
}

pub(crate) fn compile(own: &[(&str, &str)]) -> PolicySet {
    let own = own.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
    PolicySet::compile(&own).unwrap_or_else(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"))
    })
}

pub(crate) fn account(of: &str) -> AccountFacts {
    AccountFacts {
        id: AccountId::parse("acct-1").unwrap(),
        usable: Fact::Known(true),
        service: Fact::Known(service(of)),
        environment: Fact::Known(Environment::parse("production").unwrap()),
        namespace: Fact::Known(None),
        attestations: Fact::Known(BTreeSet::new()),
    }
}

pub(crate) fn finalize(names: &BTreeSet<SanName>) -> Stage {
    let validated = names.iter().map(|name| (name.clone(), ValidationMethod::Http01)).collect();
    Stage::Finalize(FinalizeFacts {
        key: Fact::Known(KeyFacts { kind: KeyKind::EcdsaP256, bits: 256 }),
        validated: Fact::Known(validated),
        caa: Fact::Known(CaaFact::NotYet),
    })
}

/// An order of `of` for `texts`, with the CSR there.
pub(crate) fn order_in(active: &ActiveEstate, of: &str, texts: &[&str]) -> IssueFacts {
    let names = names(texts);
    IssueFacts::gather(
        active,
        IssueAsked {
            now: NOW,
            account: account(of),
            names: &names,
            issuer: &IssuerId::parse("house").unwrap(),
            profile: &ProfileId::parse("tls-server").unwrap(),
            lifetime_seconds: Fact::Known(90 * 86_400),
            envelope: Fact::Known(None),
            attested: Fact::Known(None),
            stage: finalize(&names),
        },
    )
}

pub(crate) fn order(of: &str, texts: &[&str]) -> IssueFacts {
    order_in(&active(estate()), of, texts)
}

/// An envelope for the order, approved by pia of pki.
pub(crate) fn envelope_for(order: &IssueFacts) -> EnvelopeFacts {
    EnvelopeFacts {
        id: EnvelopeId::parse("env-1").unwrap(),
        service: order.service.known().unwrap().id.clone(),
        names: order.names.iter().map(|it| it.name.clone()).collect(),
        issuer: IssuerId::parse("house").unwrap(),
        profiles: profiles(&["tls-server"]),
        account: None,
        granted_at: days_ago(5),
        until: NOW.plus_ms(DAY_MS),
        uses_left: Fact::Known(UsesLeft::Unlimited),
        approvals: Fact::Known(vec![EnvelopeApproval {
            person: person("pia"),
            teams: BTreeSet::from([team("pki"), team("security")]),
            independent: true,
        }]),
    }
}

pub(crate) fn ask(facts: IssueFacts) -> Verdict {
    judge(policies(), &Facts::Issue(facts))
}

pub(crate) fn signed_in(id: &str) -> SignIn {
    SignIn { person: person(id), chain: BTreeSet::new() }
}

pub(crate) fn author(id: &str) -> AuthorFacts {
    AuthorFacts::person(&estate(), &signed_in(id), NOW)
}

pub(crate) fn approvals(ids: &[&str]) -> Vec<ApprovalFacts> {
    ids.iter().map(|id| ApprovalFacts::person(&estate(), &signed_in(id), NOW)).collect()
}

pub(crate) fn change_id() -> ChangeId {
    ChangeId::parse("change-1").unwrap()
}
