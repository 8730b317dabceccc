//! The names of a zone file (RFC 1035, section 5) that certificates are made for.
//!
//! Only owners and types are read. What would change the meaning of the rest and is not read here
//! (`$INCLUDE`, `$GENERATE`) is refused, never passed over.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bailiwick_core::caa::CaaName;
use bailiwick_core::names::{DnsName, ZoneName};
use bailiwick_core::records::ZoneSnapshot;

/// What stands in a zone file for an audit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ZoneNames {
    /// The apex.
    pub apex: DnsName,
    /// Names that something is reached under: the apex, and every owner of an address, an alias, a
    /// mail server or a service binding. Without those below a delegation.
    pub names: BTreeSet<CaaName>,
    /// Owners left out: they hold only other types, or are no name a certificate can have.
    pub left_out: u64,
}

/// Types under which something is reached.
const REACHED: [&str; 7] = ["A", "AAAA", "CNAME", "MX", "HTTPS", "SVCB", "CAA"];

/// Reads a zone file; `origin` is what relative names are relative to at its beginning.
///
/// # Errors
/// [`BadZoneFile`] with the line.
pub fn read_zone_file(text: &str, origin: Option<&DnsName>) -> Result<ZoneNames, BadZoneFile> {
    let mut reader = Reader {
        origin: origin.map(|name| format!("{name}.")),
        owner: None,
        apex: None,
        owners: BTreeMap::new(),
    };
    for entry in entries(text)? {
        reader.take(&entry).map_err(|what| BadZoneFile { line: entry.line, what })?;
    }
    reader.finish()
}

/// A zone file cannot be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BadZoneFile {
    /// The line, from 1; 0 stands for the file as a whole.
    pub line: usize,
    /// What is wrong.
    pub what: BadZone,
}

/// What is wrong with a zone file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum BadZone {
    /// A directive that is not read here.
    Directive(String),
    /// A relative name, and nothing says relative to what.
    NoOrigin(String),
    /// A record without an owner, and none before it.
    NoOwner,
    /// A record without a type.
    NoType,
    /// A parenthesis or a quote that is not closed.
    Open,
    /// A parenthesis that closes nothing.
    Unopened,
    /// No SOA record, so no apex.
    NoApex,
    /// More than one SOA owner.
    TwoApexes(String),
    /// The apex is no name that CAA can be asked for.
    Apex(String),
}

/// One entry: its words, and whether it begins with white space.
struct Entry {
    line: usize,
    words: Vec<String>,
    continues_owner: bool,
}

struct Reader {
    origin: Option<String>,
    owner: Option<String>,
    apex: Option<String>,
    /// Types by owner, in lower case with the final dot.
    owners: BTreeMap<String, BTreeSet<String>>,
}

impl Reader {
    fn take(&mut self, entry: &Entry) -> Result<(), BadZone> {
        let mut words = entry.words.iter().map(String::as_str).peekable();
        if !entry.continues_owner {
            let first = words.next().unwrap_or_default();
            if first.starts_with('$') {
                return self.directive(first, words.next());
            }
            self.owner = Some(self.absolute(first)?);
        }
        let owner = self.owner.clone().ok_or(BadZone::NoOwner)?;
        while words.next_if(|word| is_ttl(word) || is_class(word)).is_some() {}
        let kind = words.next().ok_or(BadZone::NoType)?.to_ascii_uppercase();
        if kind == "SOA" {
            match &self.apex {
                Some(apex) if *apex != owner => return Err(BadZone::TwoApexes(owner)),
                Some(_) | None => self.apex = Some(owner.clone()),
            }
        }
        self.owners.entry(owner).or_default().insert(kind);
        Ok(())
    }

    fn directive(&mut self, word: &str, value: Option<&str>) -> Result<(), BadZone> {
        match (word.to_ascii_uppercase().as_str(), value) {
            ("$ORIGIN", Some(value)) => {
                self.origin = Some(self.absolute(value)?);
                Ok(())
            }
            ("$TTL", _) => Ok(()),
            _ => Err(BadZone::Directive(word.to_owned())),
        }
    }

    /// A name with everything after it, in lower case, with the final dot.
    fn absolute(&self, word: &str) -> Result<String, BadZone> {
        if word.ends_with('.') && !word.ends_with("\\.") {
            return Ok(word.to_ascii_lowercase());
        }
        let origin = self.origin.as_deref().ok_or_else(|| BadZone::NoOrigin(word.to_owned()))?;
        Ok(match (word, origin) {
            ("@", _) => origin.to_owned(),
            (_, ".") => format!("{}.", word.to_ascii_lowercase()),
            _ => format!("{}.{origin}", word.to_ascii_lowercase()),
        })
    }

    fn finish(self) -> Result<ZoneNames, BadZoneFile> {
        let whole = |what| BadZoneFile { line: 0, what };
        let apex = self.apex.ok_or_else(|| whole(BadZone::NoApex))?;
        let apex = DnsName::parse(&apex).map_err(|_| whole(BadZone::Apex(apex)))?;
        Ok(names_of(apex, &self.owners))
    }
}

/// The same of a zone that was transferred.
#[must_use]
pub fn names_of_snapshot(zone: &ZoneName, snapshot: &ZoneSnapshot) -> ZoneNames {
    let mut owners: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (owner, kind) in snapshot.sets().keys() {
        let word = NUMBERS.iter().find(|(number, _)| *number == kind.number());
        let word = word.map_or("other", |(_, word)| *word);
        owners.entry(format!("{owner}.")).or_default().insert(word.to_owned());
    }
    names_of(zone.apex().clone(), &owners)
}

/// Numbers of the types that count here (IANA DNS parameters).
const NUMBERS: [(u16, &str); 8] = [
    (1, "A"),
    (2, "NS"),
    (5, "CNAME"),
    (15, "MX"),
    (28, "AAAA"),
    (64, "SVCB"),
    (65, "HTTPS"),
    (257, "CAA"),
];

/// Types by owner, in lower case with the final dot, as names.
fn names_of(apex: DnsName, owners: &BTreeMap<String, BTreeSet<String>>) -> ZoneNames {
    let apex_text = format!("{apex}.");
    let cuts: BTreeSet<&String> = owners
        .iter()
        .filter(|(owner, kinds)| **owner != apex_text && kinds.contains("NS"))
        .map(|(owner, _)| owner)
        .collect();
    let mut names = BTreeSet::from([CaaName::plain(apex.clone())]);
    let mut left_out = 0;
    for (owner, kinds) in owners {
        let reached = REACHED.iter().any(|kind| kinds.contains(*kind)) || cuts.contains(owner);
        let name = CaaName::parse(owner).ok().filter(|name| {
            name.base().is_at_or_below(&apex) && !name.base().as_str().contains('_')
        });
        match name.filter(|_| reached && !is_below_cut(owner, &cuts)) {
            Some(name) => {
                names.insert(name);
            }
            None if *owner != apex_text => left_out += 1,
            None => {}
        }
    }
    ZoneNames { apex, names, left_out }
}

fn is_below_cut(owner: &str, cuts: &BTreeSet<&String>) -> bool {
    let mut rest = owner;
    while let Some((_, above)) = rest.split_once('.') {
        if cuts.iter().any(|cut| *cut == above) {
            return true;
        }
        rest = above;
    }
    false
}

/// A TTL: seconds, or BIND's `1h30m`.
fn is_ttl(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
        && word.chars().all(|c| c.is_ascii_digit() || "smhdwSMHDW".contains(c))
}

fn is_class(word: &str) -> bool {
    ["IN", "CH", "HS", "CS"].iter().any(|class| word.eq_ignore_ascii_case(class))
}

/// The entries of the file: comments gone, parentheses joined.
fn entries(text: &str) -> Result<Vec<Entry>, BadZoneFile> {
    let mut entries = Vec::new();
    let mut entry: Option<Entry> = None;
    let mut open = 0_usize;
    let mut last_line = 0;
    for (number, line) in (1..).zip(text.lines()) {
        last_line = number;
        let bad = |what| BadZoneFile { line: number, what };
        if open == 0 {
            entries.extend(entry.take().filter(|entry| !entry.words.is_empty()));
            let continues_owner = line.starts_with([' ', '\t']);
            entry = Some(Entry { line: number, words: Vec::new(), continues_owner });
        }
        let Some(entry) = &mut entry else { continue };
        open = words_of(line, &mut entry.words, open).map_err(bad)?;
    }
    if open > 0 {
        return Err(BadZoneFile { line: last_line, what: BadZone::Open });
    }
    entries.extend(entry.filter(|entry| !entry.words.is_empty()));
    Ok(entries)
}

/// Adds a line's words; gives how many parentheses are open after it.
fn words_of(line: &str, words: &mut Vec<String>, mut open: usize) -> Result<usize, BadZone> {
    let mut word = String::new();
    let mut has_word = false;
    let mut quoted = false;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                word.push(letter);
                word.extend(letters.next());
                has_word = true;
            }
            '"' => {
                quoted = !quoted;
                has_word = true;
            }
            _ if quoted => word.push(letter),
            ';' => break,
            ' ' | '\t' | '(' | ')' | '\r' => {
                if has_word {
                    words.push(std::mem::take(&mut word));
                    has_word = false;
                }
                match letter {
                    '(' => open += 1,
                    ')' => open = open.checked_sub(1).ok_or(BadZone::Unopened)?,
                    _ => {}
                }
            }
            _ => {
                word.push(letter);
                has_word = true;
            }
        }
    }
    if quoted {
        return Err(BadZone::Open);
    }
    if has_word {
        words.push(word);
    }
    Ok(open)
}

impl fmt::Display for BadZoneFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => self.what.fmt(f),
            line => write!(f, "line {line}: {}", self.what),
        }
    }
}

impl fmt::Display for BadZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directive(word) => write!(
                f,
                "`{}` is not read here; write the zone out in full first, such as with `named-compilezone`",
                shown(word)
            ),
            Self::NoOrigin(word) => write!(
                f,
                "`{}` is relative, and nothing says to what; give ZONE=FILE or begin with $ORIGIN",
                shown(word)
            ),
            Self::NoOwner => {
                f.write_str("a record without a name; write one in front of the first")
            }
            Self::NoType => f.write_str("a record without a type; complete it"),
            Self::Open => f.write_str("a parenthesis or quote is not closed; close it"),
            Self::Unopened => f.write_str("a parenthesis closes nothing; remove it"),
            Self::NoApex => f.write_str("there is no SOA record; give the file of a whole zone"),
            Self::TwoApexes(owner) => {
                write!(f, "a second SOA, at `{}`; give one file for each zone", shown(owner))
            }
            Self::Apex(apex) => {
                write!(
                    f,
                    "`{}` is no zone that certificates are made in; leave it out",
                    shown(apex)
                )
            }
        }
    }
}

/// A word of the file, as a terminal may show it: short, and nothing in it acts.
fn shown(word: &str) -> String {
    let plain = |c: char| c.is_ascii_graphic() || c == ' ';
    let spell = |c: char| if plain(c) { c.to_string() } else { c.escape_debug().to_string() };
    word.chars().take(WORD_CHARS_SHOWN).map(spell).collect()
}

/// Characters of a word that are shown.
const WORD_CHARS_SHOWN: usize = 80;

impl std::error::Error for BadZoneFile {}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, origin: &str, expected: Result<(&str, &[&str], u64), (usize, &str)>) {
        let origin = (!origin.is_empty()).then(|| DnsName::parse(origin).unwrap());
        let seen = read_zone_file(text, origin.as_ref());
        let expected = expected.map(|(apex, names, left_out)| ZoneNames {
            apex: DnsName::parse(apex).unwrap(),
            names: names.iter().map(|name| CaaName::parse(name).unwrap()).collect(),
            left_out,
        });
        match (seen, expected) {
            (Err(seen), Err((line, part))) => {
                assert_eq!(seen.line, line, "{seen}");
                assert!(seen.to_string().contains(part), "{seen}");
            }
            (seen, expected) => assert_eq!(seen.ok(), expected.ok(), "{text}"),
        }
    }

    const ZONE: &str = "\
$TTL 1h ; comment
@ 3600 IN SOA ns1 hostmaster (
    1 3600 ; serial
    600 86400 60 )
  IN NS ns1
ns1 A 192.0.2.1
WWW.Shop.Example. 300 CNAME @
*.apps IN 1h30m A 192.0.2.2
_dmarc TXT \"v=DMARC1; p=none\" ; A
text TXT \"one ( ; \\\" two\"
mail MX 10 mx.elsewhere.example.
dept NS ns.dept
ns.dept A 192.0.2.3
$ORIGIN deep.shop.example.
a IN AAAA 2001:db8::1
a IN A 192.0.2.4
elsewhere.example. A 192.0.2.5
";

    #[test]
    fn owners_that_something_is_reached_under() {
        let names = [
            "shop.example",
            "ns1.shop.example",
            "www.shop.example",
            "*.apps.shop.example",
            "mail.shop.example",
            "dept.shop.example",
            "a.deep.shop.example",
        ];
        // _dmarc, text, ns.dept (below a delegation) and elsewhere.example are left out.
        check(ZONE, "shop.example", Ok(("shop.example", &names, 4)));
        check(&format!("$ORIGIN shop.example.\n{ZONE}"), "", Ok(("shop.example", &names, 4)));
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        let soa = "@ SOA ns. h. 1 2 3 4 5\n";
        for (text, origin, line, part) in [
            (&format!("{soa}$INCLUDE other.zone\n"), "a.example", 2, "$INCLUDE"),
            (&format!("{soa}$GENERATE 1-9 h$ A 192.0.2.$\n"), "a.example", 2, "$GENERATE"),
            (&soa.to_owned(), "", 1, "relative"),
            (&format!("{soa}b SOA ns. h. 1 2 3 4 5\n"), "a.example", 2, "second SOA"),
            (&"www A 192.0.2.1\n".to_owned(), "a.example", 0, "no SOA"),
            (&" A 192.0.2.1\n".to_owned(), "a.example", 1, "without a name"),
            (&"www 300 IN\n".to_owned(), "a.example", 1, "without a type"),
            (&"www TXT \"open\n".to_owned(), "a.example", 1, "not closed"),
            (&format!("{soa}www TXT ( a\n"), "a.example", 2, "not closed"),
            (&"www A ) 192.0.2.1\n".to_owned(), "a.example", 1, "closes nothing"),
            (&"_x.example. SOA ns. h. 1 2 3 4 5\n. SOA a b\n".to_owned(), "", 2, "second SOA"),
        ] {
            check(text, origin, Err((line, part)));
        }
    }
}
