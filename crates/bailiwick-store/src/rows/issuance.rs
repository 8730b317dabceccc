//! Rows of issuance: credentials, validations, certificates, revocations, envelopes.

use std::collections::BTreeSet;
use std::iter::successors;

use bailiwick_core::change::{IssuedCertificate, Revoked};
use bailiwick_core::gate::{Bounds, Credential, Envelope, ValidationEvidence};
use bailiwick_core::names::{ChangeId, CredentialId, EnvelopeId};
use bailiwick_core::time::{HOUR_MS, Time};
use bailiwick_wire::rows::encode_list;

use super::{found, new};
use crate::commit::Conflict;
use crate::db::{Tx, args};
use crate::read::reversed;
use crate::writer::Rejected;

pub(super) async fn put_credential(tx: &mut Tx, made: &Credential) -> Result<(), Rejected> {
    let put = "INSERT INTO credential (id, service, environment, namespace, attestations, \
        created_by, created_at, expires_at, revoked_at, account, chain) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING";
    let given = args![
        &made.id,
        &made.service,
        &made.environment,
        made.namespace.as_ref(),
        encode_list(&made.attestations),
        &made.created_by,
        made.created_at,
        made.expires_at,
        made.revoked_at,
        made.account.as_ref(),
        encode_list(&made.chain),
    ];
    new(tx.exec(put, &given).await?, "credential", &made.id)
}

/// From `until` on the credential registers nothing; it never lasts longer for that.
pub(super) async fn rotate_credential(
    tx: &mut Tx,
    credential: &CredentialId,
    successor: &CredentialId,
    [until, at]: [Time; 2],
) -> Result<(), Rejected> {
    let put = "INSERT INTO credential_rotation (credential, successor, until, at) \
        VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    let rows = tx.exec(put, &args![credential, successor, until, at]).await?;
    new(rows, "credential_rotation", credential)?;
    let set = "UPDATE credential SET expires_at = CASE WHEN expires_at < $2 THEN expires_at \
        ELSE $2 END WHERE id = $1";
    found(tx.exec(set, &args![credential, until]).await?, "credential", credential)
}

pub(super) async fn put_validation(tx: &mut Tx, seen: &ValidationEvidence) -> Result<(), Rejected> {
    let put = "INSERT INTO validation \
        (authorization_id, account, name, wildcard, kind, seen_at, at, expires_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    let given = args![
        &seen.authorization,
        &seen.account,
        &seen.name,
        seen.wildcard,
        seen.kind.as_str(),
        encode_list(&seen.seen_at),
        seen.at,
        seen.expires_at,
    ];
    new(tx.exec(put, &given).await?, "validation", &seen.authorization)
}

pub(super) async fn put_certificate(
    tx: &mut Tx,
    issued: &IssuedCertificate,
) -> Result<(), Rejected> {
    let put = "INSERT INTO certificate (fingerprint, issuer, serial, spki, names, not_before, \
        not_after, profile, service, account, order_id, envelope, change, der, issued_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
        ON CONFLICT DO NOTHING";
    let given = args![
        &issued.fingerprint,
        &issued.issuer,
        &issued.serial,
        &issued.key,
        encode_list(&issued.names),
        issued.not_before,
        issued.not_after,
        &issued.profile,
        &issued.service,
        issued.account.as_ref(),
        issued.order.as_ref(),
        issued.envelope.as_ref(),
        &issued.change,
        &issued.der,
        issued.issued_at,
    ];
    if tx.exec(put, &given).await? != 1 {
        return Err(known(tx, issued).await?.into());
    }
    let names: Vec<String> = issued.names.iter().map(|name| reversed(&name.to_string())).collect();
    for name in &names {
        let put = "INSERT INTO certificate_name (reversed, fingerprint) VALUES ($1, $2) \
            ON CONFLICT DO NOTHING";
        tx.exec(put, &args![name, &issued.fingerprint]).await?;
    }
    put_use(tx, issued, &names).await?;
    // Its use of the envelope is counted now.
    let release = "DELETE FROM envelope_hold WHERE change = $1";
    tx.exec(release, &args![&issued.change]).await?;
    Ok(())
}

/// That the issuer is used below every name above these; once an hour, so that what all names have in
/// common is not written for each of them.
async fn put_use(
    tx: &mut Tx,
    issued: &IssuedCertificate,
    names: &[String],
) -> Result<(), Rejected> {
    let above = |name: &str| name.rsplit_once('.').map(|(above, _)| above.to_owned());
    let all: BTreeSet<String> =
        names.iter().flat_map(|name| successors(above(name), |name| above(name))).collect();
    let ms = issued.issued_at.unix_ms();
    let hour = ms - ms % HOUR_MS;
    for name in all {
        let put = "INSERT INTO issuer_use (reversed, issuer, hour) VALUES ($1, $2, $3) \
            ON CONFLICT (reversed, issuer) DO UPDATE SET hour = excluded.hour \
            WHERE excluded.hour > issuer_use.hour";
        tx.exec(put, &args![name, &issued.issuer, hour]).await?;
    }
    Ok(())
}

async fn known(tx: &mut Tx, issued: &IssuedCertificate) -> Result<Conflict, Rejected> {
    let same = "SELECT 1 FROM certificate WHERE fingerprint = $1";
    Ok(match tx.first(same, &args![&issued.fingerprint]).await? {
        Some(_) => Conflict::CertificateKnown { fingerprint: issued.fingerprint },
        None => {
            Conflict::SerialUsed { issuer: issued.issuer.clone(), serial: issued.serial.clone() }
        }
    })
}

/// Once revoked it stays so: a second time changes nothing.
pub(super) async fn put_revocation(
    tx: &mut Tx,
    change: &ChangeId,
    revoked: &Revoked,
) -> Result<(), Rejected> {
    let put = "INSERT INTO revocation (issuer, serial, fingerprint, reason, at, change) \
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    let given = args![
        &revoked.issuer,
        &revoked.serial,
        revoked.fingerprint.as_ref(),
        revoked.reason.as_str(),
        revoked.at,
        change,
    ];
    tx.exec(put, &given).await?;
    Ok(())
}

pub(super) async fn put_envelope(tx: &mut Tx, envelope: &Envelope) -> Result<(), Rejected> {
    let put = "INSERT INTO envelope (id, change, service, names, issuer, profiles, account, \
        granted_at, until, uses_max, uses, ended_at, ended_why) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING";
    let given = args![
        &envelope.id,
        &envelope.change,
        &envelope.service,
        encode_list(&envelope.names),
        &envelope.issuer,
        encode_list(&envelope.profiles),
        envelope.account.as_ref(),
        envelope.granted_at,
        envelope.until,
        envelope.uses_max,
        envelope.uses,
        envelope.ended.as_ref().map(|end| end.at),
        envelope.ended.as_ref().map(|end| end.why.as_str()),
    ];
    new(tx.exec(put, &given).await?, "envelope", &envelope.id)
}

pub(super) async fn count_envelope_use(tx: &mut Tx, id: &EnvelopeId) -> Result<(), Rejected> {
    let set = "UPDATE envelope SET uses = uses + 1 WHERE id = $1";
    found(tx.exec(set, &args![id]).await?, "envelope", id)
}

pub(super) async fn reopen_envelope(tx: &mut Tx, id: &EnvelopeId) -> Result<(), Rejected> {
    let set = "UPDATE envelope SET ended_at = NULL, ended_why = NULL WHERE id = $1";
    found(tx.exec(set, &args![id]).await?, "envelope", id)
}

/// Ended is ended: what was said first stays.
pub(super) async fn end_envelope(
    tx: &mut Tx,
    envelope: &EnvelopeId,
    at: Time,
    why: &str,
) -> Result<(), Rejected> {
    let set = "UPDATE envelope SET \
        ended_why = CASE WHEN ended_at IS NULL THEN $3 ELSE ended_why END, \
        ended_at = COALESCE(ended_at, $2) WHERE id = $1";
    found(tx.exec(set, &args![envelope, at, why]).await?, "envelope", envelope)
}

/// Only from the bounds that the change was planned for: of two at once the second is refused.
pub(super) async fn bound_envelope(
    tx: &mut Tx,
    envelope: &EnvelopeId,
    before: &Bounds,
    after: &Bounds,
) -> Result<(), Rejected> {
    let set = "UPDATE envelope SET names = $2, until = $3, uses_max = $4 WHERE id = $1 \
        AND names = $5 AND until = $6 AND COALESCE(uses_max, -1) = $7";
    let given = args![
        envelope,
        encode_list(&after.names),
        after.until,
        after.uses_max,
        encode_list(&before.names),
        before.until,
        before.uses_max.map_or(-1, i64::from),
    ];
    if tx.exec(set, &given).await? == 1 {
        Ok(())
    } else {
        Err(Conflict::EnvelopeMoved { id: envelope.clone() }.into())
    }
}

pub(super) async fn revoke_credential(
    tx: &mut Tx,
    credential: &CredentialId,
    at: Time,
) -> Result<(), Rejected> {
    let set = "UPDATE credential SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1";
    found(tx.exec(set, &args![credential, at]).await?, "credential", credential)
}
