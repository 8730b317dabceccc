//! The reports: JSON, CSV and HTML, made from the journal in the order of the list.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use bailiwick_wire::caa_audit::{AUDIT_FORMAT, AuditRow, Summary, csv_head, csv_line};
use serde::Serialize;

use super::journal::{Journal, JournalFault};
use super::names::NameList;
use super::page;

/// What a report is written as.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Format {
    /// One object; under `names` one line for each.
    Json,
    /// One line per name.
    Csv,
    /// A page that needs nothing else.
    Html,
}

impl Format {
    /// By the ending of a file's name.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            "html" | "htm" => Some(Self::Html),
            _ => None,
        }
    }
}

/// How and when it was made; stands in every report.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct About {
    /// The form's name and version.
    pub(crate) format: &'static str,
    /// Which program.
    pub(crate) version: &'static str,
    /// When the run that finished it began.
    pub(crate) began_at: String,
    /// When it was finished.
    pub(crate) finished_at: String,
    /// Whom it asked.
    pub(crate) asked: Vec<String>,
    /// The issuers that should be the only ones.
    pub(crate) expected_issuers: Vec<String>,
    /// Names that stood in the list more than once.
    pub(crate) repeated: u64,
    /// Lines of the list that are no names.
    pub(crate) rejected: u64,
}

impl About {
    /// The form.
    pub(crate) const FORMAT: &'static str = AUDIT_FORMAT;
}

/// Counts all names.
pub(crate) fn summarize(journal: &Journal) -> Result<Summary, JournalFault> {
    let mut summary = Summary::default();
    for line in journal.in_order()? {
        if let Ok(row) = AuditRow::read_line(&line?) {
            summary.add(&row);
        }
    }
    Ok(summary)
}

/// Writes one report: beside its place first, so that a report is whole or not there.
pub(crate) fn write_report(
    path: &Path,
    format: Format,
    about: &About,
    list: &NameList,
    summary: &Summary,
    journal: &Journal,
) -> Result<(), JournalFault> {
    let io = |cause| JournalFault::Io { path: path.to_owned(), cause };
    let beside = beside(path);
    let mut out = BufWriter::new(File::create(&beside).map_err(io)?);
    match format {
        Format::Json => write_json(&mut out, about, list, summary, journal, io)?,
        Format::Csv => write_csv(&mut out, journal, io)?,
        Format::Html => {
            let text = page::page(about, list, summary);
            out.write_all(text.as_bytes()).map_err(io)?;
        }
    }
    let file = out.into_inner().map_err(|cause| io(cause.into_error()))?;
    file.sync_all().map_err(io)?;
    std::fs::rename(&beside, path).map_err(io)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

fn write_json(
    out: &mut impl Write,
    about: &About,
    list: &NameList,
    summary: &Summary,
    journal: &Journal,
    io: impl Fn(std::io::Error) -> JournalFault,
) -> Result<(), JournalFault> {
    let text = |value: &dyn erased::Json| value.text().map_err(|cause| io(cause.into()));
    let rejected: Vec<_> = list
        .rejected
        .kept
        .iter()
        .map(|(place, text, why)| serde_json::json!({ "at": place, "text": text, "why": why }))
        .collect();
    write!(
        out,
        "{{\"about\":{},\n\"summary\":{},\n\"not_names\":{},\n\"names\":[",
        text(about)?,
        text(summary)?,
        text(&rejected)?
    )
    .map_err(&io)?;
    let mut between = "\n";
    for line in journal.in_order()? {
        write!(out, "{between}{}", line?).map_err(&io)?;
        between = ",\n";
    }
    out.write_all(b"\n]}\n").map_err(io)
}

/// Things that can be written as JSON, whatever they are.
mod erased {
    use serde::Serialize;

    pub(super) trait Json {
        fn text(&self) -> Result<String, serde_json::Error>;
    }

    impl<T: Serialize> Json for T {
        fn text(&self) -> Result<String, serde_json::Error> {
            serde_json::to_string(self)
        }
    }
}

fn write_csv(
    out: &mut impl Write,
    journal: &Journal,
    io: impl Fn(std::io::Error) -> JournalFault,
) -> Result<(), JournalFault> {
    out.write_all(csv_head().as_bytes()).map_err(&io)?;
    for line in journal.in_order()? {
        if let Ok(row) = AuditRow::read_line(&line?) {
            out.write_all(csv_line(&row).as_bytes()).map_err(&io)?;
        }
    }
    Ok(())
}
