//! Bailiwick.
fn main() {}
