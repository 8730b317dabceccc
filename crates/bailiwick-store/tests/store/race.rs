//! Many at once.

use std::collections::BTreeSet;

use bailiwick_core::change::{Event, Plan};
use bailiwick_core::ledger::LeafIndex;
use bailiwick_core::names::Digest;
use bailiwick_core::record::{Batch, Expect, Fact, Work};
use bailiwick_core::time::HOUR_MS;
use bailiwick_store::{CommitError, Conflict, Store};

use crate::engine::{Place, assert_sound};
use crate::sample;

crate::both! {
    every_acknowledged_entry_is_there_and_indexes_are_dense,
    a_link_is_spent_once,
    whoever_is_refused_sees_why,
    an_approval_is_spent_once,
    the_last_use_of_an_envelope_is_taken_once,
    two_stores_write_one_ledger,
}

const TASKS: usize = 64;
const COMMITS: usize = 12;

async fn every_acknowledged_entry_is_there_and_indexes_are_dense(place: &Place) {
    let store = place.open().await;
    let seen = commits_of_many(&store, "a").await;
    let all: BTreeSet<u64> = (0..u64::try_from(TASKS * COMMITS).unwrap()).collect();
    assert_eq!(seen, all);
    assert_sound(&store, place).await;
    let checkpoints = place.numbers("SELECT COUNT(*) FROM checkpoint").await[0];
    assert!(checkpoints < i64::try_from(TASKS * COMMITS / 2).unwrap(), "{checkpoints} groups");
    store.close().await;
}

/// Commits from many tasks; checks each acknowledged leaf, and gives the indexes.
async fn commits_of_many(store: &Store, whose: &str) -> BTreeSet<u64> {
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (store, whose) = (store.clone(), whose.to_owned());
            tokio::spawn(async move {
                let mut seen = Vec::new();
                for n in 0..COMMITS {
                    let object = format!("{whose}/{task}/{n}");
                    let batch = sample::denied(store.now(), &object);
                    let committed = store.commit(batch).await.unwrap();
                    let entry = store.entry(committed.first_index).await.unwrap().unwrap();
                    let ours = matches!(&entry.fact, Fact::AccessDenied { object: one, .. } if *one == object);
                    assert!(ours, "{entry:?}");
                    seen.push(committed.first_index.get());
                }
                seen
            })
        })
        .collect();
    let mut all = BTreeSet::new();
    for task in tasks {
        for index in task.await.unwrap() {
            assert!(all.insert(index), "index {index} was given twice");
        }
    }
    all
}

/// How many of the results are good; the others must be refused as `refused` says.
fn good<T: std::fmt::Debug>(
    results: Vec<Result<T, CommitError>>,
    refused: impl Fn(&CommitError) -> bool,
) -> usize {
    let (good, bad): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    for one in bad {
        let why = one.unwrap_err();
        assert!(refused(&why), "{why:?}");
    }
    good.len()
}

async fn all_at_once(
    store: &Store,
    batches: Vec<Batch>,
) -> Vec<Result<bailiwick_store::Committed, CommitError>> {
    let tasks: Vec<_> = batches
        .into_iter()
        .map(|batch| {
            let store = store.clone();
            tokio::spawn(async move { store.commit(batch).await })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

async fn a_link_is_spent_once(place: &Place) {
    let store = place.open().await;
    let hash = Digest::of(b"secret");
    let at = store.now();
    let link = Work::PutLink {
        hash,
        person: sample::person("ada"),
        chain: vec![sample::person("root")],
        expires_at: at.plus_ms(HOUR_MS),
    };
    store.commit(Batch { work: vec![link], ..Batch::default() }).await.unwrap();
    let spend = |_| {
        let (_, mut batch) = sample::signed_in(at);
        batch.work.push(Work::SpendLink { hash });
        batch
    };
    let results = all_at_once(&store, (0..50).map(spend).collect()).await;
    let spent = |why: &CommitError| matches!(why, CommitError::Conflict(Conflict::LinkSpent));
    assert_eq!(good(results, spent), 1);
    assert_eq!(place.numbers("SELECT COUNT(*) FROM session").await, [1]);
    assert!(store.link(&hash).await.unwrap().unwrap().spent);
    assert_sound(&store, place).await;
    store.close().await;
}

/// A refusal is told once its reason is committed: whoever looks again must not find the world before it.
async fn whoever_is_refused_sees_why(place: &Place) {
    let store = place.open().await;
    for round in 0..40_u32 {
        let hash = Digest::of(&round.to_be_bytes());
        let at = store.now();
        let (person, expires_at) = (sample::person("ada"), at.plus_ms(HOUR_MS));
        let link = Work::PutLink { hash, person, chain: Vec::new(), expires_at };
        store.commit(Batch { work: vec![link], ..Batch::default() }).await.unwrap();
        let spend = |_| {
            let store = store.clone();
            let (_, mut batch) = sample::signed_in(at);
            batch.work.push(Work::SpendLink { hash });
            tokio::spawn(async move {
                if store.commit(batch).await.is_err() {
                    assert!(store.link(&hash).await.unwrap().unwrap().spent, "refused too early");
                }
            })
        };
        let tasks: Vec<_> = (0..16).map(spend).collect();
        for task in tasks {
            task.await.unwrap();
        }
    }
    store.close().await;
}

async fn an_approval_is_spent_once(place: &Place) {
    let store = place.open().await;
    let at = store.now();
    let mut story = sample::Story::new();
    let issued = sample::certificate(at, &story.id, &["www.shop.example"]);
    let plan = Plan::of(sample::issue_step(&issued));
    let entries = vec![story.request(at), story.validate(at, &plan), story.approve(at, &plan, 0)];
    store.commit(sample::batch(entries)).await.unwrap();
    let (prepared, evidence) = sample::to_be_signed(&issued);
    let started = story.next(at, sample::DRIVER, Event::StepStarted { index: 0, prepared });
    let start = Batch {
        expects: vec![Expect::ChangeAt { id: story.id.clone(), events: 3 }],
        entries: vec![started],
        work: vec![evidence],
        ..Batch::default()
    };
    let results = all_at_once(&store, vec![start; 50]).await;
    assert_eq!(good(results, |why| matches!(why, CommitError::Expectation(_))), 1);
    assert_eq!(store.change_events(&story.id).await.unwrap().len(), 4);
    assert_sound(&store, place).await;
    store.close().await;
}

async fn the_last_use_of_an_envelope_is_taken_once(place: &Place) {
    let store = place.open().await;
    let at = store.now();
    let (envelope, granting) = sample::envelope(at, Some(2));
    store.commit(granting).await.unwrap();
    // Fifty orders are under way, and two uses are left.
    let mut stories = Vec::new();
    for _ in 0..50 {
        let mut story = sample::Story::new();
        let mut issued = sample::certificate(at, &story.id, &["www.shop.example"]);
        issued.envelope = Some(envelope.id.clone());
        let plan = Plan::of(sample::issue_step(&issued));
        let entries =
            vec![story.request(at), story.validate(at, &plan), story.approve(at, &plan, 0)];
        store.commit(sample::batch(entries)).await.unwrap();
        stories.push((story, issued));
    }
    let usable =
        Expect::EnvelopeUsable { id: envelope.id.clone(), at, names: envelope.names.clone() };
    let start =
        |(story, issued): &mut (sample::Story, bailiwick_core::change::IssuedCertificate)| {
            let (prepared, evidence) = sample::to_be_signed(issued);
            let event = Event::StepStarted { index: 0, prepared };
            Batch {
                expects: vec![usable.clone()],
                entries: vec![story.next(at, sample::DRIVER, event)],
                work: vec![evidence],
                ..Batch::default()
            }
        };
    let batches: Vec<Batch> = stories.iter_mut().map(start).collect();
    let results = all_at_once(&store, batches.clone()).await;
    let winners: Vec<usize> =
        results.iter().enumerate().filter(|(_, one)| one.is_ok()).map(|(n, _)| n).collect();
    assert_eq!(good(results, |why| matches!(why, CommitError::Expectation(_))), 2);
    assert_eq!(store.envelope(&envelope.id).await.unwrap().unwrap().uses, 0);

    // One of them fails and is rolled back: its use is free again, for exactly one other.
    let (story, _) = &mut stories[winners[0]];
    let failed = Event::StepFailed { index: 0, why: "the issuer said no".to_owned() };
    let nothing = bailiwick_core::change::Receipt::Nothing;
    let entries = vec![
        story.next(at, sample::DRIVER, failed),
        story.next(at, sample::DRIVER, Event::UndoStarted { index: 0 }),
        story.next(at, sample::DRIVER, Event::UndoDone { index: 0, receipt: nothing }),
    ];
    store.commit(sample::batch(entries)).await.unwrap();
    let (story, issued) = &mut stories[winners[1]];
    let receipt = bailiwick_core::change::Receipt::Issued(Box::new(issued.clone()));
    let done = story.next(at, sample::DRIVER, Event::StepDone { index: 0, receipt });
    store.commit(sample::batch(vec![done])).await.unwrap();
    assert_eq!(store.envelope(&envelope.id).await.unwrap().unwrap().uses, 1);
    let others: Vec<Batch> = batches
        .into_iter()
        .enumerate()
        .filter(|(n, _)| !winners.contains(n))
        .map(|(_, batch)| batch)
        .collect();
    let results = all_at_once(&store, others).await;
    assert_eq!(good(results, |why| matches!(why, CommitError::Expectation(_))), 1);
    assert_sound(&store, place).await;
    store.close().await;
}

/// Replicas on PostgreSQL share one ledger; a second process on a file is refused.
async fn two_stores_write_one_ledger(place: &Place) {
    let one = place.open().await;
    if place.is_sqlite() {
        assert!(matches!(place.try_open().await, Err(bailiwick_store::OpenError::InUse { .. })));
        one.close().await;
        return;
    }
    let two = place.open().await;
    let (of_one, of_two) =
        futures::future::join(commits_of_many(&one, "one"), commits_of_many(&two, "two")).await;
    assert!(of_one.is_disjoint(&of_two));
    let size = u64::try_from(of_one.len() + of_two.len()).unwrap();
    assert_eq!(one.head().await.unwrap().size.get(), size);
    assert_eq!(two.entries(LeafIndex::default(), 1_000).await.unwrap().len(), 1_000);
    assert_sound(&two, place).await;
    one.close().await;
    two.close().await;
}
