//! Accounts at a CA, and revocation there.

use aws_lc_rs::hmac;
use bailiwick_wire::acme_client as wire;
use bailiwick_wire::acme_client::Unsigned;

use super::client::{ALGORITHM, AcmeClient, Trouble};
use super::key::AccountKey;
use crate::keys::SecretBytes;

/// What a CA is told about us.
pub struct Registration<'a> {
    /// Whom it may write to.
    pub contacts: &'a [String],
    /// Key identifier and MAC key of an external account binding, where it wants one.
    pub binding: Option<(&'a str, SecretBytes)>,
}

/// Registers the client's key, or finds the account that has it (RFC 8555, section 7.3): sent twice
/// it is one account. Gives its URL.
///
/// # Errors
/// [`Trouble`].
pub async fn register(
    client: &AcmeClient<'_>,
    wanted: &Registration<'_>,
) -> Result<String, Trouble> {
    let url = client.directory().new_account.clone();
    let binding = wanted.binding.as_ref().map(|(kid, secret)| {
        let unsigned = Unsigned::binding(kid, &url, client.key().jwk());
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let mac = hmac::sign(&key, unsigned.input().as_bytes());
        unsigned.signed(mac.as_ref())
    });
    let answer = client.post(&url, &wire::new_account(wanted.contacts, binding)).await?;
    let uri = answer.field("location").filter(|uri| uri.starts_with("https://"));
    uri.map(str::to_owned).ok_or_else(|| Trouble::Strange("the account has no URL".to_owned()))
}

/// The account that has the client's key, if there is one (RFC 8555, section 7.3.1).
///
/// # Errors
/// [`Trouble`].
pub async fn find(client: &AcmeClient<'_>) -> Result<Option<String>, Trouble> {
    let url = client.directory().new_account.clone();
    match client.post(&url, &serde_json::json!({ "onlyReturnExisting": true })).await {
        Ok(answer) => Ok(answer.field("location").map(str::to_owned)),
        Err(Trouble::Refused { problem, .. }) if problem.kind == "accountDoesNotExist" => Ok(None),
        Err(other) => Err(other),
    }
}

/// Gives the account `uri` of the client's key another key (RFC 8555, section 7.3.5). From then on the
/// CA refuses the client's. Whether a lost answer was a yes is found out with [`find`], by the new key.
///
/// # Errors
/// [`Trouble`].
pub async fn change_key(
    client: &AcmeClient<'_>,
    uri: &str,
    new: &AccountKey,
) -> Result<(), Trouble> {
    let Some(url) = client.directory().key_change.clone() else {
        return Err(Trouble::NotOffered("keyChange"));
    };
    let old = (uri, client.key().jwk());
    let inner = Unsigned::key_change(ALGORITHM, &url, new.jwk(), old);
    let signature = new.sign(&inner.input())?;
    client.post(&url, &inner.signed(&signature)).await.map(drop)
}

/// Ends an account (RFC 8555, section 7.3.6). One that is over already is as good.
///
/// # Errors
/// [`Trouble`].
pub async fn deactivate(client: &AcmeClient<'_>, uri: &str) -> Result<(), Trouble> {
    match client.post(uri, &wire::deactivate()).await {
        Ok(_) => Ok(()),
        Err(Trouble::Refused { problem, .. })
            if ["unauthorized", "accountDoesNotExist"].contains(&problem.kind.as_str()) =>
        {
            Ok(())
        }
        Err(other) => Err(other),
    }
}

/// Revokes a certificate (RFC 8555, section 7.6). One that is revoked already is as good.
///
/// # Errors
/// [`Trouble`].
pub async fn revoke(client: &AcmeClient<'_>, der: &[u8], reason: u8) -> Result<(), Trouble> {
    let url = client.directory().revoke_cert.clone();
    match client.post(&url, &wire::revoke(der, reason)).await {
        Ok(_) => Ok(()),
        Err(Trouble::Refused { problem, .. }) if problem.kind == "alreadyRevoked" => Ok(()),
        Err(other) => Err(other),
    }
}
