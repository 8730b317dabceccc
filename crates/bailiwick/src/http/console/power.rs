//! Emergencies, and who holds which power.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use bailiwick_core::estate::{DelegationSeen, ZoneKey};
use bailiwick_core::gate::DelegationStands;
use maud::{Markup, html};
use serde::Deserialize;

use super::input::{Form, Path};
use super::page::{Visitor, failed, moment, page};
use crate::app::{App, Asking};
use crate::fault::Fault;
use crate::http::api::bodies::{
    ActBody, DutyBody, EmergencyBody, EmergencyIssueBody, EmergencyPublishBody,
    EmergencyRevokeBody, NewEmergencyBody, ToxicBody,
};
use crate::http::api::power as api;
use crate::http::api::services::visible;

/// Emergencies: declare one, review one.
pub(super) async fn emergencies(State(app): State<Arc<App>>, Visitor(asking): Visitor) -> Response {
    match api::emergency_list(&app, &asking, false).await {
        Ok(all) => {
            let services: Vec<String> =
                visible(&app, &asking).into_iter().map(|one| one.id).collect();
            let zones: Vec<String> =
                app.live.get().estate().zones.keys().map(ToString::to_string).collect();
            let (open, closed): (Vec<_>, Vec<_>) =
                all.into_iter().partition(|one| one.review.is_none());
            let body = html! {
                p.lead { "One certificate issued or revoked, or one set of records edited, within the hour, by two people who answer for it. Somebody independent reviews it afterwards." }
                h2 { "To be reviewed" }
                @if open.is_empty() { p.clear { "No review is open." } }
                @for one in &open { (open_review(one)) }
                h2 { "Declare one" }
                (declare_form(&services))
                h2 { "Or one of a zone" }
                (zone_form(&zones))
                @if !closed.is_empty() {
                    h2 { "Reviewed" }
                    (reviewed(&closed))
                }
            };
            page(&app, Some(&asking), "Emergencies", body).into_response()
        }
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}

/// A review that waits, as the home page shows it, too.
pub(super) fn open_review(one: &EmergencyBody) -> Markup {
    html! {
        article.card {
            h3 { a href={ "/changes/" (one.change) } { "Emergency of " (one.of_what()) } }
            dl.facts {
                dt { "Declared" } dd { (moment(&one.at)) }
                dt { "Answers for it" } dd { (one.accountable) }
                @if let Some(by) = &one.delegated_by { dt { "Execution delegated by" } dd { (by) } }
                dt { "Reviewer" } dd { (one.reviewer) }
                dt { "Review by" }
                dd { (moment(&one.review_by)) @if one.overdue { " " strong.problem { "overdue" } } }
            }
            form method="post" action={ "/emergencies/" (one.change) "/review" } {
                label { "What you found, and what follows " input name="note" maxlength="2000" required; }
                button.primary name="justified" value="true" { "It was an emergency" }
                button name="justified" value="false" { "It was none" }
            }
        }
    }
}

fn reviewed(all: &[EmergencyBody]) -> Markup {
    html! {
        table {
            thead { tr { th { "Emergency" } th { "Declared" } th { "Reviewed by" } th { "Found" } } }
            tbody {
                @for one in all {
                    @if let Some(review) = &one.review {
                        tr {
                            td { a href={ "/changes/" (one.change) } { (one.of_what()) } }
                            td { (moment(&one.at)) }
                            td { (review.by) " " (moment(&review.at)) }
                            td { @if review.justified { "justified: " } @else { strong.problem { "not justified" } ": " } (review.note) }
                        }
                    }
                }
            }
        }
    }
}

fn declare_form(services: &[String]) -> Markup {
    html! {
        form.decide method="post" action="/emergencies" {
            label { "Service "
                select name="service" required { @for id in services { option value=(id) { (id) } } }
            }
            label { "What is broken, and what it costs " input name="reason" maxlength="2000" required; }
            fieldset {
                legend { "Either a certificate to issue" }
                label { "Request (PEM) " textarea name="csr" rows="6" {} }
                label { "Profile " input name="profile" maxlength="64"; }
            }
            fieldset {
                legend { "or one to revoke" }
                label { "Fingerprint " input name="certificate" maxlength="128"; }
            }
            button.primary { "Declare the emergency" }
        }
    }
}

fn zone_form(zones: &[String]) -> Markup {
    html! {
        form.decide method="post" action="/emergencies" {
            label { "Zone "
                select name="zone" required { @for zone in zones { option value=(zone) { (zone) } } }
            }
            label { "What is broken, and what it costs " input name="reason" maxlength="2000" required; }
            fieldset {
                legend { "One set of records as it shall be" }
                label { "Name (@ is the zone itself) " input name="name" maxlength="253" required; }
                label { "Type " input name="kind" maxlength="16" required; }
                label { "Records, one a line; none takes the set away " textarea name="values" rows="4" {} }
            }
            button.primary { "Declare the emergency" }
        }
    }
}

/// An emergency from the page.
#[derive(Deserialize)]
pub(super) struct DeclareForm {
    #[serde(default)]
    service: String,
    reason: String,
    #[serde(default)]
    zone: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    values: String,
    #[serde(default)]
    csr: String,
    #[serde(default)]
    profile: String,
    #[serde(default)]
    certificate: String,
}

/// Declares it.
pub(super) async fn declare(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Form(form): Form<DeclareForm>,
) -> Response {
    let given = |text: &str| !text.trim().is_empty();
    let issue = given(&form.csr).then(|| EmergencyIssueBody {
        csr: form.csr.clone(),
        profile: form.profile.clone(),
        issuer: None,
    });
    let revoke = given(&form.certificate).then(|| EmergencyRevokeBody {
        certificate: form.certificate.trim().replace(':', "").to_lowercase(),
        reason: "unspecified".to_owned(),
    });
    let lines = form.values.lines().map(str::trim).filter(|line| !line.is_empty());
    let publish = given(&form.zone).then(|| EmergencyPublishBody {
        zone: form.zone.clone(),
        name: form.name.clone(),
        kind: form.kind.clone(),
        values: lines.map(str::to_owned).collect(),
        ttl_seconds: None,
    });
    let service = given(&form.service).then_some(form.service);
    let wish = NewEmergencyBody { service, reason: form.reason, issue, revoke, publish };
    match api::declared(&app, &asking, wish).await {
        Ok(loaded) => Redirect::to(&format!("/changes/{}", loaded.id)).into_response(),
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}

/// A review from the page.
#[derive(Deserialize)]
pub(super) struct ReviewForm {
    justified: bool,
    note: String,
}

/// Closes it.
pub(super) async fn review(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(change): Path<String>,
    Form(form): Form<ReviewForm>,
) -> Response {
    let done = async {
        let id = crate::http::api::changes::change_id(&change)?;
        app.review_emergency(&asking, &id, form.justified, &form.note).await
    };
    match done.await {
        Ok(_) => Redirect::to("/emergencies").into_response(),
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}

/// Who holds which power, and who holds too much.
pub(super) async fn duties(State(app): State<Arc<App>>, Visitor(asking): Visitor) -> Response {
    match all_duties(&app, &asking).await {
        Ok(body) => page(&app, Some(&asking), "Who can do what", body).into_response(),
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}

async fn all_duties(app: &App, asking: &Asking) -> Result<Markup, Fault> {
    let duties = app.duties(asking).await?;
    let toxic: Vec<ToxicBody> = duties.toxic.into_iter().map(ToxicBody::from).collect();
    let by_zone = duties.by_zone.into_iter();
    let by_zone = by_zone.map(|(zone, lines)| (zone, lines.into_iter().map(DutyBody::from)));
    Ok(html! {
        h2 { "Power over both sides" }
        @if toxic.is_empty() {
            p.clear { "Nobody holds power over both the certificates and the records of a zone." }
        }
        @for one in &toxic {
            article.card {
                h3 { strong.problem { (one.person) } " in " code { (one.zone) } }
                dl.facts {
                    dt { "Certificates" } @for why in &one.certificates { dd { (why) } }
                    dt { "Records" } @for why in &one.records { dd { (why) } }
                }
            }
        }
        @for (zone, lines) in by_zone {
            h2 { (super::zones::link(&zone.to_string())) }
            table {
                thead { tr { th { "Person" } th { "May, with others agreeing" } th { "Can alone" } } }
                tbody {
                    @for line in lines {
                        tr { td { (line.person) } td { (line.may.join(", ")) } td { (line.alone.join("; ")) } }
                    }
                }
            }
        }
        h2 { "What the parents of zones say" }
        (delegations(&app.zones_standing().await?))
        h2 { "Acts on keys, accounts, zones and registrations" }
        (acts(&app.acts(asking, None, None, None).await?.into_iter().map(ActBody::from).collect::<Vec<_>>()))
    })
}

fn delegations(all: &[(ZoneKey, DelegationSeen, Vec<DelegationStands>)]) -> Markup {
    html! {
        table {
            thead { tr { th { "Zone" } th { "Stands" } th { "Seen last" } } }
            tbody {
                @for (zone, seen, facts) in all {
                    tr {
                        td { (super::zones::link(&zone.to_string())) }
                        td {
                            @match seen {
                                DelegationSeen::Unwatched => "nobody watches it",
                                DelegationSeen::AsDecided => "as decided",
                                DelegationSeen::Changed(what) => {
                                    strong.problem { "frozen: nothing is issued here" } " " (what)
                                }
                            }
                        }
                        td {
                            @for fact in facts {
                                p { (fact.kind) ": " (fact.last.iter().cloned().collect::<Vec<_>>().join(", ")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn acts(all: &[ActBody]) -> Markup {
    html! {
        table {
            thead { tr { th { "When" } th { "On" } th { "What" } th { "Who" } th { "Leaf" } } }
            tbody {
                @for act in all {
                    tr {
                        td { (moment(&act.at)) } td { (act.about) } td { (act.what) } td { (act.by) }
                        td { (act.index) }
                    }
                }
            }
        }
    }
}
