//! Which rows an event of a change causes, and the receipt of a step in it.

use crate::change::{Event, HeldKey, Receipt};
use crate::names::{ChangeId, SpkiHash};
use crate::time::Time;

use super::row::{ChangeRow, Row};

#[expect(clippy::wildcard_enum_match_arm, reason = "only one event carries a plan and an end")]
pub(super) fn change_rows(
    id: &ChangeId,
    seq: u32,
    state: &str,
    event: &Event,
    at: Time,
) -> Vec<Row> {
    if let Event::Requested(request) = event {
        return vec![Row::OpenChange(Box::new(ChangeRow {
            request: (**request).clone(),
            kind: String::new(),
            state: state.to_owned(),
            events: 1,
            updated_at: at,
            expires_at: None,
        }))];
    }
    let (kind, expires_at) = match event {
        Event::Validated { plan, expires_at, .. } => {
            (plan.steps().first().map(|step| step.kind().to_owned()), Some(*expires_at))
        }
        _ => (None, None),
    };
    let moved =
        Row::MoveChange { id: id.clone(), seq, state: state.to_owned(), at, kind, expires_at };
    let mut all = vec![moved];
    if let Event::StepDone { receipt, .. } | Event::UndoDone { receipt, .. } = event {
        receipt_rows(id, receipt, at, &mut all);
    }
    all
}

/// Adds the rows that follow from what an effect left behind.
fn receipt_rows(id: &ChangeId, receipt: &Receipt, at: Time, all: &mut Vec<Row>) {
    match receipt {
        Receipt::Nothing => {}
        Receipt::Issued(certificate) => {
            all.push(Row::PutCertificate(certificate.clone()));
            all.extend(certificate.envelope.clone().map(Row::CountEnvelopeUse));
        }
        Receipt::Revoked(revoked) => {
            all.push(Row::PutRevocation { change: id.clone(), revoked: revoked.clone() });
        }
        Receipt::EnvelopeGranted(envelope) => {
            all.push(Row::PutEnvelope(envelope.clone()));
        }
        Receipt::EnvelopeEnded { envelope, why } => {
            all.push(Row::EndEnvelope { envelope: envelope.clone(), at, why: why.clone() });
        }
        Receipt::EnvelopeReopened { envelope } => {
            all.push(Row::ReopenEnvelope(envelope.clone()));
        }
        Receipt::EnvelopeBounded { envelope, before, after } => all.push(Row::BoundEnvelope {
            envelope: envelope.clone(),
            before: before.clone(),
            after: after.clone(),
        }),
        Receipt::EstateActivated { estate } => {
            all.push(Row::ActivateEstate { estate: *estate, at, change: id.clone() });
        }
        Receipt::Adopted { certificate, chain } => {
            all.push(Row::PutCertificate(certificate.clone()));
            let fingerprint = certificate.fingerprint;
            all.push(Row::PutChain { fingerprint, chain: *chain });
            all.extend(certificate.envelope.clone().map(Row::CountEnvelopeUse));
        }
        Receipt::Disowned { revoked, .. } => {
            all.push(Row::PutRevocation { change: id.clone(), revoked: revoked.clone() });
        }
        Receipt::AccountRegistered { issuer, uri, key } => all.push(Row::PutUpstreamAccount {
            issuer: issuer.clone(),
            uri: uri.clone(),
            key: *key,
            change: id.clone(),
            at,
        }),
        Receipt::AccountDeactivated { issuer } => {
            all.push(Row::EndUpstreamAccount(issuer.clone()));
        }
        Receipt::KeyActivated { of, before, after } => {
            all.push(Row::ActivateKey {
                of: of.clone(),
                before: before.clone(),
                after: after.clone(),
                at,
                change: id.clone(),
            });
            if let HeldKey::CaAccount(issuer) = of {
                let key = SpkiHash::from_bytes(*after.digest.as_bytes());
                let (issuer, uri) = (issuer.clone(), after.name.clone());
                all.push(Row::PutUpstreamAccount { issuer, uri, key, change: id.clone(), at });
            }
        }
        Receipt::GenerationActivated { issuer, generation, certificate } => {
            all.push(Row::ActivateGeneration {
                issuer: issuer.clone(),
                generation: *generation,
                certificate: *certificate,
                at,
                change: id.clone(),
            });
        }
    }
}
