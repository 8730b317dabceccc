//! One zone: the way into it, who decides, what its parent says, what is open, and its CAA tree.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bailiwick_core::policy::Access;
use maud::{Markup, html};

use super::input::Path;
use super::page::{Visitor, failed, moment, page, state};
use super::watch::one_zone;
use crate::app::{App, Asking, Scope, ZoneDelegation, ZoneView};
use crate::fault::Fault;
use crate::http::api::bodies::ZoneControlBody;
use crate::http::api::watch as api;

/// A zone, with the way to its page.
pub(super) fn link(zone: &str) -> Markup {
    html! { a href={ "/zones/" (zone) } { (zone) } }
}

/// One zone.
pub(super) async fn zone(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(zone): Path<String>,
) -> Response {
    shown(&app, &asking, &zone).await
}

/// One zone of a view that is not the external one.
pub(super) async fn zone_view(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path((zone, view)): Path<(String, String)>,
) -> Response {
    shown(&app, &asking, &format!("{zone}/{view}")).await
}

async fn shown(app: &App, asking: &Asking, zone: &str) -> Response {
    let told = async {
        let key = api::zone_key(zone)?;
        let view = app.zone_view(asking, &key).await?;
        let tree = if app.may(asking, Access::Read, &Scope::Organisation) {
            let (control, tree) = app.zone_tree(asking, &key).await?;
            Some(one_zone(&ZoneControlBody::of(&control), &tree))
        } else {
            None
        };
        Ok::<Markup, Fault>(html! {
            (whole(&view))
            @if let Some(tree) = tree { h2 { "CAA: decided, seen and obeyed" } (tree) }
        })
    };
    match told.await {
        Ok(body) => page(app, Some(asking), &format!("Zone {zone}"), body).into_response(),
        Err(fault) => failed(app, Some(asking), &fault),
    }
}

fn whole(view: &ZoneView) -> Markup {
    let it = &view.whole;
    html! {
        @if it.delegation.frozen { (freeze(&it.delegation)) }
        dl.facts {
            dt { "Decides" } dd { (it.decides) }
            dt { "Gates" }
            @if it.gates.is_empty() { dd { "none beside the pattern" } }
            @for gate in &it.gates { dd { (gate) } }
            dt { "Kind" } dd { (view.class) ", mode " (view.mode) }
            dt { "Policy" } dd { "team " (view.policy_owner) }
            dt { "Records" } dd { "team " (view.operator) }
            dt { "Decided CAA" }
            @if it.caa.is_empty() { dd { "nothing was decided" } }
            @for value in &it.caa { dd { code { (value) } } }
        }
        h2 { "The way in" }
        (door(view))
        h2 { "What its parent says" }
        (delegation(&it.delegation))
        h2 { "Under way" }
        @if it.changes.is_empty() { p.clear { "No change is under way here." } }
        @else {
            table { tbody { @for one in &it.changes {
                tr { td { (state(&one.state)) } td { a href={ "/changes/" (one.id) } { (one.title) } } }
            } } }
        }
        h2 { "Validation records that stand here" }
        @if it.standing.is_empty() { p.clear { "None is relied on." } }
        @else {
            table {
                thead { tr { th { "Name" } th { "Service" } th { "Account" } th { "Seen last" } } }
                tbody { @for one in &it.standing {
                    tr {
                        td { (one.name) } td { (one.service) }
                        td { a href={ "/accounts/" (one.account) } { (one.account) } }
                        td { (moment(&one.seen_at)) }
                    }
                } }
            }
        }
        h2 { "Who may do what" }
        table {
            thead { tr { th { "Person" } th { "May, with others agreeing" } th { "Can alone" } } }
            tbody { @for one in &it.people {
                tr { td { (one.person) } td { (one.may.join(", ")) } td { (one.alone.join("; ")) } }
            } }
        }
    }
}

fn freeze(one: &ZoneDelegation) -> Markup {
    html! {
        div.problem role="alert" {
            strong { "Frozen: nothing is issued in this zone." }
            @if let Some(lift) = &one.lift { p { (lift) "." } }
        }
    }
}

fn delegation(one: &ZoneDelegation) -> Markup {
    html! {
        p {
            @match one.stands.as_str() {
                "as-decided" => "As decided.",
                "changed" => strong { "Not as decided." },
                _ => "Nobody watches it: the zone has no servers here, and no resolver is set.",
            }
        }
        @if !one.facts.is_empty() {
            ul { @for fact in &one.facts { li { code { (fact) } } } }
        }
    }
}

fn door(view: &ZoneView) -> Markup {
    html! {
        dl.facts {
            dt { "Written" }
            @match &view.connector {
                Some(way) => {
                    dd { (way.kind) " at " (way.place) }
                    dd { (way.promise) }
                    dd {
                        "secret: "
                        @if way.secret == "missing" {
                            strong { "missing" } "; hand it in with " code { "bailiwick connector set-secret " (view.zone) }
                        } @else { (way.secret.replace('-', " ")) }
                    }
                }
                None => dd { "by nobody here: it is only looked at" },
            }
            dt { "Read as a whole" }
            dd { (view.transfer.as_deref().unwrap_or("no; name a server in `[transfer]`")) }
            dt { "Servers" }
            dd { @if view.in_step { "in step" } @else { strong { "not in step" } } }
            @for one in &view.servers {
                dd {
                    code { (one.server) } " "
                    @match (one.serial, &one.problem) {
                        (Some(serial), _) => { "serial " (serial) }
                        (None, why) => { strong { (why.as_deref().unwrap_or("no answer")) } }
                    }
                }
            }
        }
        p { "Whether it works: " code { "bailiwick zone try " (view.zone) } }
    }
}
