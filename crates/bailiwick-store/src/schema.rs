//! The tables and how they came about: numbered steps, each applied once and never altered.

use bailiwick_core::names::Digest;

use crate::db::{Db, Engine, Reader, Tx, args};
use crate::error::{DbError, StoreError};
use crate::open::OpenError;

/// One step.
struct Migration {
    name: &'static str,
    text: &'static str,
}

/// Name and digest of a step that was applied.
type Applied = (String, Vec<u8>);

/// Every step, the oldest first; its number is its position, from 1.
const MIGRATIONS: [Migration; 19] = [
    Migration { name: "ledger", text: include_str!("../migrations/0001_ledger.sql") },
    Migration { name: "rows", text: include_str!("../migrations/0002_rows.sql") },
    Migration { name: "work", text: include_str!("../migrations/0003_work.sql") },
    Migration { name: "acme", text: include_str!("../migrations/0004_acme.sql") },
    Migration { name: "envelope-use", text: include_str!("../migrations/0005_envelope_use.sql") },
    Migration { name: "upstream", text: include_str!("../migrations/0006_upstream.sql") },
    Migration { name: "accounts", text: include_str!("../migrations/0007_accounts.sql") },
    Migration { name: "order-marks", text: include_str!("../migrations/0008_order_marks.sql") },
    Migration { name: "attestation", text: include_str!("../migrations/0009_attestation.sql") },
    Migration { name: "chain", text: include_str!("../migrations/0010_chain.sql") },
    Migration { name: "watch", text: include_str!("../migrations/0011_watch.sql") },
    Migration { name: "generations", text: include_str!("../migrations/0012_generations.sql") },
    Migration { name: "lean", text: include_str!("../migrations/0013_lean.sql") },
    Migration { name: "power", text: include_str!("../migrations/0014_power.sql") },
    Migration { name: "canaries", text: include_str!("../migrations/0015_canaries.sql") },
    Migration { name: "held-keys", text: include_str!("../migrations/0016_held_keys.sql") },
    Migration { name: "issuer-use", text: include_str!("../migrations/0017_issuer_use.sql") },
    Migration { name: "watch-indexes", text: include_str!("../migrations/0018_watch_indexes.sql") },
    Migration { name: "order-refusal", text: include_str!("../migrations/0019_order_refusal.sql") },
];

/// Serializes replicas that start at the same time. Any number that nobody else uses.
const LOCK: &str = "SELECT pg_advisory_xact_lock(4820174339)";

const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS schema_version (\
    version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, digest BYTES NOT NULL)";

/// The words of a step in the dialect of an engine: types, and the id of the decision that a leaf
/// holds.
fn spelled(text: &str, engine: Engine) -> String {
    match engine {
        Engine::Sqlite => text
            .replace(
                "DECIDED_IN(e.body)",
                "json_extract(CAST(e.body AS TEXT), '$.data.decision.id')",
            )
            .replace("BYTES", "BLOB")
            .replace("BIGINT", "INTEGER"),
        Engine::Postgres => {
            text.replace("BYTES", "BYTEA").replace("TEXT", "TEXT COLLATE \"C\"").replace(
                "DECIDED_IN(e.body)",
                "convert_from(e.body, 'UTF8')::jsonb #>> '{data,decision,id}'",
            )
        }
    }
}

/// Brings the tables to the newest form.
pub(crate) async fn migrate(db: &Db) -> Result<(), OpenError> {
    let engine = db.engine();
    let mut tx = db.begin().await?;
    if engine == Engine::Postgres {
        tx.exec(LOCK, &[]).await?;
    }
    tx.script(spelled(VERSIONS, engine)).await?;
    let applied = check(&stored(&mut tx).await?)?;
    for (migration, version) in MIGRATIONS.iter().zip(1_i64..).skip(applied) {
        tx.script(spelled(migration.text, engine)).await?;
        let digest = Digest::of(migration.text.as_bytes());
        tx.exec(
            "INSERT INTO schema_version (version, name, digest) VALUES ($1, $2, $3)",
            &args![version, migration.name, &digest],
        )
        .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Checks that the tables have the newest form, and writes nothing.
pub(crate) async fn check_only(db: &Db) -> Result<(), OpenError> {
    let mut tx = db.snapshot().await?;
    let stored = stored(&mut tx).await.map_err(|_| OpenError::NoStore)?;
    tx.rollback().await?;
    let applied = check(&stored)?;
    if applied < MIGRATIONS.len() { Err(OpenError::OldSchema { found: applied }) } else { Ok(()) }
}

async fn stored(tx: &mut Tx) -> Result<Vec<Applied>, StoreError> {
    let rows =
        tx.all("SELECT version, name, digest FROM schema_version ORDER BY version", &[]).await?;
    rows.into_iter()
        .map(|row| {
            let mut row = Reader::new("schema_version", row);
            let _version = row.int()?;
            Ok((row.text()?, row.bytes()?))
        })
        .collect()
}

/// How many steps were applied, if they are ours.
fn check(stored: &[Applied]) -> Result<usize, OpenError> {
    if stored.len() > MIGRATIONS.len() {
        return Err(OpenError::NewSchema { found: stored.len(), known: MIGRATIONS.len() });
    }
    for ((name, digest), ours) in stored.iter().zip(&MIGRATIONS) {
        if name != ours.name || digest.as_slice() != Digest::of(ours.text.as_bytes()).as_bytes() {
            return Err(OpenError::OtherSchema { step: name.clone() });
        }
    }
    Ok(stored.len())
}

/// Makes all tables in an empty scratch database.
pub(crate) async fn create(tx: &mut Tx, engine: Engine) -> Result<(), DbError> {
    for migration in &MIGRATIONS {
        tx.script(spelled(migration.text, engine)).await?;
    }
    Ok(())
}
