//! A notice to a URL.

use super::NotTaken;
use crate::egress::{Call, Method, Target, Trust, Web};

/// Posts a signed notice; any success of HTTP takes it.
///
/// # Errors
/// [`NotTaken`].
pub async fn post(
    web: &dyn Web,
    target: &Target,
    trust: Trust,
    body: String,
) -> Result<(), NotTaken> {
    let call = Call {
        method: Method::Post,
        target: target.clone(),
        body: Some(("application/json", body.into_bytes())),
        accept: "*/*",
        credential: None,
        trust,
    };
    let answer = web.call(call).await?;
    if answer.is_success() {
        Ok(())
    } else {
        Err(NotTaken::Refused(format!("status {}", answer.status)))
    }
}
