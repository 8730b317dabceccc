//! Every fault at every effect of every real step type, with the real driver, store and CA: each change
//! ends exactly before, exactly after, or with a named person (promise P2).

#[expect(clippy::wildcard_enum_match_arm, reason = "what a mischief does not touch stays as it is")]
mod ca;
mod delegations;
mod emergency;
mod joint;
mod keys;
mod notices;
mod registration;
mod restored;
mod scene;
mod strikes;
mod watched;
mod written;

use std::collections::BTreeSet;
use std::sync::Arc;

use bailiwick_core::actor::SignedIn;
use bailiwick_core::change::{Change, Event, Receipt};
use bailiwick_core::ledger::LeafIndex;
use bailiwick_core::record::Fact;
use bailiwick_wire::ledger::{Trust, VerifierKey};

use super::changes::{drive, drive_with};
use crate::app::App;
use crate::fault::Fault;
use scene::{Case, Kind, Stands};
use strikes::{At, Faulty, Goes, Strike, When};

const fn once(at: At, goes: Goes) -> Strike {
    nth(at, goes, 0)
}

const fn nth(at: At, goes: Goes, visit: usize) -> Strike {
    Strike { at, goes, when: When::Nth(visit) }
}

const fn always(at: At, goes: Goes) -> Strike {
    Strike { at, goes, when: When::Always }
}

/// How a change has to end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Ends {
    Closed,
    RolledBack,
    WithPerson,
}

/// Carries a case out under strikes, then as after a restart, and checks how it ends. What is `lasting` goes
/// wrong after the restart as well. Says whether all the strikes struck.
async fn run(
    app: &Arc<App>,
    kind: Kind,
    (lasting, strikes): (&[Strike], &[Strike]),
    ends: Ends,
) -> bool {
    let case = Case::new(app, kind).await;
    let what = format!("{kind:?} {lasting:?} {strikes:?}");
    assert_eq!(case.stands().await, Stands::Before, "{what}: the scene is not set");
    let all = [lasting, strikes].concat();
    let first = Faulty::new(app, &all);
    let loaded = app.load_change(&case.id).await.unwrap();
    tokio::select! {
        biased;
        () = first.died.notified() => {}
        ended = drive_with(app, &first, loaded) => {
            assert!(matches!(ended, Ok(_) | Err(Fault::Busy { .. })), "{what}: {ended:?}");
        }
    }
    // As after a restart: nothing is known but what is stored.
    app.refresh_live().await.unwrap();
    app.refresh_issuers().await.unwrap();
    let second = Faulty::new(app, lasting);
    let loaded = app.load_change(&case.id).await.unwrap();
    let change = drive_with(app, &second, loaded).await.unwrap();
    app.refresh_crls().await.unwrap();
    let mut struck = first.struck();
    for (one, again) in struck.iter_mut().zip(second.struck()) {
        *one |= again;
    }
    let all_struck = struck.iter().all(|one| *one);
    if all_struck {
        check(app, &case, &change, ends, &what).await;
    }
    all_struck
}

async fn check(app: &Arc<App>, case: &Case, change: &Change, ends: Ends, what: &str) {
    let stands = case.stands().await;
    match (change, ends) {
        (Change::Closed { .. }, Ends::Closed) => assert_eq!(stands, Stands::After, "{what}"),
        (Change::RolledBack { .. }, Ends::RolledBack) => {
            assert_eq!(stands, Stands::Before, "{what}");
        }
        (Change::WithPerson(with), Ends::WithPerson) => {
            let live = app.live.get();
            assert!(live.estate().works_here(&with.person, app.now()), "{what}: {}", with.person);
            assert!(!with.why.is_empty(), "{what}");
            // That person says how it stands, and then it is over.
            let by = SignedIn::alone(with.person.clone());
            let note = "I looked";
            let carried_out = stands == Stands::After;
            let over = app.resolve(&by, &case.id, carried_out, note).await.unwrap();
            let over = over.change.name();
            assert_eq!(over, if carried_out { "closed" } else { "rolled-back" }, "{what}");
        }
        _ => panic!("{what}: ended as {}, not {ends:?}: {change:#?}", change.name()),
    }
    let again = drive(app, app.load_change(&case.id).await.unwrap()).await.unwrap();
    assert!(matches!(again.next(), bailiwick_core::change::Next::Finished), "{what}: {again:?}");
}

/// Where nothing is lost: what dies or is done twice is carried on.
async fn forward(app: &Arc<App>, kind: Kind) {
    for (at, goes) in [
        (At::Prepare, Goes::CrashBefore),
        (At::Prepare, Goes::CrashAfter),
        (At::Apply, Goes::CrashBefore),
        (At::Apply, Goes::CrashAfter),
        (At::Apply, Goes::LostWithEffect),
        (At::Apply, Goes::LostWithoutEffect),
        (At::Apply, Goes::Twice),
        (At::Verify, Goes::CrashBefore),
        (At::Verify, Goes::CrashAfter),
        (At::Verify, Goes::LostWithEffect),
        (At::Verify, Goes::LostWithoutEffect),
        (At::Verify, Goes::Twice),
    ] {
        assert!(
            run(app, kind, (&[], &[once(at, goes)]), Ends::Closed).await,
            "{kind:?} {at:?} {goes:?}"
        );
    }
}

/// Where a driver dies between two effects, or cannot store what it did: at each turn of the way that
/// `strikes` leads along.
async fn between(app: &Arc<App>, kind: Kind, way: &[Strike], ends: Ends) {
    for (at, goes) in [
        (At::Append, Goes::CrashBefore),
        (At::Append, Goes::Fails),
        (At::Appended, Goes::CrashBefore),
    ] {
        let mut turns = 0;
        while run(app, kind, (way, &[nth(at, goes, turns)]), ends).await {
            turns += 1;
        }
        assert!(turns >= 2, "{kind:?}: {at:?} {goes:?} struck {turns} times");
    }
}

/// What nothing of ours takes back is a person's once it may have happened.
fn undone(kind: Kind) -> Ends {
    if kind == Kind::Revoke { Ends::WithPerson } else { Ends::RolledBack }
}

/// Where it turns back.
async fn back(app: &Arc<App>, kind: Kind) {
    let undone = undone(kind);
    for (strike, ends) in [
        (once(At::Prepare, Goes::Fails), Ends::RolledBack),
        (once(At::Apply, Goes::Fails), Ends::RolledBack),
        (always(At::Apply, Goes::LostWithEffect), undone),
        (always(At::Apply, Goes::LostWithoutEffect), undone),
        (once(At::Verify, Goes::Fails), undone),
        (always(At::Verify, Goes::LostWithoutEffect), undone),
    ] {
        assert!(run(app, kind, (&[], &[strike]), ends).await, "{kind:?} {strike:?}");
    }
    for why in [once(At::Verify, Goes::Fails), always(At::Apply, Goes::LostWithEffect)] {
        for (undo, ends) in [
            (once(At::Undo, Goes::Fails), undone),
            (once(At::Undo, Goes::CrashBefore), undone),
            (once(At::Undo, Goes::CrashAfter), undone),
            (once(At::Undo, Goes::LostWithEffect), undone),
            (once(At::Undo, Goes::LostWithoutEffect), undone),
            (once(At::Undo, Goes::Twice), undone),
            (always(At::Undo, Goes::Fails), Ends::WithPerson),
            (always(At::Undo, Goes::LostWithEffect), Ends::WithPerson),
            (always(At::Undo, Goes::LostWithoutEffect), Ends::WithPerson),
        ] {
            assert!(run(app, kind, (&[], &[why, undo]), ends).await, "{kind:?} {why:?} {undo:?}");
        }
    }
}

/// Two drivers take the same change up at the same moment.
async fn doubled(app: &Arc<App>, kind: Kind) {
    let case = Case::new(app, kind).await;
    let loaded = app.load_change(&case.id).await.unwrap();
    let (one, other) = futures::join!(drive(app, loaded.clone()), drive(app, loaded));
    let lost = |result: &Result<Change, Fault>| matches!(result, Err(Fault::Conflict { .. }));
    assert!(one.is_ok() || other.is_ok(), "{kind:?}: {one:?} {other:?}");
    assert!(lost(&one) || lost(&other), "{kind:?}: {one:?} {other:?}");
    let change = app.load_change(&case.id).await.unwrap().change;
    check(app, &case, &change, Ends::Closed, &format!("{kind:?} with two drivers")).await;
}

/// The ledger explains every row, every leaf is in place, every certificate was intended before it was
/// signed, and a start finds nothing left to do.
async fn sound(app: &App) {
    sound_but_for_people(app).await;
    let left = app.store.unfinished_changes(app.now(), 100).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}

/// Where nothing was issued: rows and leaves, and nothing left to do.
async fn rows_are_sound(app: &App) {
    let differing = app.store.fsck().await.unwrap();
    assert!(differing.is_empty(), "{differing:#?}");
    let left = app.store.unfinished_changes(app.now(), 100).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}

/// Trust in the key that the first leaf names.
async fn trust(app: &App) -> Trust {
    let zero = LeafIndex::new(0).unwrap();
    let first = app.store.entry(zero).await.unwrap().unwrap();
    let Fact::InstallationStarted { verifier_key, .. } = first.fact else { panic!("{first:?}") };
    Trust::in_key(VerifierKey::parse(&verifier_key).unwrap()).unwrap()
}

/// The same, with changes left over that wait for a person.
async fn sound_but_for_people(app: &App) {
    let differing = app.store.fsck().await.unwrap();
    assert!(differing.is_empty(), "{differing:#?}");
    let audited = app.store.audit(&trust(app).await, Vec::new()).await.unwrap();
    assert!(audited.is_sound(), "{:?} {:?}", audited.report.finding, audited.rows);
    let size = app.store.head().await.unwrap().size.get();
    let (mut intended, mut issued) = (BTreeSet::new(), 0);
    for index in 0..size {
        let entry = app.store.entry(LeafIndex::new(index).unwrap()).await.unwrap().unwrap();
        let Fact::Change { event, .. } = entry.fact else { continue };
        intended.extend(scene::intended(&event));
        if let Event::StepDone { receipt: Receipt::Issued(certificate), .. } = event.as_ref() {
            issued += 1;
            assert!(intended.contains(&certificate.serial), "entry {index} was not intended");
        }
    }
    assert!(issued > 0, "nothing was issued");
}

async fn strike(kinds: &[Kind]) {
    let folder = tempfile::tempdir().unwrap();
    let opened = scene::open(folder.path()).await;
    let app = &opened.app;
    for kind in kinds.iter().copied() {
        forward(app, kind).await;
        between(app, kind, &[], Ends::Closed).await;
        back(app, kind).await;
        between(app, kind, &[once(At::Verify, Goes::Fails)], undone(kind)).await;
        doubled(app, kind).await;
    }
    // One certificate at least, so that the last look cannot miss what it looks for.
    assert!(run(app, Kind::Issue, (&[], &[once(At::Apply, Goes::Twice)]), Ends::Closed).await);
    sound(app).await;
    let active = app.live.get().digest;
    app.store.close().await;
    drop(opened);
    let again = scene::open(folder.path()).await;
    assert!(!again.first_start);
    assert_eq!(again.app.live.get().digest, active);
    again.app.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_at_issuing_end_before_after_or_with_a_person() {
    strike(&[Kind::Issue]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_at_revoking_end_before_after_or_with_a_person() {
    strike(&[Kind::Revoke]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_at_granting_and_ending_end_before_after_or_with_a_person() {
    strike(&[Kind::Grant, Kind::End, Kind::Narrow]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_at_rotating_an_issuer_end_before_after_or_with_a_person() {
    strike(&[Kind::Rotate]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_at_editing_the_estate_end_before_after_or_with_a_person() {
    strike(&[Kind::Edit, Kind::EditAndGrant]).await;
}
