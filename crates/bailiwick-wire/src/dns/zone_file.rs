//! A zone file that people keep: read, and edited so that everything else stays as they wrote it.

use std::collections::BTreeSet;

use bailiwick_core::names::ZoneName;
use bailiwick_core::records::{
    OwnerName, RecordEdit, RecordOwner, RecordType, SoaSerial, ZoneRecord, ZoneSnapshot,
};

use bailiwick_core::shown::shown;

use super::name::WireName;
use super::name_text::Origin;
use super::rdata_text::{rdata_of, rdata_text, read_ttl};
use super::set::serial_of;
use super::words::{BadText, Word};
use super::zone_lines::{Entry, Placed, entries};

/// Octets of a zone file that are read.
const FILE_OCTETS_MAX: usize = 64 * 1_024 * 1_024;

/// Why a text is not a zone file that can be edited.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadZoneFile {
    /// A line that cannot be read.
    #[error("line {line}: {why}")]
    Line {
        /// Which, counted from 1.
        line: usize,
        /// Why.
        why: BadText,
    },
    /// A directive that takes in other files or makes records up: they are in no line of this file.
    #[error("line {line}: `{}` is not followed; write the records into this file", shown(.directive))]
    Directive {
        /// Which line.
        line: usize,
        /// Which directive.
        directive: String,
    },
    /// A TTL that is said nowhere near: it would follow whatever stands before.
    #[error("line {line}: no TTL; write one, or `$TTL` at the top of the file")]
    NoTtl {
        /// Which line.
        line: usize,
    },
    /// No SOA record at the apex, or more than one.
    #[error("the file has not exactly one SOA record for `{0}`; is it the file of this zone?")]
    NoSoa(ZoneName),
    /// Too much.
    #[error("the file has more than {FILE_OCTETS_MAX} octets")]
    TooLarge,
    /// The edit did not come out as it should; nothing is written then.
    #[error("the edited file would not hold what was wanted; edit it by hand and tell us of it")]
    NotAsWanted,
}

/// A zone file and what it says.
#[derive(Clone, Debug)]
pub struct ZoneFile<'a> {
    text: &'a str,
    zone: ZoneName,
    lines: Vec<Line<'a>>,
    /// Where the digits of the serial stand.
    serial_at: (usize, usize),
    serial: SoaSerial,
    /// Whether a record leaves its TTL to the record before it.
    ttl_follows: Option<usize>,
}

#[derive(Clone, Debug)]
struct Line<'a> {
    entry: Entry<'a>,
    record: Option<ZoneRecord>,
    /// Whether the owner stands in the line itself.
    names_owner: bool,
}

/// What the lines so far say about those that follow.
struct Before {
    origin: WireName,
    default_ttl: Option<u32>,
    last_ttl: Option<u32>,
    owner: Option<WireName>,
    ttl_follows: Option<usize>,
}

impl<'a> ZoneFile<'a> {
    /// Reads the file of a zone.
    ///
    /// # Errors
    /// [`BadZoneFile`]: every record must be told by this file alone.
    pub fn read(text: &'a str, zone: &ZoneName) -> Result<Self, BadZoneFile> {
        if text.len() > FILE_OCTETS_MAX {
            return Err(BadZoneFile::TooLarge);
        }
        let apex = WireName::from(zone);
        let mut before = Before {
            origin: apex.clone(),
            default_ttl: None,
            last_ttl: None,
            owner: None,
            ttl_follows: None,
        };
        let all = entries(text).map_err(|(line, why)| BadZoneFile::Line { line, why })?;
        let mut lines = Vec::with_capacity(all.len());
        let mut soa = None;
        let mut soas = 0_usize;
        for entry in all {
            let record = before.take(&entry, &apex)?;
            if let Some(record) = &record
                && record.kind == RecordType::SOA
            {
                soas = soas.saturating_add(1);
                soa = serial_place(&entry).zip(serial_of(&record.rdata));
            }
            let names_owner = record.is_some() && !entry.is_indented;
            lines.push(Line { entry, record, names_owner });
        }
        let no_soa = || BadZoneFile::NoSoa(zone.clone());
        let (serial_at, serial) = soa.filter(|_| soas == 1).ok_or_else(no_soa)?;
        let (zone, ttl_follows) = (zone.clone(), before.ttl_follows);
        Ok(Self { text, zone, lines, serial_at, serial, ttl_follows })
    }

    /// What it says.
    #[must_use]
    pub fn snapshot(&self) -> ZoneSnapshot {
        ZoneSnapshot::new(self.serial, self.lines.iter().filter_map(|line| line.record.clone()))
    }

    /// The text with these edits made and the next serial. Every line that they do not touch, with its
    /// comment and its place, is as it was. Pre-images are the caller's to compare.
    ///
    /// # Errors
    /// [`BadZoneFile`]; what would come out is read again and compared before it is given back.
    pub fn edited(&self, edits: &[RecordEdit]) -> Result<String, BadZoneFile> {
        if let Some(line) = self.ttl_follows {
            // A record that comes or goes could alter the TTL of that one.
            return Err(BadZoneFile::NoTtl { line });
        }
        let mut patches = vec![Patch {
            from: self.serial_at.0,
            to: self.serial_at.1,
            text: self.serial.next().to_string(),
        }];
        let mut gone = BTreeSet::new();
        for edit in edits {
            self.patch(edit, &mut patches, &mut gone);
        }
        self.name_orphans(&gone, &mut patches);
        let text = patched(self.text, patches).ok_or(BadZoneFile::NotAsWanted)?;
        let came = ZoneFile::read(&text, &self.zone)?;
        let wanted = self.wanted(edits);
        if came.snapshot() == wanted { Ok(text) } else { Err(BadZoneFile::NotAsWanted) }
    }

    fn wanted(&self, edits: &[RecordEdit]) -> ZoneSnapshot {
        let is_edited = |record: &ZoneRecord| {
            edits.iter().any(|it| {
                record.owner == RecordOwner::Plain(it.owner().clone()) && record.kind == it.kind()
            })
        };
        let kept = self.lines.iter().filter_map(|line| line.record.clone());
        let kept = kept.filter(|record| !is_edited(record));
        let come = edits.iter().flat_map(|edit| {
            let after = edit.after();
            let rdata = after.map(|it| it.rdata().clone()).unwrap_or_default();
            rdata.into_iter().map(move |rdata| ZoneRecord {
                owner: RecordOwner::Plain(edit.owner().clone()),
                kind: edit.kind(),
                ttl_seconds: after.map_or(0, |it| it.ttl_seconds()),
                rdata,
            })
        });
        ZoneSnapshot::new(self.serial.next(), kept.chain(come))
    }

    fn patch(&self, edit: &RecordEdit, patches: &mut Vec<Patch>, gone: &mut BTreeSet<usize>) {
        let owner = RecordOwner::Plain(edit.owner().clone());
        let mut missing = edit.after().map(|it| it.rdata().clone()).unwrap_or_default();
        let mut place = None;
        let mut beside = None;
        for (at, line) in self.lines.iter().enumerate() {
            let Some(record) = line.record.as_ref().filter(|it| it.owner == owner) else {
                continue;
            };
            beside = Some(at);
            if record.kind != edit.kind() {
                continue;
            }
            place = Some(at);
            let ttl_stays = edit.after().is_some_and(|it| it.ttl_seconds() == record.ttl_seconds);
            if !(ttl_stays && missing.remove(&record.rdata)) {
                gone.insert(at);
                patches.push(Patch::remove(&line.entry));
            }
        }
        let at = place.or(beside).and_then(|at| self.lines.get(at)).map(|line| line.entry.to);
        let at = at.unwrap_or(self.text.len());
        let ttl = edit.after().map_or(0, |it| it.ttl_seconds());
        let lines: String = missing
            .iter()
            .map(|rdata| record_line(edit.owner(), ttl, edit.kind(), rdata))
            .collect();
        if !lines.is_empty() {
            let starts_line =
                self.text.get(..at).is_none_or(|it| it.is_empty() || it.ends_with('\n'));
            let text = if starts_line { lines } else { format!("\n{lines}") };
            patches.push(Patch { from: at, to: at, text });
        }
    }

    /// A line without an owner takes that of the record before it; where that one goes, or another
    /// comes in between, the name is written in front.
    fn name_orphans(&self, gone: &BTreeSet<usize>, patches: &mut Vec<Patch>) {
        let mut is_named = true;
        for (at, line) in self.lines.iter().enumerate() {
            let Some(record) = &line.record else { continue };
            if gone.contains(&at) {
                is_named &= !line.names_owner;
                continue;
            }
            if line.names_owner {
                is_named = true;
            } else if !is_named {
                let name = match &record.owner {
                    RecordOwner::Plain(owner) => format!("{owner}."),
                    RecordOwner::Odd(name) => name.clone(),
                };
                let from = line.entry.from;
                patches.push(Patch { from, to: from, text: name });
                is_named = true;
            }
        }
    }
}

fn record_line(owner: &OwnerName, ttl: u32, kind: RecordType, rdata: &[u8]) -> String {
    format!("{owner}.\t{ttl}\tIN\t{kind}\t{}\n", rdata_text(kind, rdata))
}

struct Patch {
    from: usize,
    to: usize,
    text: String,
}

impl Patch {
    const fn remove(entry: &Entry<'_>) -> Self {
        Self { from: entry.from, to: entry.to, text: String::new() }
    }
}

fn patched(text: &str, mut patches: Vec<Patch>) -> Option<String> {
    // What is put in at a place comes behind what is taken away up to it; stable for the rest.
    patches.sort_by_key(|patch| (patch.from, patch.to));
    let mut came = String::with_capacity(text.len().saturating_add(256));
    let mut at = 0;
    for patch in patches {
        came.push_str(text.get(at..patch.from)?);
        came.push_str(&patch.text);
        at = patch.to;
    }
    came.push_str(text.get(at..)?);
    Some(came)
}

/// Where the serial of a SOA record stands: the third word of its data.
fn serial_place(entry: &Entry<'_>) -> Option<(usize, usize)> {
    let kind = entry.words.iter().position(|it| it.word.raw.eq_ignore_ascii_case("SOA"))?;
    let serial: &Placed<'_> = entry.words.get(kind.checked_add(3)?)?;
    Some((serial.at, serial.at.checked_add(serial.word.raw.len())?))
}

impl Before {
    /// Reads one entry; the record, where it is one.
    fn take(
        &mut self,
        entry: &Entry<'_>,
        apex: &WireName,
    ) -> Result<Option<ZoneRecord>, BadZoneFile> {
        let bad = |why| BadZoneFile::Line { line: entry.line, why };
        let words: Vec<Word<'_>> = entry.words.iter().map(|placed| placed.word).collect();
        let Some((first, rest)) = words.split_first() else { return Ok(None) };
        if first.raw.starts_with('$') && !first.quoted {
            return self.directive(entry, first.raw, rest).map(|()| None);
        }
        let mut rest = if entry.is_indented { words.as_slice() } else { rest };
        if !entry.is_indented {
            let owner = WireName::from_text(first.raw, Origin::Appended(&self.origin));
            self.owner = Some(owner.map_err(bad)?);
        }
        let owner = self.owner.clone().ok_or_else(|| bad(BadText::Missing("the owner")))?;
        if !owner.is_at_or_below(apex) {
            return Err(bad(BadText::Outside(owner.to_string())));
        }
        let mut ttl = None;
        let kind = loop {
            let next = rest.split_first().ok_or_else(|| bad(BadText::Missing("the type")))?;
            let (word, after) = next;
            rest = after;
            if ttl.is_none() && word.raw.starts_with(|first: char| first.is_ascii_digit()) {
                ttl = Some(read_ttl(word.raw).map_err(bad)?);
            } else if !word.raw.eq_ignore_ascii_case("IN") {
                let kind = RecordType::parse(word.raw);
                break kind.ok_or_else(|| bad(BadText::Type(word.raw.to_owned())))?;
            }
        };
        if ttl.is_none() && self.default_ttl.is_none() {
            self.ttl_follows = self.ttl_follows.or(Some(entry.line));
        }
        let ttl_seconds = ttl.or(self.default_ttl).or(self.last_ttl);
        let ttl_seconds = ttl_seconds.ok_or(BadZoneFile::NoTtl { line: entry.line })?;
        self.last_ttl = Some(ttl_seconds);
        let rdata = rdata_of(kind, rest, Origin::Appended(&self.origin)).map_err(bad)?;
        let plain = owner.to_owner();
        let owner = plain.map_or_else(|| RecordOwner::Odd(owner.to_string()), RecordOwner::Plain);
        Ok(Some(ZoneRecord { owner, kind, ttl_seconds, rdata }))
    }

    fn directive(
        &mut self,
        entry: &Entry<'_>,
        name: &str,
        rest: &[Word<'_>],
    ) -> Result<(), BadZoneFile> {
        let bad = |why| BadZoneFile::Line { line: entry.line, why };
        let value = rest.first().map(|word| word.raw);
        match name.to_ascii_uppercase().as_str() {
            "$ORIGIN" => {
                let value = value.ok_or_else(|| bad(BadText::Missing("the origin")))?;
                let origin = WireName::from_text(value, Origin::Appended(&self.origin));
                self.origin = origin.map_err(bad)?;
                Ok(())
            }
            "$TTL" => {
                let value = value.ok_or_else(|| bad(BadText::Missing("the TTL")))?;
                self.default_ttl = Some(read_ttl(value).map_err(bad)?);
                Ok(())
            }
            _ => Err(BadZoneFile::Directive { line: entry.line, directive: name.to_owned() }),
        }
    }
}
