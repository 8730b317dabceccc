//! Rows of emergencies, delegated execution, delegations and acts.

use bailiwick_core::gate::{DelegatedExecution, DelegationObservation, Emergency};
use bailiwick_core::ledger::LeafIndex;
use bailiwick_core::record::{Act, Row};
use bailiwick_core::time::Time;
use bailiwick_wire::rows::encode_list;

use super::{found, new};
use crate::db::{Tx, args};
use crate::writer::Rejected;

/// Writes one of them.
#[expect(clippy::wildcard_enum_match_arm, reason = "the caller hands over these rows only")]
pub(super) async fn apply(tx: &mut Tx, index: LeafIndex, row: &Row) -> Result<(), Rejected> {
    match row {
        Row::PutEmergency { emergency, at } => put_emergency(tx, emergency, *at).await,
        Row::ReviewEmergency { change, by, justified, note, at } => {
            let set = "UPDATE emergency SET reviewed_at = $2, reviewed_by = $3, justified = $4, \
                note = $5 WHERE change = $1 AND reviewed_at IS NULL";
            let given = args![change, *at, by, *justified, note];
            found(tx.exec(set, &given).await?, "emergency", change)
        }
        Row::PutDelegatedExecution { delegated, at } => put_delegated(tx, delegated, *at).await,
        Row::PutDelegation { seen, at } => put_delegation(tx, seen, *at).await,
        Row::PutAct(act) => put_act(tx, index, act).await,
        _ => Ok(()),
    }
}

async fn put_emergency(tx: &mut Tx, it: &Emergency, at: Time) -> Result<(), Rejected> {
    let put = "INSERT INTO emergency \
        (change, service, accountable, delegated_by, until, reviewer, review_by, at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    let given = args![
        &it.change,
        it.of.to_string(),
        &it.accountable,
        it.delegated_by.as_ref(),
        it.until,
        &it.reviewer,
        it.review_by,
        at,
    ];
    new(tx.exec(put, &given).await?, "emergency", &it.change)
}

async fn put_delegated(tx: &mut Tx, it: &DelegatedExecution, at: Time) -> Result<(), Rejected> {
    let put = "INSERT INTO delegated_execution (service, person, at, accountable, until, reason) \
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    let given = args![&it.service, &it.to, at, &it.by, it.until, &it.reason];
    new(tx.exec(put, &given).await?, "delegated_execution", &it.to)
}

async fn put_delegation(
    tx: &mut Tx,
    seen: &DelegationObservation,
    at: Time,
) -> Result<(), Rejected> {
    let values: Vec<&String> = seen.values.iter().collect();
    let put = "INSERT INTO delegation (zone, kind, first_seen, last_seen, at) \
        VALUES ($1, $2, $3, $3, $4) ON CONFLICT (zone, kind) DO UPDATE SET \
        last_seen = excluded.last_seen, at = excluded.at";
    let given = args![seen.zone.to_string(), seen.kind.as_str(), encode_list(&values), at];
    tx.exec(put, &given).await?;
    Ok(())
}

async fn put_act(tx: &mut Tx, index: LeafIndex, act: &Act) -> Result<(), Rejected> {
    let put =
        "INSERT INTO act (idx, class, about, what, actor, at) VALUES ($1, $2, $3, $4, $5, $6)";
    let given = args![index, act.class.as_str(), &act.about, &act.what, act.by.to_string(), act.at];
    tx.exec(put, &given).await?;
    Ok(())
}
