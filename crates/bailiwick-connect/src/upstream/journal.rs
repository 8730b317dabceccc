//! What has to be remembered of an order between two turns.

use bailiwick_core::names::DnsName;
use bailiwick_core::record::Reached;
use futures::future::BoxFuture;

/// Something was not remembered; nothing was done then.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotKept {
    /// The store did not take it.
    #[error("it could not be stored: {0}")]
    Store(String),
    /// The CA gave an order that it gave for another change already.
    #[error(
        "the CA gave order `{url}` a second time, it belongs to change `{change}`; order again when that one is over"
    )]
    Taken {
        /// The order.
        url: String,
        /// Whose it is.
        change: String,
    },
}

/// Whether the order was finalized.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Finalized {
    /// Nobody tried, so the CA has issued nothing.
    #[default]
    Never,
    /// It was sent a moment ago, and was not refused: the CA may still be about to act on it.
    JustNow,
    /// It was sent, and no answer is known.
    Perhaps,
    /// It was sent, and refused.
    Refused,
    /// It was sent, and the CA took it.
    Taken,
}

/// What is known of an order by what was put down, whatever the CA says about it now.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Past {
    /// Its URL, once it was kept.
    pub url: Option<String>,
    /// How often the answer to an order that was asked for was lost.
    pub orders_lost: u32,
    /// Whether it was finalized.
    pub finalized: Finalized,
    /// How often finalize was sent.
    pub finalizes: u32,
    /// Whether the CA once said that it has issued.
    pub said_valid: bool,
    /// The certificates that the CA showed for it, DER.
    pub shown: Vec<Vec<u8>>,
}

impl Past {
    /// Whether the CA may have issued for the order.
    #[must_use]
    pub fn may_have_issued(&self) -> bool {
        self.url.is_some()
            && (self.finalized != Finalized::Never || self.said_valid || !self.shown.is_empty())
    }
}

/// What has to be remembered between two turns of an order. Every write is durable when it returns.
pub trait Journal: Send + Sync {
    /// What is known of the order.
    fn past(&self) -> BoxFuture<'_, Result<Past, NotKept>>;
    /// Keeps the order's URL; refused where it is another change's.
    fn keep_order_url<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<(), NotKept>>;
    /// Keeps how far the order got.
    fn reached(&self, reached: Reached) -> BoxFuture<'_, Result<(), NotKept>>;
    /// The records that were, or may have been, written into zones.
    fn placed(&self) -> BoxFuture<'_, Result<Vec<(DnsName, String)>, NotKept>>;
    /// Keeps that a record is about to be written.
    fn about_to_place<'a>(
        &'a self,
        owner: &'a DnsName,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), NotKept>>;
    /// Forgets a record that is gone.
    fn gone<'a>(&'a self, owner: &'a DnsName, value: &'a str)
    -> BoxFuture<'a, Result<(), NotKept>>;
}
