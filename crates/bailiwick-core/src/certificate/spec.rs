//! Exactly what may be signed, and who signs it.

use std::collections::BTreeSet;
use std::fmt;

use crate::certificate::generation::Generation;
use crate::certificate::lint::public_lifetime_seconds;
use crate::certificate::profile::{CertificateProfile, KeyKind, ProfileRules};
use crate::names::{BadHex, CertSerial, DnsName, IssuerId, ProfileId, SanName, SpiffeId, SpkiHash};
use crate::time::{SECOND_MS, Time};

/// The names of one certificate (glossary: `SanSet`).
///
/// Always: at least one, each once, in one order, so that two sets with the same names are equal.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct SanSet(Vec<SanName>);

impl SanSet {
    /// Takes names in any order.
    ///
    /// # Errors
    /// [`BadSanSet`] when there is none, or one stands twice.
    pub fn new(names: impl IntoIterator<Item = SanName>) -> Result<Self, BadSanSet> {
        let mut set = BTreeSet::new();
        for name in names {
            if set.contains(&name) {
                return Err(BadSanSet::Twice { name });
            }
            set.insert(name);
        }
        if set.is_empty() { Err(BadSanSet::Empty) } else { Ok(Self(set.into_iter().collect())) }
    }

    /// The names in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &SanName> {
        self.0.iter()
    }

    /// How many there are; at least one.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether `name` is one of them.
    #[must_use]
    pub fn contains(&self, name: &SanName) -> bool {
        self.0.binary_search(name).is_ok()
    }
}

impl fmt::Display for SanSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            name.fmt(f)?;
        }
        Ok(())
    }
}

/// Why names are not the names of a certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum BadSanSet {
    /// There is none.
    Empty,
    /// One stands twice.
    Twice {
        /// The name that does.
        name: SanName,
    },
}

impl fmt::Display for BadSanSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a certificate needs at least one name"),
            Self::Twice { name } => write!(f, "name `{name}` stands twice; remove one"),
        }
    }
}

impl std::error::Error for BadSanSet {}

/// A public key that is to be certified.
///
/// Always: the hash is the hash of these octets. Why not the octets alone: the rules ask for the
/// kind and size, and the core does not read DER.
#[derive(Clone, Eq, PartialEq)]
pub struct SubjectKey {
    kind: KeyKind,
    bits: u16,
    spki_der: Vec<u8>,
    hash: SpkiHash,
}

impl SubjectKey {
    /// Takes a SubjectPublicKeyInfo that the reader of DER has understood.
    #[must_use]
    pub fn new(kind: KeyKind, bits: u16, spki_der: Vec<u8>) -> Self {
        let hash = SpkiHash::of(&spki_der);
        Self { kind, bits, spki_der, hash }
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Size of the curve or the modulus.
    #[must_use]
    pub const fn bits(&self) -> u16 {
        self.bits
    }

    /// The SubjectPublicKeyInfo in DER (RFC 5280, section 4.1.2.7).
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki_der
    }

    /// The key's name.
    #[must_use]
    pub const fn hash(&self) -> SpkiHash {
        self.hash
    }
}

impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubjectKey({} {} bits, {})", self.kind, self.bits, self.hash)
    }
}

/// Exactly what may be signed: the fields that an approval binds (promise P1).
///
/// Everything else in the bytes follows from the profile and the issuer, nothing from the request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateSpec {
    /// Who signs.
    pub issuer: IssuerId,
    /// The limits it was made under.
    pub profile: ProfileId,
    /// All its names.
    pub names: SanSet,
    /// The key it is for.
    pub key: SubjectKey,
    /// First second of its validity.
    pub not_before: Time,
    /// Last second of its validity; it is still valid in that second (RFC 5280, section 4.1.2.5).
    pub not_after: Time,
    /// Its number at this issuer.
    pub serial: CertSerial,
    /// The workload it names beside its names, under a profile that names one.
    pub workload: Option<SpiffeId>,
}

/// Seconds from the first to the last second of a validity, both counted (BR 6.3.2).
#[must_use]
pub(super) const fn lifetime_seconds(not_before: Time, not_after: Time) -> i64 {
    not_after.unix_seconds().saturating_sub(not_before.unix_seconds()).saturating_add(1)
}

impl CertificateSpec {
    /// Seconds it is valid, both ends counted (BR 6.3.2: the extra second is part of it).
    #[must_use]
    pub const fn lifetime_seconds(&self) -> i64 {
        lifetime_seconds(self.not_before, self.not_after)
    }

    /// The longest validity that `profile` gives at `now`: from `now` less the backdate, and so
    /// that both ends counted it is `seconds`, the profile's limit, or that of the rules it follows
    /// on this day, whichever is least.
    #[must_use]
    pub fn validity(profile: &CertificateProfile, now: Time, seconds: u32) -> (Time, Time) {
        let whole_now = Time::from_unix_seconds(now.unix_seconds());
        let not_before = whole_now.plus_ms(-i64::from(profile.backdate_seconds) * SECOND_MS);
        let by_rules = match profile.rules {
            ProfileRules::Private => u32::MAX,
            // The later limits are the shorter ones, so the day of signing is on the safe side.
            ProfileRules::PublicTls => public_lifetime_seconds(now),
        };
        let lifetime = i64::from(seconds.min(profile.lifetime_seconds_max).min(by_rules));
        (not_before, not_before.plus_ms((lifetime - 1) * SECOND_MS))
    }
}

/// A serial of a first generation, or of what has none: a CA, an OCSP responder.
///
/// # Errors
/// As [`Generation::serial`].
pub fn random_serial(random: [u8; 16]) -> Result<CertSerial, BadHex> {
    Generation::FIRST.serial(random)
}

/// How an issuer signs.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum SigningAlgorithm {
    /// `ecdsa-with-SHA256` on P-256 (RFC 5758, section 3.2).
    EcdsaP256Sha256,
    /// `ecdsa-with-SHA384` on P-384 (RFC 5758, section 3.2).
    EcdsaP384Sha384,
    /// `id-Ed25519` (RFC 8410, section 3).
    Ed25519,
    /// `sha256WithRSAEncryption` (RFC 4055, section 5).
    RsaSha256,
}

/// What the bytes of a certificate need to know of its issuer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IssuerIdentity {
    /// The issuer in the estate.
    pub id: IssuerId,
    /// Which of its CAs.
    pub generation: Generation,
    /// Its distinguished name in DER, byte for byte as in its own certificate.
    pub name_der: Vec<u8>,
    /// Its subject key identifier; becomes the authority key identifier of what it signs.
    pub key_id: Vec<u8>,
    /// Its public key.
    pub key: SubjectKey,
    /// How it signs.
    pub signing: SigningAlgorithm,
    /// First second of its own certificate.
    pub not_before: Time,
    /// Last second of its own certificate; nothing it signs may end later.
    pub not_after: Time,
    /// Where what it publishes is fetched.
    pub places: IssuerPlaces,
    /// The DNS names that its own certificate permits it to certify, at or below, and no address;
    /// `None` when it may certify any name and any address (RFC 5280, section 4.2.1.10).
    pub permitted: Option<BTreeSet<DnsName>>,
}

impl IssuerIdentity {
    /// Whether its own certificate permits it to certify `name`.
    #[must_use]
    pub fn permits(&self, name: &SanName) -> bool {
        self.permitted.as_ref().is_none_or(|bases| {
            bases.iter().any(|base| Some(base) == name.dns() || name.is_below(base))
        })
    }
}

/// Where what an issuer publishes is found. Each is a URL of plain ASCII under `http`, so that
/// fetching it needs no certificate itself (BR 7.1.2.11.2).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct IssuerPlaces {
    /// Its CRL of everything.
    pub crl_url: Option<String>,
    /// Its CRLs of parts, where it divides them.
    pub crl_parts: Option<CrlParts>,
    /// Its OCSP responder (RFC 6960, section 3.1).
    pub ocsp_url: Option<String>,
    /// Its own certificate (RFC 5280, section 4.2.2.1).
    pub ca_issuers_url: Option<String>,
}

impl IssuerPlaces {
    /// Where the CRL is that speaks about this certificate.
    #[must_use]
    pub fn crl_url_of(&self, serial: &CertSerial) -> Option<String> {
        match &self.crl_parts {
            Some(parts) => Some(parts.url(parts.part_of(serial))),
            None => self.crl_url.clone(),
        }
    }
}

/// How the certificates of an issuer are divided among CRLs, so that each stays small.
///
/// Always: which part a certificate belongs to follows from its serial and the count alone, and the
/// count stands in the URL; so a certificate never moves, whatever the count becomes later.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CrlParts {
    /// Into how many.
    pub count: std::num::NonZeroU16,
    /// What their URLs begin with.
    pub url_start: String,
}

impl CrlParts {
    /// The part that a certificate belongs to. Its serial ends with random octets.
    #[must_use]
    pub fn part_of(&self, serial: &CertSerial) -> u16 {
        let tail = serial.as_bytes().iter().rev().take(4).rev();
        let value = tail.fold(0_u32, |value, octet| value << 8 | u32::from(*octet));
        let part = value.checked_rem(u32::from(self.count.get())).unwrap_or(0);
        u16::try_from(part).unwrap_or(0)
    }

    /// The name of a part, such as `16-3`: the fourth of 16.
    #[must_use]
    pub fn name(&self, part: u16) -> String {
        format!("{}-{part}", self.count)
    }

    /// Where the CRL of a part is fetched.
    #[must_use]
    pub fn url(&self, part: u16) -> String {
        format!("{}{}.crl", self.url_start, self.name(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> SanName {
        SanName::parse(text).unwrap()
    }

    #[test]
    fn a_set_has_one_order_and_no_doubles() {
        let one = SanSet::new([name("b.shop.example"), name("a.shop.example")]).unwrap();
        let other = SanSet::new([name("a.shop.example"), name("b.shop.example")]).unwrap();
        assert_eq!(one, other);
        assert_eq!(one.to_string(), "a.shop.example, b.shop.example");
        assert_eq!(SanSet::new([]), Err(BadSanSet::Empty));
        assert_eq!(
            SanSet::new([name("a.shop.example"), name("A.shop.example.")]),
            Err(BadSanSet::Twice { name: name("a.shop.example") })
        );
    }
}
