//! Rows of the CAs that run here: their generations and what they publish. And which credential of
//! ours is in force at others.

use bailiwick_core::names::{Digest, IssuerId};
use bailiwick_core::record::Row;
use bailiwick_core::time::Time;

use crate::commit::Conflict;
use crate::db::{Tx, args};
use crate::writer::Rejected;

/// Writes one of them.
#[expect(clippy::wildcard_enum_match_arm, reason = "the caller hands over these rows only")]
pub(super) async fn apply(tx: &mut Tx, row: &Row) -> Result<(), Rejected> {
    match row {
        Row::ActivateGeneration { issuer, generation, certificate, at, change } => {
            let put = "INSERT INTO issuer_generation \
                (n, issuer, generation, certificate, at, change) \
                SELECT COALESCE(MAX(n), 0) + 1, $1, $2, $3, $4, $5 FROM issuer_generation";
            let number = u32::from(generation.number());
            tx.exec(put, &args![issuer, number, certificate, *at, change]).await?;
            Ok(())
        }
        Row::ActivateKey { of, before, after, at, change } => {
            let put = "INSERT INTO held_key \
                (n, kind, owner, before_name, before_digest, name, digest, at, change) \
                SELECT COALESCE(MAX(n), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8 FROM held_key";
            let given = args![
                of.kind(),
                of.owner(),
                &before.name,
                &before.digest,
                &after.name,
                &after.digest,
                *at,
                change,
            ];
            tx.exec(put, &given).await?;
            Ok(())
        }
        Row::PutCrl { issuer, number, digest, at, next_update } => {
            put_crl(tx, issuer, *number, digest, [*at, *next_update]).await
        }
        _ => Ok(()),
    }
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
