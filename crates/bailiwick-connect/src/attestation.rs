//! Attestation as far as the network and keys are touched: the key sets of attestors, fetched behind
//! the fence, and the proofs that a workload signs itself.

mod key_sets;
mod proof;

pub use key_sets::{KeySets, NoKeys};
pub use proof::{BadProofKey, ProofKey};
