//! One JSON request to the API of a DNS provider, through the way out and its fence.

use std::sync::Arc;

use bailiwick_core::shown::told;
use serde_json::Value;

use crate::egress::{Call, Credential, Method, NoAnswer, Target, Trust, Web};

/// An API, and what opens it.
pub(super) struct Api {
    pub(super) web: Arc<dyn Web>,
    /// What every path is added to.
    pub(super) base: Target,
    pub(super) credential: Credential,
    pub(super) trust: Trust,
}

/// What an API said.
pub(super) enum Said {
    /// It is done; null where nothing was said beside.
    Done(Value),
    /// No: the status, and why in its own words.
    No(u16, String),
}

impl Api {
    /// Who is asked, for messages.
    pub(super) fn place(&self) -> String {
        self.base.authority()
    }

    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Said, NoAnswer> {
        let url = format!("{}/{path}", self.base.to_string().trim_end_matches('/'));
        let target = Target::parse(&url).map_err(|cause| NoAnswer::Http(cause.to_string()))?;
        let call = Call {
            method,
            target,
            body: body.map(|body| ("application/json", body.to_string().into_bytes())),
            credential: Some(self.credential.clone()),
            accept: "application/json",
            trust: self.trust.clone(),
        };
        let answer = self.web.call(call).await?;
        let value = serde_json::from_slice::<Value>(&answer.body);
        Ok(match value {
            Ok(value) if answer.is_success() => Said::Done(value),
            // A proxy in between may say 200 with a page of its own.
            Err(_) if answer.is_success() && answer.body.is_empty() => Said::Done(Value::Null),
            Err(_) if answer.is_success() => Said::No(answer.status, "no JSON".to_owned()),
            Ok(value) => Said::No(answer.status, why(&value)),
            Err(_) => Said::No(answer.status, "without a reason".to_owned()),
        })
    }
}

/// The reason, where APIs put it: `error`, or the messages of `errors`.
fn why(value: &Value) -> String {
    let one = value.get("error").and_then(Value::as_str).map(str::to_owned);
    let many = || {
        let errors = value.get("errors").and_then(Value::as_array)?;
        let texts = errors.iter().filter_map(|error| error.get("message").and_then(Value::as_str));
        Some(texts.collect::<Vec<_>>().join("; "))
    };
    let text = one.or_else(many).unwrap_or_else(|| "without a reason".to_owned());
    told(&text).to_string()
}
