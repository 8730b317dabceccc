//! TRW-7: which sealed secrets a step or a chore opens, and which stay closed.

use std::collections::BTreeSet;

use bailiwick_core::actor::{Actor, SignedIn};
use bailiwick_core::change::{
    Change, Chore, Command, GRANT_MS, Grant, HeldKey, Prepared, RetireKey, RotateKey, Step,
    Warrant, over_with,
};
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::gate::SealedSecret;
use bailiwick_core::names::{ChangeId, DnsName, IssuerId, PersonId, SpkiHash};

use super::drive::approved;
use super::people::{START, change_id};
use super::plans::{Kind, REVERSIBLE, held, plan};

fn issuers() -> Vec<IssuerId> {
    ["house", "public", "other"].iter().map(|id| IssuerId::parse(id).unwrap()).collect()
}

fn zones() -> Vec<ZoneKey> {
    let all = ["shop.example", "shop.example/internal", "example", "op.example", "pay.example"];
    all.iter().map(|text| ZoneKey::parse(text).unwrap()).collect()
}

/// Secrets of every kind, of us and of others.
fn secrets(step: Option<&Step>) -> Vec<SealedSecret> {
    let mut all = vec![SealedSecret::WebhookKey, SealedSecret::SmtpPassword];
    let mut issuers = issuers();
    let mut zones = zones();
    let mut keys = vec![SpkiHash::of(b"another key")];
    let mut places = vec!["another".to_owned()];
    match step {
        Some(Step::IssueCertificate(issue)) => {
            issuers.push(issue.issuer.clone());
            keys.push(issue.key);
        }
        Some(Step::RevokeCertificate(revoke)) => issuers.push(revoke.issuer.clone()),
        Some(Step::RegisterAccount(account)) => issuers.push(account.issuer.clone()),
        Some(Step::PublishRecords(publish)) => zones.push(publish.zone.clone()),
        Some(Step::RotateKey(rotate)) => zones.extend(rotate.of.zone().cloned()),
        Some(Step::RetireKey(retire)) => zones.extend(retire.of.zone().cloned()),
        Some(Step::DeployCertificate(deploy)) => {
            keys.push(deploy.key);
            places.push(deploy.place.clone());
        }
        _ => {}
    }
    for issuer in issuers {
        all.push(SealedSecret::AccountKey(issuer.clone()));
        all.push(SealedSecret::NextAccountKey(issuer.clone()));
        all.push(SealedSecret::LastAccountKey(issuer.clone()));
        all.push(SealedSecret::BindingKey(issuer));
    }
    for zone in zones {
        all.push(SealedSecret::Tsig(zone.clone()));
        all.push(SealedSecret::NextTsig(zone.clone()));
        all.push(SealedSecret::LastTsig(zone.clone()));
        all.push(SealedSecret::ApiKey(zone.clone()));
        all.push(SealedSecret::NextApiKey(zone.clone()));
        all.push(SealedSecret::LastApiKey(zone.clone()));
        all.push(SealedSecret::TransferKey(zone));
    }
    all.extend(keys.iter().copied().map(SealedSecret::SubjectKey));
    all.extend(keys.into_iter().map(SealedSecret::SubjectRequest));
    let other = ChangeId::parse("another-change").unwrap();
    for place in places {
        all.push(SealedSecret::DeployedBefore(change_id(), place.clone()));
        all.push(SealedSecret::DeployedBefore(other.clone(), place));
    }
    all
}

/// What a step needs, told once more and apart.
fn needed(step: &Step) -> Vec<SealedSecret> {
    match step {
        Step::IssueCertificate(issue) => {
            let inside = |zone: &ZoneKey| {
                let apex = zone.name.to_string();
                issue.names.iter().filter_map(|name| name.dns()).any(|name| {
                    name.as_str() == apex || name.as_str().ends_with(&format!(".{apex}"))
                })
            };
            let zones = zones().into_iter().filter(|zone| inside(zone));
            let zones =
                zones.flat_map(|it| [SealedSecret::Tsig(it.clone()), SealedSecret::ApiKey(it)]);
            let account = SealedSecret::AccountKey(issue.issuer.clone());
            zones.chain([account, SealedSecret::SubjectRequest(issue.key)]).collect()
        }
        Step::RevokeCertificate(revoke) => vec![SealedSecret::AccountKey(revoke.issuer.clone())],
        Step::RegisterAccount(account) => vec![
            SealedSecret::AccountKey(account.issuer.clone()),
            SealedSecret::BindingKey(account.issuer.clone()),
        ],
        Step::PublishRecords(publish) => vec![
            SealedSecret::Tsig(publish.zone.clone()),
            SealedSecret::ApiKey(publish.zone.clone()),
        ],
        Step::DeployCertificate(deploy) => vec![
            SealedSecret::SubjectKey(deploy.key),
            SealedSecret::DeployedBefore(change_id(), deploy.place.clone()),
        ],
        Step::RotateKey(RotateKey { of: HeldKey::ZoneTsig(zone), .. })
        | Step::RetireKey(RetireKey { of: HeldKey::ZoneTsig(zone), .. }) => vec![
            SealedSecret::Tsig(zone.clone()),
            SealedSecret::NextTsig(zone.clone()),
            SealedSecret::LastTsig(zone.clone()),
        ],
        _ => Vec::new(),
    }
}

fn started(kind: Kind) -> (Change, Step) {
    let needs_issue = matches!(kind, Kind::Deploy | Kind::Served);
    let plan = match kind {
        Kind::Retire => plan(&[Kind::RotateKey, kind]),
        _ if needs_issue => plan(&[Kind::Issue, kind]),
        _ => plan(&[kind]),
    };
    let step = plan.steps().last().unwrap().clone();
    let mut log = approved(&plan);
    loop {
        let change = Change::replay(log.iter().cloned()).unwrap();
        let command = match change.next() {
            bailiwick_core::change::Next::Start { .. } => {
                Command::Start { prepared: Prepared::Nothing }
            }
            bailiwick_core::change::Next::Apply { step: due, .. } if *due == step => {
                return (change, step);
            }
            _ => Command::Report {
                outcome: bailiwick_core::change::Outcome::Done(
                    bailiwick_core::change::Receipt::Nothing,
                ),
                assignee: PersonId::parse("ada").unwrap(),
            },
        };
        let events = change.decide(command, START).unwrap();
        log.extend(events.into_iter().map(|event| (event, START)));
    }
}

#[test]
fn trw_7_a_step_opens_what_it_needs_and_nothing_else() {
    let mut opened = 0;
    for kind in REVERSIBLE.into_iter().chain([Kind::Revoke, Kind::Retire]) {
        let (change, step) = started(kind);
        let grant = Grant::mint(&change_id(), &change, START).unwrap();
        let (warrant, _, _) = grant.open(START).unwrap();
        assert_eq!(warrant.change(), Some(&change_id()));
        let needed: BTreeSet<SealedSecret> = needed(&step).into_iter().collect();
        for secret in secrets(Some(&step)) {
            let opens = warrant.opens(&secret, START);
            assert_eq!(opens, needed.contains(&secret), "{kind:?}: {secret:?}");
            assert!(!warrant.opens(&secret, START.plus_ms(GRANT_MS)), "after its end: {secret:?}");
            opened += usize::from(opens);
        }
        assert!(Warrant::to_begin(&change_id(), &change, START).is_none(), "it has begun");
    }
    assert!(opened >= 15, "{opened}");
}

#[test]
fn trw_7_chores_have_no_power_over_records_accounts_or_certificates() {
    let zone = ZoneKey::parse("shop.example").unwrap();
    let by = SignedIn::alone(PersonId::parse("dana").unwrap());
    let owner = DnsName::parse("_acme-challenge.www.shop.example").unwrap();
    let owners = BTreeSet::from([owner]);
    let internal = ZoneKey::parse("shop.example/internal").unwrap();
    let tsig = SealedSecret::Tsig;
    for (chore, needed, who) in [
        (
            Chore::ReadZone { zone: zone.clone(), by: Some(by.clone()) },
            vec![SealedSecret::TransferKey(zone.clone())],
            Actor::Person(by.clone()),
        ),
        (
            Chore::TryDoor { zone: zone.clone(), by: by.clone() },
            vec![
                tsig(zone.clone()),
                SealedSecret::ApiKey(zone.clone()),
                SealedSecret::TransferKey(zone.clone()),
            ],
            Actor::Person(by),
        ),
        (
            Chore::TakeAway { change: change_id(), owners },
            [zone, internal, ZoneKey::parse("example").unwrap()]
                .into_iter()
                .flat_map(|zone| [tsig(zone.clone()), SealedSecret::ApiKey(zone)])
                .collect(),
            Actor::Component(bailiwick_core::actor::Component::Driver),
        ),
        (
            Chore::Notify,
            vec![SealedSecret::WebhookKey, SealedSecret::SmtpPassword],
            Actor::Component(bailiwick_core::actor::Component::Driver),
        ),
    ] {
        let warrant = Warrant::to_do(chore.clone(), START);
        assert_eq!(warrant.by(), who, "{chore:?}");
        for secret in secrets(None) {
            assert_eq!(
                warrant.opens(&secret, START),
                needed.contains(&secret),
                "{chore:?}: {secret:?}"
            );
        }
    }
}

#[test]
fn trw_7_the_keys_of_a_change_are_over_with_it() {
    let (change, step) = started(Kind::Deploy);
    let Step::DeployCertificate(deploy) = step else { panic!("{step:?}") };
    let before = SealedSecret::DeployedBefore(change_id(), deploy.place.clone());
    let both = [SealedSecret::SubjectKey(deploy.key), before];
    assert_eq!(over_with(&change_id(), &change), both);
}

#[test]
fn trw_7_of_a_rotated_credential_the_next_and_the_last_are_over_with_the_change() {
    for kind in [Kind::RotateKey, Kind::Retire] {
        let (change, _) = started(kind);
        let of = held(0);
        assert_eq!(over_with(&change_id(), &change), [of.next(), of.last()], "{kind:?}");
    }
}
