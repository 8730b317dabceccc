//! The ledger's bytes: signed notes, checkpoints, tiles, entry bundles and proof files (C2SP).
//!
//! What the hashes mean is decided in `bailiwick_core::ledger`; this is only how they are spelled
//! and signed. A checkpoint is worth something after [`Trust::open`] and not before.

mod bundle;
mod checkpoint;
mod key;
mod note;
mod proof_file;

pub mod layout;

pub use bundle::{
    BundleRefused, TileRefused, bundle_bytes, open_bundle, parse_bundle, parse_tile, tile_bytes,
};
pub use checkpoint::{
    BadCheckpoint, Checkpoint, CheckpointRefused, Cosigned, Origin, Trust, VerifiedCheckpoint,
};
pub use key::{
    BadKey, Known, LedgerKey, NotSigned, NoteRefused, OpenedNote, SignatureType, SignedBy,
    VerifierKey,
};
pub use note::{
    BadNote, KeyId, KeyName, NOTE_BYTES_MAX, NoteText, SIGNATURES_MAX, SignatureLine, SignedNote,
};
pub use proof_file::{
    BadProofFile, PROOF_FILE_SUFFIX, ProofFile, ProofFileRefused, VerifiedInclusion,
};
