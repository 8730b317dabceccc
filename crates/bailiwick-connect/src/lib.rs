//! Bailiwick connect.
