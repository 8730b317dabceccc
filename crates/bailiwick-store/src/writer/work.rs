//! Working state, as it is written.

use bailiwick_core::estate::ZoneKey;
use bailiwick_core::gate::{Authorization, Order, SealedSecret};
use bailiwick_core::names::Digest;
use bailiwick_core::record::{CanaryFlight, OrderMark, OrderRefusal, Reached, Work};
use bailiwick_core::time::Time;
use bailiwick_wire::{gate, rows};

use crate::commit::Conflict;
use crate::db::{Tx, args};

use super::Rejected;

/// Writes one piece.
pub(super) async fn apply(tx: &mut Tx, work: &Work, now: Time) -> Result<(), Rejected> {
    match work {
        Work::PutOrder(order) => put_order(tx, order).await?,
        Work::PutAuthorization(authorization) => put_authorization(tx, authorization).await?,
        Work::PutCredentialSecret { credential, sealed } => {
            tx.exec(
                "INSERT INTO credential_secret (credential, sealed) VALUES ($1, $2) \
                 ON CONFLICT (credential) DO UPDATE SET sealed = excluded.sealed",
                &args![credential, sealed],
            )
            .await?;
        }
        Work::PutSessionSecret { session, hash } => {
            let put = "INSERT INTO session_secret (hash, session) VALUES ($1, $2) \
                ON CONFLICT (hash) DO NOTHING";
            once(tx.exec(put, &args![hash, session]).await?, "session_secret", hash)?;
        }
        Work::PutTokenSecret { token, hash } => {
            let put = "INSERT INTO token_secret (hash, token) VALUES ($1, $2) \
                ON CONFLICT (hash) DO NOTHING";
            once(tx.exec(put, &args![hash, token]).await?, "token_secret", hash)?;
        }
        Work::PutLink { hash, person, chain, expires_at } => {
            let put = "INSERT INTO link (hash, person, chain, expires_at, spent) \
                VALUES ($1, $2, $3, $4, 0) ON CONFLICT (hash) DO NOTHING";
            let given = args![hash, person, rows::encode_list(chain), *expires_at];
            once(tx.exec(put, &given).await?, "link", hash)?;
        }
        Work::SpendLink { hash } => {
            let spend =
                "UPDATE link SET spent = 1 WHERE hash = $1 AND spent = 0 AND expires_at > $2";
            if tx.exec(spend, &args![hash, now]).await? == 0 {
                return Err(Conflict::LinkSpent.into());
            }
        }
        Work::VoidLinks => {
            tx.exec("UPDATE link SET spent = 1 WHERE spent = 0", &[]).await?;
        }
        Work::PutSealed { secret, sealed } => put_sealed(tx, secret, sealed).await?,
        Work::ForgetSealed(secret) => forget_sealed(tx, secret).await?,
        Work::MoveSealed { from, to } => move_sealed(tx, from, to).await?,
        Work::PutCanaryFlight(flight) => put_flight(tx, flight).await?,
        Work::EndCanaryFlight(run) => {
            tx.exec("DELETE FROM canary_flight WHERE run = $1", &args![run]).await?;
        }
        Work::PutLook { zone, at } => put_look(tx, zone, *at).await?,
        Work::PutPlacedRecord(placed) => {
            let put = "INSERT INTO placed_record (change, owner, value) VALUES ($1, $2, $3) \
                ON CONFLICT DO NOTHING";
            tx.exec(put, &args![&placed.change, placed.owner.as_str(), &placed.value]).await?;
        }
        Work::ForgetPlacedRecord(placed) => {
            let forget =
                "DELETE FROM placed_record WHERE change = $1 AND owner = $2 AND value = $3";
            tx.exec(forget, &args![&placed.change, placed.owner.as_str(), &placed.value]).await?;
        }
        Work::PutOrderRefusal(refusal) => put_refusal(tx, refusal).await?,
        Work::PutOrderMark(mark) => put_mark(tx, mark).await?,
        Work::ForgetOrderMarks(change) => {
            tx.exec("DELETE FROM order_mark WHERE change = $1", &args![change]).await?;
        }
        Work::PutEvidence { digest, kind, octets } => {
            let put = "INSERT INTO evidence (digest, kind, octets) VALUES ($1, $2, $3) \
                ON CONFLICT (digest) DO NOTHING";
            tx.exec(put, &args![digest, *kind, octets]).await?;
        }
    }
    Ok(())
}

async fn put_refusal(tx: &mut Tx, one: &OrderRefusal) -> Result<(), Rejected> {
    let forget = "DELETE FROM order_refusal WHERE account = $1 AND at < $2";
    tx.exec(forget, &args![&one.account, one.since]).await?;
    let put = "INSERT INTO order_refusal (decision, account, at, wanted, change) \
        VALUES ($1, $2, $3, $4, $5)";
    let given = args![&one.decision, &one.account, one.at, &one.wanted, one.opened.as_ref()];
    tx.exec(put, &given).await?;
    Ok(())
}

/// A mark that is there already gets the newer moment.
async fn put_mark(tx: &mut Tx, mark: &OrderMark) -> Result<(), Rejected> {
    let value = match &mark.reached {
        Reached::OrderLost(times) | Reached::Finalizing(times) => times.to_be_bytes().to_vec(),
        Reached::FinalizeTaken | Reached::FinalizeRefused | Reached::SaidValid => Vec::new(),
        Reached::Shown(der) => der.clone(),
    };
    let digest = Digest::of(&value);
    let put = "INSERT INTO order_mark (change, kind, digest, value, at) \
        VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (change, kind, digest) DO UPDATE SET at = excluded.at";
    tx.exec(put, &args![&mark.change, mark.reached.as_str(), &digest, value, mark.at]).await?;
    Ok(())
}

async fn put_flight(tx: &mut Tx, one: &CanaryFlight) -> Result<(), Rejected> {
    let put = "INSERT INTO canary_flight (run, issuer, zone, name, sense, csr, spki, caa, at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (run) DO NOTHING";
    let given = args![
        &one.run,
        &one.issuer,
        one.zone.to_string(),
        &one.name,
        one.sense.as_str(),
        one.csr.clone(),
        &one.key,
        &one.caa,
        one.at,
    ];
    Ok(once(tx.exec(put, &given).await?, "canary_flight", &one.run)?)
}

async fn put_look(tx: &mut Tx, zone: &ZoneKey, at: Time) -> Result<(), Rejected> {
    let put = "INSERT INTO watch_look (zone, at) VALUES ($1, $2) \
        ON CONFLICT (zone) DO UPDATE SET at = excluded.at";
    tx.exec(put, &args![zone.to_string(), at]).await?;
    Ok(())
}

async fn put_order(tx: &mut Tx, order: &Order) -> Result<(), Rejected> {
    let body = gate::encode_order(order).map_err(Rejected::NotStorable)?;
    let put = "INSERT INTO acme_order (id, account, status, expires_at, change, body) \
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO UPDATE SET \
        status = excluded.status, expires_at = excluded.expires_at, \
        change = excluded.change, body = excluded.body";
    let given = args![
        &order.id,
        &order.account,
        order.status.as_str(),
        order.expires_at,
        order.change.as_ref(),
        body,
    ];
    tx.exec(put, &given).await?;
    Ok(())
}

async fn put_authorization(tx: &mut Tx, one: &Authorization) -> Result<(), Rejected> {
    let body = gate::encode_authorization(one).map_err(Rejected::NotStorable)?;
    let put = "INSERT INTO acme_authorization \
        (id, account, name, wildcard, status, expires_at, body) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET \
        status = excluded.status, expires_at = excluded.expires_at, body = excluded.body";
    let given = args![
        &one.id,
        &one.account,
        &one.name,
        one.wildcard,
        one.status.as_str(),
        one.expires_at,
        body,
    ];
    tx.exec(put, &given).await?;
    Ok(())
}

fn once(rows: u64, table: &'static str, key: impl ToString) -> Result<(), Conflict> {
    if rows == 1 { Ok(()) } else { Err(Conflict::Exists { table, key: key.to_string() }) }
}

async fn forget_sealed(tx: &mut Tx, secret: &SealedSecret) -> Result<(), Rejected> {
    let forget = "DELETE FROM sealed_secret WHERE purpose = $1 AND name = $2";
    tx.exec(forget, &args![secret.purpose(), secret.name()]).await?;
    Ok(())
}

/// Without the one that moves, the other one must not be wiped.
async fn move_sealed(tx: &mut Tx, from: &SealedSecret, to: &SealedSecret) -> Result<(), Rejected> {
    let there = "SELECT 1 FROM sealed_secret WHERE purpose = $1 AND name = $2";
    if tx.first(there, &args![from.purpose(), from.name()]).await?.is_none() {
        let key = format!("{} of {}", from.purpose(), from.name());
        return Err(Conflict::Missing { table: "sealed_secret", key }.into());
    }
    forget_sealed(tx, to).await?;
    let named = "UPDATE sealed_secret SET purpose = $1, name = $2 \
        WHERE purpose = $3 AND name = $4";
    tx.exec(named, &args![to.purpose(), to.name(), from.purpose(), from.name()]).await?;
    Ok(())
}

async fn put_sealed(tx: &mut Tx, secret: &SealedSecret, sealed: &[u8]) -> Result<(), Rejected> {
    let put = "INSERT INTO sealed_secret (purpose, name, sealed) VALUES ($1, $2, $3) \
        ON CONFLICT (purpose, name) DO UPDATE SET sealed = excluded.sealed";
    tx.exec(put, &args![secret.purpose(), secret.name(), sealed.to_vec()]).await?;
    Ok(())
}
