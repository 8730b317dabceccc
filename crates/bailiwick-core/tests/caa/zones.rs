//! A small DNS for the vectors: zones with cuts, wildcards, aliases and faults (RFC 1034, section
//! 4.3.2; RFC 4592; RFC 6672). It resolves; the engine under test only sees what it answers.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::caa::{
    ALIASES_MAX, Alias, AliasKind, AliasName, CaaRecord, Empty, Found, LookupAnswer, LookupFailure,
    Proof,
};

use super::vector::{Fault, Vector};

/// Names are lower case without the final dot; the root is the empty text.
pub(crate) struct Zones {
    apexes: BTreeSet<String>,
    nodes: BTreeMap<String, Node>,
    faults: BTreeMap<String, Fault>,
}

#[derive(Default)]
struct Node {
    caa: Vec<(u32, Result<CaaRecord, LookupFailure>)>,
    cname: Option<String>,
    dname: Option<String>,
}

impl Zones {
    pub(crate) fn of(vector: &Vector) -> Self {
        let apexes = vector.apexes.iter().map(|name| canonical(name)).collect();
        let faults = vector.faults.iter().map(|(name, f)| (canonical(name), *f)).collect();
        let mut zones = Self { apexes, nodes: BTreeMap::new(), faults };
        for line in &vector.records {
            zones.add(line);
        }
        zones
    }

    /// One record in presentation form. What the parent zone holds at a delegated name is occluded
    /// by the delegation, so it is as if it were not there.
    fn add(&mut self, line: &str) {
        if line.trim_end().ends_with(";@parent") {
            return;
        }
        let (owner, rest) = word(line);
        let (ttl, rest) = word(rest);
        let (class, rest) = word(rest);
        let (kind, rdata) = word(rest);
        assert_eq!(class, "IN", "{line}");
        let ttl = ttl.parse().unwrap_or_else(|_| panic!("no TTL in {line}"));
        let node = self.nodes.entry(canonical(owner)).or_default();
        match kind {
            "CAA" => node.caa.push((ttl, Ok(read_caa(rdata)))),
            "TYPE257" => node.caa.push((ttl, read_generic_caa(rdata))),
            "CNAME" => node.cname = Some(canonical(rdata)),
            "DNAME" => node.dname = Some(canonical(rdata)),
            // A type by its number could be an alias in disguise.
            generic if generic.starts_with("TYPE") => panic!("type `{generic}` in {line}"),
            // Anything else only makes the name exist.
            _ => {}
        }
    }

    /// What a resolver would answer for CAA at a name.
    pub(crate) fn caa(&self, name: &str) -> LookupAnswer<CaaRecord> {
        let mut at = canonical(name);
        let mut aliases = Vec::new();
        loop {
            match self.one_step(&at) {
                Step::Answer(answer) => return with_aliases(answer, aliases),
                Step::Alias(to, by) => {
                    aliases.push(Alias { from: shown(&at), to: shown(&to), by });
                    let failure = if aliases.iter().any(|a| a.from == shown(&to)) {
                        Some(LookupFailure::AliasLoop)
                    } else if aliases.len() > ALIASES_MAX {
                        Some(LookupFailure::TooManyAliases)
                    } else if to.len() > 253 {
                        Some(LookupFailure::AliasTooLong)
                    } else {
                        None
                    };
                    if let Some(failure) = failure {
                        return LookupAnswer::Failed { failure, aliases };
                    }
                    at = to;
                }
            }
        }
    }

    fn one_step(&self, at: &str) -> Step {
        if let Some(fault) = self.faults.get(at) {
            return Step::Answer(failed(failure_of(*fault)));
        }
        let Some(apex) = ancestors(at).find(|name| self.apexes.contains(*name)) else {
            // Outside every zone of the vector: above one of its zones a name exists, elsewhere not.
            let above = self.apexes.iter().any(|apex| is_below(apex, at));
            return Step::Answer(if above { no_data() } else { nx_domain() });
        };
        let redirected = ancestors(at)
            .take_while(|name| *name != apex)
            .chain([apex])
            .filter(|name| *name != at)
            .filter_map(|name| Some((name, self.nodes.get(name)?.dname.as_ref()?)))
            .last();
        if let Some((owner, target)) = redirected {
            let prefix = at.strip_suffix(owner).expect("the owner is above");
            return Step::Alias(format!("{prefix}{target}"), AliasKind::Dname);
        }
        if at == apex || self.exists(at) {
            return self.node_step(at);
        }
        let encloser = ancestors(at).find(|name| *name == apex || self.exists(name));
        let wildcard = format!("*.{}", encloser.expect("the apex encloses"));
        if self.nodes.contains_key(&wildcard) {
            return self.node_step(&wildcard);
        }
        Step::Answer(nx_domain())
    }

    fn exists(&self, name: &str) -> bool {
        let owners = self.nodes.keys().chain(&self.apexes);
        owners.into_iter().any(|owner| owner == name || is_below(owner, name))
    }

    fn node_step(&self, name: &str) -> Step {
        let Some(node) = self.nodes.get(name) else { return Step::Answer(no_data()) };
        if let Some(target) = &node.cname {
            return Step::Alias(target.clone(), AliasKind::Cname);
        }
        let records: Result<Vec<_>, _> = node.caa.iter().map(|(_, r)| r.clone()).collect();
        Step::Answer(match records {
            Err(failure) => failed(failure),
            Ok(records) if records.is_empty() => no_data(),
            Ok(records) => LookupAnswer::Records(Found {
                records,
                ttl_seconds: node.caa.iter().map(|(ttl, _)| *ttl).min().unwrap_or(0),
                proof: Proof::Insecure,
                aliases: Vec::new(),
            }),
        })
    }
}

enum Step {
    Answer(LookupAnswer<CaaRecord>),
    Alias(String, AliasKind),
}

fn failure_of(fault: Fault) -> LookupFailure {
    match fault {
        Fault::ServFail => LookupFailure::ServFail,
        Fault::Timeout => LookupFailure::Timeout,
        Fault::Refused => LookupFailure::Refused,
        Fault::NotImp => LookupFailure::NotImp,
        Fault::FormErr => LookupFailure::FormErr,
        Fault::BadMsg => LookupFailure::Malformed,
        Fault::Bogus => LookupFailure::Bogus,
        Fault::BadRdata => LookupFailure::BadRecord,
        Fault::TcNoTcp => LookupFailure::Truncated,
    }
}

fn failed(failure: LookupFailure) -> LookupAnswer<CaaRecord> {
    LookupAnswer::Failed { failure, aliases: Vec::new() }
}

fn empty() -> Empty {
    Empty { ttl_seconds: Some(60), proof: Proof::Insecure, aliases: Vec::new() }
}

fn no_data() -> LookupAnswer<CaaRecord> {
    LookupAnswer::NoData(empty())
}

fn nx_domain() -> LookupAnswer<CaaRecord> {
    LookupAnswer::NxDomain(empty())
}

fn with_aliases(answer: LookupAnswer<CaaRecord>, aliases: Vec<Alias>) -> LookupAnswer<CaaRecord> {
    match answer {
        LookupAnswer::Records(found) => LookupAnswer::Records(Found { aliases, ..found }),
        LookupAnswer::NoData(empty) => LookupAnswer::NoData(Empty { aliases, ..empty }),
        LookupAnswer::NxDomain(empty) => LookupAnswer::NxDomain(Empty { aliases, ..empty }),
        LookupAnswer::Failed { failure, .. } => LookupAnswer::Failed { failure, aliases },
        LookupAnswer::Delegated { .. } => unreachable!("these zones are resolved, not asked"),
    }
}

fn shown(name: &str) -> AliasName {
    AliasName::from_labels(name.split('.').filter(|l| !l.is_empty()).map(str::as_bytes))
}

fn canonical(name: &str) -> String {
    let name = name.trim();
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// The name, then every name above it, the root last.
fn ancestors(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| {
        if name.is_empty() { None } else { Some(name.split_once('.').map_or("", |(_, up)| up)) }
    })
}

fn is_below(name: &str, above: &str) -> bool {
    ancestors(name).skip(1).any(|ancestor| ancestor == above)
}

/// The first word of a line and the rest.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_once([' ', '\t']).map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}

/// Flags, tag and value in presentation form (RFC 8659, section 4.1.1).
fn read_caa(rdata: &str) -> CaaRecord {
    let (flags, rest) = word(rdata);
    let (tag, rest) = word(rest);
    let (value, after) = read_character_string(rest);
    assert!(after.trim().is_empty() || after.trim().starts_with(';'), "after the value: {rdata}");
    let flags = flags.parse().unwrap_or_else(|_| panic!("flags of {rdata}"));
    CaaRecord { flags, tag: tag.as_bytes().to_vec(), value }
}

/// A quoted or unquoted string with escapes (RFC 1035, section 5.1), and what follows it.
fn read_character_string(text: &str) -> (Vec<u8>, &str) {
    let quoted = text.strip_prefix('"');
    let mut rest = quoted.unwrap_or(text);
    let mut octets = Vec::new();
    loop {
        let mut chars = rest.chars();
        match chars.next() {
            None => {
                assert!(quoted.is_none(), "no closing quote: {text}");
                return (octets, "");
            }
            Some('"') if quoted.is_some() => return (octets, chars.as_str()),
            Some(' ' | '\t' | ';') if quoted.is_none() => return (octets, rest),
            Some('\\') => {
                let escaped = chars.as_str();
                match escaped.get(..3).and_then(|digits| digits.parse::<u16>().ok()) {
                    Some(code) => {
                        octets.push(u8::try_from(code).expect("an octet"));
                        rest = &escaped[3..];
                    }
                    None => {
                        let literal = escaped.chars().next().expect("something is escaped");
                        octets.extend(literal.to_string().bytes());
                        rest = &escaped[literal.len_utf8()..];
                    }
                }
            }
            Some(plain) => {
                octets.extend(plain.to_string().bytes());
                rest = chars.as_str();
            }
        }
    }
}

/// `\# LENGTH HEX` (RFC 3597, section 5), read as CAA RDATA; a record that breaks RFC 8659,
/// section 4.1 is what a careful server calls a bad record.
fn read_generic_caa(rdata: &str) -> Result<CaaRecord, LookupFailure> {
    let (mark, rest) = word(rdata);
    let (length, hex) = word(rest);
    assert_eq!(mark, "\\#", "{rdata}");
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let octets: Vec<u8> = digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    assert_eq!(octets.len().to_string(), length, "{rdata}");
    let [flags, tag_length, rest @ ..] = octets.as_slice() else {
        return Err(LookupFailure::BadRecord);
    };
    match rest.split_at_checked(usize::from(*tag_length)) {
        Some((tag, value)) if !tag.is_empty() => {
            Ok(CaaRecord { flags: *flags, tag: tag.to_vec(), value: value.to_vec() })
        }
        _ => Err(LookupFailure::BadRecord),
    }
}
