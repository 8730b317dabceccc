//! Resource records as a zone holds them: sets at an owner name, and one edit of one set.
//!
//! RDATA is kept as octets in wire form (RFC 3597, section 4: names in it are not compressed), so a
//! record of any type can be compared and put back; who needs to know what it says reads it.

use std::collections::BTreeSet;
use std::fmt;

use crate::names::{BadName, DnsName};

mod serial;

mod snapshot;

pub use serial::SoaSerial;
pub use snapshot::{DoesNotFollow, RecordOwner, SetChange, ZoneRecord, ZoneSnapshot, ZoneStep};

/// Octets of a whole name without the trailing dot (RFC 1035, section 2.3.4).
const NAME_OCTETS_MAX: usize = 253;

/// The name that owns records: a DNS name, or `*.` in front of one (RFC 4592, section 2.1.1).
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct OwnerName {
    base: DnsName,
    wildcard: bool,
}

impl OwnerName {
    /// Parses `www.example.com`, `_443._tcp.example.com` or `*.example.com`.
    ///
    /// # Errors
    /// As [`DnsName::parse`] for what follows the star; the star counts for the length.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let (wildcard, rest) = text.strip_prefix("*.").map_or((false, text), |rest| (true, rest));
        let base = DnsName::parse(rest)?;
        if wildcard && base.as_str().len().saturating_add(2) > NAME_OCTETS_MAX {
            return Err(BadName::Length);
        }
        Ok(Self { base, wildcard })
    }

    /// The name without `*.`.
    #[must_use]
    pub const fn base(&self) -> &DnsName {
        &self.base
    }

    /// Whether it starts with `*.`.
    #[must_use]
    pub const fn is_wildcard(&self) -> bool {
        self.wildcard
    }
}

impl From<DnsName> for OwnerName {
    fn from(base: DnsName) -> Self {
        Self { base, wildcard: false }
    }
}

impl fmt::Display for OwnerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.wildcard {
            f.write_str("*.")?;
        }
        self.base.fmt(f)
    }
}

/// The type of a record (IANA DNS parameters, resource record types).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct RecordType(u16);

macro_rules! types {
    ($($name:ident = $number:literal $text:literal;)+) => {
        impl RecordType {
            $(
                #[doc = concat!("The type `", $text, "`.")]
                pub const $name: Self = Self($number);
            )+

            const NAMED: &'static [(u16, &'static str)] = &[$(($number, $text)),+];
        }
    };
}

types! {
    A = 1 "A";
    NS = 2 "NS";
    CNAME = 5 "CNAME";
    SOA = 6 "SOA";
    PTR = 12 "PTR";
    HINFO = 13 "HINFO";
    MX = 15 "MX";
    TXT = 16 "TXT";
    RP = 17 "RP";
    AFSDB = 18 "AFSDB";
    AAAA = 28 "AAAA";
    SRV = 33 "SRV";
    NAPTR = 35 "NAPTR";
    DNAME = 39 "DNAME";
    DS = 43 "DS";
    SSHFP = 44 "SSHFP";
    RRSIG = 46 "RRSIG";
    NSEC = 47 "NSEC";
    DNSKEY = 48 "DNSKEY";
    NSEC3 = 50 "NSEC3";
    NSEC3PARAM = 51 "NSEC3PARAM";
    TLSA = 52 "TLSA";
    SMIMEA = 53 "SMIMEA";
    CDS = 59 "CDS";
    CDNSKEY = 60 "CDNSKEY";
    OPENPGPKEY = 61 "OPENPGPKEY";
    SVCB = 64 "SVCB";
    HTTPS = 65 "HTTPS";
    CAA = 257 "CAA";
}

impl RecordType {
    /// The type with this number.
    #[must_use]
    pub const fn of(number: u16) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Reads a mnemonic in any case, or `TYPE` and a number (RFC 3597, section 5).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_uppercase();
        let named = Self::NAMED.iter().find(|(_, name)| *name == text).map(|(number, _)| *number);
        named.or_else(|| text.strip_prefix("TYPE")?.parse().ok()).map(Self)
    }

    /// Whether a signer makes records of this type from the others: RRSIG, NSEC, NSEC3 and
    /// NSEC3PARAM (RFC 4034; RFC 5155). Nobody edits those.
    #[must_use]
    pub const fn is_made_by_signer(self) -> bool {
        matches!(self, Self::RRSIG | Self::NSEC | Self::NSEC3 | Self::NSEC3PARAM)
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMED.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "TYPE{}", self.0),
        }
    }
}

/// The records of one type at one name (RFC 9499, section 5): never empty, never one twice.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct RRset {
    ttl_seconds: u32,
    rdata: BTreeSet<Vec<u8>>,
}

impl RRset {
    /// A set; `None` for no records, which is no set.
    #[must_use]
    pub fn new(ttl_seconds: u32, rdata: impl IntoIterator<Item = Vec<u8>>) -> Option<Self> {
        let rdata: BTreeSet<Vec<u8>> = rdata.into_iter().collect();
        (!rdata.is_empty()).then_some(Self { ttl_seconds, rdata })
    }

    /// How long it may be remembered, in seconds.
    #[must_use]
    pub const fn ttl_seconds(&self) -> u32 {
        self.ttl_seconds
    }

    /// The RDATA of each record, in wire form.
    #[must_use]
    pub const fn rdata(&self) -> &BTreeSet<Vec<u8>> {
        &self.rdata
    }

    /// Whether another set has the same records, whatever its TTL: this is what an update can
    /// require (RFC 2136, section 2.4.2 compares no TTL).
    #[must_use]
    pub fn has_same_records(&self, other: &Self) -> bool {
        self.rdata == other.rdata
    }
}

/// One set of one zone as it is now and as it shall be; `None` where there is no such set.
///
/// Always: the two differ, and no signer makes the type.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecordEdit {
    owner: OwnerName,
    kind: RecordType,
    before: Option<RRset>,
    after: Option<RRset>,
}

/// Two states of a set are not an edit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoEdit {
    /// They are the same.
    Same,
    /// A signer makes records of this type.
    MadeBySigner,
}

impl RecordEdit {
    /// An edit from `before`, the pre-image, to `after`.
    ///
    /// # Errors
    /// [`NoEdit`].
    pub fn new(
        owner: OwnerName,
        kind: RecordType,
        before: Option<RRset>,
        after: Option<RRset>,
    ) -> Result<Self, NoEdit> {
        if kind.is_made_by_signer() {
            return Err(NoEdit::MadeBySigner);
        }
        if before == after {
            return Err(NoEdit::Same);
        }
        Ok(Self { owner, kind, before, after })
    }

    /// Where.
    #[must_use]
    pub const fn owner(&self) -> &OwnerName {
        &self.owner
    }

    /// Of which type.
    #[must_use]
    pub const fn kind(&self) -> RecordType {
        self.kind
    }

    /// What is there now: the pre-image.
    #[must_use]
    pub const fn before(&self) -> Option<&RRset> {
        self.before.as_ref()
    }

    /// What shall be there.
    #[must_use]
    pub const fn after(&self) -> Option<&RRset> {
        self.after.as_ref()
    }

    /// The edit that takes this one back.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self {
            owner: self.owner.clone(),
            kind: self.kind,
            before: self.after.clone(),
            after: self.before.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_spelled_as_registered() {
        for (text, number) in [("CAA", 257), ("tlsa", 52), ("TYPE65280", 65280), ("https", 65)] {
            let kind = RecordType::parse(text).unwrap();
            assert_eq!(kind.number(), number, "{text}");
            assert_eq!(kind.to_string(), text.to_ascii_uppercase());
        }
        for bad in ["", "TYPE", "TYPE65536", "CAAA"] {
            assert_eq!(RecordType::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_edit_changes_something_and_can_be_taken_back() {
        let owner = OwnerName::parse("*.shop.example").unwrap();
        let set = |last| RRset::new(300, [vec![192, 0, 2, last]]);
        let edit = RecordEdit::new(owner.clone(), RecordType::A, None, set(1)).unwrap();
        assert_eq!(edit.reversed().before(), set(1).as_ref());
        assert_eq!(edit.reversed().reversed(), edit);
        let edit = |kind, before, after| RecordEdit::new(owner.clone(), kind, before, after);
        assert_eq!(edit(RecordType::A, set(1), set(1)), Err(NoEdit::Same));
        assert_eq!(edit(RecordType::RRSIG, None, set(1)), Err(NoEdit::MadeBySigner));
        assert_eq!(RRset::new(300, []), None);
    }
}
