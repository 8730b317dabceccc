//! Generated intents, carried out and turned back.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::change::planner::{CaaWish, Intent, Timeline, TlsaWish, caa_rdata, tlsa_for};
use bailiwick_core::change::{Endpoint, IssueCertificate, Plan, Step};
use bailiwick_core::estate::{Deployment, ZoneKey};
use bailiwick_core::names::{DnsName, IssuerId, ProfileId, SanName, ServiceId, SpkiHash};
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};

use super::world::{Key, Random, Rules, Served, World};

pub(crate) struct Scene {
    pub(crate) intent: Intent,
    sets: BTreeMap<Key, Option<RRset>>,
    /// The endpoints before, the places of the intent first.
    places: Vec<(Vec<u8>, Served)>,
    negative: u32,
    keys: [Key; 3],
    pub(crate) rules: Rules,
}

pub(crate) fn zone() -> ZoneKey {
    ZoneKey::parse("shop.example").unwrap()
}

fn owner(text: &str) -> OwnerName {
    OwnerName::parse(text).unwrap()
}

pub(crate) fn certificate(spki: &[u8]) -> IssueCertificate {
    IssueCertificate {
        service: ServiceId::parse("shop-web").unwrap(),
        account: None,
        order: None,
        envelope: None,
        issuer: IssuerId::parse("other-ca").unwrap(),
        profile: ProfileId::parse("tls-server").unwrap(),
        names: vec![SanName::parse("www.shop.example").unwrap()],
        spki: spki.to_vec(),
        key: SpkiHash::of(spki),
        lifetime_seconds_max: 86_400,
        workload: None,
    }
}

fn rules() -> Rules {
    Rules {
        old_spki: vec![1, 2, 3],
        new_spki: vec![4, 5, 6],
        old_caa: caa_rdata(0, "issue", "old.example").unwrap(),
        new_caa: caa_rdata(0, "issue", "new.example").unwrap(),
    }
}

/// A move to another load balancer, or another certificate in the same places.
fn scene(random: &mut Random) -> Scene {
    let rules = rules();
    let mut ttl = || u32::try_from(1 + random.below(400)).unwrap();
    let (ttl_a, ttl_tlsa, ttl_caa, negative) = (ttl(), ttl(), ttl(), ttl());
    let [name, tlsa, caa]: [Key; 3] = [
        (owner("www.shop.example"), RecordType::A),
        (owner("_443._tcp.www.shop.example"), RecordType::TLSA),
        (owner("shop.example"), RecordType::CAA),
    ];
    let old_tlsa: Vec<Vec<u8>> = [1, 2]
        .into_iter()
        .filter(|_| random.below(3) > 0)
        .map(|matching| tlsa_for(matching, &rules.old_spki).unwrap())
        .collect();
    let old_caa = (random.below(4) > 0).then(|| rules.old_caa.clone());
    let is_moved = random.below(3) > 0;
    let old = [vec![192, 0, 2, 1], vec![192, 0, 2, 2]];
    let new = [vec![198, 51, 100, 1], vec![198, 51, 100, 2]];
    let mut sets = BTreeMap::new();
    let addresses = |of: &[Vec<u8>], ttl| RRset::new(ttl, of.iter().cloned());
    sets.insert(name.clone(), addresses(&old, ttl_a));
    sets.insert(tlsa.clone(), RRset::new(ttl_tlsa, old_tlsa));
    sets.insert(caa.clone(), RRset::new(ttl_caa, old_caa));
    let served = |at: &[Vec<u8>], what| at.iter().map(|at| (at.clone(), what)).collect::<Vec<_>>();
    let (places, moves) = if is_moved {
        let after = addresses(&new, 1 + ttl_a / 2);
        let edit = RecordEdit::new(name.0.clone(), name.1, sets[&name].clone(), after).unwrap();
        let all = [served(&new, Served::Nothing), served(&old, Served::Old)].concat();
        (all, vec![(zone(), edit)])
    } else {
        (served(&old, Served::Old), Vec::new())
    };
    let deployments = (0..2).map(|place: usize| (place.to_string(), Deployment::Client, None));
    let intent = Intent {
        service: ServiceId::parse("shop-web").unwrap(),
        certificate: Some(certificate(&rules.new_spki)),
        moves,
        caa: vec![CaaWish {
            zone: zone(),
            owner: caa.0.clone(),
            now: sets[&caa].clone(),
            add: BTreeSet::from([rules.new_caa.clone()]),
            in_use: BTreeSet::from([rules.old_caa.clone()]),
            retire: if random.chance(4) {
                BTreeSet::new()
            } else {
                BTreeSet::from([rules.old_caa.clone()])
            },
            ttl_seconds: ttl_caa,
        }],
        tlsa: vec![TlsaWish {
            zone: zone(),
            owner: tlsa.0.clone(),
            now: sets[&tlsa].clone(),
            spki: rules.new_spki.clone(),
            ttl_seconds: ttl_tlsa,
        }],
        deployments: deployments.collect(),
        endpoints: vec![Endpoint {
            name: DnsName::parse("www.shop.example").unwrap(),
            at: "198.51.100.1:443".parse().unwrap(),
        }],
        negative_ttl_seconds: BTreeMap::from([(zone(), negative)]),
        propagation_seconds: 60,
        served_seconds: 30,
    };
    Scene { intent, sets, places, negative, keys: [name, tlsa, caa], rules }
}

fn check(scene: &Scene, plan: &Plan, until: usize, seed: u64) -> usize {
    let mut world = World::new(&scene.sets, &scene.places, scene.negative, seed);
    world.carry_out(plan, until, &scene.places);
    let [name, tlsa, caa] = &scene.keys;
    world.check(name, tlsa, caa, &scene.rules)
}

/// TRW-1, TRW-5, REN-9: nobody who remembers the oldest TLSA or address is cut off, and no CAA
/// forbids an issuer in use, on the way there and on the way back from every step.
#[test]
fn nobody_is_cut_off_at_any_moment_of_any_plan() {
    let mut random = Random(41);
    let (mut runs, mut moments) = (0, 0);
    for seed in 0..600 {
        let scene = scene(&mut random);
        let plan = scene.intent.plan().unwrap();
        for until in 0..=plan.steps().len() {
            moments += check(&scene, &plan, until, seed * 100 + u64::try_from(until).unwrap());
            runs += 1;
        }
    }
    eprintln!("planner: {runs} runs of 600 plans, {moments} moments looked at");
    assert!(runs > 5_000 && moments > 100_000);
}

/// The same world finds a plan that breaks a rule: the test above can fail.
#[test]
fn a_plan_without_the_waiting_cuts_somebody_off() {
    let mut random = Random(42);
    let mut caught = [0_usize; 2];
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    for seed in 0..60 {
        let scene = scene(&mut random);
        let plan = scene.intent.plan().unwrap();
        let steps = plan.steps();
        let no_hold: Vec<Step> = steps
            .iter()
            .cloned()
            .map(|step| match step {
                Step::AwaitPropagation(mut wait) => {
                    wait.hold_seconds = 0;
                    Step::AwaitPropagation(wait)
                }
                other => other,
            })
            .collect();
        let no_undo_hold: Vec<Step> = steps
            .iter()
            .cloned()
            .map(|step| match step {
                Step::PublishRecords(mut publish) => {
                    publish.undo_hold_seconds = 0;
                    Step::PublishRecords(publish)
                }
                other => other,
            })
            .collect();
        for (kind, steps) in [no_hold, no_undo_hold].into_iter().enumerate() {
            let plan = Plan::new(steps).unwrap();
            let broke = std::panic::catch_unwind(|| {
                for until in 0..=plan.steps().len() {
                    check(&scene, &plan, until, seed);
                }
            });
            caught[kind] += usize::from(broke.is_err());
        }
    }
    std::panic::set_hook(hook);
    eprintln!(
        "planner: caught {} plans without holds, {} without holds on the way back",
        caught[0], caught[1]
    );
    assert!(caught[0] > 40 && caught[1] > 15, "{caught:?}");
}

/// The stated window of a rollback and the earliest moments follow from the plan.
#[test]
fn the_timeline_says_when_each_step_can_be_over() {
    let mut random = Random(43);
    for _ in 0..200 {
        let plan = scene(&mut random).intent.plan().unwrap();
        let timeline = Timeline::of(&plan);
        assert_eq!(timeline.moments.len(), plan.steps().len());
        assert!(timeline.moments.is_sorted_by_key(|moment| moment.earliest_seconds));
        assert!(timeline.moments.is_sorted_by_key(|moment| moment.latest_seconds));
        let holds: u64 = plan
            .steps()
            .iter()
            .map(|step| match step {
                Step::AwaitPropagation(wait) => u64::from(wait.hold_seconds),
                _ => 0,
            })
            .sum();
        assert_eq!(timeline.moments.last().unwrap().earliest_seconds, holds);
        assert!(timeline.rollback_seconds() > 0);
    }
}
