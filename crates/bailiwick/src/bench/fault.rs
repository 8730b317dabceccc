//! Why something was not measured.

use bailiwick_core::policy::PolicyProblem;

/// Why something was not measured. Nothing is reported then.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotMeasured {
    /// A file, a folder, a socket or a process.
    #[error("{what}: {cause}; is there space, and may this user do it?")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why not.
        cause: std::io::Error,
    },
    /// The server that was to be measured does not serve.
    #[error("the server did not {what}; it said:\n{said}")]
    Server {
        /// What it should have done.
        what: &'static str,
        /// The end of its log.
        said: String,
    },
    /// An HTTP request failed.
    #[error("{step} got no answer: {cause}")]
    NoAnswer {
        /// Which request.
        step: &'static str,
        /// Why.
        cause: reqwest::Error,
    },
    /// An answer was not the expected one.
    #[error("{step} was answered {said}")]
    Answer {
        /// Which request.
        step: &'static str,
        /// What came.
        said: String,
    },
    /// It took longer than any figure is worth.
    #[error("{what} took too long; is the machine busy?")]
    TooLong {
        /// What.
        what: &'static str,
    },
    /// The store did not store.
    #[error("the ledger was not written: {0}")]
    Store(#[from] bailiwick_store::CommitError),
    /// The store did not open.
    #[error("the ledger was not opened: {0}")]
    Open(#[from] bailiwick_store::OpenError),
    /// The lab's DNS did not start.
    #[error(transparent)]
    Dns(#[from] bailiwick_connect::lab_dns::NoLabDns),
    /// An estate of the measure has problems.
    #[error("an estate of the measure cannot be read:\n{0}")]
    Estate(String),
    /// The policies of the measure have problems.
    #[error("the policies of the measure cannot be compiled: {}", .0.first().map_or("", |one| one.message.as_str()))]
    Policy(Vec<PolicyProblem>),
    /// What was measured did not do what it should.
    #[error("{what} came out wrong: {came}")]
    Wrong {
        /// What.
        what: &'static str,
        /// What came.
        came: String,
    },
    /// The system gave no randomness.
    #[error(transparent)]
    NoRandomness(#[from] crate::world::NoRandomness),
    /// A constant of the measure is not what it should be.
    #[error("`{0}` is not what the measure thought; this is a bug, report it")]
    Constant(&'static str),
}

impl NotMeasured {
    /// For `map_err` on what the system was asked.
    pub(super) fn system(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |cause| Self::System { what, cause }
    }
}
