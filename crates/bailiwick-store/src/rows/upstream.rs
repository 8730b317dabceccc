//! Rows of CAs behind ACME.

use bailiwick_core::names::{CertFingerprint, ChangeId, Digest, IssuerId, SpkiHash};
use bailiwick_core::time::Time;

use super::{found, new};
use crate::db::{Tx, args};
use crate::writer::Rejected;

pub(super) async fn put_order(
    tx: &mut Tx,
    change: &ChangeId,
    issuer: &IssuerId,
    url: &str,
    at: Time,
) -> Result<(), Rejected> {
    let put = "INSERT INTO upstream_order (change, issuer, url, at) VALUES ($1, $2, $3, $4) \
        ON CONFLICT DO NOTHING";
    new(tx.exec(put, &args![change, issuer, url, at]).await?, "upstream_order", change)
}

pub(super) async fn put_chain(
    tx: &mut Tx,
    fingerprint: &CertFingerprint,
    chain: &Digest,
) -> Result<(), Rejected> {
    let put = "INSERT INTO certificate_chain (fingerprint, digest) VALUES ($1, $2) \
        ON CONFLICT DO NOTHING";
    new(tx.exec(put, &args![fingerprint, chain]).await?, "certificate_chain", fingerprint)
}

pub(super) async fn put_account(
    tx: &mut Tx,
    issuer: &IssuerId,
    uri: &str,
    key: &SpkiHash,
    change: &ChangeId,
    at: Time,
) -> Result<(), Rejected> {
    let put = "INSERT INTO upstream_account (issuer, uri, spki, change, at, ended) \
        VALUES ($1, $2, $3, $4, $5, 0) ON CONFLICT (issuer) DO UPDATE SET uri = excluded.uri, \
        spki = excluded.spki, change = excluded.change, at = excluded.at, ended = 0";
    tx.exec(put, &args![issuer, uri, key, change, at]).await?;
    Ok(())
}

pub(super) async fn end_account(tx: &mut Tx, issuer: &IssuerId) -> Result<(), Rejected> {
    let set = "UPDATE upstream_account SET ended = 1 WHERE issuer = $1";
    found(tx.exec(set, &args![issuer]).await?, "upstream_account", issuer)
}
