//! Bailiwick store.
