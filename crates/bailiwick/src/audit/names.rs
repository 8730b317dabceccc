//! The names of an audit, each once, on disk: in memory there is a bit for each.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use bailiwick_core::caa::{CaaName, CaaSubject};
use bailiwick_core::names::{Digest, DnsName};
use bailiwick_wire::zone_file::{ZoneNames, read_zone_file};

use super::spill::{Bits, From, unnamed_beside};

/// Lines that are no names are kept, so that a person can see them; more than this are only counted.
const REJECTED_KEPT: usize = 1_000;
/// Characters of such a line that are kept.
const REJECTED_CHARS: usize = 120;
/// Names compared at once to find those that came before; each takes 16 octets of memory and some.
const COMPARED_AT_ONCE: u64 = 250_000;
/// Of one line of a list: a name has 253 octets, and what follows it is passed over.
const LINE_OCTETS_MAX: u64 = 64 * 1_024;

/// Lines that are no names.
#[derive(Debug, Default)]
pub(crate) struct Rejected {
    /// How many.
    pub(crate) count: u64,
    /// Where, what and why, of the first of them.
    pub(crate) kept: Vec<(String, String, String)>,
}

/// Names as they come, some more than once.
pub(crate) struct Gathering {
    path: PathBuf,
    file: BufWriter<File>,
    count: u64,
    zones: BTreeSet<DnsName>,
    rejected: Rejected,
}

/// Names, each once, in the order in which they came; and the zones they are counted under.
#[derive(Debug)]
pub(crate) struct NameList {
    file: Arc<File>,
    again: Arc<Bits>,
    count: u64,
    digest: Digest,
    zones: BTreeSet<DnsName>,
    /// Lines that are no names of the DNS.
    pub(crate) rejected: Rejected,
}

impl Gathering {
    /// Nothing yet; what comes is kept in a file without a name beside `path`.
    pub(crate) fn beside(path: &Path) -> Result<Self, String> {
        let file = unnamed_beside(path).map_err(|cause| no_room(path, &cause))?;
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::new(file),
            count: 0,
            zones: BTreeSet::new(),
            rejected: Rejected::default(),
        })
    }

    /// Adds a name; what came before is found out by [`Gathering::settle`].
    fn push(&mut self, name: &CaaName) -> Result<(), String> {
        self.count = self.count.saturating_add(1);
        writeln!(self.file, "{name}").map_err(|cause| no_room(&self.path, &cause))
    }

    /// Adds the names of a zone.
    pub(crate) fn add_zone(&mut self, zone: ZoneNames) -> Result<(), String> {
        zone.names.iter().try_for_each(|name| self.push(name))?;
        self.zones.insert(zone.apex);
        Ok(())
    }

    fn reject(&mut self, place: String, text: &str, why: &dyn std::fmt::Display) {
        self.rejected.count += 1;
        if self.rejected.kept.len() < REJECTED_KEPT {
            let text = text.chars().take(REJECTED_CHARS).collect();
            self.rejected.kept.push((place, text, why.to_string()));
        }
    }

    /// Takes out what came before, and keeps the order.
    ///
    /// Where the list is long it is read several times, and each time a part of the names is compared.
    pub(crate) fn settle(self) -> Result<NameList, String> {
        let Self { path, file, count, zones, rejected } = self;
        let failed = |cause: std::io::Error| no_room(&path, &cause);
        let file = Arc::new(file.into_inner().map_err(|cause| failed(cause.into_error()))?);
        let parts = count.div_ceil(COMPARED_AT_ONCE).max(1);
        let (mut again, hasher) = (Bits::of(count), RandomState::new());
        for part in 0..parts {
            let mut before: HashSet<[u8; 16]> = HashSet::new();
            let mut lines = BufReader::new(From::start_of(Arc::clone(&file)));
            let mut line = Vec::new();
            for number in 0..count {
                next_line(&mut lines, &mut line).map_err(failed)?;
                let mine = parts == 1 || hasher.hash_one(&line).checked_rem(parts) == Some(part);
                if mine && !before.insert(short(&Digest::of(&line))) {
                    again.set(number);
                }
            }
        }
        let mut list = NameList {
            file,
            again: Arc::new(again),
            count,
            digest: Digest::of(&[]),
            zones,
            rejected,
        };
        list.digest = list.read_digest().map_err(failed)?;
        Ok(list)
    }
}

/// Enough of a digest to tell names apart, whoever chose them.
fn short(digest: &Digest) -> [u8; 16] {
    digest.as_bytes().first_chunk().copied().unwrap_or_default()
}

fn no_room(path: &Path, cause: &std::io::Error) -> String {
    format!("beside `{}`: {cause}; make room, or let the report go elsewhere", path.display())
}

fn next_line(lines: &mut BufReader<From>, line: &mut Vec<u8>) -> std::io::Result<()> {
    line.clear();
    lines.read_until(b'\n', line)?;
    Ok(())
}

impl NameList {
    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        self.count.saturating_sub(self.again.count)
    }

    /// Names that came more than once.
    pub(crate) fn repeated(&self) -> u64 {
        self.again.count
    }

    /// All names with their numbers, but for those that `without` has.
    pub(crate) fn names(&self, without: Bits) -> Names {
        Names {
            lines: BufReader::new(From::start_of(Arc::clone(&self.file))),
            line: Vec::new(),
            again: Arc::clone(&self.again),
            without,
            count: self.count,
            place: 0,
            number: 0,
        }
    }

    /// The zones that were given.
    pub(crate) const fn zones(&self) -> &BTreeSet<DnsName> {
        &self.zones
    }

    /// The zone that a name is counted under: the deepest given one around it, or else its last two
    /// labels.
    pub(crate) fn zone_of(&self, name: &CaaName) -> String {
        zone_around(&self.zones, name)
    }

    /// Names the list: the same names in the same order give the same digest.
    pub(crate) const fn digest(&self) -> Digest {
        self.digest
    }

    fn read_digest(&self) -> std::io::Result<Digest> {
        let mut context = Context::new(&SHA256);
        let mut lines = BufReader::new(From::start_of(Arc::clone(&self.file)));
        let mut line = Vec::new();
        for place in 0..self.count {
            next_line(&mut lines, &mut line)?;
            if !self.again.has(place) {
                context.update(&line);
            }
        }
        let octets = context.finish();
        Ok(Digest::from_bytes(octets.as_ref().try_into().unwrap_or_default()))
    }
}

fn zone_around(zones: &BTreeSet<DnsName>, name: &CaaName) -> String {
    let mut at = Some(name.base().clone()).filter(|_| !zones.is_empty());
    while let Some(zone) = at {
        if zones.contains(&zone) {
            return zone.to_string();
        }
        at = zone.parent();
    }
    let text = name.base().as_str();
    let dots = text.rmatch_indices('.').nth(1);
    dots.and_then(|(dot, _)| text.get(dot.saturating_add(1)..)).unwrap_or(text).to_owned()
}

/// The names of a list, one after the other, read as they are wanted.
///
/// Where the file cannot be read any more it ends early: whoever counts on all of them counts them.
pub(crate) struct Names {
    lines: BufReader<From>,
    line: Vec<u8>,
    again: Arc<Bits>,
    without: Bits,
    count: u64,
    /// Of the next line, those that came before included.
    place: u64,
    number: u64,
}

impl Iterator for Names {
    type Item = (u64, CaaName);

    fn next(&mut self) -> Option<Self::Item> {
        while self.place < self.count {
            next_line(&mut self.lines, &mut self.line).ok()?;
            let place = self.place;
            self.place = place.saturating_add(1);
            if self.again.has(place) {
                continue;
            }
            let number = self.number;
            self.number = number.saturating_add(1);
            if !self.without.has(number) {
                let text = std::str::from_utf8(self.line.trim_ascii_end()).ok()?;
                return Some((number, CaaName::parse(text).ok()?));
            }
        }
        None
    }
}

/// Adds a file of names, one a line; empty lines and `#` comments are passed over, and what follows
/// a comma or white space too.
pub(crate) fn read_names_file(list: &mut Gathering, path: &Path) -> Result<(), String> {
    let failed = |cause: std::io::Error| unreadable(path, &cause);
    let mut lines = BufReader::new(File::open(path).map_err(failed)?);
    let (mut line, mut number) = (Vec::new(), 0_u64);
    loop {
        line.clear();
        if lines.by_ref().take(LINE_OCTETS_MAX).read_until(b'\n', &mut line).map_err(failed)? == 0 {
            return Ok(());
        }
        if !line.ends_with(b"\n") {
            lines.skip_until(b'\n').map_err(failed)?;
        }
        number = number.saturating_add(1);
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_start_matches('\u{feff}').trim();
        let word = text.split([' ', '\t', ',', ';']).next().unwrap_or_default().trim_matches('"');
        if word.is_empty() || word.starts_with('#') {
            continue;
        }
        let subject = CaaName::parse(word).and_then(CaaSubject::of_name);
        let place = || format!("{}:{number}", path.display());
        match subject {
            Ok(CaaSubject::Name(name)) => list.push(&name)?,
            Ok(CaaSubject::Exempt(_)) => {
                list.reject(place(), word, &"CAA does not cover it; leave it out");
            }
            Err(cause) => list.reject(place(), word, &cause),
        }
    }
}

/// Adds zone files: `FILE`, `ZONE=FILE`, or a folder of them.
pub(crate) fn read_zones(list: &mut Gathering, given: &str) -> Result<(), String> {
    let (zone, path) = match given.split_once('=') {
        Some((zone, path)) => (Some(zone), PathBuf::from(path)),
        None => (None, PathBuf::from(given)),
    };
    let zone = zone.map(DnsName::parse).transpose();
    let zone = zone.map_err(|cause| format!("--zones `{given}`: {cause}"))?;
    if !path.is_dir() {
        return read_zone(list, &path, zone.or_else(|| zone_of_file(&path)));
    }
    let failed =
        |cause| format!("--zones `{}`: {cause}; give a folder that can be read", path.display());
    let entries = std::fs::read_dir(&path).map_err(failed)?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.is_file());
    files.sort();
    files.iter().try_for_each(|file| read_zone(list, file, zone_of_file(file)))
}

fn read_zone(list: &mut Gathering, path: &Path, origin: Option<DnsName>) -> Result<(), String> {
    let octets = std::fs::read(path).map_err(|cause| unreadable(path, &cause))?;
    let zone = read_zone_file(&String::from_utf8_lossy(&octets), origin.as_ref())
        .map_err(|cause| format!("`{}`: {cause}", path.display()))?;
    list.add_zone(zone)
}

/// `shop.example.zone`, `db.shop.example` and `shop.example` are files of `shop.example`.
fn zone_of_file(path: &Path) -> Option<DnsName> {
    let name = path.file_name()?.to_str()?;
    let name = name.strip_prefix("db.").unwrap_or(name);
    let name =
        [".zone", ".db", ".txt"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    DnsName::parse(name).ok()
}

fn unreadable(path: &Path, cause: &std::io::Error) -> String {
    format!("`{}`: {cause}; give a file that can be read", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(lines: &str) -> NameList {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("names");
        std::fs::write(&path, lines).unwrap();
        let mut list = Gathering::beside(&folder.path().join("report.json")).unwrap();
        read_names_file(&mut list, &path).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "its file has no name");
        list.settle().unwrap()
    }

    fn texts(names: Names) -> Vec<String> {
        names.map(|(number, name)| format!("{number} {name}")).collect()
    }

    #[test]
    fn each_name_counts_once_in_the_order_of_the_list() {
        let list = list(
            "# ours\nwww.b.example\nA.example.\n\n*.a.example,2026\nwww.b.example.\na.example # again\nz.example",
        );
        let all = ["0 www.b.example", "1 a.example", "2 *.a.example", "3 z.example"];
        assert_eq!(texts(list.names(Bits::default())), all);
        let mut seen = Bits::of(list.len());
        seen.set(1);
        seen.set(3);
        assert_eq!(texts(list.names(seen)), [all[0], all[2]]);
        assert_eq!((list.len(), list.repeated(), list.rejected.count), (4, 2, 0));
        assert_ne!(list.digest(), self::list("www.b.example\n").digest());
        let same = self::list("www.b.example\na.example\n*.a.example\nz.example\n");
        assert_eq!(list.digest(), same.digest());
    }

    #[test]
    fn a_name_is_found_again_however_long_the_list_is() {
        let some = COMPARED_AT_ONCE + 1_000;
        let folder = tempfile::tempdir().unwrap();
        let mut list = Gathering::beside(&folder.path().join("report.json")).unwrap();
        for number in (0..some).chain([0, 7, some - 1]) {
            list.push(&CaaName::parse(&format!("n{number}.example")).unwrap()).unwrap();
        }
        let list = list.settle().unwrap();
        assert_eq!((list.len(), list.repeated()), (some, 3));
        assert_eq!(list.names(Bits::default()).last().unwrap().0, some - 1);
    }

    #[test]
    fn what_is_no_name_is_kept_with_its_line() {
        let long = "x".repeat(70_000);
        let list = list(&format!("a..example\nabc.onion\nok.example\nbücher.example\n{long}\n"));
        assert_eq!((list.len(), list.rejected.count), (1, 4));
        let places: Vec<&str> = list
            .rejected
            .kept
            .iter()
            .filter_map(|(place, _, _)| place.rsplit(':').next())
            .collect();
        assert_eq!(places, ["1", "2", "4", "5"]);
    }

    #[test]
    fn names_are_counted_under_the_deepest_given_zone() {
        let mut zones = BTreeSet::new();
        let zone_of = |zones: &_, name| zone_around(zones, &CaaName::parse(name).unwrap());
        assert_eq!(zone_of(&zones, "x.y.shop.example"), "shop.example");
        assert_eq!(zone_of(&zones, "example"), "example");
        zones.insert(DnsName::parse("y.shop.example").unwrap());
        assert_eq!(zone_of(&zones, "*.x.y.shop.example"), "y.shop.example");
        assert_eq!(zone_of(&zones, "x.shop.example"), "shop.example");
        assert_eq!(zone_of_file(Path::new("/x/db.shop.example")).unwrap().as_str(), "shop.example");
        assert_eq!(zone_of_file(Path::new("shop.example.zone")).unwrap().as_str(), "shop.example");
    }
}
