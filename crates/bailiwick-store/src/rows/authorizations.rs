//! Rows of what orders and authorizations leave behind: replacements, validations given up, standing
//! records.

use bailiwick_core::gate::StandingRecord;
use bailiwick_core::record::Row;
use bailiwick_core::time::Time;

use super::new;
use crate::db::{Tx, args};
use crate::writer::Rejected;

/// Writes one of them.
#[expect(clippy::wildcard_enum_match_arm, reason = "the caller hands over these rows only")]
pub(super) async fn apply(tx: &mut Tx, row: &Row) -> Result<(), Rejected> {
    match row {
        Row::PutReplacement { order, certificate, at } => {
            let put = "INSERT INTO replacement (order_id, certificate, at) VALUES ($1, $2, $3) \
                ON CONFLICT DO NOTHING";
            let rows = tx.exec(put, &args![order, certificate, *at]).await?;
            new(rows, "replacement", order)
        }
        Row::EndValidation { authorization, at } => {
            let set = "UPDATE validation SET expires_at = $2 \
                WHERE authorization_id = $1 AND expires_at > $2";
            tx.exec(set, &args![authorization, *at]).await?;
            Ok(())
        }
        Row::PutStandingRecord { seen, at } => put_standing_record(tx, seen, *at).await,
        Row::EndStandingRecord { name, account, at } => {
            let set = "UPDATE standing_record SET gone_at = COALESCE(gone_at, $3) \
                WHERE name = $1 AND account = $2";
            tx.exec(set, &args![name, account, *at]).await?;
            Ok(())
        }
        _ => Ok(()),
    }
}

async fn put_standing_record(tx: &mut Tx, seen: &StandingRecord, at: Time) -> Result<(), Rejected> {
    let put = "INSERT INTO standing_record (name, account, service, issuer, wildcard, until, text, \
        first_at, seen_at, gone_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, NULL) \
        ON CONFLICT (name, account) DO UPDATE SET service = excluded.service, \
        issuer = excluded.issuer, wildcard = excluded.wildcard, until = excluded.until, \
        text = excluded.text, seen_at = excluded.seen_at, gone_at = NULL";
    let given = args![
        &seen.name,
        &seen.account,
        &seen.service,
        &seen.issuer,
        seen.wildcard,
        seen.until,
        &seen.text,
        at,
    ];
    tx.exec(put, &given).await?;
    Ok(())
}
