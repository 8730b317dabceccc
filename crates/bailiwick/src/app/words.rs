//! What people write for other people: reasons, comments, purposes. It ends in the ledger and on pages,
//! so it has an end itself, and nothing in it acts.

use bailiwick_core::shown::acts;

use crate::fault::Fault;

/// Characters of such a text at most; a leaf of the ledger holds some of them (C2SP tlog-tiles).
const WORDS_MAX: usize = 2_000;

/// A text somebody wrote, without the space around it.
pub(super) fn words(field: &'static str, text: &str) -> Result<String, Fault> {
    let text = text.trim();
    if text.chars().count() > WORDS_MAX {
        return Err(Fault::input(field, format!("at most {WORDS_MAX} characters; shorten it")));
    }
    let line = |character: char| matches!(character, '\n' | '\r' | '\t');
    if text.chars().any(|character| acts(character) && !line(character)) {
        let message = "it holds a control character or an invisible mark; write plain text";
        return Err(Fault::input(field, message));
    }
    Ok(text.to_owned())
}

/// The same, where there has to be some.
pub(super) fn said(field: &'static str, text: &str, why: &str) -> Result<String, Fault> {
    let text = words(field, text)?;
    if text.is_empty() { Err(Fault::input(field, why)) } else { Ok(text) }
}
