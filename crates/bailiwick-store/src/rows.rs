//! The rows that follow from entries, as they are written: by the writer with each commit, and by
//! `fsck` once more into an empty scratch database.

mod accounts;
mod authorizations;
mod credentials;
mod issuance;
mod people;
mod power;
mod upstream;

use bailiwick_core::ledger::LeafIndex;
use bailiwick_core::names::{ChangeId, Digest, IssuerId};
use bailiwick_core::record::{ChangeRow, Decision, Row};
use bailiwick_core::time::Time;

use crate::commit::Conflict;
use crate::db::{Tx, args};
use crate::writer::Rejected;

/// States after which a change does nothing more.
const OVER: [&str; 5] = ["closed", "rolled-back", "refused", "withdrawn", "expired"];

/// Writes one alteration that the leaf at `index` causes.
pub(crate) async fn apply(tx: &mut Tx, index: LeafIndex, row: &Row) -> Result<(), Rejected> {
    match row {
        Row::OpenChange(change) => open_change(tx, index, change).await,
        Row::MoveChange { id, seq, state, at, kind, expires_at } => {
            let after = seq.saturating_add(1);
            let given = args![id, *seq, after, state, *at, kind.as_ref(), *expires_at];
            move_change(tx, id, *seq, state, &given).await
        }
        Row::PutDecision { decision, at } => put_decision(tx, decision, *at).await,
        Row::PutAccount(account) => accounts::put(tx, account).await,
        Row::SetContacts { account, contacts } => {
            accounts::set_contacts(tx, account, contacts).await
        }
        Row::SetAccountKey { account, thumbprint, jwk } => {
            accounts::set_key(tx, account, thumbprint, jwk).await
        }
        Row::SetAccountStatus { account, status } => {
            accounts::set_status(tx, account, *status).await
        }
        Row::SetAccountTerms { account, terms, at } => {
            accounts::set_terms(tx, account, terms, *at).await
        }
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
        Row::PutCrl { issuer, number, digest, at, next_update } => {
            put_crl(tx, issuer, *number, digest, [*at, *next_update]).await
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

/// A number is published once, and none after a higher one.
const PUT_CRL: &str = "INSERT INTO crl (issuer, number, digest, at, next_update) \
    SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT), $3, CAST($4 AS BIGINT), CAST($5 AS BIGINT) \
    WHERE NOT EXISTS (SELECT 1 FROM crl WHERE issuer = $1 AND number >= $2)";

async fn put_crl(
    tx: &mut Tx,
    issuer: &IssuerId,
    number: u64,
    digest: &Digest,
    [at, next_update]: [Time; 2],
) -> Result<(), Rejected> {
    let refused = || Conflict::CrlNumber { issuer: issuer.clone(), number };
    let column = i64::try_from(number).map_err(|_| refused())?;
    let given = args![issuer, column, digest, at, next_update];
    if tx.exec(PUT_CRL, &given).await? == 1 { Ok(()) } else { Err(refused().into()) }
}

async fn open_change(tx: &mut Tx, index: LeafIndex, change: &ChangeRow) -> Result<(), Rejected> {
    let put = "INSERT INTO change \
        (id, opened_idx, service, kind, state, events, updated_at, expires_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    let given = args![
        &change.request.id,
        index,
        change.request.service.as_ref(),
        &change.kind,
        &change.state,
        change.events,
        change.updated_at,
        change.expires_at,
    ];
    new(tx.exec(put, &given).await?, "change", &change.request.id)
}

async fn move_change(
    tx: &mut Tx,
    id: &ChangeId,
    seq: u32,
    state: &str,
    given: &[crate::db::Arg<'_>],
) -> Result<(), Rejected> {
    let set = "UPDATE change SET events = $3, state = $4, updated_at = $5, \
        kind = COALESCE($6, kind), expires_at = COALESCE($7, expires_at) \
        WHERE id = $1 AND events = $2";
    if tx.exec(set, given).await? != 1 {
        return Err(Conflict::ChangeMoved { id: id.clone(), events: seq }.into());
    }
    if OVER.contains(&state) {
        tx.exec("DELETE FROM envelope_hold WHERE change = $1", &args![id]).await?;
        // Nobody carries it on any more.
        tx.exec("DELETE FROM lease WHERE name = $1", &args![format!("change/{id}")]).await?;
    }
    Ok(())
}

async fn put_decision(tx: &mut Tx, decision: &Decision, at: Time) -> Result<(), Rejected> {
    let put = "INSERT INTO decision (id, at, action, allowed, policy, facts, reasons, rule) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    let given = args![
        &decision.id,
        at,
        &decision.action,
        decision.allowed,
        &decision.policy,
        &decision.facts,
        &decision.reasons,
        &decision.rule,
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
