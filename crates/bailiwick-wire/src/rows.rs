//! Small spellings inside the store's columns: lists as JSON arrays of strings.

use std::fmt;

/// Spells a list, such as names or ids.
#[must_use]
pub fn encode_list<T: fmt::Display>(all: &[T]) -> String {
    // The text of every member is taken as it is; serde_json only quotes it.
    let texts = all.iter().map(|one| serde_json::Value::String(one.to_string())).collect();
    serde_json::Value::Array(texts).to_string()
}

/// Reads what [`encode_list`] spelled.
///
/// # Errors
/// [`BadList`] for any other text.
pub fn decode_list(text: &str) -> Result<Vec<String>, BadList> {
    let all: Vec<String> = serde_json::from_str(text).map_err(|_| BadList)?;
    if encode_list(&all) == text { Ok(all) } else { Err(BadList) }
}

/// A column is no list.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a list of texts as this program writes it; run `bailiwick ledger fsck`")]
pub struct BadList;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_one_spelling() {
        let all = ["a \"b\"", "\u{7}ü", ""];
        let text = encode_list(&all);
        assert_eq!(text, r#"["a \"b\"","\u0007ü",""]"#);
        assert_eq!(decode_list(&text).unwrap(), all);
        for other in ["[ ]", "[1]", "{}", "", "[\"\\u0061\"]", "[] "] {
            assert_eq!(decode_list(other), Err(BadList), "{other}");
        }
        assert_eq!(decode_list(&encode_list::<&str>(&[])).unwrap(), Vec::<String>::new());
    }
}
