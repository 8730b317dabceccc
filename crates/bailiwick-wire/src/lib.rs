//! Bailiwick wire.

pub mod gate;

pub mod record;

pub mod ledger;
