//! Account keys that were read already. What a text is read as follows from the text alone, so nothing
//! here can be out of date.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bailiwick_wire::jose::{BadJwk, Jwk};

/// Keys remembered at once; about 1 MiB. Beyond, all are forgotten and read again.
const KEYS_MAX: usize = 2_048;

/// Reads the stored keys of accounts.
#[derive(Default)]
pub(super) struct Keys(Mutex<BTreeMap<String, Jwk>>);

impl Keys {
    /// The key that a canonical JWK text names.
    pub(super) fn read(&self, text: &str) -> Result<Jwk, BadJwk> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = known().get(text) {
            return Ok(key.clone());
        }
        let key = Jwk::parse(text)?;
        let mut known = known();
        if known.len() >= KEYS_MAX {
            known.clear();
        }
        known.insert(text.to_owned(), key.clone());
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_its_text_says_and_a_bad_one_each_time() {
        let keys = Keys::default();
        let one =
            r#"{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        for _ in 0..2 {
            assert_eq!(keys.read(one).unwrap(), Jwk::parse(one).unwrap());
            assert_eq!(keys.read("{}"), Jwk::parse("{}"));
        }
        assert_eq!(keys.0.lock().unwrap().len(), 1);
    }
}
