//! An account of ours at a CA behind ACME: its key is sealed before the CA hears of it; undoing
//! deactivates it.

use bailiwick_connect::upstream::{AccountKey, Registration, Trouble, deactivate, find, register};
use bailiwick_core::change::{Outcome, Prepared, Receipt, RegisterAccount, Touched, Warrant};
use bailiwick_core::gate::SealedSecret;
use bailiwick_core::record::Batch;

use crate::app::App;

/// Seals a key. One that was sealed for an earlier try is taken again, so that no account is lost.
pub(super) async fn prepare(
    app: &App,
    warrant: &Warrant,
    wanted: &RegisterAccount,
) -> Result<Prepared, String> {
    let text = |fault: crate::fault::Fault| fault.to_string();
    let ended = app.store.upstream_account(&wanted.issuer).await;
    let ended = ended.map_err(|cause| cause.to_string())?.is_some_and(|account| account.ended);
    if let Some(key) = app.account_key(warrant, &wanted.issuer).await.map_err(text)?
        && !ended
    {
        return Ok(Prepared::AccountKey { key: key.hash() });
    }
    let fresh = AccountKey::fresh().map_err(|cause| cause.to_string())?;
    let key = AccountKey::open(&fresh).map_err(|cause| cause.to_string())?;
    let work =
        app.sealed_secret(SealedSecret::AccountKey(wanted.issuer.clone()), &fresh).map_err(text)?;
    app.commit(Batch { work: vec![work], ..Batch::default() }).await.map_err(text)?;
    Ok(Prepared::AccountKey { key: key.hash() })
}

pub(super) async fn apply(
    app: &App,
    warrant: &Warrant,
    wanted: &RegisterAccount,
    prepared: &Prepared,
) -> Outcome {
    let Prepared::AccountKey { key: sealed } = prepared else {
        return Outcome::Failed("no account key was made".to_owned());
    };
    let live = app.live.get();
    let upstream = app.upstream(&live, &wanted.issuer);
    let Some(upstream) = upstream.filter(|upstream| upstream.directory == wanted.directory) else {
        return Outcome::Failed(format!(
            "issuer `{}` has another directory than when this was asked for; ask again",
            wanted.issuer
        ));
    };
    let key = match app.account_key(warrant, &wanted.issuer).await {
        Ok(Some(key)) if key.hash() == *sealed => key,
        Ok(_) => return Outcome::Failed("the account key is not the prepared one".to_owned()),
        Err(fault) => return Outcome::Unknown(fault.to_string()),
    };
    let binding = match &wanted.binding {
        None => None,
        Some(kid) => {
            match app.secret(warrant, &SealedSecret::BindingKey(wanted.issuer.clone())).await {
                Ok(Some(secret)) => Some((kid.as_str(), secret)),
                Ok(None) => {
                    return Outcome::Failed(format!(
                        "the binding of issuer `{0}` has no key; hand it in with `bailiwick issuer set-secret {0}`",
                        wanted.issuer
                    ));
                }
                Err(fault) => return Outcome::Failed(fault.to_string()),
            }
        }
    };
    let web = app.web(&live);
    let client = match app.open_upstream(web.as_ref(), upstream, &key, None).await {
        Ok(client) => client,
        Err(trouble) => return Outcome::Failed(trouble.to_string()),
    };
    let registration = Registration { contacts: &wanted.contacts, binding };
    match register(&client, &registration).await {
        Ok(uri) => Outcome::Done(Receipt::AccountRegistered {
            issuer: wanted.issuer.clone(),
            uri,
            key: key.hash(),
        }),
        Err(trouble) => of(&trouble),
    }
}

/// A refusal is a no; everything else may have arrived.
fn of(trouble: &Trouble) -> Outcome {
    if trouble.passes() {
        Outcome::Unknown(trouble.to_string())
    } else {
        Outcome::Failed(trouble.to_string())
    }
}

pub(super) async fn undo(
    app: &App,
    warrant: &Warrant,
    wanted: &RegisterAccount,
    touched: &Touched,
) -> Outcome {
    let live = app.live.get();
    let Some(upstream) = app.upstream(&live, &wanted.issuer) else {
        return Outcome::Failed(format!("the estate names no CA `{}` any more", wanted.issuer));
    };
    let key = match app.account_key(warrant, &wanted.issuer).await {
        Ok(Some(key)) => key,
        Ok(None) => return Outcome::Done(Receipt::Nothing),
        Err(fault) => return Outcome::Unknown(fault.to_string()),
    };
    let known = match &touched.receipt {
        Some(Receipt::AccountRegistered { uri, .. }) => Some(uri.clone()),
        _ => None,
    };
    let web = app.web(&live);
    let uri = match known {
        Some(uri) => Some(uri),
        None => match app.open_upstream(web.as_ref(), upstream, &key, None).await {
            Ok(client) => match find(&client).await {
                Ok(uri) => uri,
                Err(trouble) => return Outcome::Unknown(trouble.to_string()),
            },
            Err(trouble) => return Outcome::Unknown(trouble.to_string()),
        },
    };
    let Some(uri) = uri else { return Outcome::Done(Receipt::Nothing) };
    let client = app.open_upstream(web.as_ref(), upstream, &key, Some(uri.clone())).await;
    let ended = match &client {
        Ok(client) => deactivate(client, &uri).await,
        Err(trouble) => return Outcome::Unknown(trouble.to_string()),
    };
    match (ended, &touched.receipt) {
        // Without a receipt there is no row to end.
        (Ok(()), None) => Outcome::Done(Receipt::Nothing),
        (Ok(()), Some(_)) => {
            Outcome::Done(Receipt::AccountDeactivated { issuer: wanted.issuer.clone() })
        }
        (Err(trouble), _) => Outcome::Unknown(trouble.to_string()),
    }
}

pub(super) async fn verify(app: &App, wanted: &RegisterAccount) -> Outcome {
    match app.upstream_account(&wanted.issuer).await {
        Ok(Some(_)) => Outcome::Done(Receipt::Nothing),
        Ok(None) => Outcome::Failed(format!("there is no account at issuer `{}`", wanted.issuer)),
        Err(fault) => Outcome::Unknown(fault.to_string()),
    }
}
