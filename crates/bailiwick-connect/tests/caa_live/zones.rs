//! The shared vectors as real zones: each vector gets a top-level domain of its own, four letters
//! long like `test`, so that all of them live in one server and lengths stay as they are.

use std::collections::{BTreeMap, BTreeSet};

use super::faults::{Break, Breaks};
use super::servers::{ZoneFile, zone_text};
use super::vector::{Fault, Vector};

/// One vector with its names moved under its own top-level domain.
pub(crate) struct Placed {
    pub(crate) vector: Vector,
    /// Apexes with the final dot, its top-level domain included, the root not.
    pub(crate) zones: Vec<String>,
    /// What is broken between us and the resolver: the names that are asked.
    pub(crate) breaks: Breaks,
    /// What is broken behind the resolver: names that only aliases lead to.
    pub(crate) breaks_behind: Breaks,
}

/// Moves one vector; `None` when it cannot be served, with the reason.
pub(crate) fn place(number: usize, original: &Vector) -> Result<Placed, &'static str> {
    if original.perspectives.is_some() {
        return Err("counts perspectives, asks nothing");
    }
    let mut vector = original.clone();
    if vector.subjects().is_err() {
        return Err("is refused before any look-up");
    }
    let tld = format!("v{}", base36(number));
    let moved = |name: &str| moved(name, &tld);
    vector.query_name = moved(&vector.query_name);
    vector.also_names = vector.also_names.iter().map(|n| moved(n)).collect();
    vector.relevant_set_at = vector.relevant_set_at.as_deref().map(moved);
    vector.apexes = vector.apexes.iter().map(|n| moved(n)).collect();
    let rdata = bad_rdata(&vector);
    vector.faults = vector.faults.iter().map(|(name, f)| (moved(name), *f)).collect();
    let asked: Vec<String> =
        vector.also_names.iter().chain([&vector.query_name]).cloned().collect();
    let is_asked = |name: &str| {
        let name = plain(name);
        asked.iter().any(|a| plain(a) == name || plain(a).ends_with(&format!(".{name}")))
    };
    let all = vector.faults.iter().map(|(name, f)| (plain(name), fault(*f, &rdata)));
    let (breaks, breaks_behind) = all.partition(|(name, _)| is_asked(name));
    if rdata.is_some() {
        vector.records.clear();
    }
    vector.records = vector.records.iter().map(|line| moved_record(line, &tld)).collect();
    let zones: BTreeSet<String> =
        vector.apexes.iter().cloned().chain([format!("{tld}.")]).collect();
    let zones = zones.into_iter().filter(|apex| apex != ".").collect();
    Ok(Placed { vector, zones, breaks, breaks_behind })
}

/// The zones of all vectors and the root above them.
pub(crate) fn zone_files(placed: &[Placed]) -> Vec<ZoneFile> {
    let mut zones: BTreeMap<String, String> = BTreeMap::from([(".".to_owned(), String::new())]);
    for one in placed {
        zones.extend(one.zones.iter().map(|apex| (apex.clone(), String::new())));
    }
    let apexes: Vec<String> = zones.keys().cloned().collect();
    for apex in apexes.iter().filter(|apex| *apex != ".") {
        let above = zone_of(&zones, &parent(apex));
        *zones.get_mut(&above).unwrap() += &format!("{apex} IN NS ns.invalid.\n");
    }
    let lines: BTreeSet<&String> = placed.iter().flat_map(|one| &one.vector.records).collect();
    for line in lines {
        let owner = absolute(line.split_whitespace().next().unwrap());
        let own = zone_of(&zones, &owner);
        let occluded = line.trim_end().ends_with(";@parent");
        let home = if occluded { zone_of(&zones, &parent(&own)) } else { own };
        *zones.get_mut(&home).unwrap() += &format!("{line}\n");
    }
    let file =
        |(apex, records): (String, String)| ZoneFile { text: zone_text(&apex, &records), apex };
    zones.into_iter().map(file).collect()
}

/// The deepest zone around a name.
fn zone_of(zones: &BTreeMap<String, String>, name: &str) -> String {
    let mut at = name.to_owned();
    while !zones.contains_key(&at) {
        at = parent(&at);
    }
    at
}

fn parent(name: &str) -> String {
    let (_, above) = name.split_once('.').unwrap();
    if above.is_empty() { ".".to_owned() } else { above.to_owned() }
}

fn absolute(name: &str) -> String {
    format!("{}.", name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase())
}

/// Lower case without the final dot.
fn plain(name: &str) -> String {
    absolute(name).trim_end_matches('.').to_owned()
}

/// `test` as the last label becomes the vector's own.
fn moved(name: &str, tld: &str) -> String {
    let dotless = name.strip_suffix('.').unwrap_or(name);
    let (front, last) = dotless.rsplit_once('.').unwrap_or(("", dotless));
    if !last.eq_ignore_ascii_case("test") {
        return name.to_owned();
    }
    let dot = if front.is_empty() { "" } else { "." };
    let end = name.strip_prefix(dotless).unwrap();
    format!("{front}{dot}{tld}{end}")
}

/// Owner and alias target move; issuer names and other values stay.
fn moved_record(line: &str, tld: &str) -> String {
    let words: Vec<&str> = line.splitn(5, ' ').collect();
    let [owner, ttl, class, kind, rdata] = words[..] else { panic!("five words in {line}") };
    let rdata = match kind {
        "CNAME" | "DNAME" => moved(rdata, tld),
        _ => rdata.to_owned(),
    };
    format!("{} {ttl} {class} {kind} {rdata}", moved(owner, tld))
}

/// What a record that no server would load holds on the wire.
fn bad_rdata(vector: &Vector) -> Option<Vec<u8>> {
    vector.faults.values().find(|f| **f == Fault::BadRdata)?;
    let generic = vector.records.iter().find_map(|line| line.split_once("\\# "));
    let hex: String =
        generic.map_or("00", |(_, rest)| rest.split_once(' ').map_or("", |w| w.1)).into();
    let digits: Vec<char> = hex.chars().filter(char::is_ascii_hexdigit).collect();
    Some(
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap())
            .collect(),
    )
}

fn fault(fault: Fault, rdata: &Option<Vec<u8>>) -> Break {
    match fault {
        Fault::ServFail => Break::Code(2),
        Fault::Refused => Break::Code(5),
        Fault::NotImp => Break::Code(4),
        Fault::FormErr => Break::Code(1),
        Fault::Timeout => Break::Silence,
        Fault::BadMsg => Break::Echo,
        Fault::Bogus => Break::Bogus,
        Fault::TcNoTcp => Break::NoTcp,
        Fault::BadRdata => Break::Caa(rdata.clone().unwrap()),
    }
}

/// Three digits of base 36.
fn base36(number: usize) -> String {
    let digit = |d: usize| char::from_digit(u32::try_from(d % 36).unwrap(), 36).unwrap();
    [number / 1_296, number / 36, number].into_iter().map(digit).collect()
}
