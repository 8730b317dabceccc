//! The rows that follow from entries, as they are written: by the writer with each commit, and by
//! `fsck` once more into an empty scratch database.

mod accounts;
mod authorizations;
mod changes;
mod credentials;
mod issuance;
mod issuers;
mod people;
mod power;
mod upstream;
mod watched;

use bailiwick_core::ledger::LeafIndex;
use bailiwick_core::names::{ChangeId, Digest};
use bailiwick_core::record::{Decision, Row};
use bailiwick_core::time::Time;
use bailiwick_wire::policy::kept_facts;

use crate::commit::Conflict;
use crate::db::{Tx, args};
use crate::writer::Rejected;

pub(crate) use changes::Moved;

/// Writes one alteration that the leaf at `index` causes.
pub(crate) async fn apply(tx: &mut Tx, index: LeafIndex, row: &Row) -> Result<(), Rejected> {
    match row {
        Row::OpenChange(_) | Row::MoveChange { .. } => match Moved::by(index, row) {
            Some(moved) => moved.apply(tx).await,
            None => Ok(()),
        },
        Row::PutDecision { decision, at } => put_decision(tx, index, decision, *at).await,
        Row::PutAccount(_)
        | Row::SetContacts { .. }
        | Row::SetAccountKey { .. }
        | Row::SetAccountStatus { .. }
        | Row::SetAccountTerms { .. }
        | Row::BindAccount { .. } => accounts::apply(tx, row).await,
        Row::PutCredential(_)
        | Row::PutAttestation { .. }
        | Row::RevokeCredential { .. }
        | Row::RotateCredential { .. } => credentials::apply(tx, row).await,
        Row::PutReplacement { .. }
        | Row::EndValidation { .. }
        | Row::PutStandingRecord { .. }
        | Row::EndStandingRecord { .. } => authorizations::apply(tx, row).await,
        Row::PutValidation(seen) => issuance::put_validation(tx, seen).await,
        Row::PutCertificate(certificate) => issuance::put_certificate(tx, certificate).await,
        Row::PutRevocation { change, revoked } => {
            issuance::put_revocation(tx, change, revoked).await
        }
        Row::PutEnvelope(envelope) => issuance::put_envelope(tx, envelope).await,
        Row::CountEnvelopeUse(id) => issuance::count_envelope_use(tx, id).await,
        Row::EndEnvelope { envelope, at, why } => {
            issuance::end_envelope(tx, envelope, *at, why).await
        }
        Row::ReopenEnvelope(id) => issuance::reopen_envelope(tx, id).await,
        Row::BoundEnvelope { envelope, before, after } => {
            issuance::bound_envelope(tx, envelope, before, after).await
        }
        Row::ActivateEstate { estate, at, change } => activate(tx, estate, *at, change).await,
        Row::PutSession { .. }
        | Row::EndSession(_)
        | Row::PutToken { .. }
        | Row::EndToken { .. } => people::apply(tx, row).await,
        Row::PutUpstreamOrder { change, issuer, url, at } => {
            upstream::put_order(tx, change, issuer, url, *at).await
        }
        Row::PutChain { fingerprint, chain } => upstream::put_chain(tx, fingerprint, chain).await,
        Row::PutUpstreamAccount { issuer, uri, key, change, at } => {
            upstream::put_account(tx, issuer, uri, key, change, *at).await
        }
        Row::EndUpstreamAccount(issuer) => upstream::end_account(tx, issuer).await,
        Row::PutEmergency { .. }
        | Row::ReviewEmergency { .. }
        | Row::PutDelegatedExecution { .. }
        | Row::PutDelegation { .. }
        | Row::PutAct(_) => power::apply(tx, index, row).await,
        Row::Watch { row, at } => watched::apply(tx, index, row, *at).await,
        Row::ActivateGeneration { .. } | Row::ActivateKey { .. } | Row::PutCrl { .. } => {
            issuers::apply(tx, row).await
        }
    }
}

async fn activate(
    tx: &mut Tx,
    estate: &Digest,
    at: Time,
    change: &ChangeId,
) -> Result<(), Rejected> {
    let put = "INSERT INTO estate (n, digest, at, change) \
        SELECT COALESCE(MAX(n), 0) + 1, $1, $2, $3 FROM estate";
    tx.exec(put, &args![estate, at, change]).await?;
    Ok(())
}

async fn put_decision(
    tx: &mut Tx,
    index: LeafIndex,
    decision: &Decision,
    at: Time,
) -> Result<(), Rejected> {
    let put = "INSERT INTO decision (id, idx, at, action, allowed, policy, rule, kept) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    let kept = kept_facts(&decision.facts).map(|digest| digest.to_string());
    let given = args![
        &decision.id,
        index,
        at,
        &decision.action,
        decision.allowed,
        &decision.policy,
        &decision.rule,
        kept.as_ref(),
    ];
    new(tx.exec(put, &given).await?, "decision", &decision.id)
}

/// A row that must not have been there.
fn new(rows: u64, table: &'static str, key: impl ToString) -> Result<(), Rejected> {
    if rows == 1 { Ok(()) } else { Err(Conflict::Exists { table, key: key.to_string() }.into()) }
}

/// A row that must be there.
fn found(rows: u64, table: &'static str, key: impl ToString) -> Result<(), Rejected> {
    if rows == 1 { Ok(()) } else { Err(Conflict::Missing { table, key: key.to_string() }.into()) }
}
