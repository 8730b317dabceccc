//! An approval is for the world that it was given in: whatever changed until the first effect stops the
//! change, which says why, and nothing is done (TRW-2, P12).

use std::collections::BTreeMap;

use bailiwick_core::actor::{Actor, SignedIn};
use bailiwick_core::change::{Change, Next, Request, Step};
use bailiwick_core::estate::{DelegationSeen, Estate, Freeze, Pattern};
use bailiwick_core::names::{ChangeId, Digest, PersonId, TeamId};
use bailiwick_core::record::{Batch, Work};
use bailiwick_core::records::RRset;
use bailiwick_core::time::HOUR_MS;

use super::{At, Faulty, Goes, Scene, edits, nth, shop, zone};
use crate::drive::changes::drive;
use crate::drive::faults::scene::{approved, approved_for};

impl Scene {
    /// The estate is another one from here on.
    async fn edit_estate(&self, edit: impl FnOnce(&mut Estate)) {
        let live = self.app.live.get();
        let mut estate = live.estate().clone();
        edit(&mut estate);
        let octets = bailiwick_wire::estate::encode(&estate);
        let after = Digest::of(&octets);
        let work = vec![Work::PutEvidence { digest: after, kind: "estate/v1", octets }];
        let id = ChangeId::parse(&self.app.world.id().unwrap()).unwrap();
        let step = Step::EditEstate { before: live.digest, after };
        approved(&self.app, &id, &[step], work).await;
        let change = drive(&self.app, self.app.load_change(&id).await.unwrap()).await.unwrap();
        assert!(matches!(change, Change::Closed { .. }), "{change:?}");
    }

    /// A change that sam asked for and pia approved, and that nobody has begun to carry out.
    async fn of_sam(&self) -> ChangeId {
        let (planned, plan) = self.change().await;
        drop(planned);
        let by = Actor::Person(SignedIn::alone(PersonId::parse("sam").unwrap()));
        let id = ChangeId::parse(&self.app.world.id().unwrap()).unwrap();
        approved_for(&self.app, &id, by, plan.steps(), Vec::new()).await;
        id
    }

    /// It is not begun, and says why.
    async fn stops(&self, id: &ChangeId, words: &[&str]) {
        let change = self.drive(&Faulty::new(&self.app, &[]), id).await.unwrap();
        let Change::RolledBack { why, .. } = &change else { panic!("{change:#?}") };
        for word in words {
            assert!(why.contains(word), "`{word}` is not in: {why}");
        }
        assert!(matches!(change.next(), Next::Finished));
        let certificates = self.app.store.certificates_of_change(id).await.unwrap();
        assert!(certificates.is_empty() && self.outer.is_old(), "something was done");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trw_2_what_changed_after_the_approval_stops_the_change_before_its_first_effect() {
    let scene = Scene::new().await;
    let before = scene.app.live.get().estate().clone();
    let sam = PersonId::parse("sam").unwrap();
    let shop = TeamId::parse("shop").unwrap();

    // The zone was edited meanwhile, in a set that a later step would write.
    let id = scene.of_sam().await;
    let [caa, address] = edits();
    let theirs = RRset::new(0, [vec![203, 0, 113, 9]]);
    scene.outer.edit(&address, theirs.as_ref());
    scene
        .stops(&id, &["not as it was when this was approved", "Dana Deene (dns) has to look"])
        .await;
    assert!(scene.outer.shows(&address, theirs.as_ref()), "overwritten");
    assert!(scene.outer.shows(&caa, caa.before()), "begun");

    // The requester left the team that could ask.
    let id = scene.of_sam().await;
    scene.edit_estate(|estate| leave(estate, &shop, &sam)).await;
    scene.stops(&id, &["`sam`, who asked for it, could not ask for it any more"]).await;
    scene.edit_estate(|estate| *estate = before.clone()).await;

    // The requester left altogether.
    let id = scene.of_sam().await;
    let now = scene.app.now();
    scene
        .edit_estate(|estate| {
            leave(estate, &shop, &sam);
            estate.people.get_mut(&sam).unwrap().left = Some(now);
        })
        .await;
    scene.stops(&id, &["does not work here any more"]).await;
    scene.edit_estate(|estate| *estate = before.clone()).await;

    // The approver's yes does not count any more: another team owns the policy.
    let id = scene.of_sam().await;
    scene
        .edit_estate(|estate| {
            estate.zones.get_mut(&zone()).unwrap().policy_owner = TeamId::parse("dns").unwrap();
        })
        .await;
    scene.stops(&id, &["does not any more", "grant-needs-approval"]).await;
    scene.edit_estate(|estate| *estate = before.clone()).await;

    // A freeze was declared.
    let id = scene.of_sam().await;
    scene
        .edit_estate(|estate| {
            let freeze = Freeze {
                from: now,
                until: now.plus_ms(HOUR_MS),
                zones: std::iter::once(zone()).collect(),
                may_break: TeamId::parse("security").unwrap(),
                reason: "the sale".to_owned(),
            };
            estate.organisation.freezes.insert("sale".to_owned(), freeze);
        })
        .await;
    scene.stops(&id, &["freeze `sale` was declared meanwhile", "the sale"]).await;
    scene.edit_estate(|estate| *estate = before.clone()).await;

    // The delegation of the zone changed, and nobody decided that.
    let id = scene.of_sam().await;
    let seen = DelegationSeen::Changed("NS ns9.example".to_owned());
    let live = scene.app.live.get();
    scene.app.live.set(live.with_delegations(Some([(zone(), seen)].into_iter().collect())));
    scene.stops(&id, &["NS ns9.example", "delegation-changed"]).await;

    // How it stands is not read yet: nothing is begun, and nothing is over either.
    let id = scene.of_sam().await;
    scene.app.live.set(live.with_delegations(None));
    let loaded = scene.app.load_change(&id).await.unwrap();
    let change = drive(&scene.app, loaded).await.unwrap();
    assert!(matches!(change.next(), Next::Start { index: 0, .. }), "{change:#?}");
    let [caa, _] = edits();
    assert!(scene.outer.shows(&caa, caa.before()), "begun");
    scene.app.refresh_delegations().await.unwrap();

    // Nothing of it, and it is carried out.
    let change = scene.drive(&Faulty::new(&scene.app, &[]), &id).await.unwrap();
    assert!(matches!(change, Change::Closed { .. }), "{change:#?}");
}

/// Somebody else is on call and deputy from here on.
fn leave(estate: &mut Estate, team: &TeamId, person: &PersonId) {
    let other = PersonId::parse("sue").unwrap();
    let team = estate.teams.get_mut(team).unwrap();
    team.members.remove(person);
    (team.on_call, team.deputy) = (other.clone(), other);
}

/// What is issued after other steps is looked at in its own moment, and what was done before is undone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trw_2_what_changed_until_a_certificate_is_issued_stops_it_there() {
    let scene = Scene::new().await;
    let live = scene.app.live.get();
    let watched = |seen: DelegationSeen| Some([(zone(), seen)].into_iter().collect());
    let nobody_owns = |estate: &mut Estate| {
        estate.services.get_mut(&shop()).unwrap().ownership = None;
    };
    for said in ["delegation-changed", "ownership-unverified"] {
        let id = scene.of_sam().await;
        let struck = [nth(At::Prepare, Goes::CrashBefore, 2)];
        assert!(scene.drive(&Faulty::new(&scene.app, &struck), &id).await.is_none());
        let [caa, _] = edits();
        assert!(scene.outer.shows(&caa, caa.after()), "the records before it are there");
        if said == "delegation-changed" {
            let seen = DelegationSeen::Changed("NS ns9.example".to_owned());
            scene.app.live.set(live.with_delegations(watched(seen)));
        } else {
            scene.pretends(nobody_owns);
        }
        scene.stops(&id, &[said]).await;
        assert!(scene.outer.shows(&caa, caa.before()), "left behind");
        scene.app.live.set(live.with_delegations(watched(DelegationSeen::Unwatched)));
    }
    // The rules of issuing are asked before anything else is done, too.
    let id = scene.of_sam().await;
    scene.pretends(nobody_owns);
    scene.stops(&id, &["the rules of issuing forbid it now", "ownership-unverified"]).await;
}

/// A server that did not hear of another estate yet judges by the one that is in force, and what it judged by
/// another one is not stored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trw_2_an_approval_counts_only_under_the_estate_that_it_was_judged_by() {
    let scene = Scene::new().await;
    let before = scene.app.live.get().with_delegations(Some(BTreeMap::new()));
    let (_, plan) = scene.change().await;
    let request = Request {
        id: ChangeId::parse("stale").unwrap(),
        title: "a change".to_owned(),
        reason: "a test".to_owned(),
        by: Actor::Person(SignedIn::alone(PersonId::parse("sam").unwrap())),
        service: Some(shop()),
        zones: Vec::new(),
        at: scene.app.now(),
    };
    let id = request.id.clone();
    let asked = scene.app.submit(request, plan, Vec::new(), Batch::default()).await.unwrap();
    let Change::Awaiting(waiting) = &asked.change else { panic!("{:#?}", asked.change) };
    let sue = SignedIn::alone(PersonId::parse("sue").unwrap());
    let shown = *waiting.plan.digest().digest();
    // Another server puts an estate in force by which the shop does not decide any more.
    scene
        .edit_estate(|estate| {
            estate.zones.get_mut(&zone()).unwrap().pattern = Pattern::Central;
        })
        .await;
    let stale = before.with_delegations(Some(BTreeMap::new()));
    let verdict = scene.app.judge_change(&stale, waiting, &[], scene.app.now()).await.unwrap();
    let mut batch = Batch::default();
    let now = scene.app.now();
    scene.app.enough(&stale, waiting, None, &verdict, now, &mut batch).await.unwrap();
    assert!(!scene.app.commit_decided(batch).await.unwrap(), "a stale decision was stored");
    scene.app.live.set(before);
    let told = scene.app.approve(&sue, &id, shown, "").await.unwrap_err().to_string();
    assert!(told.contains("does not count here"), "{told}");
    let pia = SignedIn::alone(PersonId::parse("pia").unwrap());
    let approved = scene.app.approve(&pia, &id, shown, "").await.unwrap();
    assert_eq!(approved.change.name(), "executing");
}
