//! The contract, as cases that every door goes through.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bailiwick_connect::dns::{DnsClient, Limits, random_ids};
use bailiwick_connect::zones::{
    Applied, Cause, Happened, How, NotApplied, Refused, Shown, Stands, ZoneDoor,
};
use bailiwick_core::names::{DnsName, ZoneName};
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};
use bailiwick_core::time::Time;
use bailiwick_wire::dns::{Origin, WireName, read_rdata, txt_rdata};

pub(super) const ZONE: &str = "shop.example";

/// What every zone holds at first, relative to [`ZONE`].
pub(super) const RECORDS: &str = "www 300 IN A 192.0.2.1\n\
    www 300 IN A 192.0.2.2\n\
    @ 300 IN CAA 0 issue \"ca.example\"\n\
    alias 300 IN CNAME www\n\
    *.star 300 IN A 192.0.2.9\n\
    last 300 IN TXT \"the only one\"\n\
    mail 300 IN MX 10 Www.Shop.example.\n";

pub(super) const CAUSE: Cause<'static> = Cause { author: "sam", text: "a test of the contract" };

/// A door with what a test needs around it.
pub(super) struct Stage<'a> {
    /// How it is called in a failure.
    pub(super) name: &'static str,
    pub(super) door: Arc<dyn ZoneDoor>,
    /// Adds a record past the door, as a person at the server does: owner and the rest of the line.
    pub(super) human: &'a (dyn Fn(&str) + Sync),
    /// Brings what was written to the servers, where that is not the door's to do.
    pub(super) deploy: &'a (dyn Fn() + Sync),
}

pub(super) fn clock() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Time::from_unix_seconds(i64::try_from(since.as_secs()).expect("in range"))
}

pub(super) fn client() -> DnsClient {
    let quick = std::time::Duration::from_millis(700);
    let limits = Limits { try_timeout: quick, tcp_timeout: quick * 4, ..Limits::default() };
    DnsClient::new(limits, clock, random_ids)
}

pub(super) fn zone() -> ZoneName {
    ZoneName::parse(ZONE).expect("a zone")
}

pub(super) fn name(text: &str) -> DnsName {
    DnsName::parse(text).expect("a name")
}

pub(super) fn owner(text: &str) -> OwnerName {
    let whole = if text == "@" { ZONE.to_owned() } else { format!("{text}.{ZONE}") };
    OwnerName::parse(&whole).expect("an owner")
}

/// A set out of texts; none for none.
pub(super) fn set(ttl_seconds: u32, kind: RecordType, texts: &[&str]) -> Option<RRset> {
    let apex = WireName::from(&zone());
    let rdata = texts.iter().map(|text| {
        read_rdata(kind, text, Origin::Appended(&apex))
            .unwrap_or_else(|why| panic!("{text}: {why}"))
    });
    RRset::new(ttl_seconds, rdata)
}

pub(super) fn edit(at: &str, kind: RecordType, before: &[&str], after: &[&str]) -> RecordEdit {
    let (before, after) = (set(300, kind, before), set(300, kind, after));
    RecordEdit::new(owner(at), kind, before, after).expect("an edit")
}

impl Stage<'_> {
    pub(super) async fn apply(&self, edits: &[RecordEdit]) -> Result<Applied, NotApplied> {
        self.door.apply(edits, CAUSE).await
    }

    /// It is carried out, stands everywhere, and carrying it out again writes nothing.
    pub(super) async fn done(&self, edits: &[RecordEdit]) {
        let applied = self.apply(edits).await;
        let applied = applied.unwrap_or_else(|why| panic!("{}: {edits:?}: {why}", self.name));
        assert_eq!(applied.how, How::Written, "{}: {edits:?}", self.name);
        (self.deploy)();
        self.stands(edits).await;
        let again = self.apply(edits).await.expect("the same again");
        assert_eq!(again.how, How::Already, "{}: {edits:?}", self.name);
    }

    async fn stands(&self, edits: &[RecordEdit]) {
        for edit in edits {
            let standing = self.door.standing(edit.owner(), edit.kind()).await.expect("it is read");
            assert_eq!(standing.as_ref(), edit.after(), "{}: {edit:?}", self.name);
        }
        let seen = self.door.seen(edits).await;
        assert!(!seen.is_empty());
        for server in seen {
            assert!(server.is_after() && server.serial.is_ok(), "{}: {server:?}", self.name);
        }
    }

    /// It is carried out and then taken back.
    pub(super) async fn there_and_back(&self, edits: &[RecordEdit]) {
        self.done(edits).await;
        let back: Vec<RecordEdit> = edits.iter().map(RecordEdit::reversed).collect();
        self.done(&back).await;
    }

    /// It is refused, with what stands there, and nothing moved.
    pub(super) async fn other_before(&self, edits: &[RecordEdit], there: &str) {
        let before = self.images(edits).await;
        let why = self.apply(edits).await.expect_err("something else stands there");
        assert_eq!(why.happened(), Happened::Nothing, "{}: {why:?}", self.name);
        assert!(matches!(why, NotApplied::OtherBefore { .. }), "{}: {why:?}", self.name);
        assert!(why.to_string().contains(there), "{}: `{there}` is not in: {why}", self.name);
        assert_eq!(self.images(edits).await, before, "{}", self.name);
    }

    async fn images(&self, edits: &[RecordEdit]) -> Vec<Option<RRset>> {
        let mut all = Vec::new();
        for edit in edits {
            all.push(self.door.standing(edit.owner(), edit.kind()).await.expect("it is read"));
        }
        all
    }
}

/// Every case of the contract.
pub(super) async fn keeps_the_contract(stage: &Stage<'_>) {
    sets_come_change_and_go(stage).await;
    what_differs_is_left_alone(stage).await;
    aliases_and_stars(stage).await;
    what_no_zone_takes(stage).await;
}

async fn sets_come_change_and_go(stage: &Stage<'_>) {
    let (a, caa, txt) = (RecordType::A, RecordType::CAA, RecordType::TXT);
    stage.there_and_back(&[edit("new", a, &[], &["192.0.2.7"])]).await;
    stage
        .there_and_back(&[edit("www", a, &["192.0.2.1", "192.0.2.2"], &["192.0.2.1", "192.0.2.3"])])
        .await;
    let ttl = |seconds| set(seconds, a, &["192.0.2.1", "192.0.2.2"]);
    let lower = RecordEdit::new(owner("www"), a, ttl(300), ttl(60)).expect("an edit");
    stage.there_and_back(&[lower]).await;
    stage
        .there_and_back(&[edit(
            "@",
            caa,
            &["0 issue \"ca.example\""],
            &["0 issue \"ca.example\"", "128 issue \"other.example; accounturi=https://ca/1\""],
        )])
        .await;
    stage
        .there_and_back(&[edit(
            "_443._tcp.www",
            RecordType::TLSA,
            &[],
            &["3 1 1 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"],
        )])
        .await;
    stage.there_and_back(&[edit("last", txt, &["\"the only one\""], &[])]).await;
    stage
        .there_and_back(&[edit(
            "mail",
            RecordType::MX,
            &["10 www"],
            &["10 www", "20 mx.other.example."],
        )])
        .await;
    stage.there_and_back(&[edit("_25._tcp", RecordType::SRV, &[], &["1 2 25 www"])]).await;
    let long = RRset::new(300, [txt_rdata(&[b'x'; 700])]);
    let long = RecordEdit::new(owner("long"), txt, None, long).expect("an edit");
    stage.there_and_back(&[long]).await;
    let several = [
        edit("www", a, &["192.0.2.1", "192.0.2.2"], &["192.0.2.4"]),
        edit("@", caa, &["0 issue \"ca.example\""], &["0 issue \"next.example\""]),
        edit("new", txt, &[], &["\"a\"", "\"b\""]),
        edit("last", txt, &["\"the only one\""], &[]),
    ];
    stage.there_and_back(&several).await;
}

async fn what_differs_is_left_alone(stage: &Stage<'_>) {
    let a = RecordType::A;
    let one = [edit("www", a, &["192.0.2.1"], &["192.0.2.3"])];
    stage.other_before(&one, "192.0.2.2").await;
    stage.other_before(&[edit("www", a, &[], &["192.0.2.3"])], "192.0.2.1").await;
    stage.other_before(&[edit("gone", a, &["192.0.2.1"], &["192.0.2.3"])], "no A").await;
    let of_other_ttl = RecordEdit::new(
        owner("www"),
        a,
        set(60, a, &["192.0.2.1", "192.0.2.2"]),
        set(60, a, &["192.0.2.3"]),
    );
    stage.other_before(&[of_other_ttl.expect("an edit")], "300").await;
    // One that does not fit keeps all of them back.
    let mixed =
        [edit("fine", a, &[], &["192.0.2.5"]), edit("www", a, &["192.0.2.1"], &["192.0.2.3"])];
    stage.other_before(&mixed, "192.0.2.2").await;
    // Half done already, by somebody else: the other half comes.
    (stage.human)("half 300 A 192.0.2.5");
    let half = [edit("half", a, &[], &["192.0.2.5"]), edit("half2", a, &[], &["192.0.2.6"])];
    stage.done(&half).await;
    let back: Vec<RecordEdit> = half.iter().map(RecordEdit::reversed).collect();
    stage.done(&back).await;
    // A person is quicker.
    (stage.human)("quick 300 A 192.0.2.55");
    stage.other_before(&[edit("quick", a, &[], &["192.0.2.5"])], "192.0.2.55").await;
}

async fn aliases_and_stars(stage: &Stage<'_>) {
    let (a, cname) = (RecordType::A, RecordType::CNAME);
    stage.there_and_back(&[edit("alias", cname, &["www"], &["lb.other.example."])]).await;
    let to_address = [edit("alias", cname, &["www"], &[]), edit("alias", a, &[], &["192.0.2.8"])];
    stage.there_and_back(&to_address).await;
    stage.other_before(&[edit("alias", a, &[], &["192.0.2.8"])], "CNAME").await;
    stage.other_before(&[edit("www", cname, &[], &["lb.other.example."])], "192.0.2.1").await;
    stage.there_and_back(&[edit("*.star", a, &["192.0.2.9"], &["192.0.2.10"])]).await;
    stage.there_and_back(&[edit("*.more", RecordType::TXT, &[], &["\"any\""])]).await;
    // A name that a `*` answers for has no set of its own until one is written.
    let under = [edit("a.star", a, &[], &["192.0.2.11"])];
    let standing = stage.door.standing(&owner("a.star"), a).await;
    assert_eq!(standing, Ok(None), "{}", stage.name);
    stage.done(&under).await;
    let back = [under[0].reversed()];
    stage.apply(&back).await.expect("taken back");
    (stage.deploy)();
    let seen = stage.door.seen(&back).await;
    assert!(seen.iter().all(|server| server.edits[0].stands == Stands::After), "{seen:?}");
    let same = [edit("b.star", a, &[], &["192.0.2.9"])];
    let shown = stage.door.read(&owner("b.star"), a).await;
    assert!(shown.iter().all(|lane| matches!(lane.shown, Ok(Shown::Star(_)))), "{shown:?}");
    stage.there_and_back(&same).await;
}

async fn what_no_zone_takes(stage: &Stage<'_>) {
    let refused = async |edits: &[RecordEdit], word: &str| {
        let why = stage.apply(edits).await.expect_err(word);
        assert!(matches!(why, NotApplied::Refused(_)), "{}: {why:?}", stage.name);
        assert!(why.to_string().contains(word), "{}: `{word}` is not in: {why}", stage.name);
        why
    };
    let outside = RecordEdit::new(
        OwnerName::parse("www.other.example").expect("an owner"),
        RecordType::A,
        None,
        set(300, RecordType::A, &["192.0.2.1"]),
    );
    let why = refused(&[outside.expect("an edit")], "outside").await;
    assert!(matches!(why, NotApplied::Refused(Refused::Outside { .. })));
    let soa = edit("@", RecordType::SOA, &[], &["ns1 hostmaster 1 2 3 4 5"]);
    refused(&[soa], "SOA").await;
    refused(&[edit("@", RecordType::NS, &["ns1"], &[])], "NS").await;
    refused(&[edit("@", RecordType::CNAME, &[], &["www"])], "apex").await;
    let twice = edit("twice", RecordType::A, &[], &["192.0.2.1"]);
    refused(&[twice.clone(), twice], "same set").await;
}
