//! Rows as CSV (RFC 4180) that a spreadsheet can open without running anything.

use super::{AuditRow, SetState};

/// The first line, with its end.
#[must_use]
pub fn csv_head() -> String {
    line(&[
        "name",
        "zone",
        "set",
        "found at",
        "alias of",
        "ttl seconds",
        "records",
        "may issue ordinary",
        "may issue wildcard",
        "may issue mail",
        "dnssec",
        "worst",
        "findings",
        "details",
        "asked at",
    ])
}

/// One row, with its end.
#[must_use]
pub fn csv_line(row: &AuditRow) -> String {
    let set = match row.set {
        SetState::Found => "found",
        SetState::None => "none",
        SetState::Unknown => "unknown",
    };
    let ttl = row.ttl_seconds.map_or_else(String::new, |ttl| ttl.to_string());
    let kinds: Vec<&str> = row.findings.iter().map(|finding| finding.kind.as_str()).collect();
    let details: Vec<String> = row
        .findings
        .iter()
        .filter(|finding| !finding.detail.is_empty())
        .map(|finding| format!("{}: {}", finding.kind, finding.detail))
        .collect();
    line(&[
        &row.name,
        &row.zone,
        set,
        row.at.as_deref().unwrap_or_default(),
        row.alias.as_deref().unwrap_or_default(),
        &ttl,
        &row.records.join(" | "),
        &row.ordinary.shown(),
        &row.wildcard.shown(),
        &row.mail.shown(),
        &row.dnssec,
        row.findings.first().map_or("", |finding| &finding.severity),
        &kinds.join(" "),
        &details.join(" | "),
        &row.asked_at,
    ])
}

fn line(cells: &[&str]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
    format!("{}\r\n", cells.join(","))
}

/// A cell in quotes. What a spreadsheet would take for a formula gets an apostrophe in front.
fn quoted(cell: &str) -> String {
    let guard = if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { "'" } else { "" };
    format!("\"{guard}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spreadsheet_runs_nothing_and_loses_nothing() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(quoted(formula), format!("\"'{formula}\""));
        }
        assert_eq!(quoted("*.a.example"), "\"*.a.example\"");
        assert_eq!(quoted("0 issue \";\", x"), "\"0 issue \"\";\"\", x\"");
        assert_eq!(csv_head().split(',').count(), 15);
    }
}
