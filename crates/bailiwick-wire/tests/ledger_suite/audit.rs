//! Tampering with a stored ledger, and what the audit says of it.

use std::collections::BTreeMap;

use bailiwick_core::ledger::audit::{
    Audit, AuditFinding, AuditReport, BadBlock, Block, Ending, Evidence, Kept, Progress, Signed,
    StoredLeaf, StoredTile, tiles_ending_in,
};
use bailiwick_core::ledger::{
    Frontier, LeafHash, RightEdge, RootHash, TileId, TileLevel, TreeHead, TreeSize,
};
use bailiwick_core::names::Digest;
use bailiwick_wire::ledger::{KeyName, LedgerKey, Trust};
use proptest::prelude::*;
use zeroize::Zeroizing;

use crate::reference::{at, entry, index, size};

/// A ledger's tables.
#[derive(Clone)]
struct Store {
    rows: Vec<Row>,
    tiles: BTreeMap<TileId, Vec<Digest>>,
    checkpoints: Vec<TreeHead>,
    head: Frontier,
}

#[derive(Clone, Debug)]
struct Row {
    index: u64,
    entry: Vec<u8>,
    hash: LeafHash,
}

impl Store {
    /// Entries committed in groups, one checkpoint after each group.
    fn new(entries: Vec<Vec<u8>>, groups: &[u64]) -> Self {
        let rows = (0..).zip(entries).map(|(index, entry)| Row {
            index,
            hash: LeafHash::of(&entry),
            entry,
        });
        let mut store = Self {
            rows: rows.collect(),
            tiles: BTreeMap::new(),
            checkpoints: Vec::new(),
            head: Frontier::empty(),
        };
        let mut groups = groups.iter().copied().cycle();
        let mut edge = RightEdge::empty();
        let mut due = groups.next().unwrap();
        for row in &store.rows {
            let full = edge.append(row.hash).unwrap().1;
            store.tiles.extend(full.into_iter().map(|tile| (tile.id, tile.hashes)));
            if row.index + 1 == due {
                store.checkpoints.push(edge.frontier().head());
                due += groups.next().unwrap();
            }
        }
        let last = edge.frontier().head();
        if store.checkpoints.last() != Some(&last) {
            store.checkpoints.push(last);
        }
        store.head = edge.frontier().clone();
        store
    }

    fn count(&self) -> u64 {
        self.rows.len().try_into().unwrap()
    }

    /// Everything that can be computed from the rows, computed again; the signed checkpoints stay.
    fn cover_up(&mut self) {
        let again = Self::new(self.rows.iter().map(|row| row.entry.clone()).collect(), &[u64::MAX]);
        (self.tiles, self.head) = (again.tiles, again.head);
        self.rows = again.rows;
    }

    fn replace(&mut self, leaf: u64) {
        let row = &mut self.rows[at(leaf)];
        row.entry = format!("forged {leaf}").into_bytes();
        row.hash = LeafHash::of(&row.entry);
    }

    fn renumber(&mut self) {
        (0..).zip(&mut self.rows).for_each(|(index, row)| row.index = index);
    }

    fn audit(&self, held: Vec<TreeHead>) -> AuditReport {
        let mut audit = Audit::new(Kept::Tiles, held);
        let blocks = self.rows.last().map_or(0, |row| row.index / 256 + 1);
        for number in 0..blocks {
            let range = number * 256..(number + 1) * 256;
            let leaves: Vec<StoredLeaf<'_>> = self
                .rows
                .iter()
                .filter(|row| range.contains(&row.index))
                .map(|row| StoredLeaf {
                    index: index(row.index),
                    entry: &row.entry,
                    leaf_hash: row.hash,
                })
                .collect();
            let tiles: Vec<StoredTile<'_>> = tiles_ending_in(number)
                .filter_map(|id| Some(StoredTile { id, hashes: self.tiles.get(&id)? }))
                .collect();
            let sizes = if number == 0 { 0..=256 } else { range.start + 1..=range.end };
            let checkpoints: Vec<TreeHead> = self
                .checkpoints
                .iter()
                .filter(|head| sizes.contains(&head.size.get()))
                .copied()
                .collect();
            let block = Block { number, leaves: &leaves, tiles: &tiles, checkpoints: &checkpoints };
            if audit.block(&block).unwrap() == Progress::Stop {
                break;
            }
        }
        audit.finish(Ending {
            head: Some(&self.head),
            partial_tiles: &[],
            largest_checkpoint: self.checkpoints.last().copied(),
        })
    }

    fn finding(&self) -> AuditFinding {
        self.audit(Vec::new()).finding.unwrap()
    }

    /// From the last checkpoint before a leaf to the first that covers it.
    fn between_checkpoints(&self, leaf: u64) -> (u64, u64) {
        let sizes = || self.checkpoints.iter().map(|head| head.size.get());
        let before = sizes().filter(|size| *size <= leaf).max().unwrap_or(0);
        (before, sizes().filter(|size| *size > leaf).min().unwrap())
    }
}

fn store(count: u64, groups: &[u64]) -> Store {
    Store::new((0..count).map(entry).collect(), groups)
}

/// One way to tamper. Numbers are taken modulo what is there.
#[derive(Clone, Copy, Debug)]
enum Tampering {
    FlipEntry(u64, usize, u8),
    FlipLeafHash(u64, u8),
    Delete(u64),
    DeleteAndCloseUp(u64),
    Insert(u64),
    Swap(u64, u64),
    RewriteTail(u64),
    Truncate(u64),
    TruncateTilesToo(u64),
    RewriteAll(u64),
    AppendBehindHead,
    Derived(Derived),
}

/// One way to tamper with what is computed from the entries.
#[derive(Clone, Copy, Debug)]
enum Derived {
    FlipTile(usize, u8, u8),
    DeleteTile(usize),
    FlipHead(usize, u8),
}

fn tampering() -> impl Strategy<Value = Tampering> {
    use Tampering::*;
    let n = any::<u64>;
    prop_oneof![
        (n(), any::<usize>(), any::<u8>()).prop_map(|(leaf, byte, bit)| FlipEntry(leaf, byte, bit)),
        (n(), any::<u8>()).prop_map(|(leaf, bit)| FlipLeafHash(leaf, bit)),
        n().prop_map(Delete),
        n().prop_map(DeleteAndCloseUp),
        n().prop_map(Insert),
        (n(), n()).prop_map(|(a, b)| Swap(a, b)),
        n().prop_map(RewriteTail),
        n().prop_map(Truncate),
        n().prop_map(TruncateTilesToo),
        n().prop_map(RewriteAll),
        Just(AppendBehindHead),
        derived().prop_map(Derived),
        derived().prop_map(Derived),
        derived().prop_map(Derived),
    ]
}

fn derived() -> impl Strategy<Value = Derived> {
    use Derived::*;
    prop_oneof![
        (any::<usize>(), any::<u8>(), any::<u8>())
            .prop_map(|(tile, slot, bit)| FlipTile(tile, slot, bit)),
        any::<usize>().prop_map(DeleteTile),
        (any::<usize>(), any::<u8>()).prop_map(|(root, bit)| FlipHead(root, bit)),
    ]
}

fn flip(hash: Digest, bit: u8) -> Digest {
    let mut bytes = *hash.as_bytes();
    bytes[usize::from(bit / 8)] ^= 1 << (bit % 8);
    Digest::from_bytes(bytes)
}

/// What the audit has to say.
#[derive(Debug)]
enum Expected {
    /// This leaf and no other.
    Leaf(u64),
    /// This leaf, or as few leaves around it as lie between two checkpoints.
    Around(u64),
    /// The entries are right, what is derived from them is not, from this leaf on.
    Derived(u64),
}

/// Tampers; nothing when there is nothing of that kind to tamper with.
fn tamper(store: &mut Store, how: Tampering) -> Option<Expected> {
    let count = store.count();
    let leaf = |n: u64| n % count;
    Some(match how {
        Tampering::FlipEntry(n, byte, bit) => {
            let entry = &mut store.rows[at(leaf(n))].entry;
            let byte = byte.checked_rem(entry.len())?;
            entry[byte] ^= 1 << (bit % 8);
            Expected::Leaf(leaf(n))
        }
        Tampering::FlipLeafHash(n, bit) => {
            let row = &mut store.rows[at(leaf(n))];
            row.hash = LeafHash::from_digest(flip(*row.hash.digest(), bit));
            Expected::Leaf(leaf(n))
        }
        Tampering::Delete(n) => {
            store.rows.remove(at(leaf(n)));
            Expected::Leaf(leaf(n))
        }
        Tampering::DeleteAndCloseUp(n) => {
            store.rows.remove(at(leaf(n)));
            store.renumber();
            Expected::Around(leaf(n))
        }
        Tampering::Insert(n) => {
            let entry = b"inserted".to_vec();
            store.rows.insert(at(leaf(n)), Row { index: 0, hash: LeafHash::of(&entry), entry });
            store.renumber();
            Expected::Around(leaf(n))
        }
        Tampering::Swap(a, b) => {
            let (a, b) = (leaf(a).min(leaf(b)), leaf(a).max(leaf(b)));
            (a != b).then_some(())?;
            store.rows.swap(at(a), at(b));
            store.renumber();
            Expected::Around(a)
        }
        Tampering::RewriteTail(n) => {
            (leaf(n)..count).for_each(|leaf| store.replace(leaf));
            Expected::Around(leaf(n))
        }
        Tampering::Truncate(n) => {
            store.rows.truncate(at(leaf(n)));
            Expected::Leaf(leaf(n))
        }
        Tampering::TruncateTilesToo(n) => {
            store.rows.truncate(at(leaf(n)));
            store.cover_up();
            Expected::Leaf(leaf(n))
        }
        Tampering::RewriteAll(n) => {
            store.replace(leaf(n));
            store.cover_up();
            Expected::Around(leaf(n))
        }
        Tampering::Derived(how) => tamper_with_derived(store, how)?,
        Tampering::AppendBehindHead => {
            let entry = b"slipped in".to_vec();
            store.rows.push(Row { index: count, hash: LeafHash::of(&entry), entry });
            Expected::Leaf(count)
        }
    })
}

/// Tampers with what is computed from the entries.
fn tamper_with_derived(store: &mut Store, how: Derived) -> Option<Expected> {
    Some(Expected::Derived(match how {
        Derived::FlipTile(tile, slot, bit) => {
            let tile = tile.checked_rem(store.tiles.len())?;
            let (id, hashes) = store.tiles.iter_mut().nth(tile)?;
            hashes[usize::from(slot)] = flip(hashes[usize::from(slot)], bit);
            id.leaves_of(slot).first()
        }
        Derived::DeleteTile(tile) => {
            let tile = tile.checked_rem(store.tiles.len())?;
            let id = *store.tiles.keys().nth(tile)?;
            store.tiles.remove(&id);
            id.leaves().first()
        }
        Derived::FlipHead(root, bit) => {
            let (size, mut roots) = store.head.to_parts();
            let root = root % (roots.len() / 32);
            roots[root * 32] ^= 1 << (bit % 8);
            let first =
                (0..64).rev().map(|power| 1_u64 << power).filter(|power| size.get() & power != 0);
            store.head = Frontier::from_parts(size, &roots).unwrap();
            first.take(root).sum()
        }
    }))
}

fn check(before: &Store, how: Tampering) {
    let mut after = before.clone();
    let Some(expected) = tamper(&mut after, how) else { return };
    let report = after.audit(Vec::new());
    let Some(found) = report.finding else { panic!("{how:?}: not found") };
    let leaves = found.leaves();
    let confirmed = report.confirmed.map_or(0, TreeSize::get);
    match expected {
        Expected::Leaf(leaf) => {
            assert_eq!((leaves.first(), leaves.end()), (leaf, leaf + 1), "{how:?}: {found}");
        }
        // The end is gone with the only checkpoint that could have told: the report says from where on.
        Expected::Around(leaf) if matches!(found, AuditFinding::Missing { .. }) => {
            assert!(confirmed <= leaf && leaf < leaves.end(), "{how:?} at {leaf}: {report}");
        }
        Expected::Around(leaf) => {
            assert!(leaves.holds(index(leaf)), "{how:?} at {leaf}: {found}");
            let (from, to) = before.between_checkpoints(leaf);
            assert!(
                leaves.is_one() || (from <= leaves.first() && leaves.end() <= to),
                "{how:?}: {found}"
            );
            assert!(!found.entries_are_right(), "{how:?}: {found}");
        }
        Expected::Derived(leaf) => {
            assert!(found.entries_are_right(), "{how:?}: {found}");
            assert_eq!(leaves.first(), leaf, "{how:?}: {found}");
        }
    }
    assert!(!report.to_string().contains('\n'));
}

/// P6 asks for 100,000 tamperings; some hundred keep everyday runs short.
fn cases() -> u32 {
    if std::env::var_os("SLOW_TESTS").is_some() { 100_000 } else { 600 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_tampering_is_found_at_its_first_leaf(
        count in 1_u64..900, groups in proptest::collection::vec(1_u64..300, 1..5), how in tampering(),
    ) {
        check(&store(count, &groups), how);
    }

    #[test]
    fn of_two_tamperings_the_earlier_is_named(
        count in 2_u64..600, groups in proptest::collection::vec(1_u64..100, 1..5), a in any::<u64>(), b in any::<u64>(),
        hows in (0..3_u8, 0..3_u8),
    ) {
        let mut store = store(count, &groups);
        let (first, second) = ((a % count).min(b % count), (a % count).max(b % count));
        for (leaf, how) in [(second, hows.1), (first, hows.0)] {
            let how = match how {
                0 => Tampering::FlipEntry(leaf, 0, 0),
                1 => Tampering::FlipLeafHash(leaf, 3),
                _ => Tampering::Delete(leaf),
            };
            prop_assume!(first != second && tamper(&mut store, how).is_some());
        }
        let found = store.finding().leaves();
        prop_assert_eq!((found.first(), found.is_one()), (first, true));
    }
}

#[test]
fn a_sound_ledger_is_found_sound() {
    for count in [0, 1, 2, 255, 256, 257, 512, 1_000] {
        let store = store(count, &[7, 100]);
        let held = store.checkpoints.first().copied().into_iter().collect();
        let report = store.audit(held);
        assert_eq!(report.finding, None, "{count}");
        assert_eq!(report.head, store.head.head());
        assert_eq!(report.confirmed, Some(size(count)));
        assert_eq!(report.unconfirmed(), 0);
        assert_eq!(report.tiles, count / 256);
        assert_eq!(report.checkpoints, u64::try_from(store.checkpoints.len()).unwrap() + 1);
    }
}

#[test]
fn leaves_after_the_last_checkpoint_are_counted_as_unconfirmed() {
    let mut store = store(500, &[100]);
    store.checkpoints.truncate(4);
    let report = store.audit(Vec::new());
    assert_eq!((report.finding, report.unconfirmed()), (None, 100));
    store.replace(450);
    assert_eq!(store.finding().leaves().first(), 448, "the head's subtree that holds it");
}

#[test]
fn no_ledger_at_all_contradicts_what_is_held() {
    let known = store(9, &[9]).checkpoints;
    let empty = store(0, &[1]);
    let report = empty.audit(known.clone());
    let missing = AuditFinding::Missing { leaf: index(0), known_from: Evidence::Held(size(9)) };
    assert_eq!(report.finding, Some(missing));
}

#[test]
fn a_rewrite_with_the_stolen_key_is_found_by_a_checkpoint_held_elsewhere() {
    let before = store(700, &[10]);
    let mut entries: Vec<Vec<u8>> = before.rows.iter().map(|row| row.entry.clone()).collect();
    entries[333] = b"never happened".to_vec();
    let forged = Store::new(entries, &[10]);
    assert_eq!(forged.audit(Vec::new()).finding, None, "nothing inside it tells");
    let held = |sizes: &[u64]| {
        let heads = before.checkpoints.iter().filter(|head| sizes.contains(&head.size.get()));
        forged.audit(heads.copied().collect())
    };
    let report = held(&[300]);
    assert_eq!((report.finding, report.confirmed_by_held), (None, Some(size(300))));
    let found = held(&[300, 400, 500]).finding.unwrap();
    assert_eq!((found.leaves().first(), found.leaves().end()), (300, 400));
    assert!(matches!(found, AuditFinding::OtherRoot { signed: Signed::Held, .. }));
    assert_eq!(
        found.to_string(),
        "history was rewritten within leaves 300 to 399: the checkpoint you hold of size 400 names another root"
    );
    // A longer history than theirs.
    let found = held(&[700]).finding.unwrap();
    assert_eq!((found.leaves().first(), found.leaves().end()), (0, 700));
}

#[test]
fn a_rewritten_tile_is_told_by_the_tile_above() {
    let mut store = store(66_000, &[66_000]);
    store.replace(40_000);
    let block = TileId { level: TileLevel::LEAVES, index: 40_000 / 256 };
    let forged = *store.rows[40_000].hash.digest();
    store.tiles.get_mut(&block).unwrap()[40_000 % 256] = forged;
    let found = store.finding();
    let leaves = found.leaves();
    assert_eq!((leaves.first(), leaves.end()), (block.index * 256, block.index * 256 + 256));
    let above = TileId { level: TileLevel::new(1).unwrap(), index: 0 };
    let denied_by = Some(size(66_000));
    assert_eq!(found, AuditFinding::NotInTile { leaves, tile: above, denied_by });

    // The same with only the upper tile altered: the entries are right.
    let mut store = self::store(66_000, &[66_000]);
    store.tiles.get_mut(&above).unwrap()[9] = forged;
    let found = store.finding();
    assert!(matches!(found, AuditFinding::TileAltered { tile, .. } if tile == above), "{found}");
    assert_eq!((found.leaves().first(), found.leaves().end()), (9 * 256, 10 * 256));
}

#[test]
fn whichever_of_entry_and_leaf_hash_is_signed_is_right() {
    let mut altered = store(20, &[5]);
    altered.rows[7].entry.push(b'!');
    assert_eq!(altered.finding(), AuditFinding::EntryAltered { leaf: index(7) });
    let mut altered = store(20, &[5]);
    altered.rows[7].hash = LeafHash::of(b"");
    assert_eq!(altered.finding(), AuditFinding::LeafHashAltered { leaf: index(7) });
    // Without a checkpoint nobody can say.
    altered.checkpoints.clear();
    assert_eq!(altered.finding(), AuditFinding::EntryAltered { leaf: index(7) });
}

#[test]
fn growing_tiles_are_compared_where_they_are_kept() {
    let store = store(300, &[50]);
    let mut audit = Audit::new(Kept::LeavesOnly, Vec::new());
    for number in 0..2 {
        let leaves: Vec<StoredLeaf<'_>> = store
            .rows
            .iter()
            .filter(|row| row.index / 256 == number)
            .map(|row| StoredLeaf {
                index: index(row.index),
                entry: &row.entry,
                leaf_hash: row.hash,
            })
            .collect();
        let block = Block { number, leaves: &leaves, tiles: &[], checkpoints: &[] };
        audit.block(&block).unwrap();
    }
    let mut hashes: Vec<Digest> = store.rows[256..].iter().map(|row| *row.hash.digest()).collect();
    let id = TileId { level: TileLevel::LEAVES, index: 1 };
    let ending = |hashes: &[Digest]| {
        let tiles = [StoredTile { id, hashes }];
        audit.clone().finish(Ending { partial_tiles: &tiles, ..Ending::default() }).finding
    };
    assert_eq!(ending(&hashes), None);
    assert_eq!(ending(&hashes[1..]), Some(AuditFinding::TileMissing { tile: id }));
    hashes[4] = flip(hashes[4], 0);
    assert_eq!(ending(&hashes).unwrap().leaves().first(), 260);
}

#[test]
fn blocks_that_are_not_due_are_the_callers_fault() {
    let head = |n: u64| TreeHead { size: size(n), root: RootHash::empty() };
    let block = Block { number: 0, leaves: &[], tiles: &[], checkpoints: &[] };
    let audit = || Audit::new(Kept::Tiles, Vec::new());
    let refused = audit().block(&Block { number: 1, ..block }).unwrap_err();
    assert_eq!(refused, BadBlock::Number { due: 0 });
    let refused = audit().block(&Block { checkpoints: &[head(257)], ..block }).unwrap_err();
    assert_eq!(refused, BadBlock::Checkpoint(size(257)));
    let tile = StoredTile { id: TileId { level: TileLevel::LEAVES, index: 1 }, hashes: &[] };
    let refused = audit().block(&Block { tiles: &[tile], ..block }).unwrap_err();
    assert_eq!(refused, BadBlock::Tile(tile.id));
}

#[test]
fn a_checkpoint_rewritten_without_the_key_never_reaches_the_audit() {
    let name = || KeyName::parse("ledger.example/audit").unwrap();
    let key = LedgerKey::from_seed(name(), &Zeroizing::new([1; 32])).unwrap();
    let thief = LedgerKey::from_seed(name(), &Zeroizing::new([2; 32])).unwrap();
    let trust = Trust::in_key(key.verifier().clone()).unwrap();
    let head = store(30, &[30]).head.head();
    let ours = key.sign_checkpoint(head).unwrap().to_string();
    assert_eq!(trust.open_bytes(ours.as_bytes()).unwrap().head(), head);
    let theirs =
        thief.sign_checkpoint(TreeHead { size: TreeSize::EMPTY, ..head }).unwrap().to_string();
    trust.open_bytes(theirs.as_bytes()).unwrap_err();
}
