//! `.tlog-proof` files: one entry's way to a signed checkpoint, checkable offline (c2sp.org/tlog-proof).

use std::fmt;

use bailiwick_core::ledger::{InclusionProof, LeafHash, LeafIndex, PATH_MAX, ProofRefused};

use super::checkpoint::{CheckpointRefused, Trust, VerifiedCheckpoint, digest};
use super::note::{BadNote, NOTE_BYTES_MAX, SignedNote, decimal, from_base64, to_base64};

/// How the name of such a file ends.
pub const PROOF_FILE_SUFFIX: &str = ".tlog-proof";

/// The first line.
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Octets of a file at most: a checkpoint, 64 hashes, and as much again of extra data.
const BYTES_MAX: usize = 2 * NOTE_BYTES_MAX;

/// Why bytes are not a proof file.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadProofFile {
    /// More than a proof needs.
    #[error("a proof file of {bytes} bytes, of {BYTES_MAX} allowed; it is not a proof")]
    TooLong {
        /// How many.
        bytes: usize,
    },
    /// Not text, or another first line.
    #[error(
        "a proof file begins with `c2sp.org/tlog-proof@v1`; take the file as it was handed out"
    )]
    Header,
    /// The extra line is not base64.
    #[error("the `extra` line is not base64; take the file as it was handed out")]
    Extra,
    /// The index line is missing or not a plain decimal number below 2^63.
    #[error("the `index` line is missing or not a number; take the file as it was handed out")]
    Index,
    /// A line of the path is not 32 octets in base64, or there are more than a tree is high.
    #[error(
        "hash {hash} of the proof is not 32 bytes in base64, or one too many; take the file as it was handed out"
    )]
    Hash {
        /// Which, counted from 1.
        hash: usize,
    },
    /// No checkpoint follows.
    #[error(transparent)]
    Checkpoint(#[from] BadNote),
}

/// A proof as it is handed to an auditor. Nothing in it has been checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProofFile {
    /// Data beside the proof; not authenticated.
    pub extra: Option<Vec<u8>>,
    /// The way from the leaf to the root.
    pub proof: InclusionProof,
    /// The signed checkpoint.
    pub checkpoint: SignedNote,
}

/// Why a proof file shows nothing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ProofFileRefused {
    /// Its checkpoint is not believed.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointRefused),
    /// The proof does not lead to the checkpoint's root.
    #[error(transparent)]
    Proof(#[from] ProofRefused),
}

/// An entry that is shown to be in the log.
///
/// Always: made by [`ProofFile::verify`]; there is no other way to get one:
///
/// ```compile_fail
/// use bailiwick_core::ledger::LeafIndex;
/// use bailiwick_wire::ledger::{VerifiedCheckpoint, VerifiedInclusion};
/// fn forge(index: LeafIndex, checkpoint: VerifiedCheckpoint) -> VerifiedInclusion {
///     VerifiedInclusion { index, checkpoint }
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedInclusion {
    index: LeafIndex,
    checkpoint: VerifiedCheckpoint,
}

impl VerifiedInclusion {
    /// Where the entry stands.
    #[must_use]
    pub const fn index(&self) -> LeafIndex {
        self.index
    }

    /// The checkpoint that covers it.
    #[must_use]
    pub const fn checkpoint(&self) -> &VerifiedCheckpoint {
        &self.checkpoint
    }
}

impl ProofFile {
    /// Parses a file.
    ///
    /// # Errors
    /// [`BadProofFile`] says which line is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadProofFile> {
        if bytes.len() > BYTES_MAX {
            return Err(BadProofFile::TooLong { bytes: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| BadProofFile::Header)?;
        // The proof has no empty lines, so the first one ends it; the checkpoint may have some.
        let (head, checkpoint) = text.split_once("\n\n").ok_or(BadProofFile::Header)?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(BadProofFile::Header);
        }
        let extra = lines.next_if(|line| line.starts_with("extra "));
        let extra = extra
            .and_then(|line| line.strip_prefix("extra "))
            .map(|data| from_base64(data).ok_or(BadProofFile::Extra));
        let index = lines.next().and_then(|line| decimal(line.strip_prefix("index ")?));
        let index = index.and_then(|index| LeafIndex::new(index).ok()).ok_or(BadProofFile::Index);
        let (extra, index) = (extra.transpose()?, index?);
        let mut path = Vec::new();
        for (number, line) in (1..).zip(lines) {
            let hash = digest(line).filter(|_| number <= PATH_MAX);
            path.push(hash.ok_or(BadProofFile::Hash { hash: number })?);
        }
        let checkpoint = SignedNote::parse(checkpoint.as_bytes())?;
        Ok(Self { extra, proof: InclusionProof { index, path }, checkpoint })
    }

    /// Checks offline that the leaf is in the log that `trust` is about. The leaf hash comes from
    /// the entry itself, never from the file.
    ///
    /// # Errors
    /// [`ProofFileRefused`] says why the file does not show it.
    pub fn verify(
        &self,
        leaf: &LeafHash,
        trust: &Trust,
    ) -> Result<VerifiedInclusion, ProofFileRefused> {
        let checkpoint = trust.open(&self.checkpoint)?;
        self.proof.verify(leaf, &checkpoint.head())?;
        Ok(VerifiedInclusion { index: self.proof.index, checkpoint })
    }
}

impl fmt::Display for ProofFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", to_base64(extra))?;
        }
        writeln!(f, "index {}", self.proof.index)?;
        for hash in &self.proof.path {
            writeln!(f, "{}", to_base64(hash.as_bytes()))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}
