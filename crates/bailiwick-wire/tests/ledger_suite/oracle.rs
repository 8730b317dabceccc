//! Two other programs' opinion of our logs, and ours of theirs: `tlog_tiles` and `signed_note`.

use crate::reference::{entry, head, index, leaf, leaves, nodes, size};
use bailiwick_core::ledger::{
    ConsistencyProof, Frontier, Growth, InclusionProof, LeafHash, RootHash, Tile, TreeHead,
    consistency_proof, inclusion_proof, tiles_between,
};
use bailiwick_core::names::Digest;
use bailiwick_wire::ledger::{
    Checkpoint, KeyName, Known, LedgerKey, NoteText, Origin, SignedNote, Trust, VerifierKey,
};
use base64::Engine as _;
use proptest::prelude::*;
use signed_note::{Note, Signer as _, StandardSigner, StandardVerifier, VerifierList};
use tlog_tiles as oracle;
use zeroize::Zeroizing;

/// The other program's log: hashes in its own storage order.
struct Stored(Vec<oracle::Hash>);

impl oracle::HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<oracle::Hash>, oracle::Error> {
        Ok(indexes.iter().map(|index| self.0[usize::try_from(*index).unwrap()]).collect())
    }
}

fn theirs(count: u64) -> Stored {
    let mut stored = Stored(Vec::new());
    for n in 0..count {
        let new = oracle::stored_hashes(n, &entry(n), &stored).unwrap();
        stored.0.extend(new);
    }
    stored
}

fn same(hash: &Digest) -> oracle::Hash {
    oracle::Hash(*hash.as_bytes())
}

fn back(hashes: Vec<oracle::Hash>) -> Vec<Digest> {
    hashes.into_iter().map(|hash| Digest::from_bytes(hash.0)).collect()
}

#[test]
fn every_root_up_to_600_leaves_is_theirs_too() {
    let stored = theirs(600);
    let mut frontier = Frontier::empty();
    for n in 0..600 {
        let root = oracle::tree_hash(n, &stored).unwrap();
        assert_eq!(frontier.root(), RootHash::from_digest(Digest::from_bytes(root.0)), "size {n}");
        frontier.append(LeafHash::from_digest(leaf(n))).unwrap();
    }
}

#[test]
fn published_tiles_are_theirs_too() {
    let stored = theirs(70_000);
    for (from, to) in
        [(0, 1), (0, 70_000), (1, 255), (255, 257), (65_000, 65_536), (65_536, 65_537)]
    {
        let mut ours: Vec<String> =
            tiles_between(size(from), size(to)).map(|tile| tile.to_string()).collect();
        // Theirs have the height of the tile as first element of the path.
        let mut theirs: Vec<String> = oracle::Tile::new_tiles(8, from, to)
            .iter()
            .map(|tile| tile.path().replacen("tile/8/", "tile/", 1))
            .collect();
        ours.sort();
        theirs.sort();
        assert_eq!(ours, theirs, "from {from} to {to}");
    }
    let all = leaves(70_000);
    let mut edge = bailiwick_core::ledger::RightEdge::empty();
    for leaf in &all {
        for full in edge.append(LeafHash::from_digest(*leaf)).unwrap().1 {
            let tile = oracle::Tile::new(8, full.id.level.get(), full.id.index, 256, false);
            assert_eq!(
                tile.read_data(&stored).unwrap(),
                bailiwick_wire::ledger::tile_bytes(&full.hashes)
            );
        }
    }
}

#[test]
fn index_1234067_has_the_path_of_the_specification() {
    let tile = Tile::parse("tile/0/x001/x234/067").unwrap();
    assert_eq!(tile.id.index, 1_234_067);
    assert_eq!(oracle::Tile::new(8, 0, 1_234_067, 256, false).path(), "tile/8/0/x001/x234/067");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn proofs_hold_in_both_directions(n in 1_u64..700, at in any::<u64>(), old in any::<u64>()) {
        let (stored, all) = (theirs(n), leaves(n));
        let (at, old) = (at % n, 1 + old % n);
        let (from, to) = (head(&all[..usize::try_from(old).unwrap()]), head(&all));
        let (their_from, their_to) = (same(from.root.digest()), same(to.root.digest()));
        let hash = all[usize::try_from(at).unwrap()];

        let ours = inclusion_proof(index(at), to.size, &nodes(&all)).unwrap();
        let path: Vec<_> = ours.path.iter().map(same).collect();
        oracle::check_record(&path, n, their_to, at, same(&hash)).unwrap();
        let path = back(oracle::prove_record(n, at, &stored).unwrap());
        InclusionProof { index: index(at), path }.verify(&LeafHash::from_digest(hash), &to).unwrap();

        let sizes = Growth { from: from.size, to: to.size };
        let ours = consistency_proof(sizes, &nodes(&all)).unwrap();
        let path: Vec<_> = ours.path.iter().map(same).collect();
        oracle::check_tree(&path, n, their_to, old, their_from).unwrap();
        let path = back(oracle::prove_tree(n, old, &stored).unwrap());
        ConsistencyProof { path }.verify(&Growth { from, to }).unwrap();
    }

    #[test]
    fn checkpoints_open_in_both_directions(seed in any::<[u8; 32]>(), n in any::<u32>(), root in any::<[u8; 32]>()) {
        let name = KeyName::parse("ledger.example/oracle").unwrap();
        let ours = LedgerKey::from_seed(name, &Zeroizing::new(seed)).unwrap();
        let vkey = ours.verifier().to_string();
        let tree = TreeHead { size: size(n.into()), root: RootHash::from_digest(Digest::from_bytes(root)) };

        let signed = ours.sign_checkpoint(tree).unwrap().to_string();
        let note = Note::from_bytes(signed.as_bytes()).unwrap();
        let verifier = StandardVerifier::new(&vkey).unwrap();
        let (known, unknown) = note.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
        prop_assert_eq!((known.len(), unknown.len()), (1, 0));
        let read = oracle::Checkpoint::from_bytes(note.text()).unwrap();
        prop_assert_eq!((read.origin(), read.size()), ("ledger.example/oracle", u64::from(n)));
        prop_assert_eq!(read.hash().0, root);
        prop_assert_eq!(read.to_bytes(), note.text());

        let id = u32::from_be_bytes(*ours.verifier().id().as_bytes());
        let secret = base64::engine::general_purpose::STANDARD.encode([[1].as_slice(), &seed].concat());
        let theirs = StandardSigner::new(&format!("PRIVATE+KEY+ledger.example/oracle+{id:08x}+{secret}")).unwrap();
        prop_assert_eq!(theirs.key_id(), id);
        let text = Checkpoint::new(Origin::parse("ledger.example/oracle").unwrap(), tree).to_text();
        let mut note = Note::new(text.as_str().as_bytes(), &[]).unwrap();
        note.add_sigs(&[&theirs]).unwrap();
        let trust = Trust::in_key(VerifierKey::parse(&vkey).unwrap()).unwrap();
        prop_assert_eq!(trust.open_bytes(&note.to_bytes()).unwrap().head(), tree);
        // Ed25519 is deterministic, so the two programs write the same bytes.
        prop_assert_eq!(String::from_utf8(note.to_bytes()).unwrap(), signed);
    }

    #[test]
    fn both_read_the_same_notes_and_texts(text in "[ -~\n\u{2014}é]{0,60}", tail in "(\n\n)?(\u{2014} [a-z+ ]{1,4} [A-Za-z0-9+/=]{4,12}\n){0,3}") {
        let bytes = format!("{text}{tail}");
        let (ours, theirs) = (SignedNote::parse(bytes.as_bytes()), Note::from_bytes(bytes.as_bytes()));
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?} {:?}", ours, theirs);
        if let Ok(note) = ours {
            prop_assert_eq!(note.to_string(), bytes);
        }
    }
}

#[test]
fn a_note_of_theirs_that_is_no_checkpoint_opens_too() {
    let seed = [9; 32];
    let name = KeyName::parse("someone").unwrap();
    let key = LedgerKey::from_seed(name, &Zeroizing::new(seed)).unwrap();
    let note = key.sign(NoteText::new("two\n\nparts\n".to_owned()).unwrap()).unwrap();
    let verifier = StandardVerifier::new(&key.verifier().to_string()).unwrap();
    let theirs = Note::from_bytes(note.to_string().as_bytes()).unwrap();
    theirs.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
    assert_eq!(theirs.text(), b"two\n\nparts\n");
    let ours = SignedNote::parse(&theirs.to_bytes()).unwrap();
    let known = Known::new([key.verifier().clone()]).unwrap();
    assert_eq!(ours.open(&known).unwrap().text().as_str(), "two\n\nparts\n");
}
