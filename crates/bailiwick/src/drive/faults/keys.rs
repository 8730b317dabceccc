//! Every fault at every effect of a rotation of a credential that Bailiwick holds: it ends with the old
//! one in force, with the new one, or with a named person; never with none, and never with one that is
//! not the other side's (promise P2, TRW-7).

mod zone;

use std::sync::Arc;
use std::time::Duration;

use bailiwick_connect::keys::SecretBytes;
use bailiwick_core::actor::SignedIn;
use bailiwick_core::change::{Change, HeldKey, KeyMark, RetireKey, RotateKey, Step};
use bailiwick_core::names::ChangeId;

use super::scene::{Stands, approved};
use super::strikes::{At, Faulty, Goes, Strike, When};
use super::{always, nth, once};
use crate::app::App;
use crate::drive::changes::drive_with;
use crate::fault::Fault;

/// How often a driver is called again at most, until a change waits for nothing but people.
const CALLS_MAX: usize = 100;

/// The other side of a credential, and the people there.
pub(super) trait Side {
    fn app(&self) -> &Arc<App>;
    fn of(&self) -> HeldKey;
    /// The one that was there first.
    fn first(&self) -> KeyMark;
    /// Another one.
    fn fresh(&self) -> (KeyMark, SecretBytes);
    /// Whether it takes that one now.
    fn takes(&self, mark: &KeyMark) -> bool;
    /// People there do what they are asked for: the new one is configured, and once it is in force the
    /// old one is removed, where the change asks for that.
    fn people(&self, case: &Case, in_force: bool);
}

/// An approved rotation that nobody has begun to carry out.
pub(super) struct Case {
    id: ChangeId,
    pub(super) before: KeyMark,
    pub(super) after: KeyMark,
    /// What lies sealed: the old one, the new one.
    sealed: [Vec<u8>; 2],
    /// Whether it also asks that the old one be refused.
    pub(super) retires: bool,
}

impl Case {
    async fn new(side: &impl Side, retires: bool) -> Self {
        let (app, of) = (side.app(), side.of());
        let id = ChangeId::parse(&app.world.id().unwrap()).unwrap();
        let before = in_force(side).await;
        let (after, secret) = side.fresh();
        let rotate = RotateKey {
            of: of.clone(),
            before: before.clone(),
            after: after.clone(),
            within_seconds: 600,
        };
        let retire = RetireKey { of: of.clone(), old: before.clone(), within_seconds: 600 };
        let mut steps = vec![Step::RotateKey(rotate)];
        steps.extend(retires.then_some(Step::RetireKey(retire)));
        let work = vec![app.sealed_secret(of.next(), &secret).unwrap()];
        approved(app, &id, &steps, work).await;
        let lies = |secret| async move { app.store.sealed(&secret).await.unwrap().unwrap() };
        let sealed = [lies(of.now()).await, lies(of.next()).await];
        assert_ne!(sealed[0], sealed[1]);
        Self { id, before, after, sealed, retires }
    }

    async fn stands(&self, side: &impl Side) -> Stands {
        let mark = in_force(side).await;
        let sealed = side.app().store.sealed(&side.of().now()).await.unwrap().unwrap();
        let [old, new] = &self.sealed;
        let (takes_old, takes_new) = (side.takes(&self.before), side.takes(&self.after));
        match (mark == self.before, mark == self.after) {
            (true, false) if sealed == *old && takes_old => Stands::Before,
            (false, true) if sealed == *new && takes_new => Stands::After,
            _ => Stands::Otherwise,
        }
    }

    /// Nothing but the one in force is left when it is over.
    async fn is_wiped(&self, side: &impl Side, what: &str) {
        for secret in [side.of().next(), side.of().last()] {
            let left = side.app().store.sealed(&secret).await.unwrap();
            assert_eq!(left, None, "{what}: {secret:?} is left");
        }
    }
}

/// The one in force, by the ledger.
async fn in_force(side: &impl Side) -> KeyMark {
    let rows = side.app().store.held_keys(&side.of()).await.unwrap();
    rows.last().map_or_else(|| side.first(), |row| row.after.clone())
}

const fn is_over(change: &Change) -> bool {
    matches!(change, Change::Closed { .. } | Change::RolledBack { .. } | Change::WithPerson(_))
}

/// Lets a driver go on until nothing is left to wait for, while people do what is theirs.
async fn go_on(side: &impl Side, case: &Case, faulty: &Faulty<'_>) -> Option<Change> {
    for _ in 0..CALLS_MAX {
        let loaded = side.app().load_change(&case.id).await.unwrap();
        let ended = tokio::select! {
            biased;
            () = faulty.died.notified() => return None,
            ended = drive_with(side.app(), faulty, loaded) => ended,
        };
        match ended {
            Ok(change) if is_over(&change) => return Some(change),
            Ok(_) => side.people(case, in_force(side).await == case.after),
            Err(Fault::Busy { .. }) => return None,
            Err(fault) => panic!("{fault}"),
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("change `{}` does not come to an end", case.id);
}

/// Carries a rotation out under strikes, then as after a restart, and looks how it ended. Says whether
/// all the strikes struck, and how it ended before a person said anything.
async fn run(
    side: &impl Side,
    retires: bool,
    (lasting, strikes): (&[Strike], &[Strike]),
) -> (bool, &'static str) {
    let case = Case::new(side, retires).await;
    let app = side.app();
    let what = format!("{:?} retires {retires}: {lasting:?} {strikes:?}", side.of());
    assert_eq!(case.stands(side).await, Stands::Before, "{what}: the scene is not set");
    let all = [lasting, strikes].concat();
    let first = Faulty::new(app, &all);
    go_on(side, &case, &first).await;
    app.refresh_live().await.unwrap();
    let second = Faulty::new(app, lasting);
    let change = go_on(side, &case, &second).await.unwrap();
    let mut struck = first.struck();
    for (one, again) in struck.iter_mut().zip(second.struck()) {
        *one |= again;
    }
    let stands = case.stands(side).await;
    if let Change::WithPerson(with) = &change {
        assert!(app.live.get().estate().works_here(&with.person, app.now()), "{what}");
        assert!(!with.why.is_empty(), "{what}");
        assert_ne!(stands, Stands::Otherwise, "{what}: {with:#?}");
        let by = SignedIn::alone(with.person.clone());
        let over = app.resolve(&by, &case.id, stands == Stands::After, "I looked").await.unwrap();
        let expected = if stands == Stands::After { "closed" } else { "rolled-back" };
        let over = crate::drive::changes::drive(app, over).await.unwrap();
        assert_eq!(over.name(), expected, "{what}");
    } else {
        let closed = matches!(change, Change::Closed { .. });
        let expected = if closed { Stands::After } else { Stands::Before };
        assert_eq!(stands, expected, "{what}: {change:#?}");
        // Whoever is asked to retire the old one was seen to do it.
        assert!(!closed || !retires || !side.takes(&case.before), "{what}: the old one is taken");
    }
    case.is_wiped(side, &what).await;
    (struck.iter().all(|one| *one), change.name())
}

const THERE: [(At, Goes); 15] = [
    (At::Prepare, Goes::CrashBefore),
    (At::Prepare, Goes::CrashAfter),
    (At::Apply, Goes::Fails),
    (At::Apply, Goes::CrashBefore),
    (At::Apply, Goes::CrashAfter),
    (At::Apply, Goes::LostWithEffect),
    (At::Apply, Goes::LostWithoutEffect),
    (At::Apply, Goes::Twice),
    (At::Verify, Goes::CrashBefore),
    (At::Verify, Goes::CrashAfter),
    (At::Verify, Goes::LostWithoutEffect),
    (At::Verify, Goes::Twice),
    (At::Append, Goes::CrashBefore),
    (At::Append, Goes::Fails),
    (At::Appended, Goes::CrashBefore),
];

const BACK: [(At, Goes); 9] = [
    (At::Undo, Goes::Fails),
    (At::Undo, Goes::CrashBefore),
    (At::Undo, Goes::CrashAfter),
    (At::Undo, Goes::LostWithEffect),
    (At::Undo, Goes::LostWithoutEffect),
    (At::Undo, Goes::Twice),
    (At::Append, Goes::CrashBefore),
    (At::Append, Goes::Fails),
    (At::Appended, Goes::CrashBefore),
];

/// All of it, at one side.
pub(super) async fn strike(side: &impl Side) {
    let mut runs = 0;
    for retires in [true, false] {
        assert_eq!(run(side, retires, (&[], &[])).await, (true, "closed"));
        for (at, goes) in THERE {
            for visit in 0.. {
                let (struck, _) = run(side, retires, (&[], &[nth(at, goes, visit)])).await;
                if !struck {
                    break;
                }
                runs += 1;
            }
        }
        // The answers to the effect are lost for good: it turns back, and so does the other side.
        for goes in [Goes::LostWithEffect, Goes::LostWithoutEffect] {
            let lost = always(At::Apply, goes);
            let ended = run(side, retires, (&[], &[lost])).await;
            assert_eq!(ended, (true, "rolled-back"), "{goes:?}");
        }
    }
    for why in [once(At::Verify, Goes::Fails), always(At::Apply, Goes::LostWithEffect)] {
        assert_eq!(run(side, false, (&[], &[why])).await, (true, "rolled-back"));
        for (at, goes) in BACK {
            for visit in 0.. {
                let (struck, _) = run(side, false, (&[], &[why, nth(at, goes, visit)])).await;
                if !struck {
                    break;
                }
                runs += 1;
            }
        }
    }
    // Once the old one is refused nothing of ours goes back.
    let failed = once(At::Verify, Goes::Fails);
    assert_eq!(run(side, true, (&[], &[failed])).await, (true, "unknown"));
    for goes in [Goes::Fails, Goes::LostWithoutEffect] {
        let never = Strike { at: At::Undo, goes, when: When::Always };
        assert_eq!(run(side, false, (&[never], &[failed])).await, (true, "unknown"), "{goes:?}");
    }
    println!("{:?}: {runs} runs struck", side.of());
    assert!(runs > 50, "{runs}");
    super::rows_are_sound(side.app()).await;
}
