//! Orders: placed, looked at, listed, finalized (RFC 8555, sections 7.1.2.1, 7.1.3 and 7.4).

use std::sync::Arc;

use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use bailiwick_core::gate::{Account, Order, OrderStatus, ProblemKind};
use bailiwick_core::names::{OrderId, ProfileId};
use bailiwick_wire::acme::{self, DatesWanted, FinalizeRequest, OrderRequest};

use super::Acme;
use super::answer::Answer;
use super::denied::Denied;
use super::path::Path;
use crate::app::{FinalizeAnswer, NewOrder, OrderAnswer};

/// Orders of one page of the list.
const PAGE: u32 = 100;
/// When a client should look at an order that is being worked on again.
const RETRY_SECONDS: u32 = 1;

pub(super) async fn create(State(acme): State<Arc<Acme>>, request: Request) -> Response {
    acme.respond(try_create(&acme, request).await)
}

async fn try_create(acme: &Acme, request: Request) -> Result<Answer, Denied> {
    let signed = acme.signed_by_account(request).await?;
    let wanted = OrderRequest::parse(signed.payload.object()?)?;
    if wanted.dates_wanted == DatesWanted::Some {
        return Err(Denied::malformed(
            "notBefore and notAfter cannot be chosen here; order without them",
        ));
    }
    let profile = wanted.profile.as_deref().map(profile_id).transpose()?;
    // A renewal in its time is never turned away for what else was ordered.
    if wanted.replaces.is_none() {
        acme.app.may_order(&signed.account).await?.map_err(|limited| acme.limited(limited))?;
    }
    let order = NewOrder { names: wanted.names()?, profile, replaces: wanted.replaces };
    acme.terms_agreed(&signed.account).await?;
    match acme.app.new_order(&signed.account, order).await? {
        OrderAnswer::Accepted(order) => {
            Ok(shown(acme, &order).created_at(acme.urls.order(&order.id)))
        }
        OrderAnswer::Refused(problem) => Err(problem.into()),
    }
}

fn profile_id(text: &str) -> Result<ProfileId, Denied> {
    ProfileId::parse(text).map_err(|_| {
        let detail = "there is no profile of that name; the directory lists them";
        Denied::new(ProblemKind::InvalidProfile, detail)
    })
}

pub(super) async fn order(
    State(acme): State<Arc<Acme>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    acme.respond(try_order(&acme, &id, request).await)
}

async fn try_order(acme: &Acme, id: &str, request: Request) -> Result<Answer, Denied> {
    let signed = acme.signed_by_account(request).await?;
    signed.payload.empty()?;
    let order = own_order(acme, &signed.account, id).await?;
    Ok(shown(acme, &order))
}

pub(super) async fn finalize(
    State(acme): State<Arc<Acme>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    acme.respond(try_finalize(&acme, &id, request).await)
}

async fn try_finalize(acme: &Acme, id: &str, request: Request) -> Result<Answer, Denied> {
    let signed = acme.signed_by_account(request).await?;
    let wanted = FinalizeRequest::parse(signed.payload.object()?)?;
    let order = own_order(acme, &signed.account, id).await?;
    match acme.app.finalize(&signed.account, order, &wanted.csr).await? {
        FinalizeAnswer::Order(order) => Ok(shown(acme, &order).at(acme.urls.order(&order.id))),
        FinalizeAnswer::Refused(problem) => Err(problem.into()),
    }
}

pub(super) async fn list(
    State(acme): State<Arc<Acme>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    acme.respond(try_list(&acme, &id, query.as_deref(), request).await)
}

async fn try_list(
    acme: &Acme,
    id: &str,
    query: Option<&str>,
    request: Request,
) -> Result<Answer, Denied> {
    let signed = acme.signed_by_account(request).await?;
    signed.payload.empty()?;
    if signed.account.id.as_str() != id {
        let detail = "this list is of another account than the one that signed";
        return Err(Denied::new(ProblemKind::Unauthorized, detail));
    }
    let after = query.map(page_begin).transpose()?;
    let orders = acme.app.orders_page(&signed.account, after.as_ref(), PAGE).await?;
    let answer = Answer::json(acme::orders_list(&acme.urls, &orders));
    let full = u32::try_from(orders.len()).is_ok_and(|count| count == PAGE);
    Ok(match orders.last().filter(|_| full) {
        Some(last) => answer.link(acme.urls.orders_after(&signed.account.id, last), "next"),
        None => answer,
    })
}

/// The order behind which a page begins; only we make these queries.
fn page_begin(query: &str) -> Result<OrderId, Denied> {
    let id = query.strip_prefix("after=").and_then(|id| OrderId::parse(id).ok());
    id.ok_or_else(|| Denied::missing("page of orders"))
}

/// An order of the account that signed; anybody else's is not there.
async fn own_order(acme: &Acme, account: &Account, id: &str) -> Result<Order, Denied> {
    let missing = || Denied::missing("order");
    let id = OrderId::parse(id).map_err(|_| missing())?;
    acme.app.order_of(account, &id).await?.ok_or_else(missing)
}

fn shown(acme: &Acme, order: &Order) -> Answer {
    let retry = match order.status {
        OrderStatus::Pending | OrderStatus::Processing => Some(RETRY_SECONDS),
        OrderStatus::Ready | OrderStatus::Valid | OrderStatus::Invalid => None,
    };
    Answer::json(acme::order(&acme.urls, order)).retry_after(retry)
}
