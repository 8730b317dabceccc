//! Which rows the receipt of a step causes.

use crate::change::Receipt;
use crate::names::ChangeId;
use crate::time::Time;

use super::rows::Row;

/// Adds the rows that follow from what an effect left behind.
pub(super) fn receipt_rows(id: &ChangeId, receipt: &Receipt, at: Time, all: &mut Vec<Row>) {
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
    }
}
