//! The tree: known hashes, growth, tiles, and proofs that hold or are refused.

use std::collections::BTreeMap;

use crate::reference::{at, head, index, leaf, leaves, nodes, path, root, size, subproof};
use bailiwick_core::ledger::{
    Bundle, ConsistencyProof, Frontier, Growth, InclusionProof, LeafHash, NoProof, Node,
    Nodes as _, ProofRefused, RightEdge, RootHash, Tile, TileId, TileLevel, TileSet, TreeHead,
    TreeSize, consistency_proof, consistency_tiles, inclusion_proof, inclusion_tiles,
    tiles_between, tiles_of,
};
use bailiwick_core::names::Digest;
use proptest::prelude::*;

/// The eight entries of the reference tree that RFC 6962 implementations share, and its roots as
/// computed from the definition by a program in another language.
const REFERENCE: [(&str, &str); 9] = [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("00", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    ("10", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    ("2021", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    ("3031", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    ("40414243", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    ("5051525354555657", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    (
        "606162636465666768696a6b6c6d6e6f",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    ),
    ("", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
];

fn unhex(text: &str) -> Vec<u8> {
    let digit = |b: &u8| u8::try_from(char::from(*b).to_digit(16).unwrap()).unwrap();
    text.as_bytes().chunks(2).map(|pair| digit(&pair[0]) << 4 | digit(&pair[1])).collect()
}

#[test]
fn the_reference_tree_has_the_roots_everyone_else_computes() {
    let mut frontier = Frontier::empty();
    for (entry, root) in REFERENCE {
        assert_eq!(frontier.root().to_string(), root, "at size {}", frontier.size());
        frontier.append(LeafHash::of(&unhex(entry))).unwrap();
    }
    let empty_leaf = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
    assert_eq!(LeafHash::of(b"").to_string(), empty_leaf);
}

#[test]
fn a_frontier_grows_as_the_definition_says_and_survives_being_stored() {
    let all = leaves(300);
    let mut frontier = Frontier::empty();
    for n in 0..=300_usize {
        assert_eq!(frontier.head(), head(&all[..n]));
        let (stored, roots) = frontier.to_parts();
        frontier = Frontier::from_parts(stored, &roots).unwrap();
        if let Some(leaf) = all.get(n) {
            let appended = frontier.append(LeafHash::from_digest(*leaf)).unwrap();
            assert_eq!(appended.index().get(), u64::try_from(n).unwrap());
        }
    }
    let (stored, roots) = frontier.to_parts();
    Frontier::from_parts(stored, &roots[1..]).unwrap_err();
    Frontier::from_parts(stored, &[roots.as_slice(), &[0; 32]].concat()).unwrap_err();
    Frontier::from_parts(stored.grown().unwrap(), &roots[32..]).unwrap_err();
}

#[test]
fn the_last_leaf_that_can_be_counted_is_refused_and_not_wrapped() {
    let last = TreeSize::new(bailiwick_core::ledger::TREE_SIZE_MAX).unwrap();
    let mut frontier = Frontier::from_parts(last, &[7; 63 * 32]).unwrap();
    let before = frontier.clone();
    frontier.append(LeafHash::of(b"")).unwrap_err();
    assert_eq!(frontier, before);
    assert_eq!(tiles_of(TreeSize::EMPTY).count(), 0);
    let widths: Vec<u16> = TileLevel::all()
        .map(|level| TileId { level, index: (last.get() >> (8 * level.get())) / 256 })
        .map(|id| id.width_in(last).unwrap().get())
        .collect();
    assert_eq!(widths, [255, 255, 255, 255, 255, 255, 255, 127]);
}

#[test]
fn the_example_tree_of_the_tile_format_has_the_tiles_it_names() {
    let shown = |size: TreeSize, level: u8| -> (usize, Vec<String>) {
        let tiles = tiles_of(size).filter(|tile| tile.id.level.get() == level);
        let (full, partial): (Vec<Tile>, Vec<Tile>) = tiles.partition(|tile| tile.width.is_full());
        (full.len(), partial.iter().map(Tile::to_string).collect())
    };
    let big = size(70_000);
    assert_eq!(shown(big, 0), (273, vec!["tile/0/273.p/112".to_owned()]));
    assert_eq!(shown(big, 1), (1, vec!["tile/1/001.p/17".to_owned()]));
    assert_eq!(shown(big, 2), (0, vec!["tile/2/000.p/1".to_owned()]));
    assert_eq!(shown(big, 3), (0, vec![]));
    assert_eq!(shown(size(256), 0), (1, vec![]));
    assert_eq!(shown(size(256), 1), (0, vec!["tile/1/000.p/1".to_owned()]));
    let new: Vec<String> =
        tiles_between(size(255), size(257)).map(|tile| tile.to_string()).collect();
    assert_eq!(new, ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"]);
}

#[test]
fn paths_are_spelled_one_way() {
    for path in [
        "tile/0/x001/x234/067",
        "tile/3/999",
        "tile/7/x001/000.p/255",
        "tile/0/x036/x028/x797/x018/x963/967",
    ] {
        assert_eq!(Tile::parse(path).unwrap().to_string(), path);
    }
    assert_eq!(
        Bundle::parse("tile/entries/x001/234.p/9").unwrap().to_string(),
        "tile/entries/x001/234.p/9"
    );
    for path in [
        "",
        "tile/0/",
        "tile/0/67",
        "tile/0/0067",
        "tile/00/067",
        "tile/8/067",
        "tile/+1/067",
        "tile/0/x000/067",
        "tile/0/001/067",
        "tile/0/x001/x067",
        "tile/0/067.p/0",
        "tile/0/067.p/256",
        "tile/0/067.p/007",
        "tile/0/067.p/",
        "tile/0/067/",
        "/tile/0/067",
        "tile/0/../067",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        "tile/entries/067",
    ] {
        Tile::parse(path).unwrap_err();
    }
}

#[test]
fn proofs_are_those_of_the_definition_and_hold() {
    let all = leaves(70);
    for n in 1..=70_usize {
        let (tree, to) = (&all[..n], head(&all[..n]));
        for (m, leaf) in tree.iter().enumerate() {
            let (leaf_index, hash) = (index(m as u64), LeafHash::from_digest(*leaf));
            let proof = inclusion_proof(leaf_index, to.size, &nodes(tree)).unwrap();
            assert_eq!(proof.path, path(m, tree), "leaf {m} of {n}");
            proof.verify(&hash, &to).unwrap();
        }
        for m in 1..=n {
            let from = head(&all[..m]);
            let sizes = Growth { from: from.size, to: to.size };
            let proof = consistency_proof(sizes, &nodes(tree)).unwrap();
            assert_eq!(proof.path, subproof(m, tree, true), "from {m} to {n}");
            proof.verify(&Growth { from, to }).unwrap();
        }
    }
}

#[test]
fn what_cannot_be_proven_is_said_so() {
    let all = leaves(9);
    let nodes = nodes(&all);
    let beyond = inclusion_proof(index(9), size(9), &nodes);
    assert_eq!(beyond.unwrap_err(), NoProof::NotInTree { leaf: index(9), size: size(9) });
    for (from, to) in [(0, 5), (6, 5), (0, 0)] {
        let growth = Growth { from: size(from), to: size(to) };
        consistency_proof(growth, &nodes).unwrap_err();
    }
    let holes = |node: Node| if node.level == 1 { None } else { nodes(node) };
    let missing = inclusion_proof(index(0), size(9), &holes);
    assert_eq!(missing.unwrap_err(), NoProof::Missing(Node { level: 1, index: 1 }));
    let empty = TreeHead { size: size(0), root: RootHash::empty() };
    for to in [empty, head(&all)] {
        let nothing = ConsistencyProof { path: vec![] }.verify(&Growth { from: empty, to });
        assert_eq!(nothing.unwrap_err(), ProofRefused::NotGrowth);
    }
}

/// A log of 66,000 leaves, so that three levels of tiles are there.
struct Grown {
    leaves: Vec<Digest>,
    tiles: BTreeMap<TileId, Vec<Digest>>,
    edge: RightEdge,
}

fn grown() -> Grown {
    let leaves = leaves(66_000);
    let (mut edge, mut tiles) = (RightEdge::empty(), BTreeMap::new());
    for leaf in &leaves {
        let (appended, full) = edge.append(LeafHash::from_digest(*leaf)).unwrap();
        let filled: Vec<TileId> = appended.filled_tiles().collect();
        assert_eq!(filled, full.iter().map(|tile| tile.id).collect::<Vec<_>>());
        tiles.extend(full.into_iter().map(|tile| (tile.id, tile.hashes)));
    }
    for (tile, hashes) in TileLevel::all().filter_map(|level| edge.partial(level)) {
        assert_eq!(tile.id.in_tree(edge.frontier().size()), Some(tile));
        tiles.insert(tile.id, hashes.to_vec());
    }
    Grown { leaves, tiles, edge }
}

#[test]
fn a_log_is_proven_from_the_tiles_that_were_stored_as_they_filled() {
    let Grown { leaves, tiles, edge } = grown();
    let last = size(66_000);
    assert_eq!(edge.frontier().head().root.digest(), &root(&leaves));
    let published: Vec<TileId> = tiles_of(last).map(|tile| tile.id).collect();
    assert_eq!(published, tiles.keys().copied().collect::<Vec<_>>());
    for (id, hashes) in &tiles {
        assert_eq!(hashes.len(), usize::from(id.width_in(last).unwrap().get()));
        let covered = id.leaves_of(0);
        let (first, end) = (at(covered.first()), at(covered.end()));
        assert_eq!(hashes[0], root(&leaves[first..end]), "{id}");
    }
    let loaded = RightEdge::load(last, |tile| tiles.get(&tile.id).cloned()).unwrap();
    assert_eq!(loaded.frontier(), edge.frontier());
    assert_eq!(loaded.partial(TileLevel::LEAVES), edge.partial(TileLevel::LEAVES));
    RightEdge::load(last, |tile| tiles.get(&tile.id).map(|row| row[1..].to_vec())).unwrap_err();

    let only = |ids: &std::collections::BTreeSet<TileId>| {
        let mut set = TileSet::default();
        ids.iter().for_each(|id| set.insert(*id, tiles[id].clone()));
        set
    };
    for (leaf_index, n) in
        [(0, 66_000), (65_535, 65_536), (65_999, 66_000), (300, 301), (40_000, 65_537)]
    {
        let (leaf_index, tree) = (index(leaf_index), size(n));
        let set = only(&inclusion_tiles(leaf_index, tree).unwrap());
        let proof = inclusion_proof(leaf_index, tree, &set).unwrap();
        let hash = LeafHash::from_digest(leaves[at(leaf_index.get())]);
        proof.verify(&hash, &head(&leaves[..at(n)])).unwrap();
    }
    for (from, to) in
        [(1, 66_000), (256, 65_536), (65_535, 65_536), (65_536, 66_000), (777, 50_001)]
    {
        let sizes = Growth { from: size(from), to: size(to) };
        let set = only(&consistency_tiles(sizes).unwrap());
        let proof = consistency_proof(sizes, &set).unwrap();
        let from = head(&leaves[..at(from)]);
        proof.verify(&Growth { from, to: head(&leaves[..at(to)]) }).unwrap();
    }
    assert_eq!(TileSet::default().hash_at(Node { level: 0, index: 0 }), None);
}

/// One way to spoil a list of hashes.
#[derive(Clone, Copy, Debug)]
enum Spoil {
    Flip(usize, u8),
    Drop(usize),
    Double(usize),
    Insert(usize),
    Swap(usize, usize),
}

fn spoil() -> impl Strategy<Value = Spoil> {
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, bit)| Spoil::Flip(at, bit)),
        any::<usize>().prop_map(Spoil::Drop),
        any::<usize>().prop_map(Spoil::Double),
        any::<usize>().prop_map(Spoil::Insert),
        (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Spoil::Swap(a, b)),
    ]
}

fn flipped(hash: Digest, bit: u8) -> Digest {
    let mut bytes = *hash.as_bytes();
    bytes[usize::from(bit / 8)] ^= 1 << (bit % 8);
    Digest::from_bytes(bytes)
}

/// The spoiled list; nothing when it came out the same.
fn spoiled(list: &[Digest], how: Spoil) -> Option<Vec<Digest>> {
    let mut out = list.to_vec();
    let count = list.len();
    match how {
        Spoil::Insert(at) => out.insert(at % (count + 1), leaf(9_999)),
        _ if count == 0 => return None,
        Spoil::Flip(at, bit) => out[at % count] = flipped(out[at % count], bit),
        Spoil::Drop(at) => drop(out.remove(at % count)),
        Spoil::Double(at) => out.insert(at % count, list[at % count]),
        Spoil::Swap(a, b) => out.swap(a % count, b % count),
    }
    (out != list).then_some(out)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_altered_inclusion_proof_holds(
        n in 1_usize..400, at in any::<usize>(), other in any::<usize>(), bit in any::<u8>(), how in spoil(),
    ) {
        let all = leaves(n as u64);
        let (at, other) = (at % n, other % (n + 3));
        let (to, hash) = (head(&all), LeafHash::from_digest(all[at]));
        let proof = inclusion_proof(index(at as u64), to.size, &nodes(&all)).unwrap();
        proof.verify(&hash, &to).unwrap();
        if let Some(path) = spoiled(&proof.path, how) {
            InclusionProof { path, ..proof }.verify(&hash, &to).unwrap_err();
        }
        if other != at {
            let moved = InclusionProof { index: index(other as u64), ..proof.clone() };
            moved.verify(&hash, &to).unwrap_err();
        }
        proof.verify(&LeafHash::from_digest(flipped(all[at], bit)), &to).unwrap_err();
        let root = RootHash::from_digest(flipped(*to.root.digest(), bit));
        proof.verify(&hash, &TreeHead { root, ..to }).unwrap_err();
    }

    #[test]
    fn no_altered_consistency_proof_holds(
        n in 2_usize..400, m in any::<usize>(), other in any::<usize>(), bit in any::<u8>(), how in spoil(),
    ) {
        let all = leaves(n as u64);
        let (m, other) = (1 + m % (n - 1), 1 + other % (n - 1));
        let (from, to) = (head(&all[..m]), head(&all));
        let growth = Growth { from, to };
        let sizes = Growth { from: from.size, to: to.size };
        let proof = consistency_proof(sizes, &nodes(&all)).unwrap();
        proof.verify(&growth).unwrap();
        if let Some(path) = spoiled(&proof.path, how) {
            ConsistencyProof { path }.verify(&growth).unwrap_err();
        }
        let forged = |head: TreeHead| {
            TreeHead { root: RootHash::from_digest(flipped(*head.root.digest(), bit)), ..head }
        };
        proof.verify(&Growth { from: forged(from), to }).unwrap_err();
        proof.verify(&Growth { from, to: forged(to) }).unwrap_err();
        proof.verify(&Growth { from: to, to: from }).unwrap_err();
        if other != m {
            proof.verify(&Growth { from: TreeHead { size: size(other as u64), ..from }, to }).unwrap_err();
        }
    }

    #[test]
    fn any_text_is_a_tile_spelled_that_way_or_none(text in "tile/[0-9]{1,2}/(x[0-9]{3}/){0,3}[0-9]{3}(\\.p/[0-9]{1,3})?") {
        if let Ok(tile) = Tile::parse(&text) {
            prop_assert_eq!(tile.to_string(), text);
        }
    }
}
