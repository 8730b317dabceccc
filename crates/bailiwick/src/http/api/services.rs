//! Services over the API.

use std::sync::Arc;

use axum::extract::State;
use bailiwick_core::policy::{Access, ResourceKind};

use super::bodies::ServiceBody;
use super::caller::Caller;
use super::input::Json;
use crate::app::{App, Asking, Scope};

/// The services you may see, with who answers for them.
#[utoipa::path(get, path = "/services", tag = "services",
    responses((status = 200, body = [ServiceBody])))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
) -> Json<Vec<ServiceBody>> {
    Json(visible(&app, &asking))
}

/// The services that somebody may see.
pub(crate) fn visible(app: &App, asking: &Asking) -> Vec<ServiceBody> {
    let live = app.live.get();
    let now = app.now();
    live.estate()
        .services
        .iter()
        .filter(|(id, _)| {
            let scope = Scope::Service(ResourceKind::Service, id.to_string(), (*id).clone());
            app.may(asking, Access::Read, &scope)
        })
        .map(|(id, service)| ServiceBody {
            id: id.to_string(),
            name: service.name.clone(),
            environment: service.environment.to_string(),
            names: service.names.iter().map(ToString::to_string).collect(),
            duties: service
                .duties
                .each()
                .iter()
                .map(|(duty, team)| {
                    let person = live.estate().person_on_duty(team, now).ok();
                    let person = person.map(|on_duty| on_duty.person().to_string());
                    (duty.to_string(), team.to_string(), person)
                })
                .collect(),
        })
        .collect()
}
