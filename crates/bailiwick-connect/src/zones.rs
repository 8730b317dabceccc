//! Doors into zones: one contract for every way in which the records of a zone are altered.
//!
//! [`ZoneDoor`] is the contract. What is always true of every door:
//!
//! 1. An edit is carried out only where its pre-image stands. A set that is neither as before nor as
//!    after is left alone, and what stands there is told (promise P13).
//! 2. The same edits twice are the same as once: what stands as wanted is not written again.
//! 3. After every write the sets are read back, where they were written and from every server of the
//!    zone; a server's "done" alone proves nothing.
//! 4. Not knowing is an answer of its own, and never taken for "nothing happened".
//!
//! Whether several edits are carried out as one, and whether the server itself compares, is told by
//! [`ZoneDoor::manner`].

mod door;

mod look;

mod edits;

mod rfc2136;

mod writing;

mod http;

mod powerdns;

mod cloudflare;

mod git;

mod observe;

mod sight;

pub mod transfer;

pub mod notify;

pub use cloudflare::{CloudflareDoor, CloudflarePlace};
pub use door::{
    Applied, Cause, Compared, EditSeen, Happened, How, Lane, Manner, NotApplied, Refused,
    ServerSeen, Shown, Stands, There, ZoneDoor,
};
pub(crate) use edits::{check, others};
pub use git::{GitDoor, GitPlace};
pub use look::Authorities;
pub use observe::ObserveDoor;
pub use powerdns::{PowerDnsDoor, PowerDnsPlace};
pub use rfc2136::{UpdateDoor, UpdatePlace};
pub use sight::Sight;
