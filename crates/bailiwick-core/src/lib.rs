//! What Bailiwick decides, with no I/O.
//!
//! Modules stand in reading order and import upward in this list only.

pub mod time;

pub mod shown;

pub mod names;

pub mod records;

pub mod caa;

pub mod certificate;

pub mod estate;

pub mod policy;

pub mod actor;

pub mod gate;

pub mod change;

pub mod watch;

pub mod record;

pub mod ledger;
