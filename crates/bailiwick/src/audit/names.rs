//! The names of an audit, each once, in little memory.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bailiwick_core::caa::{CaaName, CaaSubject};
use bailiwick_core::names::{Digest, DnsName};
use bailiwick_wire::zone_file::{ZoneNames, read_zone_file};

/// Lines that are no names are kept, so that a person can see them; more than this are only counted.
const REJECTED_KEPT: usize = 1_000;
/// Characters of such a line that are kept.
const REJECTED_CHARS: usize = 120;

/// Names, each once, in the order in which they came; and the zones they are counted under.
#[derive(Debug, Default)]
pub(crate) struct NameList {
    text: String,
    ends: Vec<usize>,
    zones: BTreeSet<DnsName>,
    /// Names that came more than once.
    pub(crate) repeated: u64,
    /// Lines that are no names of the DNS.
    pub(crate) rejected: Rejected,
}

/// Lines that are no names.
#[derive(Debug, Default)]
pub(crate) struct Rejected {
    /// How many.
    pub(crate) count: u64,
    /// Where, what and why, of the first of them.
    pub(crate) kept: Vec<(String, String, String)>,
}

impl NameList {
    /// Adds a name; what came before is found out by [`NameList::settle`].
    fn push(&mut self, name: &CaaName) {
        self.text.push_str(&name.to_string());
        self.ends.push(self.text.len());
    }

    /// Adds the names of a zone.
    pub(crate) fn add_zone(&mut self, zone: ZoneNames) {
        zone.names.iter().for_each(|name| self.push(name));
        self.zones.insert(zone.apex);
    }

    fn reject(&mut self, place: String, text: &str, why: &dyn std::fmt::Display) {
        self.rejected.count += 1;
        if self.rejected.kept.len() < REJECTED_KEPT {
            let text = text.chars().take(REJECTED_CHARS).collect();
            self.rejected.kept.push((place, text, why.to_string()));
        }
    }

    /// Takes out what came before, and keeps the order.
    pub(crate) fn settle(self) -> Self {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_by_key(|number| (self.text_of(*number), *number));
        let mut again = vec![false; self.len()];
        for pair in order.windows(2) {
            if let [before, after] = pair
                && self.text_of(*before) == self.text_of(*after)
                && let Some(flag) = again.get_mut(*after)
            {
                *flag = true;
            }
        }
        let mut settled = Self {
            text: String::with_capacity(self.text.len()),
            ends: Vec::with_capacity(self.ends.len()),
            ..Self::default()
        };
        for (number, again) in again.iter().enumerate() {
            if *again {
                settled.repeated += 1;
            } else {
                settled.text.push_str(self.text_of(number));
                settled.ends.push(settled.text.len());
            }
        }
        Self { zones: self.zones, rejected: self.rejected, ..settled }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    fn text_of(&self, number: usize) -> &str {
        let begin = number.checked_sub(1).and_then(|before| self.ends.get(before)).unwrap_or(&0);
        let end = self.ends.get(number).unwrap_or(begin);
        self.text.get(*begin..*end).unwrap_or_default()
    }

    /// One name.
    pub(crate) fn get(&self, number: usize) -> Option<CaaName> {
        CaaName::parse(self.text_of(number)).ok()
    }

    /// The zones that were given.
    pub(crate) const fn zones(&self) -> &BTreeSet<DnsName> {
        &self.zones
    }

    /// The zone that a name is counted under: the deepest given one around it, or else its last two
    /// labels.
    pub(crate) fn zone_of(&self, name: &CaaName) -> String {
        let mut at = Some(name.base().clone()).filter(|_| !self.zones.is_empty());
        while let Some(zone) = at {
            if self.zones.contains(&zone) {
                return zone.to_string();
            }
            at = zone.parent();
        }
        let text = name.base().as_str();
        let dots = text.rmatch_indices('.').nth(1);
        dots.and_then(|(dot, _)| text.get(dot.saturating_add(1)..)).unwrap_or(text).to_owned()
    }

    /// Names the list: the same names in the same order give the same digest.
    pub(crate) fn digest(&self) -> Digest {
        let ends: Vec<u8> = self.ends.iter().flat_map(|end| end.to_be_bytes()).collect();
        Digest::of(&[self.text.as_bytes(), &ends].concat())
    }
}

/// Adds a file of names, one a line; empty lines and `#` comments are passed over, and what follows
/// a comma or white space too.
pub(crate) fn read_names_file(list: &mut NameList, path: &Path) -> Result<(), String> {
    let text = read(path)?;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_start_matches('\u{feff}').trim();
        let word = line.split([' ', '\t', ',', ';']).next().unwrap_or_default().trim_matches('"');
        if word.is_empty() || word.starts_with('#') {
            continue;
        }
        let subject = CaaName::parse(word).and_then(CaaSubject::of_name);
        let place = || format!("{}:{number}", path.display());
        match subject {
            Ok(CaaSubject::Name(name)) => list.push(&name),
            Ok(CaaSubject::Exempt(_)) => {
                list.reject(place(), word, &"CAA does not cover it; leave it out");
            }
            Err(cause) => list.reject(place(), word, &cause),
        }
    }
    Ok(())
}

/// Adds zone files: `FILE`, `ZONE=FILE`, or a folder of them.
pub(crate) fn read_zones(list: &mut NameList, given: &str) -> Result<(), String> {
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

fn read_zone(list: &mut NameList, path: &Path, origin: Option<DnsName>) -> Result<(), String> {
    let text = read(path)?;
    let zone = read_zone_file(&text, origin.as_ref())
        .map_err(|cause| format!("`{}`: {cause}", path.display()))?;
    list.add_zone(zone);
    Ok(())
}

/// `shop.example.zone`, `db.shop.example` and `shop.example` are files of `shop.example`.
fn zone_of_file(path: &Path) -> Option<DnsName> {
    let name = path.file_name()?.to_str()?;
    let name = name.strip_prefix("db.").unwrap_or(name);
    let name =
        [".zone", ".db", ".txt"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    DnsName::parse(name).ok()
}

fn read(path: &Path) -> Result<String, String> {
    let octets = std::fs::read(path)
        .map_err(|cause| format!("`{}`: {cause}; give a file that can be read", path.display()))?;
    Ok(String::from_utf8_lossy(&octets).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(lines: &str) -> NameList {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("names");
        std::fs::write(&path, lines).unwrap();
        let mut list = NameList::default();
        read_names_file(&mut list, &path).unwrap();
        list.settle()
    }

    #[test]
    fn each_name_counts_once_in_the_order_of_the_list() {
        let list = list(
            "# ours\nwww.b.example\nA.example.\n\n*.a.example,2026\nwww.b.example.\na.example # again\n",
        );
        let names: Vec<String> =
            (0..list.len()).map(|n| list.get(n).unwrap().to_string()).collect();
        assert_eq!(names, ["www.b.example", "a.example", "*.a.example"]);
        assert_eq!((list.repeated, list.rejected.count), (2, 0));
        assert_ne!(list.digest(), self::list("www.b.example\n").digest());
    }

    #[test]
    fn what_is_no_name_is_kept_with_its_line() {
        let list = list("a..example\nabc.onion\nok.example\nbücher.example\n");
        assert_eq!((list.len(), list.rejected.count), (1, 3));
        let places: Vec<&str> = list
            .rejected
            .kept
            .iter()
            .filter_map(|(place, _, _)| place.rsplit(':').next())
            .collect();
        assert_eq!(places, ["1", "2", "4"]);
    }

    #[test]
    fn names_are_counted_under_the_deepest_given_zone() {
        let mut list = list("a.example\n");
        let zone_of = |list: &NameList, name| list.zone_of(&CaaName::parse(name).unwrap());
        assert_eq!(zone_of(&list, "x.y.shop.example"), "shop.example");
        assert_eq!(zone_of(&list, "example"), "example");
        list.zones.insert(DnsName::parse("y.shop.example").unwrap());
        assert_eq!(zone_of(&list, "*.x.y.shop.example"), "y.shop.example");
        assert_eq!(zone_of(&list, "x.shop.example"), "shop.example");
        assert_eq!(zone_of_file(Path::new("/x/db.shop.example")).unwrap().as_str(), "shop.example");
        assert_eq!(zone_of_file(Path::new("shop.example.zone")).unwrap().as_str(), "shop.example");
    }
}
