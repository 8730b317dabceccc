//! Random trees on real servers: BIND serves them, and three ways to look must agree on every one. Ours,
//! asking BIND itself and following aliases on its own; ours, through Unbound; and a second opinion that
//! shares nothing with it: Unbound's validator and iterator, hickory's reader, and an evaluator written
//! apart. None may ever permit where another does not.
//!
//! `BAILIWICK_CAA_TREES` says how many; `cargo xtask campaign caa-trees` asks for a million.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at the first surprise; hickory's types, not ours"
)]

#[path = "../../bailiwick-core/tests/caa/reference.rs"]
mod reference;
#[expect(dead_code, reason = "what other tests start")]
#[path = "caa_live/servers.rs"]
mod servers;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bailiwick_connect::dns::sweep::{Onward, Sweep, SweepEnd, SweepLimits, SweepView};
use bailiwick_connect::dns::{DnsClient, Limits, Resolver, ResolverTrust, random_ids};
use bailiwick_core::caa::{
    AccountUri, CaaEvidence, CaaName, CaaOutcome, CaaRecord, CaaTerms, CertificateKind,
    IssuerDomain, PrivateTlds, PropertyTag, ValidationMethod,
};
use bailiwick_core::names::{DnsName, ZoneName};
use bailiwick_core::time::Time;
use hickory_proto::op::{Message, MessageType, OpCode, Query as Asked, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};

use reference::Question;
use servers::{ZoneFile, bind, unbound, zone_text};

/// Trees in one start of the servers.
const BATCH: usize = 20_000;

/// Questions of the second opinion in flight at once.
const AT_ONCE: usize = 64;

/// A generator of numbers that gives the same in every run (xorshift64*, Vigna 2016).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(high).unwrap() % below
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.roll(all.len())]
    }
}

const ISSUERS: [&str; 12] = [
    "ca.example",
    "ca.example",
    "ca.example",
    "CA.Example",
    "other.example",
    "",
    " ",
    "ca.example.",
    "-ca.example",
    "ca..example",
    "ca_example",
    "ca--a.example",
];
const PARAMETERS: [&str; 17] = [
    "",
    "",
    "",
    ";",
    "; ",
    " ;\t",
    "; accounturi=https://ca.example/acct/1",
    ";accounturi = https://ca.example/acct/2 ",
    "; AccountURI=https://ca.example/acct/2",
    "; accounturi=",
    "; validationmethods=dns-01",
    "; validationmethods=http-01,dns-01",
    "; validationmethods=",
    "; a=b=c",
    "; -a=1",
    " a=1",
    "\n",
];
const TAGS: [&str; 11] = [
    "issue",
    "issue",
    "issue",
    "Issue",
    "issuewild",
    "ISSUEWILD",
    "issuemail",
    "iodef",
    "contactemail",
    "future",
    "tbs",
];
const FLAGS: [u8; 8] = [0, 0, 0, 1, 64, 127, 128, 255];

/// Names of a tree: up to three labels of `a` and `b` and the star below its root.
fn name_below(root: &str, dice: &mut Dice) -> String {
    let depth = dice.roll(4);
    let labels: String = (0..depth).map(|_| *dice.pick(&["a.", "b."])).collect();
    format!("{labels}{root}")
}

/// The records of a tree, as a zone file has them.
fn tree(root: &str, dice: &mut Dice, text: &mut String) {
    let mut nodes: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..dice.roll(6) {
        let name = name_below(root, dice);
        let star = if dice.roll(8) == 0 { "*." } else { "" };
        nodes.insert(format!("{star}{name}"), dice.roll(10));
    }
    for (name, kind) in nodes {
        match kind {
            0..=5 => (0..=dice.roll(3)).for_each(|_| record(&name, dice, text)),
            6 => writeln!(text, "{name}. A 192.0.2.1").unwrap(),
            // An alias at the root of a tree would be one of everything below it.
            7 if name.starts_with(['a', 'b']) => {
                let to = name_below(root, dice);
                writeln!(text, "{name}. DNAME {to}.").unwrap();
            }
            _ => writeln!(text, "{name}. CNAME {}.", name_below(root, dice)).unwrap(),
        }
    }
}

fn record(name: &str, dice: &mut Dice, text: &mut String) {
    let value =
        format!("{}{}{}", dice.pick(&ISSUERS), dice.pick(&PARAMETERS), dice.pick(&PARAMETERS));
    let value: String = value
        .bytes()
        .map(|b| match b {
            b'"' | b'\\' => format!("\\{}", char::from(b)),
            b' '..=b'~' => char::from(b).to_string(),
            other => format!("\\{other:03}"),
        })
        .collect();
    writeln!(text, "{name}. CAA {} {} \"{value}\"", dice.pick(&FLAGS), dice.pick(&TAGS)).unwrap();
}

fn question(dice: &mut Dice) -> Question {
    let account = ["", "https://ca.example/acct/1", "https://ca.example/acct/2"];
    let some = |text: &&str| (!text.is_empty()).then(|| (*text).to_owned());
    let known = ["issue", "issuewild", "iodef", "issuemail"];
    Question {
        wildcard: dice.roll(2) == 0,
        email: dice.roll(5) == 0,
        issuer: "ca.example".to_owned(),
        account: some(dice.pick(&account)),
        method: some(dice.pick(&["", "dns-01", "http-01"])),
        known: known[..2 + 2 * dice.roll(2)].iter().map(|tag| (*tag).to_owned()).collect(),
    }
}

fn terms(question: &Question) -> CaaTerms {
    let mut terms = CaaTerms::tls([IssuerDomain::parse(&question.issuer).unwrap()]);
    if question.email {
        terms.kind = CertificateKind::Email;
    }
    terms.account = question.account.as_ref().map(|a| AccountUri::parse(a).unwrap());
    terms.method = question.method.as_ref().map(|m| ValidationMethod::parse(m).unwrap());
    let known = question.known.iter().map(|tag| PropertyTag::read(tag.as_bytes()).unwrap());
    terms.known_tags = known.collect();
    terms
}

/// What a sweep sees of every name.
async fn swept(view: SweepView, names: Vec<CaaName>) -> Vec<CaaEvidence> {
    let dns = DnsClient::new(Limits::default(), || Time::from_unix_seconds(0), random_ids);
    let limits = SweepLimits::default();
    let sweep = Sweep { dns, view, limits, stop: Arc::new(AtomicBool::new(false)) };
    let seen = Arc::new(Mutex::new(vec![None; names.len()]));
    let into = Arc::clone(&seen);
    let numbered = names.into_iter().enumerate().map(|(n, name)| (u64::try_from(n).unwrap(), name));
    let sink = move |one: bailiwick_connect::dns::sweep::SweptName| {
        let place = &mut into.lock().unwrap()[usize::try_from(one.number).unwrap()];
        assert!(place.is_none(), "a name came twice");
        *place = Some(one.evidence);
        Onward::Go
    };
    let (end, _) = sweep.run(numbered, sink).await.unwrap();
    assert_eq!(end, SweepEnd::Complete);
    let mut seen = seen.lock().unwrap();
    seen.iter_mut().map(|one| one.take().expect("every name comes")).collect()
}

/// The second opinion's look: Unbound's answer as hickory reads it.
struct SecondReader {
    socket: UdpSocket,
    known: HashMap<String, Option<Vec<CaaRecord>>>,
    id: u16,
}

impl SecondReader {
    fn new(server: SocketAddr) -> Self {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        socket.connect(server).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        Self { socket, known: HashMap::new(), id: 0 }
    }

    /// Asks for many names, so many at once; what they answered is known from here on.
    fn learn(&mut self, names: BTreeSet<String>) {
        let mut left = names.into_iter();
        let mut flying: HashMap<u16, String> = HashMap::new();
        let mut octets = vec![0; 65_535];
        loop {
            while flying.len() < AT_ONCE
                && let Some(name) = left.next()
            {
                let id = self.send(&name);
                flying.insert(id, name);
            }
            if flying.is_empty() {
                return;
            }
            let length = self.socket.recv(&mut octets).unwrap();
            let reply = Message::from_vec(&octets[..length]).unwrap();
            let Some(name) = flying.remove(&reply.metadata.id) else { continue };
            let set = set_of(&reply, &name);
            self.known.insert(name, set);
        }
    }

    fn send(&mut self, name: &str) -> u16 {
        self.id = self.id.wrapping_add(1);
        let mut query = Message::new(self.id, MessageType::Query, OpCode::Query);
        query.metadata.recursion_desired = true;
        query.add_query(Asked::query(
            Name::from_ascii(format!("{name}.")).unwrap(),
            RecordType::CAA,
        ));
        self.socket.send(&query.to_vec().unwrap()).unwrap();
        self.id
    }

    /// The set at a name, empty where there is none; `None` where the look-up failed.
    fn set(&mut self, name: &str) -> Option<Vec<CaaRecord>> {
        if let Some(known) = self.known.get(name) {
            return known.clone();
        }
        let set = self.ask(name);
        self.known.insert(name.to_owned(), set.clone());
        set
    }

    fn ask(&mut self, name: &str) -> Option<Vec<CaaRecord>> {
        let id = self.send(name);
        let mut octets = vec![0; 65_535];
        loop {
            let length = self.socket.recv(&mut octets).unwrap();
            let reply = Message::from_vec(&octets[..length]).unwrap();
            if reply.metadata.id == id {
                return set_of(&reply, name);
            }
        }
    }

    /// RFC 8659, section 3, over labels.
    fn decide(&mut self, name: &str, question: &Question) -> CaaOutcome {
        let labels: Vec<&str> = name.split('.').collect();
        for from in 0..labels.len() {
            match self.set(&labels[from..].join(".")) {
                None => return CaaOutcome::Unknown,
                Some(set) if set.is_empty() => {}
                Some(set) => {
                    return match reference::decide(&set, question) {
                        'a' => CaaOutcome::Allow,
                        'd' => CaaOutcome::Deny,
                        _ => CaaOutcome::Unknown,
                    };
                }
            }
        }
        CaaOutcome::Allow
    }
}

/// The set of an answer; `None` where the look-up failed.
fn set_of(reply: &Message, name: &str) -> Option<Vec<CaaRecord>> {
    assert!(!reply.metadata.truncation, "{name} fits into a datagram");
    match reply.metadata.response_code {
        ResponseCode::NoError | ResponseCode::NXDomain => Some(records(reply)),
        _ => None,
    }
}

fn records(reply: &Message) -> Vec<CaaRecord> {
    let caa = |data: &RData| match data {
        RData::CAA(caa) => Some(CaaRecord {
            flags: caa.flags(),
            tag: caa.tag.as_bytes().to_vec(),
            value: caa.value.clone(),
        }),
        _ => None,
    };
    reply.answers.iter().filter_map(|record| caa(&record.data)).collect()
}

async fn batch(first: usize, count: usize) -> (usize, [usize; 3]) {
    let mut dice =
        Dice(0x9e37_79b9_7f4a_7c15 ^ u64::try_from(first).unwrap().wrapping_mul(0x5851_f42d));
    let mut text = String::new();
    let mut names = Vec::new();
    let mut questions = Vec::new();
    for number in first..first + count {
        let root = format!("t{number}.trees");
        tree(&root, &mut dice, &mut text);
        let (name, question) = (name_below(&root, &mut dice), question(&mut dice));
        let base = DnsName::parse(&name).unwrap();
        names.push(if question.wildcard { CaaName::wildcard(base) } else { CaaName::plain(base) });
        questions.push(question);
    }
    let zone =
        |apex: &str, text: &str| ZoneFile { apex: apex.to_owned(), text: zone_text(apex, text) };
    let bind = bind(&[zone(".", "trees. NS ns.invalid."), zone("trees.", &text)]);
    let unbound = unbound(bind.address, &[]);
    let trees = ZoneName::parse("trees").unwrap();
    let resolver = Resolver { server: unbound.address, trust: ResolverTrust::Validates };
    let private_tlds = PrivateTlds::reserved();
    let at_bind = SweepView {
        resolvers: Vec::new(),
        authorities: vec![(trees, vec![bind.address])],
        private_tlds: private_tlds.clone(),
    };
    let at_unbound = SweepView { resolvers: vec![resolver], authorities: Vec::new(), private_tlds };
    let direct = swept(at_bind, names.clone()).await;
    let resolved = swept(at_unbound, names.clone()).await;
    let mut second = SecondReader::new(unbound.address);
    let ancestors = |name: &CaaName| {
        let way = std::iter::successors(Some(name.base().clone()), DnsName::parent);
        way.map(|one| one.to_string()).collect::<Vec<_>>()
    };
    second.learn(names.iter().flat_map(ancestors).collect());
    let mut outcomes = [0; 3];
    for (number, name) in names.iter().enumerate() {
        let (question, base) = (&questions[number], name.base().as_str());
        let terms = terms(question);
        let ours = direct[number].judge(&terms).outcome();
        let through = resolved[number].judge(&terms).outcome();
        let theirs = second.decide(base, question);
        assert!(
            ours == theirs && through == theirs,
            "{name} {question:?}: {ours:?} at BIND, {through:?} through Unbound, {theirs:?} by the \
             second opinion\n{:#?}",
            direct[number]
        );
        outcomes[usize::from(theirs == CaaOutcome::Deny)
            + 2 * usize::from(theirs == CaaOutcome::Unknown)] += 1;
    }
    (count, outcomes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_validator_and_reader_agree_on_random_trees() {
    let wanted: usize = std::env::var("BAILIWICK_CAA_TREES")
        .map_or(2_000, |text| text.parse().expect("BAILIWICK_CAA_TREES is a number"));
    let begun = Instant::now();
    let (mut done, mut outcomes) = (0, [0; 3]);
    while done < wanted {
        let (count, more) = batch(done, BATCH.min(wanted - done)).await;
        done += count;
        (0..3).for_each(|n| outcomes[n] += more[n]);
        // A long run says how far it is.
        println!("{done} trees in {:?}", begun.elapsed());
    }
    let [allow, deny, unknown] = outcomes;
    println!(
        "{done} trees in {:?}: {allow} allow, {deny} deny, {unknown} unknown",
        begun.elapsed()
    );
    assert!(allow > 0 && deny > 0 && unknown > 0, "{outcomes:?}");
}
