//! Facts too large for an entry: kept beside the ledger as evidence, which the entry names by digest.
//!
//! ```text
//! {"v":1,"kept":"<SHA-256 of the facts, hexadecimal>"}
//! ```

use bailiwick_core::names::Digest;

/// What such a text begins with; the store looks for it.
pub const KEPT_PREFIX: &str = "{\"v\":1,\"kept\":\"";
const KEPT_SUFFIX: &str = "\"}";

/// What stands in an entry in place of facts with this digest.
#[must_use]
pub fn kept_facts_json(digest: Digest) -> String {
    format!("{KEPT_PREFIX}{digest}{KEPT_SUFFIX}")
}

/// The digest of the facts that this text stands for; `None` where it is the facts themselves.
#[must_use]
pub fn kept_facts(text: &str) -> Option<Digest> {
    let digest = text.strip_prefix(KEPT_PREFIX)?.strip_suffix(KEPT_SUFFIX)?;
    Digest::parse(digest).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_kept_elsewhere_are_found_by_what_stands_for_them() {
        let digest = Digest::of(b"facts");
        assert_eq!(kept_facts(&kept_facts_json(digest)), Some(digest));
        for other in ["", "{}", "{\"v\":1,\"about\":\"change\"}", "{\"v\":1,\"kept\":\"x\"}"] {
            assert_eq!(kept_facts(other), None, "{other}");
        }
        assert!(super::super::read_facts(&kept_facts_json(digest)).is_err(), "it is not facts");
    }
}
