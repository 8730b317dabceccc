//! A zone's intended CAA set as records, and what a set permits.

use std::collections::BTreeSet;

use crate::caa::{CaaRecord, IssueValue, PropertyTag};
use crate::estate::CaaIntent;

/// The records that an intent stands for, in order; none where nothing is intended.
#[must_use]
pub fn intended_set(intent: &CaaIntent) -> Vec<CaaRecord> {
    let record = |tag: &str, value: &String| CaaRecord {
        flags: 0,
        tag: tag.as_bytes().to_vec(),
        value: value.as_bytes().to_vec(),
    };
    let issue = intent.issue.iter().map(|value| record("issue", value));
    let wild = intent.issuewild.iter().map(|value| record("issuewild", value));
    let iodef = intent.iodef.iter().map(|value| record("iodef", value));
    let all: BTreeSet<CaaRecord> = issue.chain(wild).chain(iodef).collect();
    all.into_iter().collect()
}

/// The intent that a set which is there would be: `None` where it holds something an intent cannot
/// say (another property, a flag, octets that are no text).
#[must_use]
pub fn to_intent(records: &[CaaRecord]) -> Option<CaaIntent> {
    let mut intent = CaaIntent::default();
    for record in records {
        let value = String::from_utf8(record.value.clone()).ok()?;
        let plain = record.flags == 0 && value.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
        let list = match record.property_tag().ok().filter(|_| plain)? {
            PropertyTag::Issue => &mut intent.issue,
            PropertyTag::IssueWild => &mut intent.issuewild,
            PropertyTag::Iodef => &mut intent.iodef,
            PropertyTag::IssueMail
            | PropertyTag::IssueVmc
            | PropertyTag::ContactEmail
            | PropertyTag::ContactPhone
            | PropertyTag::Other(_) => return None,
        };
        list.push(value);
    }
    Some(intent)
}

/// A record as it compares with an intent: tags have no case (RFC 8659, section 4.1), and two
/// spellings of one value are two values.
#[must_use]
pub fn to_records(records: &[CaaRecord]) -> Vec<CaaRecord> {
    let lower = |one: &CaaRecord| CaaRecord { tag: one.tag.to_ascii_lowercase(), ..one.clone() };
    let all: BTreeSet<CaaRecord> = records.iter().map(lower).collect();
    all.into_iter().collect()
}

/// Whom a set lets issue.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Permitted {
    /// Whoever likes: the set restricts nothing of this kind.
    Everybody,
    /// The issuers with these domains; nobody where there is none.
    Only(BTreeSet<String>),
}

/// Whom a set lets issue for ordinary names (RFC 8659, section 4.2).
#[must_use]
pub fn permitted_domains(records: &[CaaRecord]) -> Permitted {
    let mut domains = BTreeSet::new();
    let mut governed = false;
    for record in records.iter().filter(|one| one.property_tag() == Ok(PropertyTag::Issue)) {
        governed = true;
        if let Ok(value) = IssueValue::read(&record.value) {
            domains.extend(value.issuer.map(|domain| domain.to_string()));
        }
    }
    if governed { Permitted::Only(domains) } else { Permitted::Everybody }
}
