//! Which rows an entry causes. Pure: the same entries give the same rows, always.

use crate::names::{ChangeId, IssuerId};
use crate::time::Time;

use super::clients::client_rows;
use super::entry::{Entry, Fact};
use super::people::people_row;
use super::receipts::change_rows;
use super::row::Row;
use super::watched::watch_row;

/// The rows that one entry causes, in order.
#[must_use]
pub fn rows(entry: &Entry) -> Vec<Row> {
    let at = entry.at;
    match &entry.fact {
        Fact::Change { id, seq, state, event } => change_rows(id, *seq, state, event, at),
        Fact::Decided { decision, .. }
        | Fact::OrderAccepted { decision, .. }
        | Fact::OrderRefused { decision, .. }
        | Fact::WorkloadRefused { decision, .. } => {
            vec![Row::PutDecision { decision: decision.clone(), at }]
        }
        Fact::OrderReplaces { order, certificate } => {
            vec![Row::PutReplacement { order: order.clone(), certificate: *certificate, at }]
        }
        Fact::AuthorizationGivenUp { authorization, .. } => {
            vec![Row::EndValidation { authorization: authorization.clone(), at }]
        }
        Fact::StandingRecordSeen(seen) => vec![Row::PutStandingRecord { seen: seen.clone(), at }],
        Fact::StandingRecordGone { name, account } => {
            vec![Row::EndStandingRecord { name: name.clone(), account: account.clone(), at }]
        }
        Fact::NameValidated(seen) => vec![Row::PutValidation(seen.clone())],
        Fact::AccountRegistered(_)
        | Fact::AccountUpdated { .. }
        | Fact::AccountKeyChanged { .. }
        | Fact::AccountEnded { .. }
        | Fact::AccountRevoked { .. }
        | Fact::AccountAttested { .. }
        | Fact::TermsAgreed { .. }
        | Fact::CredentialMade(_)
        | Fact::CredentialRevoked { .. }
        | Fact::CredentialRotated { .. } => client_rows(&entry.fact, at).into_iter().collect(),
        Fact::UpstreamOrdered { change, issuer, url } => vec![ordered(change, issuer, url, at)],
        Fact::WorkloadEnrolled { credential, attested, token, decision } => {
            let (credential, attested) = (credential.clone(), attested.clone());
            let decided = Row::PutDecision { decision: decision.clone(), at };
            vec![decided, Row::PutAttestation { credential, attested, token: *token }]
        }
        Fact::SignedIn { .. }
        | Fact::SignedOut { .. }
        | Fact::TokenMade { .. }
        | Fact::TokenRevoked { .. } => people_row(&entry.fact, at).into_iter().collect(),
        Fact::CrlPublished { issuer, number, digest, next_update, .. } => vec![Row::PutCrl {
            issuer: issuer.clone(),
            number: *number,
            digest: *digest,
            at,
            next_update: *next_update,
        }],
        Fact::Observed(_)
        | Fact::FindingOpened(_)
        | Fact::FindingHandedOn { .. }
        | Fact::FindingClosed { .. }
        | Fact::PointJudged(_)
        | Fact::CanaryTried(_)
        | Fact::IncidentOpened(_)
        | Fact::IncidentTold { .. }
        | Fact::IncidentReviewed { .. } => {
            let row = watch_row(&entry.fact);
            row.map(|row| Row::Watch { row, at }).into_iter().collect()
        }
        Fact::InstallationStarted { .. }
        | Fact::CanaryBegun { .. }
        | Fact::SecretSet { .. }
        | Fact::OrderFailed { .. }
        | Fact::ValidationFailed { .. }
        | Fact::LinkMade { .. }
        | Fact::ResponderCertified { .. }
        | Fact::AccessDenied { .. } => Vec::new(),
    }
}

fn ordered(change: &ChangeId, issuer: &IssuerId, url: &str, at: Time) -> Row {
    let (change, issuer, url) = (change.clone(), issuer.clone(), url.to_owned());
    Row::PutUpstreamOrder { change, issuer, url, at }
}
