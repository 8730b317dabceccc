//! The journal: one line per name that was seen, in the order in which they came.
//!
//! A line counts when it is whole. What a kill cut short is cut off, and its name is asked again, as
//! is a name that no server answered for; each name has one line that counts, so none is lost or
//! counted twice.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bailiwick_core::caa::FindingKind;
use bailiwick_core::names::Digest;
use bailiwick_wire::caa_audit::AuditRow;
use serde::{Deserialize, Serialize};

use super::spill::{Bits, From, unnamed_beside};

const FORMAT: &str = "caa-audit-journal/v1";
/// Lines wait in memory so long at most; a kill costs their names another question.
const UNWRITTEN_FOR: Duration = Duration::from_millis(200);
const BUFFER_OCTETS: usize = 256 * 1_024;
/// Of one line; a set holds at most what a DNS message does.
const LINE_OCTETS_MAX: usize = 4 * 1_024 * 1_024;

/// The first line: what the others belong to.
#[derive(Deserialize, Eq, PartialEq, Serialize)]
struct Head {
    format: String,
    input: String,
    names: u64,
}

/// Only as much of a line as is needed to know whose it is, and whether it counts.
#[derive(Deserialize)]
struct Numbered {
    number: u64,
    findings: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    kind: String,
}

impl Numbered {
    /// A name that no server answered for may have been asked while the network was away: it is asked
    /// again.
    fn is_seen(&self) -> bool {
        self.findings.iter().all(|finding| finding.kind != FindingKind::Unreachable.as_str())
    }
}

/// What was seen so far.
pub(crate) struct Journal {
    path: PathBuf,
    file: BufWriter<File>,
    names: u64,
    /// Names that have a line.
    seen: Bits,
    written_at: Option<Instant>,
}

/// Something is wrong with the journal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalFault {
    /// There is one already.
    #[error("`{0}` holds an audit that was not finished; go on with --resume, or remove it")]
    Unfinished(PathBuf),
    /// There is none to go on with.
    #[error("`{0}` is not there, so there is nothing to resume; leave --resume out")]
    Nothing(PathBuf),
    /// It is that of another audit.
    #[error(
        "`{0}` belongs to an audit of other names or servers; give the same as then, or remove it"
    )]
    Other(PathBuf),
    /// The system says no.
    #[error("`{path}`: {cause}; make room, or write elsewhere")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
}

impl Journal {
    /// Begins one.
    pub(crate) fn begin(path: &Path, input: Digest, names: u64) -> Result<Self, JournalFault> {
        let io = |cause| JournalFault::Io { path: path.to_owned(), cause };
        let file = OpenOptions::new().create_new(true).read(true).write(true).open(path);
        let file = file.map_err(|cause| {
            let there = cause.kind() == std::io::ErrorKind::AlreadyExists;
            if there { JournalFault::Unfinished(path.to_owned()) } else { io(cause) }
        })?;
        let mut journal = Self::on(path, file, names);
        let head = Head { format: FORMAT.to_owned(), input: input.to_string(), names };
        let line = serde_json::to_string(&head).map_err(|cause| io(cause.into()))?;
        journal.write_line(&line).map_err(io)?;
        journal.flush()?;
        Ok(journal)
    }

    /// Goes on with one.
    pub(crate) fn resume(path: &Path, input: Digest, names: u64) -> Result<Self, JournalFault> {
        let io = |cause| JournalFault::Io { path: path.to_owned(), cause };
        let file = OpenOptions::new().read(true).write(true).open(path);
        let file = file.map_err(|cause| {
            let missing = cause.kind() == std::io::ErrorKind::NotFound;
            if missing { JournalFault::Nothing(path.to_owned()) } else { io(cause) }
        })?;
        let mut lines = BufReader::new(file.try_clone().map_err(io)?);
        let mut journal = Self::on(path, file, names);
        let mut line = Vec::new();
        let expected = Head { format: FORMAT.to_owned(), input: input.to_string(), names };
        let length = next_line(&mut lines, &mut line).map_err(io)?;
        if serde_json::from_slice::<Head>(&line).ok() != Some(expected) {
            return Err(JournalFault::Other(path.to_owned()));
        }
        let mut end = length;
        loop {
            let length = next_line(&mut lines, &mut line).map_err(io)?;
            // The last line may have been cut short; what comes after a damaged one is not trusted.
            let whole = line.ends_with(b"\n");
            let Some(row) = serde_json::from_slice::<Numbered>(&line).ok().filter(|_| whole) else {
                break;
            };
            if row.is_seen() {
                journal.seen.set(row.number);
            }
            end += length;
        }
        let file = journal.file.get_mut();
        file.set_len(end).map_err(io)?;
        file.seek(SeekFrom::Start(end)).map_err(io)?;
        Ok(journal)
    }

    fn on(path: &Path, file: File, names: u64) -> Self {
        Self {
            path: path.to_owned(),
            file: BufWriter::with_capacity(BUFFER_OCTETS, file),
            names,
            seen: Bits::of(names),
            written_at: None,
        }
    }

    /// The names that have a line.
    pub(crate) const fn seen(&self) -> &Bits {
        &self.seen
    }

    /// Adds a name's line, unless it has one.
    pub(crate) fn add(&mut self, row: &AuditRow, now: Instant) -> Result<(), JournalFault> {
        if !self.seen.set(row.number) {
            return Ok(());
        }
        let line = row.to_line().map_err(|cause| self.io(cause.into()))?;
        self.write_line(&line).map_err(|cause| self.io(cause))?;
        let due = |at: Instant| now.saturating_duration_since(at) >= UNWRITTEN_FOR;
        if self.written_at.is_none_or(due) {
            self.flush()?;
            self.written_at = Some(now);
        }
        Ok(())
    }

    fn io(&self, cause: std::io::Error) -> JournalFault {
        JournalFault::Io { path: self.path.clone(), cause }
    }

    fn write_line(&mut self, line: &str) -> std::io::Result<()> {
        self.file.write_all(line.as_bytes())?;
        self.file.write_all(b"\n")
    }

    /// Hands everything to the system: from here on a kill costs nothing.
    pub(crate) fn flush(&mut self) -> Result<(), JournalFault> {
        self.file.flush().map_err(|cause| JournalFault::Io { path: self.path.clone(), cause })
    }

    /// All lines by the numbers of their names. Only what was flushed can be read.
    pub(crate) fn in_order(&self) -> Result<InOrder, JournalFault> {
        let io = |cause| self.io(cause);
        let file = Arc::new(self.file.get_ref().try_clone().map_err(io)?);
        let index = unnamed_beside(&self.path).map_err(io)?;
        let mut lines = BufReader::with_capacity(BUFFER_OCTETS, From::start_of(Arc::clone(&file)));
        let mut line = Vec::new();
        let mut begin = next_line(&mut lines, &mut line).map_err(io)?;
        loop {
            let length = next_line(&mut lines, &mut line).map_err(io)?;
            if length == 0 {
                break;
            }
            // The last of several counts: those before it say that nobody answered.
            if let Some(number) = number_of(&line).filter(|number| self.seen.has(*number)) {
                index.write_all_at(&place(begin, length), number * PLACE_OCTETS).map_err(io)?;
            }
            begin += length;
        }
        let index = BufReader::new(From::start_of(Arc::new(index)));
        let path = self.path.clone();
        Ok(InOrder { path, file, index, left: self.names })
    }

    /// Removes it: the reports are written.
    pub(crate) fn remove(self) -> Result<(), JournalFault> {
        std::fs::remove_file(&self.path)
            .map_err(|cause| JournalFault::Io { path: self.path.clone(), cause })
    }
}

/// Where a line begins and how long it is; all zero for none, since the first line is the head.
const PLACE_OCTETS: u64 = 16;

fn place(begin: u64, length: u64) -> [u8; 16] {
    (u128::from(begin) << 64 | u128::from(length)).to_be_bytes()
}

/// The number that a line begins with; see [`AuditRow::to_line`].
fn number_of(line: &[u8]) -> Option<u64> {
    let rest = line.strip_prefix(b"{\"number\":")?;
    let end = rest.iter().position(|octet| !octet.is_ascii_digit())?;
    std::str::from_utf8(rest.get(..end)?).ok()?.parse().ok()
}

/// The lines of a journal by the numbers of their names, one after the other.
pub(crate) struct InOrder {
    path: PathBuf,
    file: Arc<File>,
    index: BufReader<From>,
    left: u64,
}

impl InOrder {
    fn next_line(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        while self.left > 0 {
            self.left -= 1;
            let mut octets = [0; 16];
            match self.index.read_exact(&mut octets) {
                // The last names have no lines.
                Err(cause) if cause.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
                read => read?,
            }
            let place = u128::from_be_bytes(octets);
            let begin = u64::try_from(place >> 64).unwrap_or(u64::MAX);
            let length = usize::try_from(place & u128::from(u32::MAX)).unwrap_or(0);
            if length > 0 {
                let mut line = vec![0; length];
                self.file.read_exact_at(&mut line, begin)?;
                line.pop();
                return Ok(Some(line));
            }
        }
        Ok(None)
    }
}

impl Iterator for InOrder {
    type Item = Result<String, JournalFault>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.next_line().transpose()?;
        let text = line.and_then(|line| String::from_utf8(line).map_err(std::io::Error::other));
        Some(text.map_err(|cause| JournalFault::Io { path: self.path.clone(), cause }))
    }
}

/// Reads one line with its end; gives its length.
fn next_line(lines: &mut BufReader<impl Read>, line: &mut Vec<u8>) -> std::io::Result<u64> {
    line.clear();
    let limit = u64::try_from(LINE_OCTETS_MAX).unwrap_or(u64::MAX);
    let length = lines.by_ref().take(limit).read_until(b'\n', line)?;
    Ok(u64::try_from(length).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_core::caa::{
        CaaName, ClimbStep, LookupAnswer, LookupFailure, PrivateTlds, Source, SourceAnswer,
        SourceRole, audit, climb,
    };
    use bailiwick_core::time::Time;
    use std::collections::BTreeSet;

    fn row(number: u64, failure: LookupFailure) -> AuditRow {
        let name = CaaName::parse(&format!("n{number}.example")).unwrap();
        let ClimbStep::Ask(asking) = climb(name, PrivateTlds::reserved()) else { panic!() };
        let source = Source { role: SourceRole::Resolver, server: "127.0.0.1:53".parse().unwrap() };
        let answer = LookupAnswer::Failed { failure, aliases: Vec::new() };
        let sources = vec![SourceAnswer { source, answer }];
        let ClimbStep::Finished(seen) = asking.answer(Time::from_unix_ms(0), sources) else {
            panic!()
        };
        AuditRow::of(number, "example".to_owned(), &audit(&seen, None, &BTreeSet::new()))
    }

    #[test]
    fn cut_anywhere_it_goes_on_without_a_lost_or_doubled_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let input = Digest::of(b"names");
        let mut journal = Journal::begin(&path, input, 5).unwrap();
        for number in [3, 0, 4, 0] {
            journal.add(&row(number, LookupFailure::Refused), Instant::now()).unwrap();
        }
        journal.flush().unwrap();
        assert_eq!(journal.seen().count, 3);
        drop(journal);
        let whole = std::fs::read(&path).unwrap();
        let head = whole.iter().position(|octet| *octet == b'\n').unwrap() + 1;
        for cut in head..=whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let mut journal = Journal::resume(&path, input, 5).unwrap();
            let missing: Vec<u64> = (0..5).filter(|number| !journal.seen().has(*number)).collect();
            for number in &missing {
                journal.add(&row(*number, LookupFailure::Refused), Instant::now()).unwrap();
            }
            journal.flush().unwrap();
            assert_eq!(journal.seen().count, 5);
            let text = std::fs::read_to_string(&path).unwrap();
            assert_eq!(text.lines().count(), 6, "cut at {cut}");
            let rows: Vec<AuditRow> = journal
                .in_order()
                .unwrap()
                .map(|line| AuditRow::read_line(&line.unwrap()).unwrap())
                .collect();
            let expected: Vec<AuditRow> =
                (0..5).map(|number| row(number, LookupFailure::Refused)).collect();
            assert_eq!(rows, expected);
        }
        let mut journal = Journal::begin(&folder.path().join("other"), input, 1).unwrap();
        journal.add(&row(0, LookupFailure::Timeout), Instant::now()).unwrap();
        journal.flush().unwrap();
        let mut journal = Journal::resume(&folder.path().join("other"), input, 1).unwrap();
        assert_eq!(journal.seen().count, 0, "what nobody answered is asked again");
        assert_eq!(journal.in_order().unwrap().count(), 0, "and no row of it counts");
        journal.add(&row(0, LookupFailure::Refused), Instant::now()).unwrap();
        journal.flush().unwrap();
        let line = journal.in_order().unwrap().next().unwrap().unwrap();
        assert_eq!(AuditRow::read_line(&line).unwrap(), row(0, LookupFailure::Refused));
        assert!(matches!(Journal::begin(&path, input, 5), Err(JournalFault::Unfinished(_))));
        let other = Journal::resume(&path, Digest::of(b"others"), 5);
        assert!(matches!(other, Err(JournalFault::Other(_))));
        Journal::resume(&path, input, 5).unwrap().remove().unwrap();
        assert!(matches!(Journal::resume(&path, input, 5), Err(JournalFault::Nothing(_))));
    }
}
