//! Services, with who answers for each.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use maud::html;

use super::page::{Visitor, page};
use crate::app::App;
use crate::http::api::services::visible;

/// The list.
pub(super) async fn list(State(app): State<Arc<App>>, Visitor(asking): Visitor) -> Response {
    let all = visible(&app, &asking);
    let body = html! {
        @if all.is_empty() {
            p.clear { "No services that you may see. They are written down in the estate." }
        }
        @for one in &all {
            article.card {
                h2 { (one.name) " " code { (one.id) } }
                p { (one.environment) ": " (one.names.join(", ")) }
                p { a href={ "/services/" (one.id) "/envelopes" } { "Envelopes" } " · "
                    a href={ "/services/" (one.id) "/clients" } { "ACME clients" } }
                dl.facts {
                    @for (duty, team, person) in &one.duties {
                        dt { (duty) }
                        dd {
                            (team) ": "
                            @match person {
                                Some(person) => (person),
                                None => strong.problem { "nobody is on duty" },
                            }
                        }
                    }
                }
            }
        }
    };
    page(&app, Some(&asking), "Services", body).into_response()
}
