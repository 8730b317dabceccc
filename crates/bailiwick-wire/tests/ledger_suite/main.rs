//! The ledger, from hashes to audits, against its definition, other programs and tampering.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(clippy::panic, reason = "likewise")]
#![expect(clippy::indexing_slicing, reason = "likewise")]

mod reference;

mod tree;

mod notes;

mod oracle;

mod vectors;

mod published;

mod audit;
