//! Notes, checkpoints, keys, tiles, bundles, proofs and paths (C2SP).

use bailiwick_core::ledger::{
    Bundle, EntryBytes, InclusionProof, LeafHash, LeafIndex, Tile, TileWidth, inclusion_proof,
};
use bailiwick_core::names::Digest;
use bailiwick_wire::ledger::layout::Resource;
use bailiwick_wire::ledger::{
    Checkpoint, KeyName, Known, LedgerKey, NoteText, Origin, ProofFile, SignedNote, Trust,
    VerifierKey, bundle_bytes, open_bundle, parse_bundle, parse_tile, tile_bytes,
};
use zeroize::Zeroizing;

use crate::fuzzing::refusal::No;
use crate::fuzzing::{Shape, Target};
use crate::tree::{entry, head, leaf, leaves, nodes};

const NAME: &str = "ledger.example/test";
const LEAVES: u64 = 8;

fn log_key() -> LedgerKey {
    LedgerKey::from_seed(KeyName::parse(NAME).unwrap(), &Zeroizing::new([1; 32])).unwrap()
}

fn trust() -> Trust {
    Trust::in_key(log_key().verifier().clone()).unwrap()
}

/// Signed heads of the log at several sizes, and one with a stranger's signature beside.
fn notes() -> Vec<String> {
    let log = log_key();
    let stranger =
        LedgerKey::from_seed(KeyName::parse("other.example").unwrap(), &Zeroizing::new([2; 32]));
    let stranger = stranger.unwrap();
    let mut notes: Vec<String> = [0, 1, LEAVES]
        .map(|size| log.sign_checkpoint(head(&leaves(size))).unwrap().to_string())
        .to_vec();
    let signed = log.sign_checkpoint(head(&leaves(5))).unwrap();
    let beside = stranger.sign(signed.text().clone()).unwrap().signatures()[0].clone();
    notes.push(signed.with(beside).unwrap().to_string());
    notes
}

const WORDS: [&str; 10] = [
    "\u{2014} ",
    "\n\n",
    "\n",
    "ledger.example/test",
    "ledger.example/test\n8\n",
    "AAAAAAA=",
    "0",
    "index 3\n",
    "extra AA==\n",
    "c2sp.org/tlog-proof@v1\n",
];

#[test]
fn fuzz_note() {
    let known = Known::new([log_key().verifier().clone()]).unwrap();
    let signed: Vec<NoteText> = notes()
        .iter()
        .map(|note| SignedNote::parse(note.as_bytes()).unwrap().text().clone())
        .collect();
    Target::new("fuzz_note", Shape::Text).seeds(notes()).words(WORDS).run(|octets| {
        let note = SignedNote::parse(octets)?;
        assert_eq!(note.to_string().as_bytes(), octets, "a note has one spelling");
        match note.open(&known) {
            Ok(opened) => assert!(signed.contains(opened.text()), "nobody signed this"),
            Err(refused) => crate::fuzzing::refusal::check(&refused),
        }
        Ok(())
    });
}

/// The first part of a checkpoint, before anybody signs it.
#[test]
fn fuzz_checkpoint() {
    let text = |note: &String| note.split_once("\n\n").unwrap().0.to_owned() + "\n";
    let mut seeds: Vec<String> = notes().iter().map(text).collect();
    seeds.push(format!("{}more\nstill more\n", seeds[0]));
    Target::new("fuzz_checkpoint", Shape::Text).seeds(seeds).words(WORDS).run(|octets| {
        let text = NoteText::new(std::str::from_utf8(octets)?.to_owned())?;
        let checkpoint = Checkpoint::parse(&text)?;
        assert_eq!(checkpoint.to_text(), text, "a checkpoint has one spelling");
        Ok(())
    });
}

/// No changed checkpoint is believed.
#[test]
fn fuzz_signed_checkpoint() {
    let trust = trust();
    let heads = [0, 1, LEAVES, 5].map(|size| head(&leaves(size)));
    Target::new("fuzz_signed_checkpoint", Shape::Text).seeds(notes()).words(WORDS).run(|octets| {
        let opened = trust.open_bytes(octets)?;
        assert!(heads.contains(&opened.head()), "a head that the log never signed");
        assert_eq!(opened.note().to_string().as_bytes(), octets);
        Ok(())
    });
}

#[test]
fn fuzz_verifier_key() {
    let seeds = [
        log_key().verifier().to_string(),
        "witness.example/w1+04d2d833+BD1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM".to_owned(),
    ];
    Target::new("fuzz_verifier_key", Shape::Text).seeds(seeds).words(WORDS).run_sealed(|octets| {
        let text = std::str::from_utf8(octets)?;
        let key = VerifierKey::parse(text)?;
        assert_eq!(key.to_string(), text);
        Ok(())
    });
}

/// What a person or a setting names a log by.
#[test]
fn fuzz_origin() {
    let seeds = ["ledger.example/test", "spaces are allowed"];
    Target::new("fuzz_origin", Shape::Text).seeds(seeds).run(|octets| {
        let text = std::str::from_utf8(octets)?;
        let origin = Origin::parse(text);
        if let Ok(name) = KeyName::parse(text) {
            assert_eq!(name.as_str(), text);
        }
        let origin = origin?;
        assert_eq!(origin.as_str(), text);
        Ok(())
    });
}

fn proofs() -> Vec<String> {
    let all = leaves(LEAVES);
    let proof = |at: u64, extra: Option<Vec<u8>>| {
        let index = LeafIndex::new(at).unwrap();
        let size = head(&all).size;
        let proof: InclusionProof = inclusion_proof(index, size, &nodes(&all)).unwrap();
        let checkpoint = log_key().sign_checkpoint(head(&all)).unwrap();
        ProofFile { extra, proof, checkpoint }.to_string()
    };
    vec![proof(3, None), proof(7, Some(b"beside".to_vec())), proof(0, Some(Vec::new()))]
}

/// A proof shows nothing but what is in the log, at its place.
#[test]
fn fuzz_proof() {
    let trust = trust();
    let known: Vec<LeafHash> = (0..LEAVES).map(|n| LeafHash::of(&entry(n))).collect();
    let foreign = LeafHash::of(b"never in the log");
    Target::new("fuzz_proof", Shape::Text).seeds(proofs()).words(WORDS).run(|octets| {
        let file = ProofFile::parse(octets)?;
        assert_eq!(file.to_string().as_bytes(), octets, "a proof has one spelling");
        assert!(file.verify(&foreign, &trust).is_err(), "what is not in the log");
        for (place, leaf) in (0..).zip(&known) {
            match file.verify(leaf, &trust) {
                Ok(shown) => assert_eq!(shown.index().get(), place),
                Err(refused) => crate::fuzzing::refusal::check(&refused),
            }
        }
        Ok(())
    });
}

#[test]
fn fuzz_tile() {
    let width = TileWidth::new(8).unwrap();
    let seeds = [tile_bytes(&leaves(LEAVES))];
    Target::new("fuzz_tile", Shape::Octets).seeds(seeds).run(|octets| {
        assert_eq!(tile_bytes(&parse_tile(octets, width)?), octets);
        Ok(())
    });
}

/// A bundle is read only whole; no changed one has the hashes of its tile.
#[test]
fn fuzz_bundle() {
    let entries: Vec<EntryBytes> =
        (0..LEAVES).map(|n| EntryBytes::new(entry(n)).unwrap()).collect();
    let width = TileWidth::new(8).unwrap();
    let seed = bundle_bytes(&entries);
    let (hashes, good): (Vec<Digest>, _) = ((0..LEAVES).map(leaf).collect(), seed.clone());
    Target::new("fuzz_bundle", Shape::Octets).seeds([seed]).run(|octets| {
        assert_eq!(open_bundle(octets, &hashes).is_ok(), octets == good);
        let read = parse_bundle(octets, width)?;
        assert_eq!(bundle_bytes(&read), octets);
        Ok(())
    });
}

#[test]
fn fuzz_ledger_path() {
    let seeds = [
        "checkpoint",
        "tile/0/000",
        "tile/0/x001/234.p/17",
        "tile/entries/x123/x456/789",
        "tile/entries/000.p/255",
        "tile/5/000",
    ];
    Target::new("fuzz_ledger_path", Shape::Text)
        .seeds(seeds)
        .words(["x", ".p/", "tile", "entries", "000", "256", "63", "64"])
        .run(|octets| {
            let text = std::str::from_utf8(octets)?;
            for refused in [Tile::parse(text).err(), Bundle::parse(text).err()].iter().flatten() {
                crate::fuzzing::refusal::check(refused);
            }
            assert_eq!(Resource::parse(text).ok_or(No)?.to_string(), text, "one path for each");
            Ok(())
        });
}
