//! A store that was restored from a copy, with changes at every place of their way: what was approved and not
//! spent by then does nothing, and what was under way is a person's (P4, P18).

use std::sync::Arc;

use bailiwick_core::actor::{Actor, Component, SignedIn};
use bailiwick_core::change::{Approval, Change, Command, Next, Plan, Request};
use bailiwick_core::names::{ChangeId, PersonId};
use bailiwick_core::record::Batch;
use bailiwick_core::time::DAY_MS;

use super::scene::{self, Case, Kind};
use super::strikes::{At, Faulty, Goes, Strike};
use super::{nth, once};
use crate::app::App;
use crate::drive::changes::{drive, drive_with, look_again};

const KINDS: [Kind; 8] = [
    Kind::Issue,
    Kind::Revoke,
    Kind::Grant,
    Kind::End,
    Kind::Narrow,
    Kind::Edit,
    Kind::Rotate,
    Kind::EditAndGrant,
];

/// Where a driver was when the copy was made.
fn places() -> Vec<Vec<Strike>> {
    let back = once(At::Verify, Goes::Fails);
    vec![
        vec![once(At::Prepare, Goes::CrashBefore)],
        vec![once(At::Apply, Goes::CrashBefore)],
        vec![once(At::Apply, Goes::CrashAfter)],
        vec![once(At::Verify, Goes::CrashBefore)],
        vec![back, once(At::Undo, Goes::CrashBefore)],
        vec![back, once(At::Undo, Goes::CrashAfter)],
        vec![back, nth(At::Appended, Goes::CrashBefore, 2)],
    ]
}

/// Carried as far as a strike lets it come.
async fn left(app: &Arc<App>, kind: Kind, strikes: &[Strike]) -> Case {
    let case = Case::new(app, kind).await;
    let faulty = Faulty::new(app, strikes);
    let loaded = app.load_change(&case.id).await.unwrap();
    tokio::select! {
        biased;
        () = faulty.died.notified() => {}
        ended = drive_with(app, &faulty, loaded) => drop(ended),
    }
    case
}

/// A change that waits, with an approval or without one.
async fn waiting(app: &App, approved: bool) -> ChangeId {
    let id = ChangeId::parse(&app.world.id().unwrap()).unwrap();
    let (now, by) = (app.now(), Actor::Component(Component::Lab));
    let plan = Plan::of(bailiwick_core::change::Step::IssueCertificate(scene::certificate()));
    let request = Request {
        id: id.clone(),
        title: "a change that waits".to_owned(),
        reason: "a test".to_owned(),
        by: by.clone(),
        service: Some(scene::shop()),
        zones: Vec::new(),
        at: now,
    };
    let approval = Approval {
        by: SignedIn::alone(PersonId::parse("pia").unwrap()),
        teams: Vec::new(),
        of: plan.digest(),
        at: now,
        expires_at: now.plus_ms(DAY_MS),
        comment: String::new(),
    };
    let mut batch = Batch::default();
    let mut loaded = App::open_change(request, &mut batch);
    let expires_at = now.plus_ms(DAY_MS);
    let validate = Command::Validate { plan, prechecks: Vec::new(), expires_at };
    let approve = Command::Approve { approval: Some(approval), basis: None };
    for command in [Some(validate), approved.then_some(approve)].into_iter().flatten() {
        let events = loaded.change.decide(command, now).unwrap();
        App::add_events(&mut loaded, &mut batch, events, &by, now).unwrap();
    }
    app.commit(batch).await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restore_no_approval_counts_and_nothing_under_way_goes_on_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let opened = scene::open(folder.path()).await;
    let app = &opened.app;
    let mut cases = Vec::new();
    for kind in KINDS {
        for strikes in places() {
            let case = left(app, kind, &strikes).await;
            let change = app.load_change(&case.id).await.unwrap().change;
            let is_over = matches!(
                change.next(),
                Next::Finished | Next::AwaitPerson | Next::LookAgain { .. }
            );
            // Those about the estate and the issuer are about the same one, and alter it for each other.
            let is_shared = matches!(kind, Kind::Edit | Kind::EditAndGrant | Kind::Rotate);
            let before = if is_shared { None } else { Some(case.stands().await) };
            cases.push((format!("{kind:?} {strikes:?}"), case, before, is_over));
        }
    }
    let open = cases.iter().filter(|(.., is_over)| !is_over).count();
    assert!(open > 40, "only {open} were under way");
    let with_approval = waiting(app, true).await;
    let without = waiting(app, false).await;
    app.restored().await.unwrap();
    assert_eq!(app.store.restores().await.unwrap(), 1);
    let state = async |id: &ChangeId| app.load_change(id).await.unwrap().change;
    assert_eq!(state(&with_approval).await.name(), "refused");
    assert_eq!(state(&without).await.name(), "awaiting-approval");
    for (what, case, before, is_over) in &cases {
        let loaded = app.load_change(&case.id).await.unwrap();
        if *is_over {
            continue;
        }
        let Change::WithPerson(with) = &loaded.change else {
            panic!("{what}: {:#?}", loaded.change)
        };
        assert!(with.why.contains("restored from a copy"), "{what}: {}", with.why);
        assert!(app.live.get().estate().works_here(&with.person, app.now()), "{what}");
        // No driver does anything about it, and nothing was done by handing it over.
        let calm = Faulty::new(app, &[]);
        let change = look_again(app, &calm, loaded.clone()).await.unwrap();
        assert!(matches!(change, Change::WithPerson(_)), "{what}: {change:?}");
        let change = drive(app, loaded).await.unwrap();
        assert!(matches!(change, Change::WithPerson(_)), "{what}: {change:?}");
        if let Some(before) = before {
            assert_eq!(case.stands().await, *before, "{what}");
        }
    }
    let left = app.store.unfinished_changes(app.now(), 100).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
    // Said once more, nothing is left to void.
    app.restored().await.unwrap();
    assert_eq!(app.store.restores().await.unwrap(), 2);
    let differing = app.store.fsck().await.unwrap();
    assert!(differing.is_empty(), "{differing:#?}");
    app.store.close().await;
}

/// A commit takes 1,024 entries, and each of these adds one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_with_more_changes_than_one_commit_takes_is_settled() {
    let folder = tempfile::tempdir().unwrap();
    let opened = scene::open(folder.path()).await;
    let app = &opened.app;
    let mut all = Vec::new();
    for _ in 0..1_100 {
        all.push(waiting(app, true).await);
    }
    app.restored().await.unwrap();
    assert_eq!(app.store.restores().await.unwrap(), 1, "it is said once");
    for id in &all {
        assert_eq!(app.load_change(id).await.unwrap().change.name(), "refused");
        assert!(app.is_before_a_restore(id).await.unwrap(), "voiding it is no news of it");
    }
    assert!(app.store.fsck().await.unwrap().is_empty());
    app.store.close().await;
}
