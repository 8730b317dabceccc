//! RFC 6962 section 2.1 word for word: slow, recursive, and written without the code under test.

use bailiwick_core::ledger::{LeafHash, LeafIndex, Node, RootHash, TreeHead, TreeSize};
use bailiwick_core::names::Digest;
use sha2::{Digest as _, Sha256};

/// Entry `n` of the logs in these tests: lengths 0 to 96, no two the same.
pub(crate) fn entry(n: u64) -> Vec<u8> {
    let mut bytes = n.to_string().into_bytes();
    bytes.resize(usize::try_from(n * 37 % 97).unwrap().max(bytes.len()), b'.');
    bytes
}

pub(crate) fn leaf(n: u64) -> Digest {
    *LeafHash::of(&entry(n)).digest()
}

pub(crate) fn leaves(count: u64) -> Vec<Digest> {
    (0..count).map(leaf).collect()
}

/// MTH(D[n]), over leaf hashes.
pub(crate) fn root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => Digest::from_bytes(Sha256::digest([]).into()),
        [one] => *one,
        many => {
            let (left, right) = many.split_at(split(many.len()));
            let bytes = [[1].as_slice(), root(left).as_bytes(), root(right).as_bytes()].concat();
            Digest::from_bytes(Sha256::digest(bytes).into())
        }
    }
}

/// PATH(m, D[n]).
pub(crate) fn path(m: usize, leaves: &[Digest]) -> Vec<Digest> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut path, sibling) =
        if m < k { (path(m, left), root(right)) } else { (path(m - k, right), root(left)) };
    path.push(sibling);
    path
}

/// SUBPROOF(m, D[n], b).
pub(crate) fn subproof(m: usize, leaves: &[Digest], known: bool) -> Vec<Digest> {
    if m == leaves.len() {
        return if known { Vec::new() } else { vec![root(leaves)] };
    }
    let k = split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut proof, sibling) = if m <= k {
        (subproof(m, left, known), root(right))
    } else {
        (subproof(m - k, right, false), root(left))
    };
    proof.push(sibling);
    proof
}

/// The largest power of two smaller than n.
fn split(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}

/// Answers for every full subtree over these leaves.
pub(crate) fn nodes(leaves: &[Digest]) -> impl Fn(Node) -> Option<Digest> {
    move |node| {
        let first = usize::try_from(node.index << node.level).ok()?;
        leaves.get(first..first + (1 << node.level)).map(root)
    }
}

pub(crate) fn size(n: u64) -> TreeSize {
    TreeSize::new(n).unwrap()
}

pub(crate) fn index(n: u64) -> LeafIndex {
    LeafIndex::new(n).unwrap()
}

pub(crate) fn head(leaves: &[Digest]) -> TreeHead {
    let size = size(u64::try_from(leaves.len()).unwrap());
    TreeHead { size, root: RootHash::from_digest(root(leaves)) }
}

/// An index into a list.
pub(crate) fn at(n: u64) -> usize {
    usize::try_from(n).unwrap()
}
