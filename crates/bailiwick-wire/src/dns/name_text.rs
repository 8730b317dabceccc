//! Names as text in records: escapes both ways, and to what a name without a final dot belongs.

use core::fmt;

use bailiwick_core::names::{DnsName, ZoneName};
use bailiwick_core::records::OwnerName;

use super::name::WireName;
use super::words::{BadText, escaped};

/// What a name without a dot at its end belongs to.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    /// To this name, whatever it looks like: the rule of zone files (RFC 1035, section 5.1).
    Appended(&'a WireName),
    /// To this name if it is one label; with more labels it is refused, because people mean the whole
    /// name and zone files append the zone.
    OneLabel(&'a WireName),
}

impl Origin<'_> {
    const fn name(&self) -> &WireName {
        match self {
            Self::Appended(name) | Self::OneLabel(name) => name,
        }
    }
}

impl WireName {
    /// Reads a name as a zone file spells it; `@` is the origin.
    ///
    /// # Errors
    /// [`BadText`].
    pub fn from_text(text: &str, origin: Origin<'_>) -> Result<Self, BadText> {
        if text == "@" {
            return Ok(origin.name().clone());
        }
        let bad = || BadText::Name(text.to_owned());
        let mut name = Self::default();
        if text == "." {
            return Ok(name);
        }
        let mut label = Vec::new();
        let mut labels = 0_usize;
        let mut rest = text.as_bytes();
        let mut ends = false;
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            ends = false;
            match first {
                b'\\' => {
                    let (octet, after) = escaped(rest)?;
                    label.push(octet);
                    rest = after;
                }
                b'.' => {
                    name.push(&label).ok_or_else(bad)?;
                    label.clear();
                    labels = labels.saturating_add(1);
                    ends = true;
                }
                other => label.push(*other),
            }
        }
        if ends {
            return Ok(name);
        }
        name.push(&label).ok_or_else(bad)?;
        if labels > 0 && matches!(origin, Origin::OneLabel(_)) {
            return Err(BadText::Ambiguous(text.to_owned()));
        }
        origin.name().labels().try_for_each(|label| name.push(label)).ok_or_else(bad)?;
        Ok(name)
    }

    /// The name as an owner of records; `None` for one with other characters than host names and
    /// underscores have.
    #[must_use]
    pub fn to_owner(&self) -> Option<OwnerName> {
        let mut labels = Vec::new();
        for (at, label) in self.labels().enumerate() {
            let text = core::str::from_utf8(label).ok()?;
            let is_star = at == 0 && text == "*";
            let fits = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
            if !is_star && !text.bytes().all(fits) {
                return None;
            }
            labels.push(text);
        }
        OwnerName::parse(&labels.join(".")).ok()
    }
}

impl fmt::Display for WireName {
    /// With its final dot; everything that could mean something else is escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut is_root = true;
        for label in self.labels() {
            is_root = false;
            for octet in label {
                match octet {
                    b'.' | b'\\' | b'"' | b';' | b'(' | b')' | b'@' | b'$' => {
                        write!(f, "\\{}", char::from(*octet))?;
                    }
                    b'!'..=b'~' => write!(f, "{}", char::from(*octet))?,
                    _ => write!(f, "\\{octet:03}")?,
                }
            }
            f.write_str(".")?;
        }
        if is_root { f.write_str(".") } else { Ok(()) }
    }
}

impl From<&OwnerName> for WireName {
    fn from(owner: &OwnerName) -> Self {
        let base = Self::from(owner.base());
        if !owner.is_wildcard() {
            return base;
        }
        let mut name = Self::default();
        // An `OwnerName` has at most 253 octets, the star included.
        let fits = name.push(b"*").and_then(|()| base.labels().try_for_each(|it| name.push(it)));
        debug_assert!(fits.is_some());
        name
    }
}

/// Reads the owner of a record as a person writes it: `www`, `@`, `*.www`, or the whole name.
///
/// A name that lies in the zone is the whole name, with or without a dot at its end; any other is
/// taken as relative to the zone.
///
/// # Errors
/// [`BadText`].
pub fn owner_in(text: &str, zone: &ZoneName) -> Result<OwnerName, BadText> {
    let bad = || BadText::Owner(text.to_owned());
    if text == "@" {
        return Ok(OwnerName::from(zone.apex().clone()));
    }
    let whole = OwnerName::parse(text).map_err(|_| bad())?;
    if whole.base().is_at_or_below(zone.apex()) {
        return Ok(whole);
    }
    if text.ends_with('.') {
        return Err(BadText::Outside(text.to_owned()));
    }
    OwnerName::parse(&format!("{text}.{zone}")).map_err(|_| bad())
}

/// The apex of a zone as it stands in messages.
#[must_use]
pub fn apex_of(zone: &ZoneName) -> WireName {
    WireName::from(zone)
}

/// The names of the stars that could answer for a name: one at each name between it and the apex,
/// the apex included (RFC 4592, section 3.3.1).
#[must_use]
pub fn stars_over(owner: &OwnerName, zone: &ZoneName) -> Vec<OwnerName> {
    if owner.is_wildcard() || owner.base() == zone.apex() {
        return Vec::new();
    }
    let above = std::iter::successors(owner.base().parent(), DnsName::parent);
    let inside = above.take_while(|name| name.is_at_or_below(zone.apex()));
    inside.filter_map(|name| OwnerName::parse(&format!("*.{name}")).ok()).collect()
}
