//! Working state, as far as something else says the same: evidence by its digest, orders and
//! authorizations by their columns and by the leaf that let them in.

use bailiwick_core::gate::{Authorization, Order};
use bailiwick_core::names::Digest;
use bailiwick_core::record::Fact;
use bailiwick_wire::gate;

use super::Findings;
use crate::db::{Cell, Reader, Tx, args};
use crate::error::StoreError;

/// Rows read at once; evidence can be large.
const EVIDENCE_PAGE: u32 = 8;

/// Orders and authorizations read at once.
const WORK_PAGE: u32 = 500;

pub(super) async fn check(theirs: &mut Tx, found: &mut Findings) -> Result<(), StoreError> {
    evidence(theirs, found).await?;
    estates(theirs, found).await?;
    facts(theirs, found).await?;
    orders(theirs, found).await?;
    authorizations(theirs, found).await
}

async fn evidence(theirs: &mut Tx, found: &mut Findings) -> Result<(), StoreError> {
    let mut after: Vec<u8> = Vec::new();
    loop {
        let page = "SELECT digest, octets FROM evidence WHERE digest > $1 ORDER BY digest LIMIT $2";
        let rows = theirs.all(page, &args![&after, EVIDENCE_PAGE]).await?;
        if rows.is_empty() || found.is_full() {
            return Ok(());
        }
        for row in rows {
            let mut row = Reader::new("evidence", row);
            after = row.bytes()?;
            let octets = row.bytes()?;
            if Digest::of(&octets).as_bytes().as_slice() != after {
                let key = Cell::Bytes(after.clone());
                found.add("evidence", key, "its octets are not those that the digest names");
            }
        }
    }
}

async fn estates(theirs: &mut Tx, found: &mut Findings) -> Result<(), StoreError> {
    let missing = "SELECT n, digest FROM estate WHERE NOT EXISTS \
        (SELECT 1 FROM evidence WHERE evidence.digest = estate.digest) ORDER BY n LIMIT 100";
    for row in theirs.all(missing, &[]).await? {
        let mut row = Reader::new("estate", row);
        let n = row.int()?;
        let digest = row.digest()?;
        found.add("evidence", digest, format!("estate {n} names it, and it is not there"));
    }
    Ok(())
}

/// Facts that their decision only names.
async fn facts(theirs: &mut Tx, found: &mut Findings) -> Result<(), StoreError> {
    let kept = "SELECT id, kept FROM decision WHERE kept IS NOT NULL ORDER BY id";
    let there = "SELECT 1 FROM evidence WHERE digest = $1";
    for row in theirs.all(kept, &[]).await? {
        let mut row = Reader::new("decision", row);
        let id = row.text()?;
        // A row that says otherwise than the ledger was found before.
        let Ok(digest) = Digest::parse(&row.text()?) else { continue };
        if theirs.first(there, &args![&digest]).await?.is_none() {
            found.add("evidence", digest, format!("decision `{id}` names it, and it is not there"));
        }
    }
    Ok(())
}

async fn orders(theirs: &mut Tx, found: &mut Findings) -> Result<(), StoreError> {
    let mut after = String::new();
    loop {
        let page = "SELECT id, account, status, expires_at, change, body FROM acme_order \
            WHERE id > $1 ORDER BY id LIMIT $2";
        let rows = theirs.all(page, &args![&after, WORK_PAGE]).await?;
        if rows.is_empty() || found.is_full() {
            return Ok(());
        }
        for row in rows {
            if let Some(Cell::Text(id)) = row.first() {
                after.clone_from(id);
            }
            let columns = row.clone();
            let Some(order) = found.or_damage(order(row))? else { continue };
            let due = vec![
                Cell::Text(order.id.to_string()),
                Cell::Text(order.account.to_string()),
                Cell::Text(order.status.as_str().to_owned()),
                Cell::Int(order.expires_at.unix_ms()),
                order.change.as_ref().map_or(Cell::Null, |id| Cell::Text(id.to_string())),
            ];
            if !columns.starts_with(&due) {
                found.add("acme_order", &after, "its columns are not those of its body");
            }
            let accepted = accepted(theirs, &order).await?;
            if !accepted {
                found.add("acme_order", &after, "no entry of the ledger let in such an order");
            }
        }
    }
}

fn order(row: Vec<Cell>) -> Result<Order, StoreError> {
    let body = row.last().cloned();
    let row = Reader::new("acme_order", row);
    match body {
        Some(Cell::Bytes(body)) => gate::decode_order(&body).map_err(|why| row.damaged(why)),
        _ => Err(row.damaged("there is no body")),
    }
}

/// Whether the leaf that let the order in says the same of what never changes.
async fn accepted(theirs: &mut Tx, order: &Order) -> Result<bool, StoreError> {
    let first = "SELECT idx, body FROM entry \
        WHERE subject = $1 AND kind = 'order.accepted' ORDER BY idx LIMIT 1";
    let Some(row) = theirs.first(first, &args![format!("order/{}", order.id)]).await? else {
        return Ok(false);
    };
    let mut row = Reader::new("entry", row);
    let _index = row.int()?;
    let body = row.bytes()?;
    // An entry that cannot be read was found before.
    let Ok(entry) = bailiwick_wire::record::decode(&body) else { return Ok(true) };
    let Fact::OrderAccepted { account, names, profile, issuer, decision, .. } = entry.fact else {
        return Ok(false);
    };
    Ok(account == order.account
        && names == order.names
        && profile == order.profile
        && issuer == order.issuer
        && decision.id == order.decision)
}

async fn authorizations(theirs: &mut Tx, found: &mut Findings) -> Result<(), StoreError> {
    let mut after = String::new();
    loop {
        let page = "SELECT id, account, name, wildcard, status, expires_at, body \
            FROM acme_authorization WHERE id > $1 ORDER BY id LIMIT $2";
        let rows = theirs.all(page, &args![&after, WORK_PAGE]).await?;
        if rows.is_empty() || found.is_full() {
            return Ok(());
        }
        for row in rows {
            if let Some(Cell::Text(id)) = row.first() {
                after.clone_from(id);
            }
            let columns = row.clone();
            let Some(one) = found.or_damage(authorization(row))? else { continue };
            let due = vec![
                Cell::Text(one.id.to_string()),
                Cell::Text(one.account.to_string()),
                Cell::Text(one.name.to_string()),
                Cell::Int(i64::from(one.wildcard)),
                Cell::Text(one.status.as_str().to_owned()),
                Cell::Int(one.expires_at.unix_ms()),
            ];
            if !columns.starts_with(&due) {
                found.add("acme_authorization", &after, "its columns are not those of its body");
            }
        }
    }
}

fn authorization(row: Vec<Cell>) -> Result<Authorization, StoreError> {
    let body = row.last().cloned();
    let row = Reader::new("acme_authorization", row);
    match body {
        Some(Cell::Bytes(body)) => {
            gate::decode_authorization(&body).map_err(|why| row.damaged(why))
        }
        _ => Err(row.damaged("there is no body")),
    }
}
