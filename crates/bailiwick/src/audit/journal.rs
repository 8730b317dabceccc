//! The journal: one line per name that was seen, in the order in which they came.
//!
//! A line counts when it is whole. What a kill cut short is cut off, and its name is asked again, as
//! is a name that no server answered for; each name has one line that counts, so none is lost or
//! counted twice.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bailiwick_core::caa::FindingKind;
use bailiwick_core::names::Digest;
use bailiwick_wire::caa_audit::AuditRow;
use serde::{Deserialize, Serialize};

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
    names: usize,
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
    /// Where each name's line begins and how long it is.
    places: Vec<Option<(u64, u32)>>,
    end: u64,
    written_at: Option<Instant>,
    /// Names that have a line.
    pub(crate) seen: usize,
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
    pub(crate) fn begin(path: &Path, input: Digest, names: usize) -> Result<Self, JournalFault> {
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
    pub(crate) fn resume(path: &Path, input: Digest, names: usize) -> Result<Self, JournalFault> {
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
        journal.end = length;
        loop {
            let length = next_line(&mut lines, &mut line).map_err(io)?;
            // The last line may have been cut short; what comes after a damaged one is not trusted.
            let whole = line.ends_with(b"\n");
            let Some(row) = serde_json::from_slice::<Numbered>(&line).ok().filter(|_| whole) else {
                break;
            };
            if row.is_seen() {
                journal.place(row.number, length);
            }
            journal.end += length;
        }
        let file = journal.file.get_mut();
        file.set_len(journal.end).map_err(io)?;
        file.seek(SeekFrom::Start(journal.end)).map_err(io)?;
        Ok(journal)
    }

    fn on(path: &Path, file: File, names: usize) -> Self {
        Self {
            path: path.to_owned(),
            file: BufWriter::with_capacity(BUFFER_OCTETS, file),
            places: vec![None; names],
            end: 0,
            written_at: None,
            seen: 0,
        }
    }

    /// Notes where a name's line is; the first counts.
    fn place(&mut self, number: u64, length: u64) -> bool {
        let place = usize::try_from(number).ok().and_then(|number| self.places.get_mut(number));
        let (Some(place), Ok(length)) = (place, u32::try_from(length)) else { return false };
        if place.is_some() {
            return false;
        }
        *place = Some((self.end, length));
        self.seen += 1;
        true
    }

    /// Whether a name has its line.
    pub(crate) fn has(&self, number: usize) -> bool {
        self.places.get(number).is_some_and(Option::is_some)
    }

    /// Adds a name's line, unless it has one.
    pub(crate) fn add(&mut self, row: &AuditRow, now: Instant) -> Result<(), JournalFault> {
        let io = |cause| JournalFault::Io { path: self.path.clone(), cause };
        let line = row.to_line().map_err(|cause| io(cause.into()))?;
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX).saturating_add(1);
        if self.place(row.number, length) {
            self.write_line(&line)
                .map_err(|cause| JournalFault::Io { path: self.path.clone(), cause })?;
            let due = |at: Instant| now.saturating_duration_since(at) >= UNWRITTEN_FOR;
            if self.written_at.is_none_or(due) {
                self.flush()?;
                self.written_at = Some(now);
            }
        }
        Ok(())
    }

    fn write_line(&mut self, line: &str) -> std::io::Result<()> {
        self.file.write_all(line.as_bytes())?;
        self.file.write_all(b"\n")?;
        self.end += u64::try_from(line.len()).unwrap_or(u64::MAX).saturating_add(1);
        Ok(())
    }

    /// Hands everything to the system: from here on a kill costs nothing.
    pub(crate) fn flush(&mut self) -> Result<(), JournalFault> {
        self.file.flush().map_err(|cause| JournalFault::Io { path: self.path.clone(), cause })
    }

    /// A name's line, without its end. Only what was flushed can be read.
    pub(crate) fn line(&self, number: usize) -> Result<Option<String>, JournalFault> {
        let Some(Some((begin, length))) = self.places.get(number) else { return Ok(None) };
        let mut octets = vec![0; usize::try_from(*length).unwrap_or(0)];
        let file = self.file.get_ref();
        file.read_exact_at(&mut octets, *begin)
            .map_err(|cause| JournalFault::Io { path: self.path.clone(), cause })?;
        octets.pop();
        Ok(Some(String::from_utf8_lossy(&octets).into_owned()))
    }

    /// Removes it: the reports are written.
    pub(crate) fn remove(self) -> Result<(), JournalFault> {
        std::fs::remove_file(&self.path)
            .map_err(|cause| JournalFault::Io { path: self.path.clone(), cause })
    }
}

/// Reads one line with its end; gives its length.
fn next_line(lines: &mut BufReader<File>, line: &mut Vec<u8>) -> std::io::Result<u64> {
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
        assert_eq!(journal.seen, 3);
        drop(journal);
        let whole = std::fs::read(&path).unwrap();
        let head = whole.iter().position(|octet| *octet == b'\n').unwrap() + 1;
        for cut in head..=whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let mut journal = Journal::resume(&path, input, 5).unwrap();
            let missing: Vec<u64> =
                (0..5_u8).filter(|n| !journal.has((*n).into())).map(u64::from).collect();
            for number in &missing {
                journal.add(&row(*number, LookupFailure::Refused), Instant::now()).unwrap();
            }
            journal.flush().unwrap();
            assert_eq!(journal.seen, 5);
            let text = std::fs::read_to_string(&path).unwrap();
            assert_eq!(text.lines().count(), 6, "cut at {cut}");
            for number in 0..5_u8 {
                let line = journal.line(number.into()).unwrap().unwrap();
                assert_eq!(
                    AuditRow::read_line(&line).unwrap(),
                    row(number.into(), LookupFailure::Refused)
                );
            }
        }
        let mut journal = Journal::begin(&folder.path().join("other"), input, 1).unwrap();
        journal.add(&row(0, LookupFailure::Timeout), Instant::now()).unwrap();
        journal.flush().unwrap();
        let journal = Journal::resume(&folder.path().join("other"), input, 1).unwrap();
        assert_eq!(journal.seen, 0, "what nobody answered is asked again");
        assert!(matches!(Journal::begin(&path, input, 5), Err(JournalFault::Unfinished(_))));
        let other = Journal::resume(&path, Digest::of(b"others"), 5);
        assert!(matches!(other, Err(JournalFault::Other(_))));
        Journal::resume(&path, input, 5).unwrap().remove().unwrap();
        assert!(matches!(Journal::resume(&path, input, 5), Err(JournalFault::Nothing(_))));
    }
}
