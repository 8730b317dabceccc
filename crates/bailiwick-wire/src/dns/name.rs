//! Names as they stand in messages: any octets, compared without case.

use bailiwick_core::caa::AliasName;
use bailiwick_core::names::{DnsName, ZoneName};

/// Octets of a name in wire form (RFC 1035, section 2.3.4).
const NAME_OCTETS_MAX: usize = 255;

/// A name of the DNS, the root included: labels of 1 to 63 octets, 255 octets in all.
///
/// Lower case always (RFC 4343), so equality is equality of names. One piece of memory each: a
/// message of 64 KiB can hold five thousand names of a hundred labels.
#[derive(Clone, Debug, Default, Eq, PartialEq, Ord, PartialOrd)]
pub struct WireName {
    /// The labels, each after its length; without the root's zero.
    octets: Vec<u8>,
}

impl WireName {
    /// Adds a label at the end, towards the root; `None` when it or the whole gets too long.
    pub(super) fn push(&mut self, label: &[u8]) -> Option<()> {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
        if self.octets.len().saturating_add(label.len()).saturating_add(2) > NAME_OCTETS_MAX {
            return None;
        }
        self.octets.push(length);
        self.octets.extend(label.iter().map(u8::to_ascii_lowercase));
        Some(())
    }

    /// The labels, the leftmost first.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.octets.as_slice();
        std::iter::from_fn(move || {
            let (label, after) = first_label(rest)?;
            rest = after;
            Some(label)
        })
    }

    /// The name one label nearer to the root; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, rest) = first_label(&self.octets)?;
        Some(Self { octets: rest.to_vec() })
    }

    /// Whether this name is `above` or lies below it.
    #[must_use]
    pub fn is_at_or_below(&self, above: &Self) -> bool {
        self.labels_before(above).is_some()
    }

    /// This name with its ending `owner` replaced by `target`, as a DNAME does (RFC 6672, section
    /// 2.2). The outer `None`: it does not lie below `owner`. The inner: it gets too long.
    #[must_use]
    pub fn redirected(&self, owner: &Self, target: &Self) -> Option<Option<Self>> {
        let prefix = self.labels_before(owner).filter(|prefix| !prefix.is_empty())?;
        let octets = [prefix, target.octets.as_slice()].concat();
        Some((octets.len() < NAME_OCTETS_MAX).then_some(Self { octets }))
    }

    /// The labels before the ending `above`, in wire form. The ending begins where a label does:
    /// octets inside a label may look like labels too.
    fn labels_before(&self, above: &Self) -> Option<&[u8]> {
        let prefix = self.octets.strip_suffix(above.octets.as_slice())?;
        let mut rest = prefix;
        while !rest.is_empty() {
            rest = first_label(rest)?.1;
        }
        Some(prefix)
    }

    /// Reads a name that is not compressed, and what follows it.
    pub(super) fn read_plain(octets: &[u8]) -> Option<(Self, &[u8])> {
        let mut name = Self::default();
        let mut rest = octets;
        loop {
            let (label, after) = first_label(rest)?;
            if label.is_empty() {
                return Some((name, after));
            }
            name.push(label)?;
            rest = after;
        }
    }

    /// The name in wire form, not compressed.
    pub(super) fn write(&self, octets: &mut Vec<u8>) {
        octets.extend(&self.octets);
        octets.push(0);
    }
}

/// The first label of a name in wire form, and what follows it.
fn first_label(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = octets.split_first()?;
    rest.split_at_checked(usize::from(*length))
}

impl From<&DnsName> for WireName {
    fn from(name: &DnsName) -> Self {
        let mut wire = Self::default();
        // A `DnsName` has at most 253 octets and labels of at most 63, so each of them fits.
        let fits = name.labels().try_for_each(|label| wire.push(label.as_bytes()));
        debug_assert!(fits.is_some());
        wire
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
