//! Zone files that people keep, and transfers: what is edited and what is told by steps is what the
//! whole says, and nothing else moves.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;

use bailiwick_core::names::ZoneName;
use bailiwick_core::records::{
    OwnerName, RRset, RecordEdit, RecordOwner, RecordType, SoaSerial, ZoneRecord, ZoneSnapshot,
};
use bailiwick_wire::dns::{
    BadTransfer, Origin, TransferBounds, TransferQuery, TransferReader, Transferred, ZoneFile,
    apex_of, read_rdata,
};
use proptest::prelude::*;

fn zone() -> ZoneName {
    ZoneName::parse("shop.example").unwrap()
}

const FILE: &str = "; kept by hand
$ORIGIN shop.example.
$TTL 1h
@\tIN SOA ns1 hostmaster ( 2026112701 ; serial: do not forget
\t\t3600 600 86400 60 )
\tNS\tns1
\tNS\tns2 ; the second
ns1\tA\t192.0.2.53
ns2 60 IN A 192.0.2.54

; --- web
www\tA\t192.0.2.1 ; left
\tA\t192.0.2.2 ; right
\tTXT\t( \"several\"
\t\t\"lines\" ) ; a text
$ORIGIN dept.shop.example.
api A 192.0.2.3
a\\ b A 192.0.2.4
";

fn set(ttl: u32, kind: RecordType, texts: &[&str]) -> Option<RRset> {
    let apex = apex_of(&zone());
    let rdata = texts.iter().map(|text| read_rdata(kind, text, Origin::Appended(&apex)).unwrap());
    RRset::new(ttl, rdata)
}

fn edit(name: &str, kind: RecordType, before: &[&str], after: (u32, &[&str])) -> RecordEdit {
    let owner = OwnerName::parse(name).unwrap();
    RecordEdit::new(owner, kind, set(3_600, kind, before), set(after.0, kind, after.1)).unwrap()
}

/// The lines that went and those that came.
fn moved(text: &str, edits: &[RecordEdit]) -> (Vec<String>, Vec<String>) {
    let file = ZoneFile::read(text, &zone()).unwrap();
    let edited = file.edited(edits).unwrap();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<String>>();
    let (old, new) = (lines(text), lines(&edited));
    let only = |these: &[String], those: &[String]| {
        these.iter().filter(|line| !those.contains(line)).cloned().collect()
    };
    (only(&old, &new), only(&new, &old))
}

const SERIAL: (&str, &str) = (
    "@\tIN SOA ns1 hostmaster ( 2026112701 ; serial: do not forget",
    "@\tIN SOA ns1 hostmaster ( 2026112702 ; serial: do not forget",
);

#[test]
fn only_what_is_edited_moves() {
    let a = RecordType::A;
    let check = |edits: &[RecordEdit], gone: &[&str], come: &[&str]| {
        let (old, new) = moved(FILE, edits);
        assert_eq!(old, [&[SERIAL.0], gone].concat());
        assert_eq!(new, [&[SERIAL.1], come].concat());
    };
    check(
        &[edit(
            "www.shop.example",
            a,
            &["192.0.2.1", "192.0.2.2"],
            (3_600, &["192.0.2.2", "192.0.2.9"]),
        )],
        &["www\tA\t192.0.2.1 ; left", "\tA\t192.0.2.2 ; right"],
        &["www.shop.example.\tA\t192.0.2.2 ; right", "www.shop.example.\t3600\tIN\tA\t192.0.2.9"],
    );
    check(
        &[edit("www.shop.example", a, &["192.0.2.1", "192.0.2.2"], (3_600, &[]))],
        &["www\tA\t192.0.2.1 ; left", "\tA\t192.0.2.2 ; right", "\tTXT\t( \"several\""],
        &["www.shop.example.\tTXT\t( \"several\""],
    );
    let caa = edit("new.shop.example", RecordType::CAA, &[], (300, &["0 issue \"ca.example\""]));
    check(&[caa], &[], &["new.shop.example.\t300\tIN\tCAA\t0 issue \"ca.example\""]);
    check(
        &[edit("api.dept.shop.example", a, &["192.0.2.3"], (60, &["192.0.2.3"]))],
        &["api A 192.0.2.3"],
        &["api.dept.shop.example.\t60\tIN\tA\t192.0.2.3"],
    );
}

#[test]
fn what_cannot_be_edited_by_this_file_alone_is_refused() {
    let refused = |text: &str, word: &str| {
        let read = ZoneFile::read(text, &zone()).and_then(|file| file.edited(&[]));
        let why = read.expect_err(word).to_string();
        assert!(why.contains(word), "`{word}` is not in: {why}");
    };
    refused(&format!("{FILE}$INCLUDE more.zone\n"), "line 19: `$INCLUDE`");
    refused(&format!("{FILE}$GENERATE 1-9 h$ A 192.0.2.$\n"), "$GENERATE");
    refused(&FILE.replace("$TTL 1h\n", ""), "TTL");
    refused("$TTL 60\nwww A 192.0.2.1\n", "SOA");
    refused(&FILE.replace("60 )", "60"), "quotes");
    refused(&format!("{FILE}www.other.example. A 192.0.2.1\n"), "outside");
    refused(&format!("{FILE}www A 192.0.2\n"), "IPv4");
    refused(&FILE.replace("2026112701", "x"), "number");
}

/// A zone that changes: some records, and what goes and comes in each step.
fn history() -> impl Strategy<Value = (BTreeSet<u8>, Vec<BTreeSet<u8>>, u32)> {
    let all = || prop::collection::btree_set(0_u8..24, 0..20);
    (all(), prop::collection::vec(all(), 0..6), any::<u32>())
}

fn record(code: u8) -> ZoneRecord {
    let (name, kind) = match code % 4 {
        0 => ("www.shop.example", RecordType::A),
        1 => ("*.shop.example", RecordType::A),
        2 => ("www.shop.example", RecordType::TXT),
        _ => ("_443._tcp.shop.example", RecordType::TLSA),
    };
    let owner = RecordOwner::Plain(OwnerName::parse(name).unwrap());
    ZoneRecord { owner, kind, ttl_seconds: 300, rdata: vec![3, code, 1, 2] }
}

fn soa(serial: u32) -> Vec<u8> {
    let text = format!("ns1 hostmaster {serial} 1 2 3 4");
    read_rdata(RecordType::SOA, &text, Origin::Appended(&apex_of(&zone()))).unwrap()
}

fn name(text: &str) -> Vec<u8> {
    let labels = text
        .split('.')
        .flat_map(|label| [&[u8::try_from(label.len()).unwrap()][..], label.as_bytes()].concat());
    labels.chain([0]).collect()
}

fn wire(owner: &str, kind: RecordType, rdata: &[u8]) -> Vec<u8> {
    let mut octets = name(owner);
    for field in [kind.number(), 1, 0, 300, u16::try_from(rdata.len()).unwrap()] {
        octets.extend(field.to_be_bytes());
    }
    [octets, rdata.to_vec()].concat()
}

fn wire_of(record: &ZoneRecord) -> Vec<u8> {
    wire(&record.owner.to_string(), record.kind, &record.rdata)
}

fn wire_soa(serial: u32) -> Vec<u8> {
    wire("shop.example", RecordType::SOA, &soa(serial))
}

/// Records as messages of so many each.
fn messages(records: &[Vec<u8>], each: usize) -> Vec<Vec<u8>> {
    let message = |some: &[Vec<u8>]| {
        let count = u16::try_from(some.len()).unwrap();
        let header: Vec<u8> = [7, 0x8400, 0, count, 0, 0]
            .iter()
            .flat_map(|field: &u16| field.to_be_bytes())
            .collect();
        [header, some.concat()].concat()
    };
    records.chunks(each).map(message).collect()
}

fn transferred(
    since: Option<SoaSerial>,
    records: &[Vec<u8>],
    each: usize,
) -> Result<Option<Transferred>, BadTransfer> {
    let query = TransferQuery::new(&zone(), since);
    let mut reader = TransferReader::new(query, 7, TransferBounds::default());
    let mut came = None;
    for message in messages(records, each) {
        assert!(came.is_none(), "more after the end");
        came = reader.read(&message)?;
    }
    Ok(came)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// RFC 1995, section 4: the steps lead to what the whole transfer shows, however it is cut.
    #[test]
    fn rfc_1995_steps_lead_to_the_whole((first, later, serial) in history(), each in 1_usize..9) {
        let held = ZoneSnapshot::new(SoaSerial::of(serial), first.iter().map(|it| record(*it)));
        let last = serial.wrapping_add(u32::try_from(later.len()).unwrap());
        let newest = later.last().unwrap_or(&first);
        let mut whole = vec![wire_soa(last)];
        whole.extend(newest.iter().map(|it| wire_of(&record(*it))));
        whole.push(wire_soa(last));
        let came = transferred(None, &whole, each).unwrap();
        let Some(Transferred::Whole(whole)) = came else { panic!("{came:?}") };
        let mut steps = vec![wire_soa(last)];
        let mut before = &first;
        for (at, after) in later.iter().enumerate() {
            let from = serial.wrapping_add(u32::try_from(at).unwrap());
            steps.push(wire_soa(from));
            steps.extend(before.difference(after).map(|it| wire_of(&record(*it))));
            steps.push(wire_soa(from.wrapping_add(1)));
            steps.extend(after.difference(before).map(|it| wire_of(&record(*it))));
            before = after;
        }
        if !later.is_empty() {
            steps.push(wire_soa(last));
        }
        let came = transferred(Some(SoaSerial::of(serial)), &steps, each).unwrap();
        let stepped = match came {
            Some(Transferred::UpToDate(_)) => held,
            Some(Transferred::Steps(steps)) => held.after(steps).unwrap(),
            other => panic!("{other:?}"),
        };
        prop_assert_eq!(stepped, whole);
    }
}

#[test]
fn a_transfer_in_another_order_is_none() {
    let www = wire_of(&record(0));
    let check = |since: Option<u32>, records: &[Vec<u8>], expected| {
        let came = transferred(since.map(SoaSerial::of), records, 100);
        assert_eq!(came.map(|_| ()), Err(expected), "{since:?}");
    };
    check(None, std::slice::from_ref(&www), BadTransfer::Order);
    check(None, &[wire_soa(2), www.clone(), wire_soa(3)], BadTransfer::Order);
    check(None, &[wire_soa(2), www.clone(), wire_soa(2), www.clone()], BadTransfer::AfterEnd);
    let outside = wire("www.other.example", RecordType::A, &[1, 2, 3, 4]);
    check(None, &[wire_soa(2), outside], BadTransfer::Outside);
    let gap = [wire_soa(5), wire_soa(1), wire_soa(2), wire_soa(3), wire_soa(5), wire_soa(5)];
    check(Some(1), &gap, BadTransfer::Order);
}
