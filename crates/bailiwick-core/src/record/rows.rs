//! Which rows an entry causes. Pure: the same entries give the same rows, always.

use crate::names::{ChangeId, Digest, IssuerId};
use crate::time::Time;

use super::clients::client_rows;
use super::entry::{Entry, Fact};
use super::receipts::change_rows;
use super::row::Row;
use super::watched::watch_row;

/// The rows that one entry causes, in order.
#[must_use]
pub fn rows(entry: &Entry) -> Vec<Row> {
    let mut rows = own_rows(entry);
    rows.extend(super::acts::act(entry).map(|act| Row::PutAct(Box::new(act))));
    rows
}

/// Rows of a workload that has a credential.
#[expect(clippy::wildcard_enum_match_arm, reason = "the caller hands over this fact only")]
fn enrolled_rows(entry: &Entry) -> Vec<Row> {
    let at = entry.at;
    match &entry.fact {
        Fact::WorkloadEnrolled { credential, attested, token, decision } => {
            let (credential, attested) = (credential.clone(), attested.clone());
            let decided = Row::PutDecision { decision: decision.clone(), at };
            vec![decided, Row::PutAttestation { credential, attested, token: *token }]
        }
        _ => Vec::new(),
    }
}

/// Rows of emergencies, delegated execution and delegations.
#[expect(clippy::wildcard_enum_match_arm, reason = "the caller hands over these facts only")]
fn power_rows(entry: &Entry) -> Vec<Row> {
    let at = entry.at;
    match &entry.fact {
        Fact::EmergencyDeclared(it) => vec![Row::PutEmergency { emergency: it.clone(), at }],
        Fact::EmergencyReviewed(it) => {
            let (change, note) = (it.change.clone(), it.note.clone());
            let by = entry.by.signed_in().map(|by| by.person.clone());
            let justified = it.justified;
            let row = |by| Row::ReviewEmergency { change, by, justified, note, at };
            by.map(row).into_iter().collect()
        }
        Fact::ExecutionDelegated(it) => {
            vec![Row::PutDelegatedExecution { delegated: it.clone(), at }]
        }
        Fact::DelegationObserved(seen) => vec![Row::PutDelegation { seen: seen.clone(), at }],
        _ => Vec::new(),
    }
}

fn own_rows(entry: &Entry) -> Vec<Row> {
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
        Fact::WorkloadEnrolled { .. } => enrolled_rows(entry),
        Fact::SignedIn { .. } | Fact::TokenMade { .. } => sign_in_rows(entry),
        Fact::SignedOut { session } => vec![Row::EndSession(session.clone())],
        Fact::TokenRevoked { token } => vec![Row::EndToken { token: token.clone(), at }],
        Fact::CrlPublished { issuer, number, digest, next_update, .. } => {
            vec![published(issuer, (*number, *digest), [at, *next_update])]
        }
        Fact::Observed(_)
        | Fact::FindingOpened(_)
        | Fact::FindingHandedOn { .. }
        | Fact::FindingClosed { .. }
        | Fact::PointJudged(_)
        | Fact::CanaryTried(_)
        | Fact::IncidentOpened(_)
        | Fact::IncidentTold { .. }
        | Fact::IncidentHandedOn(_)
        | Fact::IncidentReviewed { .. } => {
            let row = watch_row(&entry.fact);
            row.map(|row| Row::Watch { row, at }).into_iter().collect()
        }
        Fact::EmergencyDeclared(_)
        | Fact::EmergencyReviewed(_)
        | Fact::ExecutionDelegated(_)
        | Fact::DelegationObserved(_) => power_rows(entry),
        Fact::InstallationStarted { .. }
        | Fact::SecretUsed(_)
        | Fact::ChangeRehearsed { .. }
        | Fact::StoreRestored { .. }
        | Fact::CanaryBegun { .. }
        | Fact::SecretSet { .. }
        | Fact::OrderFailed { .. }
        | Fact::ValidationFailed { .. }
        | Fact::LinkMade { .. }
        | Fact::ResponderCertified { .. }
        | Fact::AccessDenied { .. } => Vec::new(),
    }
}

fn published(
    issuer: &IssuerId,
    (number, digest): (u64, Digest),
    [at, next_update]: [Time; 2],
) -> Row {
    Row::PutCrl { issuer: issuer.clone(), number, digest, at, next_update }
}

fn ordered(change: &ChangeId, issuer: &IssuerId, url: &str, at: Time) -> Row {
    let (change, issuer, url) = (change.clone(), issuer.clone(), url.to_owned());
    Row::PutUpstreamOrder { change, issuer, url, at }
}

/// Rows of sessions and tokens that begin.
#[expect(clippy::wildcard_enum_match_arm, reason = "the caller hands over these facts only")]
fn sign_in_rows(entry: &Entry) -> Vec<Row> {
    let at = entry.at;
    match &entry.fact {
        Fact::SignedIn { person, chain, session, expires_at } => vec![Row::PutSession {
            session: session.clone(),
            person: person.clone(),
            chain: chain.clone(),
            at,
            expires_at: *expires_at,
        }],
        Fact::TokenMade { token, person, chain, scopes, purpose, expires_at } => {
            vec![Row::PutToken {
                token: token.clone(),
                person: person.clone(),
                chain: chain.clone(),
                scopes: scopes.clone(),
                purpose: purpose.clone(),
                at,
                expires_at: *expires_at,
            }]
        }
        _ => Vec::new(),
    }
}
