//! The control board, and one zone with the set that each name inherits.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bailiwick_core::watch::{Point, Stands};
use maud::{Markup, html};

use super::super::input::Path;
use super::super::page::{Visitor, failed, moment, page};
use super::{leaves, records, stands};
use crate::app::{App, Asking, ControlView, TreeLine, ZoneControl};
use crate::fault::Fault;
use crate::http::api::bodies::{CanaryBody, ControlBody, PointBody, ZoneControlBody};
use crate::http::api::watch as api;

/// The board.
pub(crate) async fn board(State(app): State<Arc<App>>, Visitor(asking): Visitor) -> Response {
    match app.control(&asking).await {
        Ok(view) => page(&app, Some(&asking), "Controls", whole(&view)).into_response(),
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}

fn whole(view: &ControlView) -> Markup {
    let body = ControlBody::of(view);
    html! {
        p.lead { "Only who is named in CAA may issue: is the record there, does everybody see it, does the CA obey it?" }
        section #board data-live="watch" {
            @if let Some(all) = body.coverage.first() {
                div.numbers {
                    div.number { strong { (all.governed) " of " (all.bearing) } span { "names that CAA governs" } }
                    div.number { strong { (all.holding) " of " (all.zones) } span { "zones where the control holds" } }
                    a.number href="/findings" { strong { (body.zones.iter().map(|zone| zone.findings.len()).sum::<usize>()) } span { "open findings" } }
                }
            }
            table.board {
                thead { tr { th { "Zone" } th { "Created" } th { "Propagated" } th { "Enforced" } th { "Canary" } th { "To do" } } }
                tbody {
                    @for (zone, line) in view.zones.iter().zip(&body.zones) {
                        tr {
                            td { (super::super::zones::link(&line.zone)) br; span.soft { (line.view) ", " (line.unit) } }
                            td { (cell(zone, Point::Created)) }
                            td { (cell(zone, Point::Propagated)) }
                            td { (cell(zone, Point::Enforced)) }
                            td { (canary(&body, &line.zone)) }
                            td {
                                @let incidents: Vec<_> = body.incidents.iter().filter(|one| one.zone == line.zone && one.reviewed_at.is_none()).collect();
                                @if line.findings.is_empty() && incidents.is_empty() { span.soft { "nothing" } }
                                @for one in incidents {
                                    p { span.badge.bad { "incident" } " " a href={ "/incidents/" (one.id) } { (one.subject) } ": " (one.owner) }
                                }
                                @for finding in &line.findings {
                                    p { a href={ "/findings/" (finding.id) } { (finding.title) } ": " (finding.assignee) }
                                }
                                @for exception in &line.exceptions {
                                    p { span.badge { "exception" } " " (exception.rule) " until " (moment(&exception.until)) }
                                }
                            }
                        }
                    }
                }
            }
            h2 { "Coverage" }
            table {
                thead { tr { th { "Of" } th { "Names with CAA" } th { "Zones where it holds" } } }
                tbody {
                    @for one in &body.coverage {
                        tr { td { (one.of) } td { (one.governed) " of " (one.bearing) } td { (one.holding) " of " (one.zones) } }
                    }
                }
            }
        }
    }
}

/// The worst verdict of a zone at one point, opening its evidence.
fn cell(zone: &ZoneControl, point: Point) -> Markup {
    html! {
        @match zone.at(point) {
            None => { span.badge { "not looked at yet" } }
            Some(row) => {
                a.verdict href={ "/controls/" (zone.zone) "#" (row.verdict.issuer) "-" (point) } {
                    (stands(row.verdict.stands.as_str()))
                }
                br;
                span.soft { "since " (moment(&row.at.to_string())) }
                @if row.verdict.stands != Stands::Holds { p.why { (row.verdict.says) } }
            }
        }
    }
}

/// When canaries were last run there for each CA, and how that went.
fn canary(body: &ControlBody, zone: &str) -> Markup {
    let mut newest: Vec<&CanaryBody> = Vec::new();
    for one in body.canaries.iter().filter(|one| one.zone == zone) {
        let worse = |a: &str, b: &str| rank(a) < rank(b);
        match newest.iter_mut().find(|known| known.issuer == one.issuer) {
            None => newest.push(one),
            Some(known) if worse(&one.stands, &known.stands) => *known = one,
            Some(known) if one.stands == known.stands && one.at > known.at => *known = one,
            Some(_) => {}
        }
    }
    html! {
        @if newest.is_empty() { span.soft { "none" } }
        @for one in newest { p { (one.issuer) " " (stands(&one.stands)) br; span.soft { (moment(&one.at)) } } }
    }
}

/// What went worst speaks for a CA.
fn rank(stands: &str) -> u8 {
    match stands {
        "fails" => 0,
        "unknown" => 1,
        _ => 2,
    }
}

/// One zone.
pub(crate) async fn zone(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(zone): Path<String>,
) -> Response {
    shown(&app, &asking, &zone).await
}

/// One zone of a view that is not the external one.
pub(crate) async fn zone_view(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path((zone, view)): Path<(String, String)>,
) -> Response {
    shown(&app, &asking, &format!("{zone}/{view}")).await
}

async fn shown(app: &App, asking: &Asking, zone: &str) -> Response {
    let told = async {
        let key = api::zone_key(zone)?;
        let (control, tree) = app.zone_tree(asking, &key).await?;
        Ok::<Markup, Fault>(one_zone(&ZoneControlBody::of(&control), &tree))
    };
    match told.await {
        Ok(body) => page(app, Some(asking), &format!("CAA of {zone}"), body).into_response(),
        Err(fault) => failed(app, Some(asking), &fault),
    }
}

pub(crate) fn one_zone(zone: &ZoneControlBody, tree: &[TreeLine]) -> Markup {
    html! {
        section #zone data-live="watch" {
            dl.facts {
                @for duty in &zone.duties {
                    dt { @match duty.duty.as_str() { "policy" => "Defines the policy", "records" => "Publishes the records", _ => "Owns the control" } }
                    dd { (duty.team) ": " (duty.person.as_deref().unwrap_or("nobody on duty")) }
                }
                dt { "Names with CAA" } dd { (zone.governed) " of " (zone.bearing) }
                @if let Some(at) = &zone.looked_at { dt { "Looked at" } dd { (moment(at)) ", and unchanged since where nothing else is said" } }
            }
            @for finding in &zone.findings { (super::card(finding)) }
            h2 { "The three points" }
            table.points {
                thead { tr { th { "Issuer" } th { "Point" } th { "Verdict" } th { "Why" } th { "Evidence" } } }
                tbody { @for point in &zone.points { (point_row(point)) } }
            }
            h2 { "If CAA were ignored: grade " (zone.fail_safe.grade) @if zone.fail_safe.at_best != zone.fail_safe.grade { ", " (zone.fail_safe.at_best) " at best" } }
            p { (zone.fail_safe.because) }
            table.failsafe {
                thead { tr { th { "Control" } th { "Without CAA" } th { "Why" } } }
                tbody { @for one in &zone.fail_safe.controls {
                    tr { td { (one.control) } td { (one.stand) } td { (one.because) } }
                } }
            }
            @for help in &zone.fail_safe.would_help { p.soft { "Would help: " (help) } }
            @if !zone.corroboration.is_empty() {
                h2 { "What public CAs would find from elsewhere" }
                table.quorum {
                    thead { tr { th { "Issuer" } th { "Together" } th { "Vantages" } } }
                    tbody { @for one in &zone.corroboration {
                        tr {
                            td { (one.issuer) }
                            td { (one.says) }
                            td { @for remote in &one.remotes { p { (remote.vantage) " (" (remote.region) "): " (remote.outcome) } } }
                        }
                    } }
                }
            }
            h2 { "Which set each name has, and from where" }
            table {
                thead { tr { th { "Name" } th { "Set" } th { "From" } } }
                tbody {
                    @for line in tree {
                        tr {
                            td { a href={ "/caa/" (line.name) } { (line.name) } @if line.bearing { " " span.badge { "certificates" } } }
                            td { (records(&line.set)) }
                            td { @match &line.from {
                                Some(from) if *from == line.name => { "its own" }
                                Some(from) => { "inherited from " a href={ "/caa/" (from) } { (from) } }
                                None => { span.soft { "–" } }
                            } }
                        }
                    }
                }
            }
            @if !zone.exceptions.is_empty() {
                h2 { "Exceptions" }
                table {
                    thead { tr { th { "Rule" } th { "Why" } th { "Approved by" } th { "Makes up for it" } th { "Until" } } }
                    tbody { @for one in &zone.exceptions {
                        tr { td { code { (one.rule) } } td { (one.reason) } td { (one.approver) } td { (one.compensating_control) } td { (moment(&one.until)) ", then the finding returns" } }
                    } }
                }
            }
        }
        (evidence(&zone.zone))
    }
}

/// The control of a zone for a period as one file.
fn evidence(zone: &str) -> Markup {
    html! {
        h2 { "Evidence for an auditor" }
        p { "The control of a period as one file: its entries of the ledger with their proofs, what they name, every verdict. "
            code { "bailiwick control verify FILE --key KEY" } " checks it without us." }
        form.filters method="get" action="/api/v1/control/evidence" {
            input type="hidden" name="zone" value=(zone);
            label { "From " input type="date" name="from"; }
            " "
            label { "until " input type="date" name="to"; }
            " "
            button { "Download" }
            p.soft { "Left empty: the last 90 days. It holds the estate of that time, too: hand it to whoever may see that." }
        }
    }
}

fn point_row(point: &PointBody) -> Markup {
    html! {
        tr id={ (point.issuer) "-" (point.point) } {
            td { (point.issuer) }
            td { (point.point) }
            td { (stands(&point.stands)) br; span.soft { "since " (moment(&point.at)) } }
            td { (point.says) }
            td { "leaf " (leaves(&[point.leaf])) @if !point.evidence.is_empty() { ", resting on " (leaves(&point.evidence)) } }
        }
    }
}
