//! Rows of credentials, and of what is attested about the workloads that hold them.

use bailiwick_core::estate::Attested;
use bailiwick_core::names::{CredentialId, Digest};
use bailiwick_core::record::Row;
use bailiwick_wire::rows::encode_list;

use super::issuance;
use crate::commit::Conflict;
use crate::db::{Tx, args};
use crate::writer::Rejected;

/// Writes one of them.
#[expect(clippy::wildcard_enum_match_arm, reason = "the caller hands over these rows only")]
pub(super) async fn apply(tx: &mut Tx, row: &Row) -> Result<(), Rejected> {
    match row {
        Row::PutCredential(credential) => issuance::put_credential(tx, credential).await,
        Row::PutAttestation { credential, attested, token } => {
            put_attestation(tx, credential, attested, token).await
        }
        Row::RevokeCredential { credential, at } => {
            issuance::revoke_credential(tx, credential, *at).await
        }
        Row::RotateCredential { credential, successor, until, at } => {
            issuance::rotate_credential(tx, credential, successor, [*until, *at]).await
        }
        _ => Ok(()),
    }
}

/// A credential is attested once, and a token counts once.
async fn put_attestation(
    tx: &mut Tx,
    credential: &CredentialId,
    attested: &Attested,
    token: &Digest,
) -> Result<(), Rejected> {
    let claims: Vec<String> =
        attested.claims.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let put = "INSERT INTO attestation \
        (credential, attestor, subject, claims, token, verified_at, until) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    let given = args![
        credential,
        &attested.attestor,
        &attested.subject,
        encode_list(&claims),
        token,
        attested.verified_at,
        attested.until,
    ];
    if tx.exec(put, &given).await? == 1 { Ok(()) } else { Err(Conflict::TokenSpent.into()) }
}
