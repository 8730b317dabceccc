//! Names as they stand in messages: any octets, compared without case.

use bailiwick_core::caa::AliasName;
use bailiwick_core::names::{DnsName, ZoneName};

/// Octets of a name in wire form (RFC 1035, section 2.3.4).
const NAME_OCTETS_MAX: usize = 255;

/// A name of the DNS, the root included: labels of 1 to 63 octets, 255 octets in all.
///
/// Lower case always (RFC 4343), so equality is equality of names.
#[derive(Clone, Debug, Default, Eq, PartialEq, Ord, PartialOrd)]
pub struct WireName {
    labels: Vec<Vec<u8>>,
}

impl WireName {
    /// A name out of its labels; `None` when a label or the whole is too long.
    pub(super) fn new(labels: Vec<Vec<u8>>) -> Option<Self> {
        let octets: usize = labels.iter().map(|label| label.len() + 1).sum();
        let fits = octets < NAME_OCTETS_MAX && labels.iter().all(|l| (1..=63).contains(&l.len()));
        fits.then(|| Self {
            labels: labels.into_iter().map(|label| label.to_ascii_lowercase()).collect(),
        })
    }

    /// The labels, the leftmost first.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        self.labels.iter().map(Vec::as_slice)
    }

    /// Whether this name is `above` or lies below it.
    #[must_use]
    pub fn is_at_or_below(&self, above: &Self) -> bool {
        self.labels.ends_with(&above.labels)
    }

    /// This name with its ending `owner` replaced by `target`, as a DNAME does (RFC 6672, section
    /// 2.2). The outer `None`: it does not lie below `owner`. The inner: it gets too long.
    #[must_use]
    pub fn redirected(&self, owner: &Self, target: &Self) -> Option<Option<Self>> {
        let prefix = self.labels.strip_suffix(owner.labels.as_slice())?;
        if prefix.is_empty() {
            return None;
        }
        Some(Self::new([prefix, target.labels.as_slice()].concat()))
    }

    /// The name in wire form, not compressed.
    pub(super) fn write(&self, octets: &mut Vec<u8>) {
        for label in &self.labels {
            // A label has at most 63 octets; `new` made sure.
            octets.push(u8::try_from(label.len()).unwrap_or(0));
            octets.extend(label);
        }
        octets.push(0);
    }
}

impl From<&DnsName> for WireName {
    fn from(name: &DnsName) -> Self {
        Self { labels: name.labels().map(|label| label.as_bytes().to_vec()).collect() }
    }
}

impl From<&ZoneName> for WireName {
    fn from(zone: &ZoneName) -> Self {
        Self::from(zone.apex())
    }
}

impl From<&WireName> for AliasName {
    fn from(name: &WireName) -> Self {
        Self::from_labels(name.labels())
    }
}
