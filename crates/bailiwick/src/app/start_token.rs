//! The PKCS#11 token at the start: where CA keys live that the estate keeps out of files.

use std::path::PathBuf;
use std::sync::Arc;

use bailiwick_connect::token::{Token, TokenPlace};
use bailiwick_core::estate::{Estate, IssuerKind, KeyHome};
use zeroize::Zeroizing;

use super::start::NotStarted;

/// The variable that holds the PIN, where no file does.
const PIN: &str = "BAILIWICK_PKCS11_PIN";

/// What the operator says about the token.
#[derive(Clone, Debug, Default)]
pub(crate) struct TokenOptions {
    /// The module of the token's maker.
    pub module: Option<PathBuf>,
    /// The token's label.
    pub label: Option<String>,
    /// A file that holds the PIN alone.
    pub pin_file: Option<PathBuf>,
}

/// Opens the token where an issuer of the estate needs it; `None` where none does.
pub(super) fn token(
    options: &TokenOptions,
    estate: &Estate,
) -> Result<Option<Arc<Token>>, NotStarted> {
    let needs = |(id, issuer): (_, &bailiwick_core::estate::Issuer)| {
        let inside = issuer.authority.key_home == Some(KeyHome::Pkcs11);
        (issuer.kind == IssuerKind::BuiltIn && inside).then_some(id)
    };
    let Some(issuer) = estate.issuers.iter().find_map(needs) else { return Ok(None) };
    let missing = |flag, what: &str| NotStarted::Setting {
        flag,
        message: format!(
            "the estate keeps the keys of issuer `{issuer}` in a pkcs#11 token; give {what}"
        ),
    };
    let module = options.module.clone();
    let module =
        module.ok_or_else(|| missing("pkcs11-module", "the shared library of its maker"))?;
    let label =
        options.label.clone().ok_or_else(|| missing("pkcs11-token", "the token's label"))?;
    let place = TokenPlace { module, label, pin: pin(options)? };
    Token::open(&place).map(Some).map_err(|fault| NotStarted::Keys(fault.to_string()))
}

/// Opens the token that is named, whatever the estate says; `None` where none is.
pub(super) fn named(options: &TokenOptions) -> Result<Option<Arc<Token>>, NotStarted> {
    let (Some(module), Some(label)) = (options.module.clone(), options.label.clone()) else {
        return Ok(None);
    };
    let place = TokenPlace { module, label, pin: pin(options)? };
    Token::open(&place).map(Some).map_err(|fault| NotStarted::Keys(fault.to_string()))
}

fn pin(options: &TokenOptions) -> Result<Zeroizing<String>, NotStarted> {
    let bad = |message| NotStarted::Setting { flag: "pkcs11-pin-file", message };
    let Some(path) = &options.pin_file else {
        return std::env::var(PIN)
            .map(Zeroizing::new)
            .map_err(|_| bad(format!("there is no pin; name a file that holds it, or set {PIN}")));
    };
    let text = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|cause| {
        bad(format!("`{}` cannot be read: {cause}; check the path and its mode", path.display()))
    })?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(bad(format!("`{}` is empty; write the pin into it", path.display()))),
        pin => Ok(Zeroizing::new(pin.to_owned())),
    }
}
