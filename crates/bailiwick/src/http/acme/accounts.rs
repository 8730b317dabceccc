//! newAccount and account (RFC 8555, section 7.3).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use bailiwick_core::gate::{Account, AccountStatus, ProblemKind};
use bailiwick_wire::acme::{self, AccountRequest, AccountUpdate};

use super::Acme;
use super::answer::Answer;
use super::denied::Denied;
use super::path::Path;
use super::transport::Payload;
use crate::app::{AccountAnswer, NewAccount};

pub(super) async fn register(State(acme): State<Arc<Acme>>, request: Request) -> Response {
    acme.respond(try_register(&acme, request).await)
}

async fn try_register(acme: &Acme, request: Request) -> Result<Answer, Denied> {
    acme.admit(request.extensions())?;
    let signed = acme.signed_by_key(request).await?;
    let wanted = AccountRequest::parse(signed.payload.object()?)?;
    if wanted.only_existing {
        let known = acme.app.account_by_key(&signed.key).await?;
        let known = known.ok_or_else(|| {
            let detail = "no account has this key; register one with a credential";
            Denied::new(ProblemKind::AccountDoesNotExist, detail)
        })?;
        return existing(acme, &known);
    }
    let registration = NewAccount {
        key: &signed.key,
        url: &signed.url,
        contacts: wanted.contacts,
        terms_agreed: wanted.terms_agreed,
        binding: wanted.binding,
    };
    match acme.app.register_account(registration).await? {
        AccountAnswer::Registered(account) => Ok(Answer::json(acme::account(&acme.urls, &account))
            .created_at(acme.urls.account(&account.id))),
        AccountAnswer::Known(account) => existing(acme, &account),
        AccountAnswer::Refused(problem) => {
            // Only the terms of service send a client to a page here (section 7.3.3).
            let terms = problem.instance.clone();
            let denied = Denied::from(problem);
            Err(match terms {
                Some(terms) => denied.link(terms, "terms-of-service"),
                None => denied,
            })
        }
    }
}

/// The account that is there already; its fields are not touched (section 7.3).
fn existing(acme: &Acme, account: &Account) -> Result<Answer, Denied> {
    if account.status != AccountStatus::Valid {
        return Err(Denied::account_over(account.status.as_str()));
    }
    Ok(Answer::json(acme::account(&acme.urls, account)).at(acme.urls.account(&account.id)))
}

impl Acme {
    /// Nothing new for an account whose holder has not agreed to the terms as they are now; what was
    /// begun goes on, and everything can be revoked (section 7.3.3).
    pub(super) async fn terms_agreed(&self, account: &Account) -> Result<(), Denied> {
        match self.app.terms_unmet(account).await? {
            Some((problem, terms)) => Err(Denied::from(problem).link(terms, "terms-of-service")),
            None => Ok(()),
        }
    }
}

pub(super) async fn account(
    State(acme): State<Arc<Acme>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    acme.respond(try_account(&acme, &id, request).await)
}

async fn try_account(acme: &Acme, id: &str, request: Request) -> Result<Answer, Denied> {
    let signed = acme.signed_by_account(request).await?;
    let mut account = signed.account;
    if account.id.as_str() != id {
        let detail = "this URL is of another account than the one that signed";
        return Err(Denied::new(ProblemKind::Unauthorized, detail));
    }
    if let Payload::Object(octets) = &signed.payload {
        let update = AccountUpdate::parse(octets)?;
        if update.deactivate.is_some() {
            account = acme.app.deactivate_account(account).await?;
        } else if let Some(contacts) = update.contacts {
            account = acme.app.set_contacts(account, contacts).await??;
        }
    }
    Ok(Answer::json(acme::account(&acme.urls, &account)).at(acme.urls.account(&account.id)))
}
