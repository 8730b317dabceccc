//! What was seen, as a row of the store holds it: the same JSON as in its entry of the ledger.

use bailiwick_core::watch::Seen;

use crate::record::v1::{Stored as _, read_text, write};
use crate::record::{BadEntry, NotStorable};

/// Spells what was seen.
///
/// # Errors
/// [`NotStorable`] when the JSON writer gives up.
pub fn encode_seen(seen: &Seen) -> Result<String, NotStorable> {
    let octets = write(&seen.form()?)?;
    // JSON is UTF-8 always.
    Ok(String::from_utf8(octets).unwrap_or_default())
}

/// Reads what [`encode_seen`] spelled.
///
/// # Errors
/// [`BadEntry`] for any other text.
pub fn decode_seen(text: &str) -> Result<Seen, BadEntry> {
    let seen = Seen::read(read_text(text)?)?;
    match encode_seen(&seen) {
        Ok(again) if again == text => Ok(seen),
        Ok(_) | Err(_) => Err(BadEntry::NotCanonical),
    }
}
