//! Whoever can write to the database changes something: it is found, with table and key.

use bailiwick_store::{Store, StoreUrl};
use sqlx::{Connection as _, Row as _};

use crate::engine::Place;
use crate::sample;

/// Tables with the columns that an edit can be found in, the keys first.
///
/// Not here: what is no part of the ledger and says nothing twice (secrets and their hashes, links,
/// leases, notices, holds, the body of an order beyond its columns, the kind of evidence).
const TABLES: [(&str, usize, &[&str]); 22] = [
    ("entry", 1, &["idx", "at", "kind", "subject", "body", "leaf_hash"]),
    ("tile", 2, &["level", "idx", "hashes", "root"]),
    ("checkpoint", 1, &["size", "root", "note", "at", "n"]),
    ("ledger_head", 1, &["one", "size", "frontier", "last_at"]),
    (
        "change",
        1,
        &["id", "opened_idx", "service", "kind", "state", "events", "updated_at", "expires_at"],
    ),
    ("decision", 1, &["id", "idx", "at", "action", "allowed", "policy", "rule"]),
    (
        "credential",
        1,
        &[
            "id",
            "service",
            "environment",
            "namespace",
            "attestations",
            "created_by",
            "created_at",
            "expires_at",
            "revoked_at",
            "account",
        ],
    ),
    (
        "account",
        1,
        &[
            "id",
            "thumbprint",
            "jwk",
            "contacts",
            "status",
            "credential",
            "made_by",
            "service",
            "environment",
            "namespace",
            "attestations",
            "binding",
            "created_at",
        ],
    ),
    (
        "validation",
        1,
        &["authorization_id", "account", "name", "wildcard", "kind", "seen_at", "at", "expires_at"],
    ),
    (
        "certificate",
        1,
        &[
            "fingerprint",
            "issuer",
            "serial",
            "spki",
            "names",
            "not_before",
            "not_after",
            "profile",
            "service",
            "account",
            "order_id",
            "envelope",
            "change",
            "der",
            "issued_at",
        ],
    ),
    ("certificate_name", 2, &["reversed", "fingerprint"]),
    ("issuer_use", 2, &["reversed", "issuer", "hour"]),
    ("revocation", 2, &["issuer", "serial", "fingerprint", "reason", "at"]),
    (
        "envelope",
        1,
        &[
            "id",
            "change",
            "service",
            "names",
            "issuer",
            "profiles",
            "account",
            "granted_at",
            "until",
            "uses_max",
            "uses",
            "ended_at",
            "ended_why",
        ],
    ),
    ("estate", 1, &["n", "digest", "at", "change"]),
    ("session", 1, &["id", "person", "chain", "at", "expires_at", "ended"]),
    ("token", 1, &["id", "person", "chain", "scopes", "purpose", "at", "expires_at", "revoked_at"]),
    (
        "attestation",
        1,
        &["credential", "attestor", "subject", "claims", "token", "verified_at", "until"],
    ),
    ("crl", 2, &["issuer", "number", "digest", "at", "next_update"]),
    ("evidence", 1, &["digest", "octets"]),
    ("acme_order", 1, &["id", "account", "status", "expires_at", "change"]),
    ("acme_authorization", 1, &["id", "account", "name", "wildcard", "status", "expires_at"]),
];

/// What somebody does to a row.
#[derive(Clone, Debug)]
enum Edit {
    /// Another value in this column.
    Column(&'static str),
    /// The row is gone.
    Delete,
}

fn edits() -> Vec<(&'static str, Edit)> {
    let mut all = Vec::new();
    for (table, _, columns) in TABLES {
        all.extend(columns.iter().map(|column| (table, Edit::Column(column))));
        all.push((table, Edit::Delete));
    }
    // The only value that its check allows is there already.
    all.retain(|(table, edit)| *table != "ledger_head" || !matches!(edit, Edit::Column("one")));
    // A working row that is gone leaves nothing behind that tells.
    all.retain(|(table, edit)| !table.starts_with("acme_") || !matches!(edit, Edit::Delete));
    all
}

/// A store with some of everything and a full tile.
async fn filled(place: &Place) {
    let store = place.open().await;
    for round in 0..12 {
        for batch in sample::life(store.now()) {
            store.commit(batch).await.unwrap();
        }
        let denied =
            (0..10).map(|n| store.commit(sample::denied(store.now(), &format!("{round}/{n}"))));
        for result in futures::future::join_all(denied).await {
            result.unwrap();
        }
    }
    assert!(store.head().await.unwrap().size.get() > 512);
    store.close().await;
}

/// What is found, as `table key`; the ledger's own finding under `ledger`.
async fn found(store: &Store, place: &Place) -> Vec<(String, String)> {
    let audited = store.audit(&place.signer.trust(), Vec::new()).await.unwrap();
    let mut all: Vec<(String, String)> =
        audited.rows.into_iter().map(|one| (one.table.to_owned(), one.key)).collect();
    all.extend(audited.report.finding.map(|one| ("ledger".to_owned(), one.leaves().to_string())));
    let rows = store.fsck().await.unwrap();
    all.extend(rows.into_iter().map(|one| (one.table.to_owned(), one.key)));
    all
}

fn is_named(found: &[(String, String)], table: &str, keys: &[String]) -> bool {
    let ledger = ["entry", "tile", "checkpoint", "ledger_head"].contains(&table);
    found.iter().any(|(where_found, key)| {
        // What is gone from the ledger is named by what is left.
        (ledger && (where_found == "ledger" || where_found == table))
            || (where_found == table && keys.contains(key))
    })
}

/// The value of a column altered as little as possible.
fn altered(column: &str, kind: &str, postgres: bool) -> String {
    match (kind, postgres) {
        ("integer", _) if ["allowed", "wildcard", "ended"].contains(&column) => {
            format!("1 - {column}")
        }
        ("integer", _) => format!("{column} + 1"),
        ("text", _) => format!("{column} || 'x'"),
        // Longer: with one octet changed, a short one could become that of another row.
        ("blob", false) if column == "serial" => "CAST(serial || x'5ca1ab1e' AS BLOB)".to_owned(),
        ("blob", true) if column == "serial" => r"serial || '\x5ca1ab1e'::bytea".to_owned(),
        // The last octet becomes another.
        ("blob", false) => format!(
            "CAST(substr({column}, 1, length({column}) - 1) || \
             CASE substr({column}, -1) WHEN x'41' THEN x'42' ELSE x'41' END AS BLOB)"
        ),
        ("blob", true) => format!(
            "set_byte({column}, length({column}) - 1, \
             CASE get_byte({column}, length({column}) - 1) WHEN 65 THEN 66 ELSE 65 END)"
        ),
        _ => "'x'".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_edit_is_found_on_sqlite() {
    let place = Place::sqlite();
    filled(&place).await;
    let original = place.folder().join("bailiwick.db");
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("bailiwick.db");
    let url = StoreUrl::sqlite(&copy);
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let edits = edits();
    assert!(edits.len() >= 100, "{}", edits.len());
    for (table, edit) in edits {
        std::fs::copy(&original, &copy).unwrap();
        let one = rusqlite::Connection::open(&copy).unwrap();
        let (_, keys, columns) = TABLES.into_iter().find(|(name, ..)| *name == table).unwrap();
        let rows: Vec<i64> = column(&one, &format!("SELECT rowid FROM {table}"));
        assert!(!rows.is_empty(), "table {table} has no rows to edit");
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let pick = usize::try_from(seed >> 33).unwrap() % rows.len();
        let rowid = rows[pick];
        let key = key_sql(&columns[..keys], false);
        let before: Vec<String> =
            column(&one, &format!("SELECT {key} FROM {table} WHERE rowid = {rowid}"));
        let done = match &edit {
            Edit::Delete => format!("DELETE FROM {table} WHERE rowid = {rowid} RETURNING 'gone'"),
            Edit::Column(name) => {
                let kind = format!("SELECT typeof({name}) FROM {table} WHERE rowid = {rowid}");
                let kind: String = column(&one, &kind).remove(0);
                let mut value = altered(name, &kind, false);
                if table == "checkpoint"
                    || table == "entry"
                    || table == "estate"
                    || table == "tile"
                    || table == "crl"
                {
                    // Beyond what other rows have: an occupied place could not be taken.
                    value = value.replace(" + 1", " + 100000");
                }
                format!("UPDATE {table} SET {name} = {value} WHERE rowid = {rowid} RETURNING {key}")
            }
        };
        let mut keys: Vec<String> = column(&one, &done);
        keys.extend(before);
        one.close().unwrap();
        let store = Store::open_read_only(&url).await.unwrap();
        let found = found(&store, &place).await;
        store.close().await;
        assert!(is_named(&found, table, &keys), "{table} {edit:?} {keys:?}: {found:?}");
        for file in std::fs::read_dir(folder.path()).unwrap() {
            std::fs::remove_file(file.unwrap().path()).unwrap();
        }
    }
}

/// The first column of what a statement answers.
fn column<T: rusqlite::types::FromSql>(one: &rusqlite::Connection, sql: &str) -> Vec<T> {
    let mut query = one.prepare(sql).unwrap_or_else(|why| panic!("{sql}: {why}"));
    let rows = query.query_map([], |row| row.get(0)).unwrap();
    rows.map(|row| row.unwrap_or_else(|why| panic!("{sql}: {why}"))).collect()
}

/// The key of a row as findings spell it.
fn key_sql(keys: &[&str], postgres: bool) -> String {
    let octets = ["digest", "fingerprint", "serial"];
    let one = |key: &&str| match (octets.contains(key), postgres) {
        (true, false) => format!("lower(hex({key}))"),
        (true, true) => format!("encode({key}, 'hex')"),
        (false, _) => format!("CAST({key} AS TEXT)"),
    };
    keys.iter().map(one).collect::<Vec<_>>().join(" || ' ' || ")
}

/// The same on PostgreSQL, for some of the edits, each taken back afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_are_found_on_postgres() {
    let place = Place::postgres().await;
    filled(&place).await;
    let StoreUrl::Postgres(url) = &place.url else { panic!("a server") };
    let reader = Store::open_read_only(&place.url).await.unwrap();
    assert_eq!(found(&reader, &place).await, []);
    for (n, (table, edit)) in edits().into_iter().enumerate().filter(|(n, _)| n % 4 == 0) {
        let mut one = sqlx::PgConnection::connect(url).await.unwrap();
        let (_, keys, columns) = TABLES.into_iter().find(|(name, ..)| *name == table).unwrap();
        let key = key_sql(&columns[..keys], true);
        // A copy of the table, to put back.
        place.sql(&format!("CREATE TABLE kept AS SELECT * FROM {table}")).await;
        let pick = format!(
            "(SELECT ctid FROM {table} ORDER BY 1 OFFSET {} % (SELECT COUNT(*) FROM {table}) LIMIT 1)",
            n * 7
        );
        let done = match &edit {
            Edit::Delete => format!("DELETE FROM {table} WHERE ctid = {pick} RETURNING {key}"),
            Edit::Column(column) => {
                let kind = format!(
                    "SELECT data_type::text FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '{table}' AND column_name = '{column}'"
                );
                let kind = pg_texts(&mut one, &kind).await.remove(0);
                let kind = match kind.as_str() {
                    "bigint" => "integer",
                    "bytea" => "blob",
                    _ => "text",
                };
                let value = altered(column, kind, true).replace(" + 1", " + 100000");
                let value = match kind {
                    "integer" => format!("COALESCE({value}, 5)"),
                    "blob" => format!("COALESCE({value}, '\\x41'::bytea)"),
                    _ => format!("COALESCE({value}, 'x')"),
                };
                format!("UPDATE {table} SET {column} = {value} WHERE ctid = {pick} RETURNING {key}")
            }
        };
        let before =
            pg_texts(&mut one, &format!("SELECT {key} FROM {table} WHERE ctid = {pick}")).await;
        let mut keys = pg_texts(&mut one, &done).await;
        keys.extend(before);
        one.close().await.unwrap();
        let found = found(&reader, &place).await;
        assert!(is_named(&found, table, &keys), "{table} {edit:?} {keys:?}: {found:?}");
        place.sql(&format!("BEGIN; DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept; DROP TABLE kept; COMMIT")).await;
    }
    assert_eq!(found(&reader, &place).await, []);
    reader.close().await;
}

async fn pg_texts(one: &mut sqlx::PgConnection, sql: &str) -> Vec<String> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).fetch_all(one).await;
    let rows = rows.unwrap_or_else(|why| panic!("{sql}: {why}"));
    rows.iter().map(|row| row.get(0)).collect()
}
