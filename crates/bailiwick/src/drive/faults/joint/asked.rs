//! What is asked before a change is asked for, and of whom: the zone that is written is asked, and the rules of
//! issuing hold whoever approves (MIS-2, TRW-6).

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::actor::{Actor, SignedIn};
use bailiwick_core::change::planner::of_zone;
use bailiwick_core::change::{Approval, Awaiting, Plan, Precheck, Request, Step};
use bailiwick_core::estate::{AttestationKind, Estate, Pattern, View, ZoneKey};
use bailiwick_core::names::{ChangeId, PersonId, SanName};
use bailiwick_core::records::RecordType;
use bailiwick_core::time::{DAY_MS, HOUR_MS};

use super::{Scene, edit, shop, zone};
use crate::app::{Asking, Live, Wish};

impl Scene {
    /// Another estate is in force in this process, and the store says nothing against it.
    pub(super) fn pretends(&self, edit: impl FnOnce(&mut Estate)) {
        let live = self.app.live.get();
        let mut estate = live.estate().clone();
        edit(&mut estate);
        let seen = Some(BTreeMap::new());
        let live = Live::new(estate, live.history().clone(), live.digest, seen).unwrap();
        self.app.live.set(live);
    }

    async fn refusal(&self, file: &str) -> String {
        let wish = Wish { file, csr: None };
        self.app.propose(&asking(), wish).await.map(drop).unwrap_err().to_string()
    }

    /// What the check of the rules of issuing saw for a certificate of these names.
    async fn issuing(&self, name: &str, days: u32) -> Precheck {
        let file = format!(
            "service = \"shop-web\"\n[certificate]\nissuer = \"house\"\nprofile = \"tls-server\"\n\
             names = [\"{name}\"]\ncaa = false\nlifetime_days = {days}\n"
        );
        let proposal = self.app.propose(&asking(), Wish { file: &file, csr: None }).await.unwrap();
        let mut all = proposal.prechecks.into_iter();
        all.find(|one| one.name == "issuing-allowed").unwrap()
    }
}

fn by(person: &str) -> SignedIn {
    SignedIn::alone(PersonId::parse(person).unwrap())
}

fn asking() -> Asking {
    Asking { by: by("sam"), session: None, token: None }
}

/// The shop lives outside, and corp.example is there in both views: the internal one is not the shop's.
fn two_views(estate: &mut Estate) {
    let outside = estate.zones[&zone()].clone();
    estate.zones.insert(ZoneKey::parse("corp.example").unwrap(), outside.clone());
    estate.zones.insert(ZoneKey::parse("sub.shop.example").unwrap(), outside);
    let service = estate.services.get_mut(&shop()).unwrap();
    service.view = Some(View::External);
    service.names.insert(SanName::parse("www.corp.example").unwrap());
    service.names.insert(SanName::parse("sub.shop.example").unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trw_6_records_go_into_the_zone_that_holds_the_name_and_no_other() {
    let scene = Scene::new().await;
    scene.pretends(two_views);
    for (owner, kind, value, zone, holds) in [
        ("www.corp.example", "A", "192.0.2.9", "corp.example/internal", "corp.example"),
        ("sub.shop.example", "NS", "ns.elsewhere.example.", "shop.example", "sub.shop.example"),
        ("www.shop.example", "A", "192.0.2.9", "pay.example", "shop.example"),
    ] {
        let file = format!(
            "service = \"shop-web\"\n[[records]]\nzone = \"{zone}\"\nname = \"{owner}\"\n\
             type = \"{kind}\"\nvalues = [\"{value}\"]\n"
        );
        let said = scene.refusal(&file).await;
        let wanted = format!("`{owner}` belongs to zone `{holds}`, not to `{zone}`");
        assert!(said.contains(&wanted), "{said}");
    }
}

/// Were such a plan there all the same, the owner of the zone that it writes would be asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trw_6_whoever_answers_for_the_zone_that_a_plan_writes_is_asked() {
    let scene = Scene::new().await;
    scene.pretends(two_views);
    let now = scene.app.now();
    let address = edit("www.corp.example", RecordType::A, &[1], &[2]);
    for (key, allowed) in [("corp.example", true), ("corp.example/internal", false)] {
        let key = ZoneKey::parse(key).unwrap();
        let plan = of_zone(&key, vec![address.clone()], "a test".to_owned(), 60).unwrap();
        let steps: Vec<Step> = plan.steps().iter().cloned().map(of_shop).collect();
        let plan = Plan::new(steps).unwrap();
        let request = Request {
            id: ChangeId::parse("asked").unwrap(),
            title: "a test".to_owned(),
            reason: "a test".to_owned(),
            by: Actor::Person(by("sam")),
            service: Some(shop()),
            zones: Vec::new(),
            at: now,
        };
        let approval = Approval {
            by: by("sue"),
            teams: Vec::new(),
            of: plan.digest(),
            at: now,
            expires_at: now.plus_ms(DAY_MS),
            comment: String::new(),
        };
        let (prechecks, expires_at) = (Vec::new(), now.plus_ms(HOUR_MS));
        let approvals = vec![approval];
        let waiting = Awaiting { request, plan, prechecks, expires_at, approvals };
        let live = scene.app.live.get();
        let verdict = scene.app.judge_change(&live, &waiting, &waiting.approvals, now).await;
        let verdict = verdict.unwrap();
        assert_eq!(verdict.allows(), allowed, "{key}: {:#?}", verdict.reasons());
    }
}

/// The step as one of a change of the shop.
fn of_shop(step: Step) -> Step {
    let mut step = step;
    if let Step::PublishRecords(publish) = &mut step {
        publish.service = Some(shop());
    }
    if let Step::AwaitPropagation(wait) = &mut step {
        wait.service = Some(shop());
    }
    step
}

/// An edit of the estate, and the rule that forbids a certificate then.
type Case = (fn(&mut Estate), &'static str, &'static str, bool);

const OWN: &str = "@id(\"own\") @grantable(\"zone.policy_owner\") @fact(\"not today\") \
    @remedy(\"wait\") forbid (principal, action == Action::\"issue\", resource) \
    when { context has csr && context.csr has key_kind && context.csr.key_kind == \"ecdsa-p256\" };";

const CASES: [Case; 10] = [
    (|_| {}, "www.shop.example", "no rule forbids it", true),
    (
        |estate| estate.zones.get_mut(&zone()).unwrap().pattern = Pattern::Central,
        "www.shop.example",
        "no rule forbids it",
        true,
    ),
    (|_| {}, "intra.corp.example", "rule san-outside-policy", false),
    (
        |estate| estate.services.get_mut(&shop()).unwrap().ownership = None,
        "www.shop.example",
        "rule ownership-unverified",
        false,
    ),
    (
        |estate| estate.services.get_mut(&shop()).unwrap().profiles.clear(),
        "www.shop.example",
        "rule profile-not-allowed",
        false,
    ),
    (
        |estate| estate.issuers.values_mut().for_each(|it| it.profiles.clear()),
        "www.shop.example",
        "rule issuer-not-allowed",
        false,
    ),
    (
        |estate| estate.issuers.values_mut().for_each(|it| it.environments.clear()),
        "www.shop.example",
        "rule environment-mismatch",
        false,
    ),
    (
        |estate| {
            let kind = AttestationKind::parse("workload").unwrap();
            estate
                .profiles
                .values_mut()
                .for_each(|it| it.attestation_required = Some(kind.clone()));
        },
        "www.shop.example",
        "rule attestation-missing",
        false,
    ),
    (
        |estate| {
            let star = BTreeSet::from([SanName::parse("*.shop.example").unwrap()]);
            estate.services.get_mut(&shop()).unwrap().names = star;
        },
        "*.shop.example",
        "is a wildcard, and zone `shop.example` allows none",
        false,
    ),
    (
        |estate| {
            estate.policies.insert("policies/own.cedar".to_owned(), OWN.to_owned());
        },
        "www.shop.example",
        "not today (rule own)",
        false,
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mis_2_the_rules_of_issuing_hold_for_a_certificate_that_people_approve() {
    let scene = Scene::new().await;
    let before = scene.app.live.get().estate().clone();
    for (edit, name, said, holds) in CASES {
        scene.pretends(|estate| {
            *estate = before.clone();
            edit(estate);
        });
        let check = scene.issuing(name, 90).await;
        assert!(check.holds == holds && check.saw.contains(said), "{name} {said}: {check:?}");
    }
    // Who can mend it is named; what is forbidden cannot be asked for.
    scene.pretends(|estate| {
        *estate = before.clone();
        estate.services.get_mut(&shop()).unwrap().ownership = None;
    });
    let check = scene.issuing("www.shop.example", 90).await;
    assert_eq!(check.assignee.map(|it| it.to_string()).as_deref(), Some("sam"));
    // A zone that allows less than the profile is asked for no more.
    scene.pretends(|estate| {
        *estate = before.clone();
        estate.zones.get_mut(&zone()).unwrap().limits.lifetime_days_max = 7;
    });
    let check = scene.issuing("www.shop.example", 90).await;
    assert!(check.holds, "{check:?}");
}
