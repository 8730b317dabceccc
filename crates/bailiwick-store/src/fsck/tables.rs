//! The tables that follow from the ledger, compared row by row with those made anew.

use std::cmp::Ordering;

use super::{Findings, PAGE};
use crate::db::{Arg, Cell, Row, Sql, Tx, args};
use crate::error::DbError;

/// A table; the first `keys` of its columns are its key.
struct Table {
    name: &'static str,
    columns: &'static [&'static str],
    keys: usize,
}

const fn table(name: &'static str, keys: usize, columns: &'static [&'static str]) -> Table {
    Table { name, columns, keys }
}

/// Every table that follows from the ledger.
const TABLES: [Table; 33] = [
    table(
        "change",
        1,
        &["id", "opened_idx", "service", "kind", "state", "events", "updated_at", "expires_at"],
    ),
    table("decision", 1, &["id", "idx", "at", "action", "allowed", "policy", "rule", "kept"]),
    table(
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
            "chain",
        ],
    ),
    table(
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
            "chain",
        ],
    ),
    table(
        "validation",
        1,
        &["authorization_id", "account", "name", "wildcard", "kind", "seen_at", "at", "expires_at"],
    ),
    table(
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
    table("certificate_name", 2, &["reversed", "fingerprint"]),
    table("issuer_use", 2, &["reversed", "issuer", "hour"]),
    table("revocation", 2, &["issuer", "serial", "fingerprint", "reason", "at", "change"]),
    table(
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
    table("estate", 1, &["n", "digest", "at", "change"]),
    table("issuer_generation", 1, &["n", "issuer", "generation", "certificate", "at", "change"]),
    table(
        "held_key",
        1,
        &["n", "kind", "owner", "before_name", "before_digest", "name", "digest", "at", "change"],
    ),
    table("session", 1, &["id", "person", "chain", "at", "expires_at", "ended"]),
    table(
        "token",
        1,
        &["id", "person", "chain", "scopes", "purpose", "at", "expires_at", "revoked_at"],
    ),
    table("replacement", 1, &["order_id", "certificate", "at"]),
    table(
        "standing_record",
        2,
        &[
            "name", "account", "service", "issuer", "wildcard", "until", "text", "first_at",
            "seen_at", "gone_at",
        ],
    ),
    table("upstream_account", 1, &["issuer", "uri", "spki", "change", "at", "ended"]),
    table("upstream_order", 1, &["change", "issuer", "url", "at"]),
    table("certificate_chain", 1, &["fingerprint", "digest"]),
    table("account_terms", 1, &["account", "terms", "at"]),
    table("credential_rotation", 1, &["credential", "successor", "until", "at"]),
    table(
        "attestation",
        1,
        &["credential", "attestor", "subject", "claims", "token", "verified_at", "until"],
    ),
    table(
        "observation",
        1,
        &["idx", "zone", "owner", "asked", "vantage", "seen", "since", "until"],
    ),
    table(
        "finding",
        1,
        &[
            "id",
            "idx",
            "kind",
            "zone",
            "subject",
            "vantage",
            "team",
            "assignee",
            "next",
            "due",
            "says",
            "remedy",
            "diff",
            "evidence",
            "opened_at",
            "handed_on",
            "closed_at",
            "closed_by",
            "note",
        ],
    ),
    table(
        "control_point",
        3,
        &["zone", "issuer", "point", "idx", "stands", "says", "evidence", "judged_at"],
    ),
    table(
        "canary",
        4,
        &[
            "issuer",
            "zone",
            "permitted",
            "name",
            "idx",
            "stands",
            "says",
            "certificate",
            "revoked",
            "placed",
            "caa",
            "at",
        ],
    ),
    table(
        "incident",
        1,
        &[
            "id",
            "idx",
            "zone",
            "subject",
            "says",
            "source",
            "record",
            "enforcement",
            "owner",
            "due",
            "evidence",
            "opened_at",
            "record_answered",
            "record_says",
            "enforcement_answered",
            "enforcement_says",
            "reviewed_at",
            "conclusion",
        ],
    ),
    table(
        "emergency",
        1,
        &[
            "change",
            "service",
            "accountable",
            "delegated_by",
            "until",
            "reviewer",
            "review_by",
            "at",
            "reviewed_at",
            "reviewed_by",
            "justified",
            "note",
        ],
    ),
    table("delegated_execution", 3, &["service", "person", "at", "accountable", "until", "reason"]),
    table("delegation", 2, &["zone", "kind", "first_seen", "last_seen", "at"]),
    table("act", 1, &["idx", "class", "about", "what", "actor", "at"]),
    table("crl", 2, &["issuer", "number", "digest", "at", "next_update"]),
];

/// Compares every table.
pub(super) async fn compare(
    theirs: &mut Tx,
    ours: &mut Tx,
    found: &mut Findings,
) -> Result<(), DbError> {
    for table in &TABLES {
        let mut stored = Rows::new(table);
        let mut due = Rows::new(table);
        while !found.is_full() {
            let (left, right) = (stored.peek(theirs).await?, due.peek(ours).await?);
            let order = match (&left, &right) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(left), Some(right)) => table.key(left).cmp(table.key(right)),
            };
            match order {
                Ordering::Less => {
                    found.add(table.name, key(table, left), "no entry of the ledger explains it");
                    stored.take();
                }
                Ordering::Greater => {
                    found.add(
                        table.name,
                        key(table, right),
                        "it is missing, and the ledger has it",
                    );
                    due.take();
                }
                Ordering::Equal => {
                    if left != right {
                        let what = differences(table, &left, &right);
                        found.add(table.name, key(table, left), what);
                    }
                    stored.take();
                    due.take();
                }
            }
        }
    }
    Ok(())
}

impl Table {
    fn key<'a>(&self, row: &'a [Cell]) -> &'a [Cell] {
        row.get(..self.keys).unwrap_or(row)
    }

    fn page(&self, after: Option<&Row>) -> (Sql, Vec<Arg<'static>>) {
        let keys: Vec<&str> = self.columns.iter().copied().take(self.keys).collect();
        let (columns, name, keys) = (self.columns.join(", "), self.name, keys.join(", "));
        let Some(after) = after else {
            let text = format!("SELECT {columns} FROM {name} ORDER BY {keys} LIMIT $1");
            return (Sql::Built(text), args![PAGE].to_vec());
        };
        let mut args: Vec<Arg<'static>> = self.key(after).iter().map(arg).collect();
        let places: Vec<String> = (1..=args.len()).map(|n| format!("${n}")).collect();
        let (places, limit) = (places.join(", "), args.len().saturating_add(1));
        args.push(Arg::from(PAGE));
        let text = format!(
            "SELECT {columns} FROM {name} WHERE ({keys}) > ({places}) ORDER BY {keys} LIMIT ${limit}"
        );
        (Sql::Built(text), args)
    }
}

fn arg(cell: &Cell) -> Arg<'static> {
    match cell {
        Cell::Null => Arg::NoText,
        Cell::Int(value) => Arg::from(*value),
        Cell::Text(text) => Arg::from(text.clone()),
        Cell::Bytes(bytes) => Arg::from(bytes.clone()),
    }
}

fn key(table: &Table, row: Option<Row>) -> String {
    let row = row.unwrap_or_default();
    let cells: Vec<String> = table.key(&row).iter().map(ToString::to_string).collect();
    cells.join(" ")
}

fn differences(table: &Table, stored: &Option<Row>, due: &Option<Row>) -> String {
    let pairs = stored.iter().flatten().zip(due.iter().flatten());
    let columns: Vec<String> = table
        .columns
        .iter()
        .zip(pairs)
        .filter(|(_, (stored, due))| stored != due)
        .map(|(column, _)| format!("`{column}`"))
        .collect();
    format!("the ledger says otherwise in {}", columns.join(", "))
}

/// The rows of one table in the order of their keys, a page at a time.
struct Rows<'t> {
    table: &'t Table,
    page: std::collections::VecDeque<Row>,
    last: Option<Row>,
    ended: bool,
}

impl<'t> Rows<'t> {
    fn new(table: &'t Table) -> Self {
        Self { table, page: std::collections::VecDeque::new(), last: None, ended: false }
    }

    async fn peek(&mut self, tx: &mut Tx) -> Result<Option<Row>, DbError> {
        if self.page.is_empty() && !self.ended {
            let (sql, args) = self.table.page(self.last.as_ref());
            self.page = tx.all(sql, &args).await?.into();
            self.last = self.page.back().cloned().or(self.last.take());
            self.ended = self.page.is_empty();
        }
        Ok(self.page.front().cloned())
    }

    fn take(&mut self) {
        self.page.pop_front();
    }
}
