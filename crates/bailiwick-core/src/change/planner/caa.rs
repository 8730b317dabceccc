//! CAA around a change of issuer: the new one is let in before it is asked, the old one is shut out
//! after nobody serves its certificate any more.

use std::collections::BTreeSet;

use crate::estate::ZoneKey;
use crate::records::{OwnerName, RRset};

/// Where CAA has to let an issuer in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CaaWish {
    /// The zone that holds it.
    pub zone: ZoneKey,
    /// The set's name: where the relevant set of the certificate's names is (RFC 8659, section 3),
    /// or where one shall be.
    pub owner: OwnerName,
    /// The set as it is now.
    pub now: Option<RRset>,
    /// Records that let the new issuer in.
    pub add: BTreeSet<Vec<u8>>,
    /// Records that let in who issued what is served now. Without a set nothing is forbidden; a new
    /// set must not forbid that issuer while its certificate is in use.
    pub in_use: BTreeSet<Vec<u8>>,
    /// Records that shall be gone in the end.
    pub retire: BTreeSet<Vec<u8>>,
    /// The TTL of a set that is not there yet.
    pub ttl_seconds: u32,
}

impl CaaWish {
    /// The set while both issuers are in use, and the set in the end. `None` where the latter would
    /// be empty: without CAA every issuer may issue.
    pub(super) fn states(&self) -> Option<(RRset, RRset)> {
        let ttl = self.now.as_ref().map_or(self.ttl_seconds, RRset::ttl_seconds);
        let now = self.now.as_ref().map_or(&self.in_use, RRset::rdata);
        let first: BTreeSet<Vec<u8>> = now.union(&self.add).cloned().collect();
        let end = first.difference(&self.retire).cloned().collect::<BTreeSet<_>>();
        Some((RRset::new(ttl, first)?, RRset::new(ttl, end)?))
    }
}

/// The RDATA of a CAA record (RFC 8659, section 4.1); `None` for a tag that has no length.
#[must_use]
pub fn caa_rdata(flags: u8, tag: &str, value: &str) -> Option<Vec<u8>> {
    let length = u8::try_from(tag.len()).ok().filter(|length| *length > 0)?;
    let mut rdata = vec![flags, length];
    rdata.extend_from_slice(tag.as_bytes());
    rdata.extend_from_slice(value.as_bytes());
    Some(rdata)
}
