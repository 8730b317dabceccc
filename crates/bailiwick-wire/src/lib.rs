//! Bailiwick wire.
