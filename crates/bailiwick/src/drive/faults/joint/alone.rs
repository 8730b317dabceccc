//! Every fault at every effect of a plan that puts records of a zone right, for no service: what somebody
//! left there is gone, or stands again exactly as it was, or a named person is asked (P2, P13).

use bailiwick_core::actor::{Actor, SignedIn};
use bailiwick_core::change::planner::of_zone;
use bailiwick_core::change::{Change, Plan};
use bailiwick_core::names::{ChangeId, PersonId};
use bailiwick_core::records::RRset;

use super::{
    At, BACK, Ended, Faulty, Goes, Scene, Stands, Strike, THERE, When, always, edits, nth, zone,
};
use crate::drive::faults::scene::approved_for;

fn plan() -> Plan {
    let [caa, _] = edits();
    of_zone(&zone(), vec![caa], "the decided set is put back".to_owned(), 60).unwrap()
}

impl Scene {
    /// A change of the zone's own records that dana asked for and pia approved, not begun yet.
    async fn of_dana(&self) -> ChangeId {
        self.outer.reset(edits().iter().map(|edit| (edit, edit.before())));
        let by = Actor::Person(SignedIn::alone(PersonId::parse("dana").unwrap()));
        let id = ChangeId::parse(&self.app.world.id().unwrap()).unwrap();
        approved_for(&self.app, &id, by, plan().steps(), Vec::new()).await;
        id
    }

    async fn run_alone(&self, lasting: &[Strike], strikes: &[Strike]) -> Ended {
        let id = self.of_dana().await;
        let (change, all_struck) = self.struck(&id, lasting, strikes).await;
        let [caa, _] = edits();
        let is = |set| self.outer.shows(&caa, set);
        let stands = match (is(caa.before()), is(caa.after())) {
            (true, false) => Stands::Before,
            (false, true) => Stands::After,
            _ => Stands::Otherwise,
        };
        Ended { all_struck, stands, change }
    }

    /// Every kind of fault at every visit of a place, as long as it strikes.
    async fn everywhere_alone(&self, way: &[Strike], places: &[(At, Goes)]) -> usize {
        let mut runs = 0;
        for (at, goes) in places {
            for visit in 0.. {
                let strike = nth(*at, *goes, visit);
                let ended = self.run_alone(&[], &[way, &[strike]].concat()).await;
                ended.check(&format!("{way:?} {strike:?}"));
                if !ended.all_struck {
                    break;
                }
                runs += 1;
            }
        }
        runs
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trw_4_faults_in_a_change_of_a_zone_alone_end_before_after_or_with_a_person() {
    let scene = Scene::new().await;
    let ended = scene.run_alone(&[], &[]).await;
    assert!(matches!(ended.change, Change::Closed { .. }), "{:#?}", ended.change);
    ended.check("without faults");
    let there = scene.everywhere_alone(&[], &THERE).await;
    let verify = Strike { at: At::Verify, goes: Goes::Fails, when: When::Nth(0) };
    let ended = scene.run_alone(&[], &[verify]).await;
    assert!(matches!(ended.change, Change::RolledBack { .. }), "{:#?}", ended.change);
    ended.check("turned back at the end");
    let back = scene.everywhere_alone(&[verify], &BACK).await;
    for goes in [Goes::Fails, Goes::LostWithEffect, Goes::LostWithoutEffect] {
        let ended = scene.run_alone(&[always(At::Undo, goes)], &[verify]).await;
        assert!(matches!(ended.change, Change::WithPerson(_)), "{goes:?}: {:?}", ended.change);
    }
    eprintln!("zone alone: {there} runs struck on the way there, {back} on the way back");
    assert!(there > 25 && back > 8, "{there} {back}");
}

/// P13: what somebody wrote after the approval is left alone, and it is said who looks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_wrote_after_the_approval_is_not_put_right_over_their_head() {
    let scene = Scene::new().await;
    let [caa, _] = edits();
    let id = scene.of_dana().await;
    let theirs = RRset::new(0, [vec![203, 0, 113, 9]]);
    scene.outer.edit(&caa, theirs.as_ref());
    let change = scene.drive(&Faulty::new(&scene.app, &[]), &id).await.unwrap();
    let Change::RolledBack { why, .. } = &change else { panic!("{change:#?}") };
    assert!(why.contains("Dana Deene (dns) has to look"), "{why}");
    assert!(scene.outer.shows(&caa, theirs.as_ref()), "overwritten");
}
