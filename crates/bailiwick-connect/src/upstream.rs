//! CAs behind ACME: Bailiwick as their client (RFC 8555).
//!
//! [`AcmeClient`] sends one signed request and reads one answer. [`advance`] takes an order one way
//! further: it holds no state of its own but what a [`Journal`] keeps, so whoever is killed on any
//! line goes on by calling it again. The order's URL is in the journal before the order is
//! finalized, a record is in it before it is written into a zone, and an order that was finalized is
//! only ever asked about.

mod client;
mod journal;
mod key;
mod order;
mod prove;
mod register;
mod renewal;
mod request;
mod settle;

pub use client::{AcmeClient, Trouble, pause};
pub use journal::{Finalized, Journal, NotKept, Past};
pub use key::AccountKey;
pub use order::{Over, Progress, Work, advance};
pub use prove::tidy;
pub use register::{Registration, change_key, deactivate, find, register, revoke};
pub use renewal::{Suggested, suggested};
pub use request::CanaryRequest;
pub use settle::{Came, what_came};
