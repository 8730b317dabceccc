//! Thousands of generated organisations: teams inside teams, stand-ins, sign-ins that others vouched for,
//! and everybody trying to get a change through. An oracle that knows no Cedar and walks every edge says
//! who could (TRW-2, P7).

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::actor::{Actor, SignedIn};
use bailiwick_core::change::{Approval, Basis, Change, Command, Plan, PlanDigest, Request, Step};
use bailiwick_core::estate::{Estate, Pattern, Person, StandIn, Team};
use bailiwick_core::gate::Envelope;
use bailiwick_core::names::{
    AccountId, DecisionId, Digest, EnvelopeId, IssuerId, ProfileId, SanName, TeamId,
};
use bailiwick_core::policy::{
    ApprovalFacts, AuthorFacts, ChangeFacts, ChangeKind, Decision, EnvelopeAsked, Facts, SignIn,
    decide,
};
use bailiwick_core::time::{DAY_MS, HOUR_MS};

use crate::world::*;

const PEOPLE: usize = 8;
const TEAMS: usize = 6;
const GRAPHS: usize = 1_500;

/// Numbers that only look random: the same graphs every time (Numerical Recipes' constants).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % u64::try_from(end).unwrap()).unwrap()
    }

    fn one_in(&mut self, odds: usize) -> bool {
        self.below(odds) == 0
    }

    fn some(&mut self, end: usize, odds: usize) -> BTreeSet<usize> {
        (0..end).filter(|_| self.one_in(odds)).collect()
    }
}

/// An organisation in the oracle's own words: numbers and edges.
#[derive(Clone)]
struct Graph {
    members: Vec<BTreeSet<usize>>,
    parts: Vec<BTreeSet<usize>>,
    left: BTreeSet<usize>,
    /// By whom, for whom, in which team, and whether it holds now.
    stand_ins: Vec<(usize, usize, usize, bool)>,
    pattern: Pattern,
    zone_owner: usize,
    service_owner: usize,
    author: By,
    author_is_account: bool,
    approvers: Vec<By>,
}

/// Somebody, and who vouched for their sign-in.
#[derive(Clone, Debug)]
struct By(usize, BTreeSet<usize>);

fn by(n: &mut Numbers) -> By {
    let vouched = if n.one_in(3) { n.some(PEOPLE, 6) } else { BTreeSet::new() };
    By(n.below(PEOPLE), vouched)
}

fn graph(n: &mut Numbers) -> Graph {
    Graph {
        members: (0..TEAMS).map(|_| n.some(PEOPLE, 4)).collect(),
        // Circles, too: an estate with one is refused, and still nobody may get through.
        parts: (0..TEAMS).map(|_| n.some(TEAMS, 6)).collect(),
        left: n.some(PEOPLE, 12),
        stand_ins: (0..n.below(4))
            .map(|_| (n.below(PEOPLE), n.below(PEOPLE), n.below(TEAMS), !n.one_in(3)))
            .collect(),
        pattern: Pattern::ALL[n.below(3)],
        zone_owner: n.below(TEAMS),
        service_owner: n.below(TEAMS),
        author: by(n),
        author_is_account: n.one_in(4),
        approvers: (0..n.below(4)).map(|_| by(n)).collect(),
    }
}

/// The oracle.
impl Graph {
    /// Whether `team` holds `person`: some way down the parts leads to a team with that member.
    fn holds(&self, team: usize, person: usize) -> bool {
        let mut reached = BTreeSet::from([team]);
        loop {
            let more: BTreeSet<usize> =
                reached.iter().flat_map(|it| self.parts[*it].iter().copied()).collect();
            let before = reached.len();
            reached.extend(more);
            if reached.len() == before {
                return reached.iter().any(|it| self.members[*it].contains(&person));
            }
        }
    }

    /// Whether `outer` contains `inner`, over any number of parts.
    fn within(&self, outer: usize, inner: usize) -> bool {
        let mut reached = BTreeSet::from([outer]);
        for _ in 0..TEAMS {
            let more: Vec<usize> =
                reached.iter().flat_map(|it| self.parts[*it].iter().copied()).collect();
            reached.extend(more);
        }
        reached.contains(&inner)
    }

    fn stands_in(&self, person: usize) -> Vec<(usize, usize)> {
        let holding = self.stand_ins.iter().filter(|(by, of, team, now)| {
            *by == person && by != of && *now && !self.left.contains(of) && self.holds(*team, *of)
        });
        holding.map(|(_, of, team, _)| (*of, *team)).collect()
    }

    fn teams(&self, person: usize) -> BTreeSet<usize> {
        let lent = self.stands_in(person);
        let has = |team: &usize| {
            self.holds(*team, person) || lent.iter().any(|(_, inner)| self.within(*team, *inner))
        };
        (0..TEAMS).filter(has).collect()
    }

    fn humans(&self, by: &By) -> BTreeSet<usize> {
        let lent = self.stands_in(by.0);
        by.1.iter().copied().chain([by.0]).chain(lent.into_iter().map(|(of, _)| of)).collect()
    }

    /// Everybody whose teams are the author's: an account is all the people behind its credential.
    fn author_teams(&self) -> BTreeSet<usize> {
        if !self.author_is_account {
            return self.teams(self.author.0);
        }
        self.humans(&self.author).iter().flat_map(|it| self.teams(*it)).collect()
    }

    /// Those whose approval counts; `Err` where one of them may not even be recorded.
    fn counting(&self) -> Vec<&By> {
        let author = self.humans(&self.author);
        let mut counted: Vec<&By> = Vec::new();
        for one in &self.approvers {
            let humans = self.humans(one);
            let met = counted.iter().any(|other| !humans.is_disjoint(&self.humans(other)));
            if !self.left.contains(&one.0) && humans.is_disjoint(&author) && !met {
                counted.push(one);
            }
        }
        counted
    }

    fn allowed(&self) -> bool {
        let counting = self.counting();
        let own = self.author_teams();
        let any = |team: usize, independent: bool| {
            counting.iter().any(|by| {
                let teams = self.teams(by.0);
                teams.contains(&team) && (!independent || teams.is_disjoint(&own))
            })
        };
        match self.pattern {
            Pattern::ServiceTeam => any(self.service_owner, false) || any(self.zone_owner, false),
            Pattern::Central => any(self.zone_owner, false),
            Pattern::Shared => any(self.zone_owner, true),
        }
    }
}

fn id(number: usize) -> String {
    format!("p{number}")
}

fn team_id(number: usize) -> TeamId {
    team(&format!("t{number}"))
}

/// The same organisation as an estate.
fn built(graph: &Graph) -> Estate {
    let mut estate = estate();
    for number in 0..PEOPLE {
        let left = graph.left.contains(&number).then(|| days_ago(2));
        let (name, email) = (id(number), format!("{}@corp.example", id(number)));
        estate.people.insert(person(&id(number)), Person { name, email, left });
    }
    for number in 0..TEAMS {
        let members: BTreeSet<_> =
            graph.members[number].iter().map(|it| person(&id(*it))).collect();
        let parts = graph.parts[number].iter().map(|it| team_id(*it)).collect();
        let (on_call, deputy) = (person("p0"), person("p1"));
        let it = Team { unit: "unit".to_owned(), members, parts, on_call, deputy };
        estate.teams.insert(team_id(number), it);
    }
    let stand_in = |(number, (by, of, within, now)): (usize, &(usize, usize, usize, bool))| {
        let until = if *now { NOW.plus_ms(DAY_MS) } else { NOW };
        let (of, by) = (person(&id(*of)), person(&id(*by)));
        let (from, reason) = (days_ago(1), "x".to_owned());
        let one = StandIn { of, by, team: team_id(*within), from, until, reason };
        (format!("s{number}"), one)
    };
    estate.stand_ins = graph.stand_ins.iter().enumerate().map(stand_in).collect();
    let zone = estate.zones.get_mut(&zone("shop.example")).unwrap();
    zone.pattern = graph.pattern;
    zone.policy_owner = team_id(graph.zone_owner);
    let service = estate.services.get_mut(&service("shop-web")).unwrap();
    service.duties.policy_owner = team_id(graph.service_owner);
    estate
}

fn signed(by: &By, estate: &Estate) -> SignedIn {
    let chain = by.1.iter().filter(|it| **it != by.0).map(|it| person(&id(*it))).collect();
    SignedIn { person: person(&id(by.0)), chain }.standing_in(estate, NOW)
}

fn sign_in(by: &SignedIn) -> SignIn {
    SignIn { person: by.person.clone(), chain: by.chain.iter().cloned().collect() }
}

fn plan() -> Plan {
    Plan::of(Step::GrantEnvelope(Envelope {
        id: EnvelopeId::parse("e-1").unwrap(),
        change: change_id(),
        service: service("shop-web"),
        names: vec![SanName::parse("www.shop.example").unwrap()],
        issuer: IssuerId::parse("house").unwrap(),
        profiles: vec![ProfileId::parse("tls-server").unwrap()],
        account: None,
        granted_at: NOW,
        until: NOW.plus_ms(DAY_MS),
        uses_max: None,
        uses: 0,
        ended: None,
    }))
}

/// The change with everybody's yes put to it.
fn asked(graph: &Graph, estate: &Estate, author: &SignedIn, plan: &Plan) -> Change {
    let actor = if graph.author_is_account {
        Actor::Account {
            account: AccountId::parse("a-1").unwrap(),
            service: service("shop-web"),
            made_by: author.person.clone(),
            chain: author.chain.clone(),
        }
    } else {
        Actor::Person(author.clone())
    };
    let request = Request {
        id: change_id(),
        title: "x".to_owned(),
        reason: "x".to_owned(),
        by: actor,
        service: Some(service("shop-web")),
        zones: Vec::new(),
        at: NOW,
    };
    let expires_at = NOW.plus_ms(DAY_MS);
    let mut change = Change::Requested(request);
    let validate = Command::Validate { plan: plan.clone(), prechecks: Vec::new(), expires_at };
    for event in change.decide(validate, NOW).unwrap() {
        change = change.apply(event, NOW).unwrap();
    }
    for by in graph.approvers.iter().filter(|by| !graph.left.contains(&by.0)) {
        let by = signed(by, estate);
        let approval = Approval {
            teams: estate.teams_at(&by.person, NOW).into_iter().collect(),
            by,
            of: plan.digest(),
            at: NOW,
            expires_at: NOW.plus_ms(HOUR_MS),
            comment: String::new(),
        };
        let command = Command::Approve { approval: Some(approval), basis: None };
        // A no of the spine leaves the change as it is.
        for event in change.decide(command, NOW).unwrap_or_default() {
            change = change.apply(event, NOW).unwrap();
        }
    }
    change
}

/// What the program does: each yes is put to the spine, and what it let in to the judge. Gives whether
/// the change is approved.
fn carried(graph: &Graph, estate: &Estate) -> bool {
    let (author, plan) = (signed(&graph.author, estate), plan());
    let change = asked(graph, estate, &author, &plan);
    let Change::Awaiting(waiting) = &change else { panic!("it waits") };
    let approvals: Vec<ApprovalFacts> = waiting
        .approvals
        .iter()
        .map(|it| ApprovalFacts::person(estate, &sign_in(&it.by), NOW))
        .collect();
    let active = active(estate.clone());
    let (of, names) = (service("shop-web"), names(&["www.shop.example"]));
    let asked = EnvelopeAsked { service: &of, names: &names };
    let facts_author = if graph.author_is_account {
        let behind = author.everybody().cloned().collect();
        let account = AccountId::parse("a-1").unwrap();
        AuthorFacts::account(account, of.clone(), behind, (estate, NOW))
    } else {
        AuthorFacts::person(estate, &sign_in(&author), NOW)
    };
    let kind = (change_id(), ChangeKind::GrantEnvelope);
    let facts = ChangeFacts::about_names(NOW, kind, facts_author, approvals, (&active, &asked));
    if decide(policies(), &Facts::Change(facts)) != Decision::Allow {
        return false;
    }
    let basis = Basis {
        decision: DecisionId::parse("d-1").unwrap(),
        policy: Digest::of(b"p"),
        of: PlanDigest::claimed(*plan.digest().digest()),
        approvals_needed: u32::try_from(waiting.approvals.len()).unwrap(),
    };
    let command = Command::Approve { approval: None, basis: Some(basis) };
    change.decide(command, NOW).is_ok()
}

/// What the organisations really hold, so that agreeing about them means something.
#[derive(Debug, Default)]
struct Seen {
    /// With teams that contain themselves, directly or over others.
    circles: usize,
    /// Over others only.
    long_circles: usize,
    /// With delegations that hold now, and with some that are over.
    bounded: usize,
    over: usize,
    /// Where a delegation that holds decides: with it over, the answer is another.
    decided_by_delegation: usize,
    /// Where one that is over would have decided.
    decided_by_its_end: usize,
    /// Where a circle stands and the answer is yes.
    allowed_in_circles: usize,
}

impl Seen {
    fn count(&mut self, graph: &Graph, allowed: bool) {
        let one = |is_so: bool| usize::from(is_so);
        let itself = (0..TEAMS).any(|it| graph.parts[it].contains(&it));
        let over_others = (0..TEAMS)
            .any(|it| graph.parts[it].iter().any(|part| *part != it && graph.within(*part, it)));
        self.circles += one(itself || over_others);
        self.long_circles += one(over_others);
        self.allowed_in_circles += one(allowed && (itself || over_others));
        let real = || graph.stand_ins.iter().filter(|(by, of, ..)| by != of);
        self.bounded += one(real().any(|(.., now)| *now));
        self.over += one(real().any(|(.., now)| !*now));
        for holds in [true, false] {
            let mut other = graph.clone();
            for stand_in in other.stand_ins.iter_mut().filter(|it| it.3 == holds) {
                stand_in.3 = !holds;
            }
            let differs = one(other.allowed() != allowed);
            if holds {
                self.decided_by_delegation += differs;
            } else {
                self.decided_by_its_end += differs;
            }
        }
    }

    fn check(&self) {
        println!("{self:?}");
        assert!(self.circles > GRAPHS / 4 && self.long_circles > GRAPHS / 10, "{self:?}");
        assert!(self.bounded > GRAPHS / 4 && self.over > GRAPHS / 10, "{self:?}");
        assert!(self.allowed_in_circles > GRAPHS / 20, "{self:?}");
        assert!(self.decided_by_delegation > 10 && self.decided_by_its_end > 5, "{self:?}");
    }
}

#[test]
fn of_fifteen_hundred_organisations_the_oracle_agrees_on_every_one() {
    let mut n = Numbers(20_261_127);
    let mut outcomes: BTreeMap<(Pattern, bool), usize> = BTreeMap::new();
    let mut seen = Seen::default();
    for number in 0..GRAPHS {
        let graph = graph(&mut n);
        let estate = built(&graph);
        for person_number in 0..PEOPLE {
            let teams = estate.teams_at(&person(&id(person_number)), NOW);
            let expected: BTreeSet<TeamId> =
                graph.teams(person_number).into_iter().map(team_id).collect();
            assert_eq!(teams, expected, "graph {number}: the teams of p{person_number}");
        }
        let (expected, allowed) = (graph.allowed(), carried(&graph, &estate));
        assert_eq!(
            allowed, expected,
            "graph {number}: {:?} by {:?} ({:?}), approved by {:?}, stand-ins {:?}",
            graph.pattern, graph.author, graph.author_is_account, graph.approvers, graph.stand_ins
        );
        *outcomes.entry((graph.pattern, allowed)).or_default() += 1;
        seen.count(&graph, allowed);
    }
    seen.check();
    // Both answers occur often enough in every pattern to mean something.
    assert_eq!(outcomes.len(), 6, "{outcomes:?}");
    assert!(outcomes.values().all(|count| *count > 25), "{outcomes:?}");
}

/// Nobody adds to their own change, however the approvals are arranged: the author and everybody behind
/// the author approve as often as they like, in every graph.
#[test]
fn nobody_behind_an_author_helps_in_any_graph() {
    let mut n = Numbers(7);
    for number in 0..GRAPHS {
        let mut graph = graph(&mut n);
        let author = graph.humans(&graph.author);
        graph.approvers = author.iter().map(|it| By(*it, BTreeSet::new())).collect();
        graph.approvers.push(graph.author.clone());
        // And through everybody else whom one of them vouched for.
        graph.approvers.extend((0..PEOPLE).map(|it| By(it, author.clone())));
        let estate = built(&graph);
        assert!(!carried(&graph, &estate), "graph {number}: {:?}", graph.author);
    }
}
