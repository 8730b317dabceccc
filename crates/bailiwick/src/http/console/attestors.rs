//! Whose word about workloads counts, and which workloads act for which service.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::page::{Visitor, duration, failed, page};
use crate::app::App;
use crate::http::api::attestors as api;
use crate::http::api::bodies::{AttestorBody, WorkloadBody};

/// The page.
pub(super) async fn list(State(app): State<Arc<App>>, Visitor(asking): Visitor) -> Response {
    match api::all(&app, &asking) {
        Ok(all) => {
            let body = html! {
                @if all.is_empty() {
                    p.clear { "No attestors. Written down in the estate, they let workloads prove what they are instead of being handed a credential." }
                }
                @for one in &all { (card(one)) }
            };
            page(&app, Some(&asking), "Attestors", body).into_response()
        }
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}

fn card(one: &AttestorBody) -> Markup {
    html! {
        article.card id=(one.id) {
            h2 { (one.id) " " code { (one.kind) } }
            dl.facts {
                @if !one.issuer.is_empty() { dt { "Issuer" } dd { code { (one.issuer) } } }
                dt { "Audience" } dd { code { (one.audience) } }
                dt { "Keys" } dd { (one.keys) }
                dt { "Believed for" } dd { (duration(one.holds_minutes.saturating_mul(60))) }
                @if !one.vouches_for.is_empty() { dt { "Vouches for" } dd { (one.vouches_for.join(", ")) } }
            }
            @if one.workloads.is_empty() { p.clear { "No service lets a workload act for it on this word." } }
            @else {
                table {
                    thead { tr { th { "Service" } th { "Workload" } th { "Has to be attested" } th { "Answers for it" } } }
                    tbody { @for workload in &one.workloads { (row(workload)) } }
                }
            }
        }
    }
}

fn row(one: &WorkloadBody) -> Markup {
    html! {
        tr {
            td { a href={ "/services/" (one.service) "/clients" } { (one.service) } }
            td { (one.name) }
            td { @for (claim, values) in &one.claims { div { (claim) " " code { (values.join(" or ")) } } } }
            td { (one.answers) }
        }
    }
}
