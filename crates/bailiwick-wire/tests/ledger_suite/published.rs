//! Whole logs as files: ours, and with `LEDGER_VECTORS=DIR` those below `DIR` that have a
//! `checkpoint` beside a `log.vkey`, such as transparency-dev/tessera's `testdata/log`.

use std::collections::BTreeMap;
use std::path::Path;

use bailiwick_core::ledger::{
    EntryBytes, RightEdge, RootHash, TileLevel, bundles_between, tiles_of,
};
use bailiwick_core::names::Digest;
use bailiwick_wire::ledger::layout::{Resource, cut, grown};
use bailiwick_wire::ledger::{
    KeyName, LedgerKey, Trust, VerifierKey, bundle_bytes, open_bundle, parse_tile,
};
use zeroize::Zeroizing;

use crate::reference::{entry, size};
use crate::vectors::{files, folder};

/// Path to bytes.
type Log = BTreeMap<String, Vec<u8>>;

/// Everything a log serves adds up to each checkpoint it serves.
fn check(log: &Log, trust: &Trust) -> u64 {
    let mut checked = 0;
    for (_, bytes) in log.iter().filter(|(path, _)| path.starts_with("checkpoint")) {
        let head = trust.open_bytes(bytes).unwrap().head();
        let mut edge = RightEdge::empty();
        let mut full = BTreeMap::new();
        for bundle in bundles_between(size(0), head.size) {
            let tile = log
                [&format!("tile/0/{}", bundle.to_string().trim_start_matches("tile/entries/"))]
                .clone();
            let leaves = parse_tile(&tile, bundle.width).unwrap();
            for entry in open_bundle(&log[&bundle.to_string()], &leaves).unwrap() {
                let tiles = edge.append(entry.leaf_hash()).unwrap().1;
                full.extend(tiles.into_iter().map(|tile| (tile.id, tile.hashes)));
            }
        }
        assert_eq!(edge.frontier().head(), head);
        for tile in tiles_of(head.size) {
            let partial = || edge.partial(tile.id.level).map(|(_, hashes)| hashes.to_vec());
            let hashes = full.get(&tile.id).cloned().or_else(partial).unwrap();
            assert_eq!(parse_tile(&log[&tile.to_string()], tile.width).unwrap(), hashes, "{tile}");
        }
        checked += 1;
    }
    checked
}

fn ours() -> (Log, Trust) {
    let name = KeyName::parse("ledger.example/published").unwrap();
    let key = LedgerKey::from_seed(name, &Zeroizing::new([1; 32])).unwrap();
    let (mut log, mut edge) = (Log::new(), RightEdge::empty());
    let mut tiles: BTreeMap<_, Vec<Digest>> = BTreeMap::new();
    let mut from = size(0);
    for to in [size(1), size(255), size(256), size(257), size(700), size(66_000)] {
        for n in from.get()..to.get() {
            let hash = EntryBytes::new(entry(n)).unwrap().leaf_hash();
            let full = edge.append(hash).unwrap().1;
            tiles.extend(full.into_iter().map(|tile| (tile.id, tile.hashes)));
        }
        let growing = TileLevel::all().filter_map(|level| edge.partial(level));
        tiles.extend(growing.map(|(tile, hashes)| (tile.id, hashes.to_vec())));
        for resource in grown(from, to) {
            let bytes = match resource {
                Resource::Checkpoint => {
                    key.sign_checkpoint(edge.frontier().head()).unwrap().to_string().into_bytes()
                }
                Resource::Tile(tile) => cut(&tiles[&tile.id], tile.width).unwrap(),
                Resource::Entries(bundle) => {
                    let leaves = bundle.leaves().first()..bundle.leaves().end();
                    let entries: Vec<EntryBytes> =
                        leaves.map(|n| EntryBytes::new(entry(n)).unwrap()).collect();
                    bundle_bytes(&entries)
                }
            };
            let path = match resource {
                Resource::Checkpoint => format!("checkpoint.{to}"),
                Resource::Tile(_) | Resource::Entries(_) => resource.to_string(),
            };
            // What is published never changes.
            if let Some(before) = log.insert(path, bytes.clone()) {
                assert_eq!(before, bytes);
            }
        }
        from = to;
    }
    (log, Trust::in_key(key.verifier().clone()).unwrap())
}

#[test]
fn our_own_published_log_adds_up() {
    let (log, trust) = ours();
    assert_eq!(check(&log, &trust), 6);
}

#[test]
fn logs_of_others_add_up() {
    let keys = folder().map_or_else(Vec::new, |folder| files(&folder, "vkey"));
    for key in keys.iter().filter(|path| path.ends_with("log.vkey")) {
        let place = key.parent().unwrap();
        let mut log = Log::new();
        read(place, place, &mut log);
        let key = VerifierKey::parse(std::fs::read_to_string(key).unwrap().trim()).unwrap();
        println!(
            "{} checkpoints in {}",
            check(&log, &Trust::in_key(key).unwrap()),
            place.display()
        );
    }
    // Without any, the reference stands for them: the roots of our log are those of the definition.
    let leaves = crate::reference::leaves(700);
    let (log, trust) = ours();
    let head = trust.open_bytes(&log["checkpoint.700"]).unwrap().head();
    assert_eq!(head.root, RootHash::from_digest(crate::reference::root(&leaves)));
}

fn read(top: &Path, folder: &Path, log: &mut Log) {
    for item in std::fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            read(top, &path, log);
        } else {
            let name = path.strip_prefix(top).unwrap().to_str().unwrap().to_owned();
            log.insert(name, std::fs::read(&path).unwrap());
        }
    }
}
