//! Packs of evidence (CAA-2): whatever is altered in one is found, and named.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod pack;
#[expect(dead_code, reason = "proofs of it are needed here")]
#[path = "../ledger_suite/reference.rs"]
mod tree;

use bailiwick_core::record::Fact;
use bailiwick_wire::evidence::{OpenPack, Pack, PackEvidence, WrongPack};
use bailiwick_wire::ledger::SignedNote;
use proptest::prelude::*;

use pack::{facts, other_key, pack, pack_of, trust, trust_in};

fn opened(pack: &Pack) -> Result<OpenPack, WrongPack> {
    Pack::read(&pack.encode())?.open(&trust())
}

/// What is said of a pack that was altered in this way.
fn says(alter: impl FnOnce(&mut Pack)) -> String {
    let mut altered = pack();
    alter(&mut altered);
    match opened(&altered) {
        Ok(_) => panic!("nobody noticed"),
        Err(why) => {
            assert!(!why.is_only_unreadable(), "it was altered: {why}");
            why.to_string()
        }
    }
}

/// Another letter at a place of a text, of the same alphabet.
fn other_letter(text: &mut String, at: usize) {
    let old = text.as_bytes()[at];
    let new = if old == b'A' { "B" } else { "A" };
    text.replace_range(at..=at, new);
}

#[test]
fn a_pack_shows_its_entries_and_what_they_name() {
    let open = opened(&pack()).unwrap();
    let leaves: Vec<u64> = open.entries().keys().copied().collect();
    assert_eq!(leaves, [2, 5, 6, 11]);
    let read: Vec<(u64, Fact)> =
        open.entries().iter().map(|(leaf, entry)| (*leaf, entry.fact.clone())).collect();
    assert_eq!(read, facts());
    assert_eq!(open.evidence().len(), 4);
    assert_eq!(open.zone().to_string(), "shop.example");
    assert_eq!(open.head().size.get(), 12);
    let (from, until) = open.period();
    assert!(from < until);
}

#[test]
fn an_altered_entry_or_proof_is_named_by_its_leaf() {
    for at in 0..4 {
        let leaf = pack().leaves[at].leaf;
        let named = format!("leaf {leaf}");
        let entry = says(|pack| {
            pack.leaves[at].entry = pack.leaves[at].entry.replacen("2026", "2027", 1);
        });
        assert!(entry.contains(&named) && entry.contains("altered"), "{entry}");
        let path = says(|pack| other_letter(&mut pack.leaves[at].path[1], 7));
        assert!(path.contains(&named), "{path}");
        let short = says(|pack| drop(pack.leaves[at].path.pop()));
        assert!(short.contains(&named), "{short}");
        let long = says(|pack| {
            let more = pack.leaves[at].path[0].clone();
            pack.leaves[at].path = vec![more; 100];
        });
        assert!(long.contains(&named), "{long}");
        // Of another leaf, though a true one.
        let swapped = says(|pack| pack.leaves[at].entry = pack.leaves[(at + 1) % 4].entry.clone());
        assert!(swapped.contains(&named), "{swapped}");
    }
    let beyond = says(|pack| pack.leaves[3].leaf = 12);
    assert!(beyond.contains("leaf 12"), "{beyond}");
    let huge = says(|pack| pack.leaves[3].leaf = u64::MAX);
    assert!(huge.contains(&u64::MAX.to_string()), "{huge}");
}

#[test]
fn leaves_and_evidence_stand_in_their_order_each_once() {
    for alter in [
        |pack: &mut Pack| pack.leaves.swap(0, 1),
        |pack: &mut Pack| pack.leaves.insert(1, pack.leaves[0].clone()),
    ] {
        assert!(says(alter).contains("wrong place"), "{}", says(alter));
    }
    for alter in [
        |pack: &mut Pack| pack.evidence.swap(0, 1),
        |pack: &mut Pack| pack.evidence.push(pack.evidence[3].clone()),
    ] {
        assert!(says(alter).contains("wrong place"), "{}", says(alter));
    }
}

#[test]
fn evidence_is_what_its_leaf_names_all_of_it_and_nothing_else() {
    for at in 0..4 {
        let digest = pack().evidence[at].digest.clone();
        let octets = says(|pack| other_letter(&mut pack.evidence[at].octets, 1));
        assert!(octets.contains(&digest), "{octets}");
        let renamed = says(|pack| pack.evidence[at].digest = digest.to_uppercase());
        assert!(renamed.contains("altered"), "{renamed}");
        let kind = says(|pack| pack.evidence[at].kind = "crl".to_owned());
        assert!(kind.contains(&digest) && kind.contains("kind"), "{kind}");
        let gone = says(|pack| drop(pack.evidence.remove(at)));
        assert!(gone.contains(&digest) && gone.contains("leaf "), "{gone}");
    }
    let stray = says(|pack| {
        pack.evidence.push(PackEvidence::new("report", b"nobody names this"));
        pack.evidence.sort_by_key(|one| one.digest.clone());
    });
    assert!(stray.contains("named by no leaf"), "{stray}");
}

#[test]
fn there_is_one_spelling() {
    let whole = pack().encode();
    let text = String::from_utf8(whole.clone()).unwrap();
    for other in [
        text.replacen("{\n  \"format\"", "{\n \"format\"", 1),
        text.replacen("shop.example", "sh\\u006fp.example", 1),
        format!("{text}\n"),
        text.trim_end().to_owned(),
        text.replacen("\"leaf\": 2", "\"leaf\": 2.0", 1),
        text.replacen("\"zone\"", "\"more\": 1,\n  \"zone\"", 1),
        text.replacen("\"leaf\": 2,", "\"leaf\": 2,\n      \"leaf\": 2,", 1),
    ] {
        assert_ne!(other, text);
        let why = Pack::read(other.as_bytes()).unwrap_err();
        assert!(!why.is_only_unreadable() && why.to_string().contains("altered"), "{why}");
    }
    assert!(says(|pack| pack.zone = "SHOP.example".to_owned()).contains("`zone`"));
    assert!(says(|pack| pack.zone = String::new()).contains("`zone`"));
    assert!(says(|pack| pack.from = "2026-01-01".to_owned()).contains("`from`"));
    assert!(says(|pack| pack.until = "2026-03-31t23:59:59.999z".to_owned()).contains("`until`"));
}

#[test]
fn a_file_that_was_cut_off_is_no_pack() {
    let whole = pack().encode();
    for end in 0..whole.len() {
        assert!(Pack::read(&whole[..end]).is_err(), "{end} octets of {}", whole.len());
    }
}

#[test]
fn only_the_key_of_the_ledger_is_believed() {
    let why = pack().open(&trust_in(&other_key())).unwrap_err().to_string();
    assert!(why.contains("checkpoint"), "{why}");
    // Signed by somebody else of the same name, over the same entries.
    let forged = pack_of(facts(), &other_key());
    let why = opened(&forged).unwrap_err().to_string();
    assert!(why.contains("checkpoint"), "{why}");
    // A second signature would be somewhere to write what nobody checks.
    let mut both = pack();
    let note = SignedNote::parse(both.checkpoint.as_bytes()).unwrap();
    let other = SignedNote::parse(forged.checkpoint.as_bytes()).unwrap();
    both.checkpoint = note.with(other.signatures()[0].clone()).unwrap().to_string();
    let why = opened(&both).unwrap_err().to_string();
    assert!(why.contains("signature"), "{why}");
}

#[test]
fn what_a_newer_version_wrote_cannot_be_told_and_is_not_called_altered() {
    let mut newer = pack();
    newer.format = "bailiwick-control-evidence/v2".to_owned();
    let why = Pack::read(&newer.encode()).unwrap_err();
    assert!(why.is_only_unreadable() && why.to_string().contains("newer"), "{why}");
    let mut other = pack();
    other.format = "something/v1".to_owned();
    assert!(!Pack::read(&other.encode()).unwrap_err().is_only_unreadable());
}

/// Every octet but those that nobody signed: the summary, which is made anew and compared, and the zone and
/// the period, which its first line repeats.
#[test]
fn any_single_altered_octet_is_found() {
    let whole = pack().encode();
    let unsigned = (0..whole.len()).filter(|at| !is_found(&whole, *at, 1)).count();
    let pack = pack();
    let most = [&pack.zone, &pack.from, &pack.until].map(|text| text.len()).iter().sum::<usize>()
        + pack.summary.iter().map(String::len).sum::<usize>();
    assert!(0 < unsigned && unsigned < most, "{unsigned}");
}

/// Whether an altered octet is found; where it is not, it is one of what the summary is compared with.
fn is_found(whole: &[u8], at: usize, by: u8) -> bool {
    let mut octets = whole.to_vec();
    octets[at] ^= by;
    let Ok(read) = Pack::read(&octets) else { return true };
    if read.open(&trust()).is_err() {
        return true;
    }
    let Pack { zone, from, until, summary, .. } = pack();
    assert_eq!(Pack { zone, from, until, summary, ..read }, pack(), "octet {at} by {by}");
    false
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_octet_altered_in_any_way_is_found(at in any::<prop::sample::Index>(), by in 1..=u8::MAX) {
        let whole = pack().encode();
        is_found(&whole, at.index(whole.len()), by);
    }
}
