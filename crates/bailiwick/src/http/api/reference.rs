//! The description of the API, as JSON and as a page.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde_json::Value;
use utoipa::Modify;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{OpenApi, ResponseBuilder};

use crate::fault::Fault;

/// The calls that prove themselves: one is how a token is had, the other shows a workload's own.
const WITHOUT_TOKEN: [&str; 2] = ["/sign-in", "/enrolments"];

/// Says that every call carries a token, and what is answered where it does not.
pub(super) struct Token;

impl Modify for Token {
    fn modify(&self, description: &mut OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A token made with `bailiwick token new`."))
            .build();
        description
            .components
            .get_or_insert_default()
            .add_security_scheme("token", SecurityScheme::Http(bearer));
        description.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
        for (path, item) in &mut description.paths.paths {
            if WITHOUT_TOKEN.contains(&path.as_str()) {
                continue;
            }
            let calls = [&mut item.get, &mut item.post, &mut item.put, &mut item.delete];
            for call in calls.into_iter().filter_map(Option::as_mut) {
                let nobody = ResponseBuilder::new().description("no token, or one that is over");
                call.responses.responses.insert("401".to_owned(), nobody.build().into());
            }
        }
    }
}

/// Names every call by its room and its verb, as `changes_list`: handlers of two rooms may share a name.
pub(super) struct CallNames;

impl Modify for CallNames {
    fn modify(&self, description: &mut OpenApi) {
        for path in description.paths.paths.values_mut() {
            let calls = [&mut path.get, &mut path.post, &mut path.put, &mut path.delete];
            for call in calls.into_iter().filter_map(Option::as_mut) {
                let room = call.tags.iter().flatten().next();
                if let (Some(room), Some(verb)) = (room, &call.operation_id) {
                    call.operation_id = Some(format!("{room}_{verb}"));
                }
            }
        }
    }
}

/// The description as JSON.
pub(super) async fn openapi() -> Result<Response, super::ApiError> {
    let text = super::description().map_err(|cause| Fault::bug(cause.to_string()))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

/// The description as a page: every call with what it takes and gives.
pub(crate) fn page() -> Result<Markup, Fault> {
    let text = super::description().map_err(|cause| Fault::bug(cause.to_string()))?;
    let description: Value =
        serde_json::from_str(&text).map_err(|cause| Fault::bug(cause.to_string()))?;
    let paths = description.get("paths").and_then(Value::as_object);
    Ok(html! {
        p { "The calls under " code { "/api/v1" } ". Send "
            code { "Authorization: Bearer TOKEN" } "; make a token with "
            code { "bailiwick token new" } ". The same as JSON: "
            a href="/api/v1/openapi.json" { "openapi.json" } "." }
        @for (path, calls) in paths.into_iter().flatten() {
            @for (method, call) in calls.as_object().into_iter().flatten() {
                section.call {
                    h2 { code { (method.to_uppercase()) " " (path) } }
                    p { (text_of(call, "description").or(text_of(call, "summary")).unwrap_or_default()) }
                    (fields("Takes", call.pointer("/requestBody/content/application~1json/schema"), &description))
                    (parameters(call))
                    @for (status, answer) in call.get("responses").and_then(Value::as_object).into_iter().flatten() {
                        (fields(&format!("Gives {status}"), answer.pointer("/content/application~1json/schema"), &description))
                    }
                }
            }
        }
    })
}

fn text_of<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

fn parameters(call: &Value) -> Markup {
    let all = call.get("parameters").and_then(Value::as_array);
    html! {
        @if let Some(all) = all {
            h3 { "Parameters" }
            dl {
                @for one in all {
                    dt { code { (text_of(one, "name").unwrap_or_default()) } " in " (text_of(one, "in").unwrap_or_default()) }
                    dd { (text_of(one, "description").unwrap_or_default()) }
                }
            }
        }
    }
}

/// The fields of a schema, one level deep: a reference names the rest.
fn fields(title: &str, schema: Option<&Value>, description: &Value) -> Markup {
    let Some(schema) = schema else { return html! {} };
    let named = text_of(schema, "$ref").and_then(|reference| {
        description.pointer(reference.strip_prefix('#').unwrap_or(reference))
    });
    let schema = named.unwrap_or(schema);
    html! {
        h3 { (title) }
        @if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            dl {
                @for (name, property) in properties {
                    dt { code { (name) } " " (kind(property)) }
                    dd { (text_of(property, "description").unwrap_or_default()) }
                }
            }
        } @else {
            p { (kind(schema)) }
        }
    }
}

fn kind(schema: &Value) -> String {
    if let Some(reference) = text_of(schema, "$ref") {
        return reference.rsplit('/').next().unwrap_or_default().to_owned();
    }
    match schema.get("type") {
        Some(Value::String(one)) if one == "array" => {
            format!("list of {}", schema.get("items").map(kind).unwrap_or_default())
        }
        Some(Value::String(one)) => one.clone(),
        Some(Value::Array(many)) => {
            many.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or ")
        }
        _ => String::new(),
    }
}
