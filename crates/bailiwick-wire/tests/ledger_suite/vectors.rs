//! Public test vectors. `LEDGER_VECTORS=DIR` adds those found in a folder: `consistency/` and
//! `inclusion/` as transparency-dev/merkle keeps them in `testdata`, and `*.vkey` files, each with
//! the note of the same name as `*.note`. A few in the same form are always there.

use std::path::{Path, PathBuf};

use crate::reference::{leaves, path, root, subproof};
use bailiwick_core::ledger::{
    ConsistencyProof, Growth, InclusionProof, LeafHash, LeafIndex, RootHash, TreeHead, TreeSize,
};
use bailiwick_core::names::Digest;
use bailiwick_wire::ledger::{Known, SignedNote, VerifierKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inclusion {
    leaf_idx: u64,
    tree_size: u64,
    root: String,
    leaf_hash: String,
    proof: Option<Vec<String>>,
    desc: String,
    want_err: bool,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Consistency {
    size1: u64,
    size2: u64,
    root1: String,
    root2: String,
    proof: Option<Vec<String>>,
    desc: String,
    want_err: bool,
}

/// What a vector came to.
#[derive(Debug, Eq, PartialEq)]
enum Answer {
    Holds,
    Refused,
    /// A hash that is not 32 octets: such a proof cannot even be spelled here.
    Unspeakable,
}

fn digest(text: &str) -> Option<Digest> {
    STANDARD.decode(text).ok()?.try_into().ok().map(Digest::from_bytes)
}

fn hashes(proof: Option<&Vec<String>>) -> Option<Vec<Digest>> {
    proof.into_iter().flatten().map(|hash| digest(hash)).collect()
}

fn spelled_head(size: u64, root: &str) -> Option<TreeHead> {
    Some(TreeHead { size: TreeSize::new(size).ok()?, root: RootHash::from_digest(digest(root)?) })
}

impl Inclusion {
    fn answer(&self) -> Answer {
        let spelled = || {
            let index = LeafIndex::new(self.leaf_idx).ok()?;
            let proof = InclusionProof { index, path: hashes(self.proof.as_ref())? };
            Some((
                proof,
                LeafHash::from_digest(digest(&self.leaf_hash)?),
                spelled_head(self.tree_size, &self.root)?,
            ))
        };
        match spelled().map(|(proof, leaf, head)| proof.verify(&leaf, &head)) {
            None => Answer::Unspeakable,
            Some(Ok(())) => Answer::Holds,
            Some(Err(_)) => Answer::Refused,
        }
    }
}

impl Consistency {
    fn answer(&self) -> Answer {
        let spelled = || {
            let (from, to) =
                (spelled_head(self.size1, &self.root1)?, spelled_head(self.size2, &self.root2)?);
            Some((ConsistencyProof { path: hashes(self.proof.as_ref())? }, Growth { from, to }))
        };
        match spelled().map(|(proof, growth)| proof.verify(&growth)) {
            None => Answer::Unspeakable,
            Some(Ok(())) => Answer::Holds,
            Some(Err(_)) => Answer::Refused,
        }
    }
}

fn base64(hash: &Digest) -> String {
    STANDARD.encode(hash.as_bytes())
}

fn check(answer: &Answer, wants_error: bool, what: &str) {
    match answer {
        Answer::Holds => assert!(!wants_error, "held but must not: {what}"),
        Answer::Refused => assert!(wants_error, "refused but holds: {what}"),
        // A vector may want roots of another length to be compared as they are; we have no such roots.
        Answer::Unspeakable => {
            assert!(wants_error || what.contains("sizes are equal"), "unspeakable: {what}")
        }
    }
}

/// Vectors that the definition gives for small trees: each that holds, and ones that must not.
fn own_inclusion() -> Vec<Inclusion> {
    let mut vectors = Vec::new();
    for n in 1..=9_usize {
        let all = leaves(n.try_into().unwrap());
        for m in 0..n {
            let good = Inclusion {
                leaf_idx: m.try_into().unwrap(),
                tree_size: n.try_into().unwrap(),
                root: base64(&root(&all)),
                leaf_hash: base64(&all[m]),
                proof: Some(path(m, &all).iter().map(base64).collect()),
                desc: format!("leaf {m} of {n}"),
                want_err: false,
            };
            let bad = |desc: &str, change: &dyn Fn(&mut Inclusion)| {
                let mut bad = good.clone();
                change(&mut bad);
                Inclusion { desc: format!("{}: {desc}", good.desc), want_err: true, ..bad }
            };
            vectors.push(bad("next leaf", &|v| v.leaf_idx += 1));
            vectors.push(bad("twice the size", &|v| v.tree_size *= 2));
            vectors.push(bad("empty root", &|v| v.root.clear()));
            vectors.push(bad("root as leaf and the other way round", &|v| {
                std::mem::swap(&mut v.root, &mut v.leaf_hash);
                v.proof.get_or_insert_default().reverse();
                v.leaf_idx += v.tree_size;
            }));
            vectors.push(bad("root at the end", &|v| {
                v.proof.get_or_insert_default().push(base64(&root(&all)));
            }));
            vectors.push(good);
        }
    }
    vectors
}

fn own_consistency() -> Vec<Consistency> {
    let mut vectors = Vec::new();
    for n in 1..=9_usize {
        let all = leaves(n.try_into().unwrap());
        for m in 1..=n {
            let good = Consistency {
                size1: m.try_into().unwrap(),
                size2: n.try_into().unwrap(),
                root1: base64(&root(&all[..m])),
                root2: base64(&root(&all)),
                proof: Some(subproof(m, &all, true).iter().map(base64).collect()),
                desc: format!("from {m} to {n}"),
                want_err: false,
            };
            let bad = |desc: &str, change: &dyn Fn(&mut Consistency)| {
                let mut bad = good.clone();
                change(&mut bad);
                Consistency { desc: format!("{}: {desc}", good.desc), want_err: true, ..bad }
            };
            vectors.push(bad("from nothing", &|v| v.size1 = 0));
            vectors.push(bad("to nothing", &|v| v.size2 = 0));
            vectors.push(bad("root at the front", &|v| {
                v.proof.get_or_insert_default().insert(0, base64(&root(&all)));
            }));
            if m < n {
                vectors.push(bad("no proof", &|v| v.proof = None));
                vectors.push(bad("roots swapped", &|v| std::mem::swap(&mut v.root1, &mut v.root2)));
            }
            vectors.push(good);
        }
    }
    vectors
}

pub(crate) fn folder() -> Option<PathBuf> {
    std::env::var_os("LEDGER_VECTORS").map(PathBuf::from)
}

pub(crate) fn files(folder: &Path, suffix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for item in std::fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, suffix));
        } else if path.extension().is_some_and(|end| end == suffix) {
            found.push(path);
        }
    }
    found
}

fn read<T: for<'a> Deserialize<'a>>(kind: &str) -> Vec<T> {
    let Some(folder) = folder() else { return Vec::new() };
    let files = files(&folder.join(kind), "json");
    assert!(!files.is_empty(), "no vectors in {}", folder.display());
    files
        .iter()
        .map(|file| serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap())
        .collect()
}

#[test]
fn inclusion_vectors() {
    let vectors = [own_inclusion(), read("inclusion")].concat();
    for vector in &vectors {
        check(&vector.answer(), vector.want_err, &vector.desc);
    }
    println!("{} inclusion vectors", vectors.len());
}

#[test]
fn consistency_vectors() {
    let vectors = [own_consistency(), read("consistency")].concat();
    for vector in &vectors {
        check(&vector.answer(), vector.want_err, &vector.desc);
    }
    println!("{} consistency vectors", vectors.len());
}

#[test]
fn note_vectors() {
    let own = (
        "ledger.example/test+bc8d6e27+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea".to_owned(),
        "ledger.example/test\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n\u{2014} ledger.example/test vI1uJyGa/+z3J1WypGxn/YrH/dtYlPRf1fu4iW5v+IEPu2D8S+6rg0FAwfMSj2jedrcmO3QoAI9iXD4YWA/0dvxjbQQ=\n".to_owned(),
    );
    let keys = folder().map_or_else(Vec::new, |folder| files(&folder, "vkey"));
    let noted = keys.iter().filter(|key| key.with_extension("note").exists());
    let read = noted.map(|key| {
        let note = std::fs::read_to_string(key.with_extension("note")).unwrap();
        (std::fs::read_to_string(key).unwrap(), note)
    });
    let mut count = 0;
    for (keys, note) in std::iter::once(own).chain(read) {
        for key in keys.lines() {
            let known = Known::new([VerifierKey::parse(key).unwrap()]).unwrap();
            let parsed = SignedNote::parse(note.as_bytes()).unwrap();
            assert_eq!(parsed.to_string(), note);
            parsed.open(&known).unwrap();
            let altered = note.replacen(char::is_alphanumeric, "#", 1);
            SignedNote::parse(altered.as_bytes()).unwrap().open(&known).unwrap_err();
            count += 1;
        }
    }
    println!("{count} notes");
}
