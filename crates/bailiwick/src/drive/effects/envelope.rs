//! Granting, narrowing and ending envelopes. The effect is the row that the receipt causes, so it happens in
//! the very transaction that records it.

use bailiwick_core::change::{NarrowEnvelope, Outcome, Receipt, Touched};
use bailiwick_core::gate::Envelope;
use bailiwick_core::names::EnvelopeId;
use bailiwick_core::time::Time;

use crate::app::App;

pub(super) fn grant(wanted: &Envelope, now: Time) -> Outcome {
    if now >= wanted.until {
        return Outcome::Failed(format!("the envelope would have ended at {}", wanted.until));
    }
    let granted = Envelope { granted_at: now, ..wanted.clone() };
    Outcome::Done(Receipt::EnvelopeGranted(Box::new(granted)))
}

pub(super) async fn undo_grant(app: &App, wanted: &Envelope) -> Outcome {
    match app.store.envelope(&wanted.id).await {
        Ok(Some(envelope)) if envelope.ended.is_none() => Outcome::Done(Receipt::EnvelopeEnded {
            envelope: envelope.id,
            why: "the change that granted it was rolled back".to_owned(),
        }),
        Ok(_) => Outcome::Done(Receipt::Nothing),
        Err(cause) => Outcome::Unknown(cause.to_string()),
    }
}

pub(super) async fn end(app: &App, id: &EnvelopeId, why: &str) -> Outcome {
    match app.store.envelope(id).await {
        Ok(Some(envelope)) if envelope.ended.is_none() => {
            Outcome::Done(Receipt::EnvelopeEnded { envelope: envelope.id, why: why.to_owned() })
        }
        Ok(Some(_)) => Outcome::Done(Receipt::Nothing),
        Ok(None) => Outcome::Failed(format!("there is no envelope `{id}`")),
        Err(cause) => Outcome::Unknown(cause.to_string()),
    }
}

/// Reopens only what this change ended: an envelope that somebody ended before stays so.
pub(super) async fn undo_end(app: &App, id: &EnvelopeId, touched: &Touched) -> Outcome {
    if let Some(Receipt::Nothing) = &touched.receipt {
        return Outcome::Done(Receipt::Nothing);
    }
    match app.store.envelope(id).await {
        Ok(Some(envelope)) if envelope.ended.is_some() => {
            Outcome::Done(Receipt::EnvelopeReopened { envelope: envelope.id })
        }
        Ok(_) => Outcome::Done(Receipt::Nothing),
        Err(cause) => Outcome::Unknown(cause.to_string()),
    }
}

pub(super) async fn verify(app: &App, id: &EnvelopeId, in_force: bool) -> Outcome {
    match app.store.envelope(id).await {
        Ok(Some(envelope)) if envelope.ended.is_none() == in_force => {
            Outcome::Done(Receipt::Nothing)
        }
        Ok(_) => Outcome::Failed(format!("envelope `{id}` is not as the plan says")),
        Err(cause) => Outcome::Unknown(cause.to_string()),
    }
}

pub(super) async fn narrow(app: &App, narrow: &NarrowEnvelope, now: Time) -> Outcome {
    match app.store.envelope(&narrow.envelope).await {
        Ok(Some(envelope)) if envelope.bounds() == narrow.after => Outcome::Done(Receipt::Nothing),
        Ok(Some(_)) if !narrow.after.is_within(&narrow.before) => {
            Outcome::Failed("that would widen the envelope; request a new one".to_owned())
        }
        Ok(Some(envelope)) if !envelope.in_force(now) => {
            Outcome::Failed(format!("envelope `{}` is over", envelope.id))
        }
        Ok(Some(envelope)) if envelope.bounds() == narrow.before => {
            Outcome::Done(Receipt::EnvelopeBounded {
                envelope: envelope.id,
                before: narrow.before.clone(),
                after: narrow.after.clone(),
            })
        }
        Ok(Some(envelope)) => Outcome::Failed(format!(
            "envelope `{}` reaches otherwise than when this was asked for; ask again",
            envelope.id
        )),
        Ok(None) => Outcome::Failed(format!("there is no envelope `{}`", narrow.envelope)),
        Err(cause) => Outcome::Unknown(cause.to_string()),
    }
}

/// Gives back only what this change took: bounds that somebody narrowed further stay.
pub(super) async fn undo_narrow(app: &App, narrow: &NarrowEnvelope, touched: &Touched) -> Outcome {
    if let Some(Receipt::Nothing) = &touched.receipt {
        return Outcome::Done(Receipt::Nothing);
    }
    match app.store.envelope(&narrow.envelope).await {
        Ok(Some(envelope)) if envelope.bounds() == narrow.after => {
            Outcome::Done(Receipt::EnvelopeBounded {
                envelope: envelope.id,
                before: narrow.after.clone(),
                after: narrow.before.clone(),
            })
        }
        Ok(_) => Outcome::Done(Receipt::Nothing),
        Err(cause) => Outcome::Unknown(cause.to_string()),
    }
}

pub(super) async fn verify_narrow(app: &App, narrow: &NarrowEnvelope) -> Outcome {
    match app.store.envelope(&narrow.envelope).await {
        Ok(Some(envelope)) if envelope.bounds() == narrow.after => Outcome::Done(Receipt::Nothing),
        Ok(_) => Outcome::Failed(format!("envelope `{}` is not as the plan says", narrow.envelope)),
        Err(cause) => Outcome::Unknown(cause.to_string()),
    }
}
