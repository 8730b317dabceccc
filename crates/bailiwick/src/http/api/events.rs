//! Server-sent events: something moved, read it anew.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::Stream;
use futures::stream;
use tokio::sync::broadcast::error::RecvError;

use super::caller::Caller;
use crate::app::{App, News};

/// How often an idle stream says that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A stream of `change` (with the change's id), `certificates` and `watch` events. It says that something
/// moved, never what: reading it is a request of its own, with its own permission.
#[utoipa::path(get, path = "/events", tag = "changes",
    responses((status = 200, content_type = "text/event-stream", body = String)))]
pub(crate) async fn stream(
    State(app): State<Arc<App>>,
    Caller(_asking): Caller,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let news = app.news.subscribe();
    let events = stream::unfold(news, |mut news| async move {
        let event = match news.recv().await {
            Ok(News::Change(id)) => Event::default().event("change").data(id.as_str()),
            Ok(News::Certificates) => Event::default().event("certificates").data("changed"),
            Ok(News::Watch) => Event::default().event("watch").data("changed"),
            // Too slow to hear all of it: read everything anew.
            Err(RecvError::Lagged(_)) => Event::default().event("change").data("any"),
            Err(RecvError::Closed) => return None,
        };
        Some((Ok(event), news))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}
