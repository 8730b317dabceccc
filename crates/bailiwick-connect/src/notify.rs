//! Notices to people: by webhook, by mail, or by a command of the operator's. At least once: what was
//! not taken for certain is sent again, under the same id.

mod command;
mod smtp;
mod webhook;

pub use command::run;
pub use smtp::{BadRelay, Relay, send};
pub use webhook::post;

/// A notice was not taken.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotTaken {
    /// Nobody could be asked, or the answer was lost.
    #[error(transparent)]
    NoAnswer(#[from] crate::egress::NoAnswer),
    /// The other side said no.
    #[error("it was not taken: {0}")]
    Refused(String),
}
