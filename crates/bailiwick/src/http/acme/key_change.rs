//! keyChange: an account gets another key (RFC 8555, section 7.3.5).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use bailiwick_wire::acme::{self, KeyChange};
use bailiwick_wire::jose::{BODY_OCTETS_MAX, Jwk, JwsError, JwsKind, UnverifiedJws, read_object};

use super::Acme;
use super::answer::Answer;
use super::denied::Denied;
use super::transport::ByAccount;
use crate::app::KeyChangeAnswer;

pub(super) async fn change(State(acme): State<Arc<Acme>>, request: Request) -> Response {
    acme.respond(try_change(&acme, request).await)
}

async fn try_change(acme: &Acme, request: Request) -> Result<Answer, Denied> {
    let signed = acme.signed_by_account(request).await?;
    let key = new_key(acme, &signed)?;
    match acme.app.change_account_key(signed.account, &key).await? {
        KeyChangeAnswer::Changed(account) => {
            let url = acme.urls.account(&account.id);
            Ok(Answer::json(acme::account(&acme.urls, &account)).at(url))
        }
        KeyChangeAnswer::Taken(other) => {
            let denied = Denied::malformed("an account has this key already; make a new one");
            let location = Some(acme.urls.account(&other.id));
            Err(Denied { location, ..denied.with_status(409) })
        }
    }
}

/// The checks of section 7.3.5: whoever holds the new key says, for this very URL, which account is
/// to have it and which key that account has now.
fn new_key(acme: &Acme, outer: &ByAccount) -> Result<Jwk, Denied> {
    let object = read_object(outer.payload.object()?, BODY_OCTETS_MAX).map_err(JwsError::Body)?;
    let inner =
        UnverifiedJws::from_object(&object, JwsKind::KeyChange)?.verify_embedded(&outer.url)?;
    let wanted = KeyChange::parse(inner.payload())?;
    if wanted.account != acme.urls.account(&outer.account.id) {
        return Err(Denied::malformed("the inner `account` is another than the one that signed"));
    }
    let old = Jwk::parse(&wanted.old_key).map_err(JwsError::Key)?;
    if old.thumbprint().to_string() != outer.account.thumbprint {
        return Err(Denied::malformed("`oldKey` is not the key that the account has"));
    }
    Ok(inner.key().clone())
}
