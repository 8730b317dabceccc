//! One set of one zone, as a server of that zone shows it.

use bailiwick_core::caa::LookupFailure;
use bailiwick_core::records::{RRset, RecordType, SoaSerial};

use super::name::WireName;
use super::query::{CLASS_IN, Query};
use super::sections::{Held, Sections};

/// What a message is to us.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SetReply {
    /// What the server shows; `None` where it shows no such set.
    Shown(Option<RRset>),
    /// No answer to rely on.
    Failed(LookupFailure),
    /// It did not fit; ask again over TCP (RFC 7766, section 5).
    Truncated,
    /// Not a reply to this question, or not a message at all. Somebody else may have sent it.
    NotOurs,
}

const NXDOMAIN: u16 = 3;

/// Reads what a server of `zone` answered for one set. Aliases are not followed: a CNAME is a set of
/// its own. Every record of the set is kept, or the answer is a failure.
#[must_use]
pub fn read_set(octets: &[u8], query: &Query, zone: &WireName) -> SetReply {
    let Ok(message) = Sections::read(octets) else { return SetReply::NotOurs };
    let is_reply = message.flags.response() && message.flags.is_standard_query();
    if !is_reply || message.id != query.id() {
        return SetReply::NotOurs;
    }
    match &message.question {
        Some(asked)
            if asked.name == *query.name()
                && asked.kind == query.kind()
                && asked.class == CLASS_IN => {}
        // Some servers refuse without repeating the question.
        None if !matches!(message.code, 0 | NXDOMAIN) => {}
        Some(_) | None => return SetReply::NotOurs,
    }
    if message.flags.truncated() {
        return SetReply::Truncated;
    }
    match message.code {
        0 | NXDOMAIN => {}
        1 => return SetReply::Failed(LookupFailure::FormErr),
        2 => return SetReply::Failed(LookupFailure::ServFail),
        4 => return SetReply::Failed(LookupFailure::NotImp),
        5 => return SetReply::Failed(LookupFailure::Refused),
        other => return SetReply::Failed(LookupFailure::OtherCode(other)),
    }
    match shown(&message, query, zone) {
        Ok(set) => SetReply::Shown(set),
        Err(failure) => SetReply::Failed(failure),
    }
}

fn shown(
    message: &Sections,
    query: &Query,
    zone: &WireName,
) -> Result<Option<RRset>, LookupFailure> {
    let kind = RecordType::of(query.kind());
    let is_of_set = |it: &&Held| it.kind == kind && it.owner == *query.name();
    if !message.flags.authoritative() {
        // The servers of a delegated name are named by the zone above, which has no authority over
        // them (RFC 1034, section 4.2.1).
        let cut = message.authority.iter().filter(is_of_set);
        let delegation = set_of(cut)?.filter(|_| kind == RecordType::NS && query.name() != zone);
        let refers = |it: &Held| it.kind == RecordType::NS && it.owner != *zone;
        return match delegation {
            Some(set) => Ok(Some(set)),
            None if message.authority.iter().any(refers) => Err(LookupFailure::Referral),
            None => Err(LookupFailure::NotAuthoritative),
        };
    }
    if let Some(set) = set_of(message.answers.iter().filter(is_of_set))? {
        return if message.code == 0 { Ok(Some(set)) } else { Err(LookupFailure::Malformed) };
    }
    // An alias stands there, or the zone's SOA proves that nothing does (RFC 2308, section 3).
    let alias = |it: &Held| {
        (it.kind == RecordType::CNAME && it.owner == *query.name())
            || (it.kind == RecordType::DNAME && query.name().is_at_or_below(&it.owner))
    };
    let denial = |it: &Held| it.kind == RecordType::SOA && it.owner == *zone;
    let proven = message.answers.iter().any(alias) || message.authority.iter().any(denial);
    if proven { Ok(None) } else { Err(LookupFailure::Malformed) }
}

fn set_of<'a>(records: impl Iterator<Item = &'a Held>) -> Result<Option<RRset>, LookupFailure> {
    let mut ttl_seconds = u32::MAX;
    let mut all = Vec::new();
    for record in records {
        if record.class != CLASS_IN {
            return Err(LookupFailure::Malformed);
        }
        // A TTL with its top bit set counts as zero (RFC 2181, section 8).
        let ttl = if i32::try_from(record.ttl_seconds).is_ok() { record.ttl_seconds } else { 0 };
        ttl_seconds = ttl_seconds.min(ttl);
        all.push(record.rdata.clone());
    }
    Ok(RRset::new(ttl_seconds, all))
}

/// The serial in the data of a SOA record (RFC 1035, section 3.3.13).
#[must_use]
pub fn serial_of(soa: &[u8]) -> Option<SoaSerial> {
    let (_primary, rest) = WireName::read_plain(soa)?;
    let (_contact, rest) = WireName::read_plain(rest)?;
    let (serial, rest) = rest.split_first_chunk::<4>()?;
    (rest.len() == 16).then(|| SoaSerial::of(u32::from_be_bytes(*serial)))
}
