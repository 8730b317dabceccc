//! Notes, checkpoints, cosignatures, bundles and proof files: what is believed and what is not.

use crate::reference::{entry, head, index, leaves, nodes, size};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use bailiwick_core::ledger::{
    Bundle, EntryBytes, LeafHash, TileWidth, TreeHead, TreeSize, inclusion_proof,
};
use bailiwick_core::time::Time;
use bailiwick_wire::ledger::layout::{Resource, cut, grown};
use bailiwick_wire::ledger::{
    BadCheckpoint, BadKey, BadNote, BundleRefused, Checkpoint, CheckpointRefused, KeyName, Known,
    LedgerKey, NOTE_BYTES_MAX, NoteRefused, NoteText, Origin, ProofFile, SignatureLine,
    SignatureType, SignedNote, Trust, VerifierKey, bundle_bytes, open_bundle, parse_bundle,
    parse_tile, tile_bytes,
};
use proptest::prelude::*;
use zeroize::Zeroizing;

/// Secret keys of tests 1 and 2 of RFC 8032, section 7.1.
const LOG_SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const WITNESS_SEED: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";

/// Made by another program (Python's `cryptography`) from these seeds: the reference tree of eight
/// leaves, signed by its log and cosigned at 1,700,000,000 s.
const NOTE: &str = "ledger.example/test\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n\
\u{2014} ledger.example/test vI1uJyGa/+z3J1WypGxn/YrH/dtYlPRf1fu4iW5v+IEPu2D8S+6rg0FAwfMSj2jedrcmO3QoAI9iXD4YWA/0dvxjbQQ=\n\
\u{2014} witness.example/w1 BNLYMwAAAABlU/EAtPzkHUeirjJPuPW/zgA4j4gvuX9teTCbwCHXg9ioOr7yn/3hfLRTz7GyHcOxXQA52tpSucM8WLJot1rLfnALCg==\n";
const LOG_KEY: &str = "ledger.example/test+bc8d6e27+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";
const WITNESS_KEY: &str =
    "witness.example/w1+04d2d833+BD1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM";

fn seed(hex: &str) -> [u8; 32] {
    *bailiwick_core::names::Digest::parse(hex).unwrap().as_bytes()
}

fn ledger_key(name: &str, seed: [u8; 32]) -> LedgerKey {
    LedgerKey::from_seed(KeyName::parse(name).unwrap(), &Zeroizing::new(seed)).unwrap()
}

fn log_key() -> LedgerKey {
    ledger_key("ledger.example/test", seed(LOG_SEED))
}

fn key(text: &str) -> VerifierKey {
    VerifierKey::parse(text).unwrap()
}

fn trust() -> Trust {
    Trust::in_key(key(LOG_KEY)).unwrap()
}

/// A witness as the specification describes one.
struct Witness {
    pair: Ed25519KeyPair,
    key: VerifierKey,
}

fn witness(name: &str, seed: [u8; 32]) -> Witness {
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let public = pair.public_key().as_ref().try_into().unwrap();
    let key = VerifierKey::new(KeyName::parse(name).unwrap(), SignatureType::CosignatureV1, public);
    Witness { pair, key }
}

impl Witness {
    fn cosign(&self, note: SignedNote, seconds: u64) -> SignedNote {
        let message = format!("cosignature/v1\ntime {seconds}\n{}", note.text());
        let signature = self.pair.sign(message.as_bytes());
        let blob = [seconds.to_be_bytes().as_slice(), signature.as_ref()].concat();
        note.with(SignatureLine::new(self.key.name().clone(), self.key.id(), blob).unwrap())
            .unwrap()
    }
}

#[test]
fn another_programs_checkpoint_opens_and_ours_is_the_same_bytes() {
    let trust = trust().with_witnesses([key(WITNESS_KEY)], 1).unwrap();
    let opened = trust.open_bytes(NOTE.as_bytes()).unwrap();
    assert_eq!(opened.head().size.get(), 8);
    assert_eq!(opened.witnesses()[0].time, Time::from_unix_seconds(1_700_000_000));
    assert_eq!(opened.note().to_string(), NOTE);

    let ours = log_key();
    assert_eq!(ours.verifier().to_string(), LOG_KEY);
    let signed = ours.sign_checkpoint(opened.head()).unwrap();
    let witness = witness("witness.example/w1", seed(WITNESS_SEED));
    assert_eq!(witness.key.to_string(), WITNESS_KEY);
    assert_eq!(witness.cosign(signed, 1_700_000_000).to_string(), NOTE);
}

#[test]
fn a_key_pair_comes_back_from_pkcs8_and_shows_no_secret() {
    let der = Ed25519KeyPair::from_seed_unchecked(&seed(LOG_SEED)).unwrap().to_pkcs8v1().unwrap();
    let name = KeyName::parse("ledger.example/test").unwrap();
    let key = LedgerKey::from_pkcs8(name.clone(), &Zeroizing::new(der.as_ref().to_vec())).unwrap();
    assert_eq!(key.verifier().to_string(), LOG_KEY);
    assert_eq!(format!("{key:?}"), format!("LedgerKey({LOG_KEY})"));
    let garbage = LedgerKey::from_pkcs8(name, &Zeroizing::new(vec![0x30; 48]));
    assert_eq!(garbage.unwrap_err(), BadKey::Secret);
}

#[test]
fn a_mangled_verifier_key_is_refused() {
    // The key of the example in c2sp.org/signed-note.
    let example = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    for text in [example, LOG_KEY, WITNESS_KEY] {
        assert_eq!(key(text).to_string(), text);
        for from in 0..text.len() {
            for to in from..=text.len() {
                let part = text.get(from..to).unwrap();
                assert_eq!(VerifierKey::parse(part).is_ok(), part == text, "{part}");
            }
        }
        for at in 0..text.len() {
            for bit in 0..7 {
                let mut bytes = text.as_bytes().to_vec();
                bytes[at] ^= 1 << bit;
                let altered = String::from_utf8(bytes).unwrap();
                VerifierKey::parse(&altered).unwrap_err();
            }
        }
    }
    let other = VerifierKey::parse("n+00000000+BeRmQk3/5vCLb7mrQDYnFdZ7CbOpLVTYBQ==");
    assert!(matches!(other, Err(BadKey::Type { kind: 0x05, .. })), "{other:?}");
}

#[test]
fn unknown_signatures_are_ignored_and_wrong_ones_of_known_keys_are_not() {
    let note = SignedNote::parse(NOTE.as_bytes()).unwrap();
    let both = Known::new([key(LOG_KEY), key(WITNESS_KEY), key(LOG_KEY)]).unwrap();
    assert_eq!(note.open(&both).unwrap().signers().len(), 2);
    let one = Known::new([key(LOG_KEY)]).unwrap();
    assert_eq!(note.open(&one).unwrap().signers().len(), 1);
    assert_eq!(note.open(&Known::default()).unwrap_err(), NoteRefused::UnknownKeys);

    // Of the same name, or of the same id: still unknown.
    let log = log_key();
    let stranger = ledger_key("ledger.example/test", [3; 32]);
    let text = NoteText::new("x\n".to_owned()).unwrap();
    let theirs = stranger.sign(text.clone()).unwrap();
    assert_eq!(theirs.open(&one).unwrap_err(), NoteRefused::UnknownKeys);
    let line = theirs.signatures()[0].clone();
    let twice = log.sign(text.clone()).unwrap().with(line).unwrap();
    assert_eq!(twice.open(&one).unwrap().signers().len(), 1);
    let other_name = KeyName::parse("ledger.example/tests").unwrap();
    let line = SignatureLine::new(other_name, log.verifier().id(), vec![0; 64]).unwrap();
    let twice = log.sign(text.clone()).unwrap().with(line).unwrap();
    assert_eq!(twice.open(&one).unwrap().signers().len(), 1);

    // A good one does not make up for a bad one.
    let name = log.verifier().name().clone();
    let line = SignatureLine::new(name, log.verifier().id(), vec![0; 64]).unwrap();
    let twice = log.sign(text.clone()).unwrap().with(line).unwrap();
    assert_eq!(twice.open(&one).unwrap_err(), NoteRefused::BadSignature { line: 2 });

    // One key counts once, however often it signed.
    let line = log.sign(text.clone()).unwrap().signatures()[0].clone();
    let twice = log.sign(text).unwrap().with(line).unwrap();
    assert_eq!(twice.open(&one).unwrap().signers().len(), 1);
}

#[test]
fn sixteen_signatures_and_more_are_accepted_but_not_any_number() {
    let text = NoteText::new("many\n".to_owned()).unwrap();
    let keys: Vec<LedgerKey> =
        (0..100_u8).map(|n| ledger_key(&format!("signer/{n}"), [n; 32])).collect();
    let mut note = keys[0].sign(text.clone()).unwrap();
    for key in &keys[1..] {
        note = note.with(key.sign(text.clone()).unwrap().signatures()[0].clone()).unwrap();
    }
    let known = Known::new(keys.iter().map(|key| key.verifier().clone())).unwrap();
    let parsed = SignedNote::parse(note.to_string().as_bytes()).unwrap();
    assert_eq!(parsed.open(&known).unwrap().signers().len(), 100);
    let line = note.signatures()[0].clone();
    assert_eq!(note.clone().with(line.clone()).unwrap_err(), BadNote::Signatures);
    let long = format!("{note}{line}\n");
    assert_eq!(SignedNote::parse(long.as_bytes()).unwrap_err(), BadNote::Signatures);
    let huge = "x".repeat(NOTE_BYTES_MAX + 1);
    assert!(matches!(SignedNote::parse(huge.as_bytes()), Err(BadNote::TooLong { .. })));
}

#[test]
fn malformed_notes_are_refused() {
    let line = NOTE.lines().last().unwrap();
    for (note, why) in [
        (String::new(), BadNote::Unsigned),
        ("text\n".to_owned(), BadNote::Unsigned),
        ("text\n\n".to_owned(), BadNote::Unsigned),
        (format!("text\n{line}\n"), BadNote::Unsigned),
        (format!("text\n\n{line}"), BadNote::Unsigned),
        (format!("text\n\n{line}\n\n"), BadNote::Unsigned),
        (format!("te\rxt\n\n{line}\n"), BadNote::Text),
        (format!("te\0xt\n\n{line}\n"), BadNote::Text),
        (format!("text\n\n-{line}\n"), BadNote::Line { line: 1 }),
        (format!("text\n\n{line}\n{line} \n"), BadNote::Line { line: 2 }),
        ("text\n\n\u{2014} name AAAAAA==\n".to_owned(), BadNote::Line { line: 1 }),
        ("text\n\n\u{2014} name AAAAAAA\n".to_owned(), BadNote::Line { line: 1 }),
        ("text\n\n\u{2014} name AAAAAAB=\n".to_owned(), BadNote::Line { line: 1 }),
        ("text\n\n\u{2014} n+me AAAAAAA=\n".to_owned(), BadNote::Line { line: 1 }),
        ("text\n\n\u{2014}  AAAAAAA=\n".to_owned(), BadNote::Line { line: 1 }),
        ("text\n\n\u{2014} na\u{a0}me AAAAAAA=\n".to_owned(), BadNote::Line { line: 1 }),
    ] {
        assert_eq!(SignedNote::parse(note.as_bytes()).unwrap_err(), why, "{note:?}");
    }
    assert_eq!(SignedNote::parse(b"te\xffxt\n\n").unwrap_err(), BadNote::Text);
    SignedNote::parse("text\n\n\u{2014} name AAAAAAA=\n".as_bytes()).unwrap();
}

#[test]
fn malformed_checkpoints_are_refused() {
    let root = "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=";
    let parse = |text: &str| Checkpoint::parse(&NoteText::new(text.to_owned()).unwrap());
    for (text, why) in [
        (format!("\n8\n{root}\n"), BadCheckpoint::Origin),
        ("o\n".to_owned(), BadCheckpoint::Size),
        (format!("o\n08\n{root}\n"), BadCheckpoint::Size),
        (format!("o\n+8\n{root}\n"), BadCheckpoint::Size),
        (format!("o\n-8\n{root}\n"), BadCheckpoint::Size),
        (format!("o\n8 \n{root}\n"), BadCheckpoint::Size),
        (format!("o\n\n{root}\n"), BadCheckpoint::Size),
        (format!("o\n9223372036854775808\n{root}\n"), BadCheckpoint::Size),
        (format!("o\n99999999999999999999\n{root}\n"), BadCheckpoint::Size),
        ("o\n8\n".to_owned(), BadCheckpoint::Root),
        ("o\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQ==\n".to_owned(), BadCheckpoint::Root),
        (format!("o\n8\n{root} \n"), BadCheckpoint::Root),
        (format!("o\n8\n{root}\n\n"), BadCheckpoint::Extension),
        (format!("o\n8\n{root}\nmore\n\nmore\n"), BadCheckpoint::Extension),
    ] {
        assert_eq!(parse(&text).unwrap_err(), why, "{text:?}");
    }
    let text = format!("spaces are allowed here\n0\n{root}\nmore\nstill more\n");
    let checkpoint = parse(&text).unwrap();
    assert_eq!(checkpoint.extensions(), ["more", "still more"]);
    assert_eq!(checkpoint.to_text().as_str(), text);
}

#[test]
fn a_checkpoint_is_believed_of_its_own_log_only() {
    let tree = head(&leaves(5));
    let log = log_key();
    let other = ledger_key("other.example/log", [5; 32]);
    let text = Checkpoint::new(Origin::parse("other.example/log").unwrap(), tree).to_text();
    let foreign = log.sign(text).unwrap();
    assert!(matches!(trust().open(&foreign), Err(CheckpointRefused::OtherLog { .. })));

    // Signed by a witness, but not by the log.
    let witness = witness("witness.example/w1", [6; 32]);
    let trust = trust().with_witnesses([witness.key.clone()], 1).unwrap();
    let text = Checkpoint::new(Origin::of(log.verifier().name()), tree).to_text();
    let bystander = witness.cosign(other.sign(text).unwrap(), 1);
    let refused = trust.open(&bystander).unwrap_err();
    assert!(matches!(refused, CheckpointRefused::NotByLog { .. }), "{refused}");
    let good = log.sign_checkpoint(tree).unwrap();
    let refused = trust.open(&good).unwrap_err();
    assert_eq!(refused, CheckpointRefused::TooFewWitnesses { found: 0, least: 1 });
    trust.open(&witness.cosign(good.clone(), 1)).unwrap();

    // A witness's time is signed: another one is another message.
    let signed = witness.cosign(good.clone(), 1);
    let mut blob = signed.signatures()[1].signature().to_vec();
    blob[7] = 2;
    let line = SignatureLine::new(witness.key.name().clone(), witness.key.id(), blob).unwrap();
    let refused = trust.open(&good.with(line).unwrap()).unwrap_err();
    assert_eq!(refused, CheckpointRefused::Note(NoteRefused::BadSignature { line: 2 }));
}

#[test]
fn one_key_under_two_names_is_one_witness() {
    let (a, b) = (witness("witness.example/a", [6; 32]), witness("witness.example/b", [6; 32]));
    let c = witness("witness.example/c", [7; 32]);
    let keys = || [a.key.clone(), b.key.clone(), c.key.clone()];
    let trust = trust().with_witnesses(keys(), 2).unwrap();
    let note = log_key().sign_checkpoint(head(&leaves(5))).unwrap();
    let note = b.cosign(a.cosign(note, 10), 11);
    let refused = trust.open(&note).unwrap_err();
    assert_eq!(refused, CheckpointRefused::TooFewWitnesses { found: 1, least: 2 });
    assert_eq!(trust.open(&c.cosign(note, 12)).unwrap().witnesses().len(), 3);
}

fn entries(count: u64) -> Vec<EntryBytes> {
    (0..count).map(|n| EntryBytes::new(entry(n)).unwrap()).collect()
}

#[test]
fn entries_of_every_allowed_length_pass_through_a_bundle() {
    let longest = EntryBytes::new(vec![7; 65_535]).unwrap();
    let few = [EntryBytes::new(vec![]).unwrap(), longest, EntryBytes::new(vec![1]).unwrap()];
    let bytes = bundle_bytes(&few);
    assert_eq!(parse_bundle(&bytes, TileWidth::new(3).unwrap()).unwrap(), few);
    assert_eq!(EntryBytes::new(vec![0; 65_536]).unwrap_err().bytes, 65_536);
    let short = parse_bundle(&bytes, TileWidth::new(4).unwrap()).unwrap_err();
    assert_eq!(short, BundleRefused::Short { entry: 3 });
    let long = parse_bundle(&bytes, TileWidth::new(2).unwrap()).unwrap_err();
    assert_eq!(long, BundleRefused::Long { bytes: 3 });
}

#[test]
fn tiles_pass_through_their_bytes() {
    let all = leaves(256);
    let bytes = tile_bytes(&all);
    assert_eq!(bytes.len(), 8_192);
    assert_eq!(parse_tile(&bytes, TileWidth::FULL).unwrap(), all);
    let narrow = TileWidth::new(9).unwrap();
    let cut_bytes = cut(&all, narrow).unwrap();
    assert_eq!(parse_tile(&cut_bytes, narrow).unwrap(), leaves(9));
    assert_eq!(cut(&all[..8], narrow), None);
    parse_tile(&bytes[1..], TileWidth::FULL).unwrap_err();
    parse_tile(&bytes, narrow).unwrap_err();
}

#[test]
fn a_server_has_what_its_tree_has() {
    let tree = size(70_000);
    for (path, there) in [
        ("checkpoint", true),
        ("tile/0/272", true),
        ("tile/0/273.p/112", true),
        ("tile/0/273.p/50", true),
        ("tile/0/000.p/50", true),
        ("tile/0/273.p/113", false),
        ("tile/0/273", false),
        ("tile/0/274.p/1", false),
        ("tile/1/001.p/17", true),
        ("tile/2/000.p/1", true),
        ("tile/3/000.p/1", false),
        ("tile/entries/273.p/112", true),
        ("tile/entries/273.p/113", false),
    ] {
        let resource = Resource::parse(path).unwrap();
        assert_eq!(resource.to_string(), path);
        assert_eq!(resource.is_in(tree), there, "{path}");
        assert_eq!(resource.is_immutable(), path != "checkpoint");
    }
    for path in
        ["", "checkpoint/", "/checkpoint", "tile", "tile/entries/x000/001", "tile/../checkpoint"]
    {
        assert_eq!(Resource::parse(path), None);
    }
    let new: Vec<String> = grown(size(255), size(257)).map(|what| what.to_string()).collect();
    assert_eq!(
        new,
        [
            "tile/entries/000",
            "tile/entries/001.p/1",
            "tile/0/000",
            "tile/0/001.p/1",
            "tile/1/000.p/1",
            "checkpoint",
        ]
    );
    assert_eq!(Bundle::in_tree(273, tree).unwrap().leaves().end(), 70_000);
}

fn proof_file(count: u64, at: u64, extra: Option<Vec<u8>>) -> ProofFile {
    let all = leaves(count);
    let proof = inclusion_proof(index(at), size(count), &nodes(&all)).unwrap();
    ProofFile { extra, proof, checkpoint: log_key().sign_checkpoint(head(&all)).unwrap() }
}

#[test]
fn a_proof_file_shows_its_entry_and_no_other() {
    for (count, at, extra) in [(1, 0, None), (8, 3, Some(b"names it".to_vec())), (300, 299, None)] {
        let file = proof_file(count, at, extra);
        let text = file.to_string();
        let read = ProofFile::parse(text.as_bytes()).unwrap();
        assert_eq!(read, file);
        let shown = read.verify(&LeafHash::of(&entry(at)), &trust()).unwrap();
        assert_eq!((shown.index(), shown.checkpoint().head().size), (index(at), size(count)));
        read.verify(&LeafHash::of(&entry(at + 1)), &trust()).unwrap_err();
        let stranger = ledger_key("ledger.example/test", [3; 32]);
        let other = Trust::in_key(stranger.verifier().clone()).unwrap();
        read.verify(&LeafHash::of(&entry(at)), &other).unwrap_err();
    }
    let text = proof_file(8, 3, Some(b"x".to_vec())).to_string();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra eA==\nindex 3\n"), "{text}");
}

#[test]
fn malformed_proof_files_are_refused() {
    let text = proof_file(8, 3, Some(b"x".to_vec())).to_string();
    for (from, to) in [
        ("c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v2"),
        ("extra eA==", "extra eA"),
        ("extra eA==", "extra eB=="),
        ("extra eA==", "extra eA==\nextra eA=="),
        ("extra eA==", "more eA=="),
        ("index 3", "index 03"),
        ("index 3", "index -3"),
        ("index 3", "index three"),
        ("index 3", "index 9223372036854775807"),
        ("index 3\n", ""),
        ("=\n\nledger.example", "=\nledger.example"),
        ("=\n\nledger.example", "=\nAAAA\n\nledger.example"),
    ] {
        let altered = text.replacen(from, to, 1);
        assert_ne!(altered, text);
        ProofFile::parse(altered.as_bytes()).unwrap_err();
    }
    // What is no checkpoint may still be a note; it is refused when it is checked.
    let early = ProofFile::parse(text.replacen("index 3\n", "index 3\n\n", 1).as_bytes()).unwrap();
    early.verify(&LeafHash::of(&entry(3)), &trust()).unwrap_err();
    let hash = text.lines().nth(3).unwrap();
    let deep = text.replacen(hash, &vec![hash; 64].join("\n"), 1);
    ProofFile::parse(deep.as_bytes()).unwrap_err();
    let without = text.replacen("extra eA==\n", "", 1);
    let known = LeafHash::of(&entry(3));
    ProofFile::parse(without.as_bytes()).unwrap().verify(&known, &trust()).unwrap();
}

/// One way to spoil bytes.
fn spoiled(bytes: &[u8], (how, at, with): (u8, usize, u8)) -> Option<Vec<u8>> {
    let mut out = bytes.to_vec();
    let at = at % out.len();
    match how % 5 {
        0 => out[at] ^= 1 << (with % 8),
        1 => drop(out.remove(at)),
        2 => out.insert(at, with),
        3 => out.truncate(at),
        _ => out[at] = with,
    }
    (out != bytes).then_some(out)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_altered_checkpoint_is_believed(spoil in any::<(u8, usize, u8)>()) {
        let trust = trust().with_witnesses([key(WITNESS_KEY)], 1).unwrap();
        if let Some(altered) = spoiled(NOTE.as_bytes(), spoil) {
            prop_assert!(trust.open_bytes(&altered).is_err(), "{}", String::from_utf8_lossy(&altered));
        }
    }

    #[test]
    fn no_altered_proof_file_shows_its_entry(spoil in any::<(u8, usize, u8)>(), at in 0_u64..20) {
        let file = proof_file(20, at, None);
        if let Some(altered) = spoiled(file.to_string().as_bytes(), spoil)
            && let Ok(read) = ProofFile::parse(&altered)
        {
            prop_assert!(read.verify(&LeafHash::of(&entry(at)), &trust()).is_err());
        }
    }

    #[test]
    fn no_altered_bundle_opens(spoil in any::<(u8, usize, u8)>(), count in 1_u64..=256) {
        let bytes = bundle_bytes(&entries(count));
        prop_assert_eq!(open_bundle(&bytes, &leaves(count)).unwrap(), entries(count));
        if let Some(altered) = spoiled(&bytes, spoil) {
            prop_assert!(open_bundle(&altered, &leaves(count)).is_err());
        }
    }

    #[test]
    fn garbage_is_refused_or_printed_back_unchanged(
        bytes in proptest::collection::vec(any::<u8>(), 0..200), spoil in any::<(u8, usize, u8)>(),
        width in 1_u16..=256,
    ) {
        let width = TileWidth::new(width).unwrap();
        let note = spoiled(NOTE.as_bytes(), spoil).unwrap_or_default();
        let file = spoiled(proof_file(8, 3, Some(vec![0])).to_string().as_bytes(), spoil).unwrap_or_default();
        for bytes in [&bytes, &note, &file] {
            if let Ok(note) = SignedNote::parse(bytes) {
                prop_assert_eq!(&note.to_string().into_bytes(), bytes);
                if let Ok(checkpoint) = Checkpoint::parse(note.text()) {
                    prop_assert_eq!(&checkpoint.to_text(), note.text());
                }
            }
            if let Ok(file) = ProofFile::parse(bytes) {
                prop_assert_eq!(&file.to_string().into_bytes(), bytes);
            }
            if let Ok(entries) = parse_bundle(bytes, width) {
                prop_assert_eq!(&bundle_bytes(&entries), bytes);
            }
            if let Ok(hashes) = parse_tile(bytes, width) {
                prop_assert_eq!(&tile_bytes(&hashes), bytes);
            }
            let text = String::from_utf8_lossy(bytes);
            if let Some(resource) = Resource::parse(&text) {
                prop_assert_eq!(resource.to_string(), text.as_ref());
            }
        }
    }

    #[test]
    fn every_signed_head_comes_back(n in 0_u64..=i64::MAX.unsigned_abs(), root in any::<[u8; 32]>(), name in "[a-z./]{1,20}", seed in any::<[u8; 32]>()) {
        let key = ledger_key(&name, seed);
        let root = bailiwick_core::ledger::RootHash::from_digest(bailiwick_core::names::Digest::from_bytes(root));
        let tree = TreeHead { size: TreeSize::new(n).unwrap(), root };
        let trust = Trust::in_key(key.verifier().clone()).unwrap();
        let bytes = key.sign_checkpoint(tree).unwrap().to_string();
        prop_assert_eq!(trust.open_bytes(bytes.as_bytes()).unwrap().head(), tree);
    }
}
