//! Random edits of rows and files.

use std::collections::BTreeMap;
use std::path::Path;

use aws_lc_rs::digest;

use crate::harness::sqlite;
use crate::stories::kill9::dice::Dice;

/// Columns in which an edit cannot be found: the body of an order or authorization is what it stands for
/// (its other columns repeat it), the kind of evidence is a word for people, and `one` is always 1.
const FREE: &[(&str, &str)] = &[
    ("acme_order", "body"),
    ("acme_authorization", "body"),
    ("evidence", "kind"),
    ("ledger_head", "one"),
];
/// A working row that is gone leaves nothing behind that tells.
const MAY_GO: &[&str] = &["acme_order", "acme_authorization"];
/// Draws until an edit is one that the tables let through and that changes something.
const DRAWS_MAX: u32 = 200;
/// Far from every position in use.
const FAR: u64 = 100_000;

/// What was done to one row or two.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    pub(super) table: String,
    what: What,
    /// The lower one's rowid; of an entry, its leaf.
    row: u64,
    sql: String,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum What {
    Alter(String),
    Delete,
    Swap,
    /// The entry and its hash, so that they agree.
    Forge,
}

impl Edit {
    /// The leaf that has to be named; none where a column beside the leaf was edited.
    pub(super) fn leaf(&self) -> Option<u64> {
        let beside = matches!(&self.what, What::Alter(column) if
            ["at", "kind", "subject"].contains(&column.as_str()));
        (self.table == "entry" && !beside).then_some(self.row)
    }

    pub(super) fn is_forged(&self) -> bool {
        matches!(self.what, What::Forge | What::Swap)
    }
}

/// The rows that there are, and their columns.
pub(super) struct Rows {
    tables: BTreeMap<String, Table>,
}

struct Table {
    columns: Vec<String>,
    keys: Vec<String>,
    rows: Vec<u64>,
    dump: String,
}

fn lines(file: &Path, text: &str) -> Vec<String> {
    sqlite::sql(file, text).expect_success().stdout.lines().map(str::to_owned).collect()
}

fn dump(file: &Path, table: &str) -> String {
    sqlite::sql(file, &format!(".dump --data-only {table}")).expect_success().stdout
}

impl Rows {
    /// Fails where a table is empty: its edits would not be shown.
    pub(super) fn of(file: &Path, tables: &[&str]) -> Self {
        let read = |table: &&str| {
            let column = |also: &str| {
                lines(file, &format!("SELECT name FROM pragma_table_info('{table}') {also}"))
            };
            let rows = lines(file, &format!("SELECT rowid FROM {table}"));
            let rows: Vec<u64> = rows.iter().filter_map(|row| row.parse().ok()).collect();
            assert!(!rows.is_empty(), "table {table} has no rows to edit");
            let (columns, keys) = (column(""), column("WHERE pk > 0"));
            ((*table).to_owned(), Table { columns, keys, rows, dump: dump(file, table) })
        };
        Self { tables: tables.iter().map(read).collect() }
    }

    /// Edits a row of a table of this file, somehow.
    pub(super) fn edit(&self, table: &str, file: &Path, dice: &mut Dice) -> Edit {
        let known = self.tables.get(table).expect("the table was read");
        for _ in 0..DRAWS_MAX {
            let Some(edit) = draw(table, known, file, dice) else { continue };
            let done = sqlite::sql(file, &edit.sql);
            if done.code == Some(0) && dump(file, table) != known.dump {
                return edit;
            }
        }
        panic!("no edit of table {table} is possible");
    }
}

fn pick<'a, T>(from: &'a [T], dice: &mut Dice) -> &'a T {
    let length = u64::try_from(from.len()).unwrap_or(0);
    let place = usize::try_from(dice.below(length)).unwrap_or(0);
    from.get(place).expect("there is something to pick from")
}

fn draw(table: &str, known: &Table, file: &Path, dice: &mut Dice) -> Option<Edit> {
    let row = *pick(&known.rows, dice);
    let make = |what: What, row: u64, sql: String| Edit { table: table.to_owned(), what, row, sql };
    match dice.below(6) {
        0 if MAY_GO.contains(&table) => None,
        0 => Some(make(What::Delete, row, format!("DELETE FROM {table} WHERE rowid = {row}"))),
        1 => {
            let other = *pick(&known.rows, dice);
            let sql = swap(table, known, row, other)?;
            let tells = row != other && !MAY_GO.contains(&table);
            tells.then(|| make(What::Swap, row.min(other), sql))
        }
        2 if table == "entry" => Some(make(What::Forge, row, forge(file, row, dice))),
        _ => {
            let column = pick(&known.columns, dice);
            let free = FREE.contains(&(table, column.as_str()));
            let value = (!free).then(|| altered(table, known, file, column, row, dice))?;
            let sql = format!("UPDATE {table} SET \"{column}\" = {value} WHERE rowid = {row}");
            Some(make(What::Alter(column.clone()), row, sql))
        }
    }
}

/// Two rows exchange all but their keys.
fn swap(table: &str, known: &Table, one: u64, other: u64) -> Option<String> {
    let values: Vec<&String> = known.columns.iter().filter(|c| !known.keys.contains(c)).collect();
    if values.is_empty() {
        return None;
    }
    let set = |from: &str| {
        let all = values.iter().map(|c| format!("\"{c}\" = (SELECT \"{c}\" FROM {from})"));
        all.collect::<Vec<_>>().join(", ")
    };
    Some(format!(
        "CREATE TEMP TABLE left_row AS SELECT * FROM {table} WHERE rowid = {one}; \
         CREATE TEMP TABLE right_row AS SELECT * FROM {table} WHERE rowid = {other}; \
         UPDATE {table} SET {} WHERE rowid = {one}; UPDATE {table} SET {} WHERE rowid = {other}",
        set("right_row"),
        set("left_row")
    ))
}

/// Another value, as little different as can be.
fn altered(
    table: &str,
    known: &Table,
    file: &Path,
    column: &str,
    row: u64,
    dice: &mut Dice,
) -> String {
    let seen =
        format!("SELECT typeof(\"{column}\"), hex(\"{column}\") FROM {table} WHERE rowid = {row}");
    let seen = lines(file, &seen).pop().unwrap_or_default();
    let (kind, hex) = seen.split_once('|').unwrap_or_default();
    match kind {
        "integer" if known.keys.iter().any(|key| key == column) => {
            format!("\"{column}\" + {}", FAR + dice.below(FAR))
        }
        "integer" => format!("\"{column}\" + {}", 1 + dice.below(3)),
        "text" => format!("CAST({} AS TEXT)", spoilt(hex, dice)),
        "blob" => spoilt(hex, dice),
        _ => "'x'".to_owned(),
    }
}

/// The octets with one of them another letter, as an SQL literal.
fn spoilt(hex: &str, dice: &mut Dice) -> String {
    let place = dice.below(u64::try_from(hex.len() / 2).unwrap_or(0));
    let at = usize::try_from(place * 2).unwrap_or(0);
    if hex.len() < 2 {
        return "x'78'".to_owned();
    }
    let (before, rest) = hex.split_at(at);
    let (octet, after) = rest.split_at(2);
    let other = if octet == "78" { "79" } else { "78" };
    format!("x'{before}{other}{after}'")
}

/// Another entry with the hash that belongs to it.
fn forge(file: &Path, row: u64, dice: &mut Dice) -> String {
    let body = lines(file, &format!("SELECT hex(body) FROM entry WHERE rowid = {row}")).pop();
    let spoilt = spoilt(&body.unwrap_or_default(), dice);
    let hex = spoilt.trim_start_matches("x'").trim_end_matches('\'');
    let octets = hex.as_bytes().chunks(2).map(|pair| {
        let text = String::from_utf8_lossy(pair).into_owned();
        u8::from_str_radix(&text, 16).expect("hex is hex")
    });
    // RFC 6962, section 2.1: a leaf begins with 0.
    let leaf: Vec<u8> = std::iter::once(0).chain(octets).collect();
    let hash = digest::digest(&digest::SHA256, &leaf);
    let hash: String = hash.as_ref().iter().map(|octet| format!("{octet:02x}")).collect();
    format!("UPDATE entry SET body = {spoilt}, leaf_hash = x'{hash}' WHERE rowid = {row}")
}

/// Puts another octet in a file at random, and says where.
pub(super) fn other_octet(file: &Path, dice: &mut Dice) -> usize {
    let mut octets = std::fs::read(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    // A text's last line break says nothing.
    let length = octets.trim_ascii_end().len();
    let place = usize::try_from(dice.below(u64::try_from(length).unwrap_or(0))).unwrap_or(0);
    let octet = octets.get_mut(place).expect("it is below the length");
    // Letters stay letters, and never only change their case.
    *octet = match *octet {
        b'x' | b'X' => b'y',
        _ => b'x',
    };
    std::fs::write(file, octets).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    place
}
