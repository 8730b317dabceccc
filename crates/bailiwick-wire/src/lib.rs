//! Bailiwick wire.

pub mod gate;

pub mod record;

pub mod ledger;

pub mod x509;

pub mod rows;

pub mod dns;

pub mod acme;
