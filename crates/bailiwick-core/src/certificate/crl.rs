//! What a CRL is to hold (RFC 5280, section 5).

use std::collections::BTreeMap;
use std::fmt;

use crate::certificate::facts::SerialSeen;
use crate::names::{CertSerial, IssuerId};
use crate::time::{DAY_MS, Time};

/// BR 7.2: nextUpdate is at most 10 days after thisUpdate.
const CRL_LIFETIME_MS_MAX: i64 = 10 * DAY_MS;

/// Why a certificate is revoked (RFC 5280, section 5.3.1; those BR 7.2.2 lets a subscriber use).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum RevocationReason {
    /// No reason given (0); a CRL leaves it out.
    Unspecified,
    /// The private key is known to somebody else (1).
    KeyCompromise,
    /// The names or the organisation changed (3).
    AffiliationChanged,
    /// A newer certificate replaced it (4).
    Superseded,
    /// The service ended (5).
    CessationOfOperation,
    /// The subscriber no longer may use it (9).
    PrivilegeWithdrawn,
}

impl RevocationReason {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::PrivilegeWithdrawn,
    ];

    /// The CRLReason number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Unspecified => 0,
            Self::KeyCompromise => 1,
            Self::AffiliationChanged => 3,
            Self::Superseded => 4,
            Self::CessationOfOperation => 5,
            Self::PrivilegeWithdrawn => 9,
        }
    }

    /// Reads the number; `None` for numbers that no subscriber may use.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// The name in RFC 5280.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One line of a CRL, under its serial.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CrlEntry {
    /// When it was revoked.
    pub revoked_at: Time,
    /// Why.
    pub reason: RevocationReason,
}

/// Which certificates a CRL speaks about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CrlScope {
    /// All of the issuer's.
    Whole,
    /// Those that point at this URL, byte for byte (RFC 5280, section 5.2.5).
    PointedAt {
        /// The URL.
        url: String,
    },
}

/// Exactly what a CRL is to say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CrlSpec {
    /// Who signs.
    pub issuer: IssuerId,
    /// Rises strictly with every CRL of this issuer and scope (RFC 5280, section 5.2.3).
    pub number: u64,
    /// When it was made.
    pub this_update: Time,
    /// When the next one will be there at the latest.
    pub next_update: Time,
    /// Which certificates it speaks about.
    pub scope: CrlScope,
    /// The revoked ones, each serial once.
    pub entries: BTreeMap<CertSerial, CrlEntry>,
}

/// One line of a CRL of whatever making.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CrlEntrySeen {
    /// The revoked certificate.
    pub serial: SerialSeen,
    /// Since when.
    pub revoked_at: Time,
    /// The CRLReason number, where there is one.
    pub reason_code: Option<u8>,
}

/// What a CRL of whatever making says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CrlFacts {
    /// The issuer's distinguished name in DER.
    pub issuer_name_der: Vec<u8>,
    /// The key that signed it, by its authority key identifier.
    pub issuer_key_id: Option<Vec<u8>>,
    /// Its number, big-endian without zeros in front.
    pub number: Option<Vec<u8>>,
    /// When it was made.
    pub this_update: Time,
    /// When the next one is due.
    pub next_update: Option<Time>,
    /// The one URL of its issuing distribution point; escaped.
    pub scope_url: Option<String>,
    /// Whether a critical extension says something that is not understood here, such as that it
    /// speaks about some certificates only. Then absence from it proves nothing.
    pub has_unknown_critical: bool,
    /// What is revoked, in the order it stands.
    pub entries: Vec<CrlEntrySeen>,
}

impl CrlFacts {
    /// Whether `serial` is listed as revoked.
    #[must_use]
    pub fn lists(&self, serial: &CertSerial) -> bool {
        self.entries.iter().any(|entry| entry.serial.regular() == Some(serial))
    }
}

/// Why a CRL must not be signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BadCrlSpec {
    /// Its number is 0.
    NoNumber,
    /// It ends before it starts, or lasts more than 10 days.
    Lifetime,
    /// It says that something was revoked after it was made.
    RevokedInFuture,
    /// It was made for another issuer.
    OtherIssuer,
}

impl fmt::Display for BadCrlSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoNumber => "a crl is numbered from 1 on",
            Self::Lifetime => "the next crl must be due after this one, within 10 days",
            Self::RevokedInFuture => "an entry is revoked later than the crl is made",
            Self::OtherIssuer => "the crl was made for another issuer; make it anew",
        })
    }
}

impl std::error::Error for BadCrlSpec {}

/// Whether `spec` may be signed by the issuer named `issuer`.
///
/// # Errors
/// [`BadCrlSpec`] says what forbids it.
pub fn check_crl(spec: &CrlSpec, issuer: &IssuerId) -> Result<(), BadCrlSpec> {
    if spec.issuer != *issuer {
        return Err(BadCrlSpec::OtherIssuer);
    }
    if spec.number == 0 {
        return Err(BadCrlSpec::NoNumber);
    }
    let lifetime = spec.next_update.ms_since(spec.this_update);
    if lifetime <= 0 || lifetime > CRL_LIFETIME_MS_MAX {
        return Err(BadCrlSpec::Lifetime);
    }
    if spec.entries.values().any(|entry| entry.revoked_at > spec.this_update) {
        return Err(BadCrlSpec::RevokedInFuture);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crl_is_numbered_bounded_and_not_ahead_of_itself() {
        let issuer = IssuerId::parse("builtin").unwrap();
        let now = Time::from_unix_seconds(1_780_000_000);
        let good = CrlSpec {
            issuer: issuer.clone(),
            number: 1,
            this_update: now,
            next_update: now.plus_ms(10 * DAY_MS),
            scope: CrlScope::Whole,
            entries: BTreeMap::new(),
        };
        assert_eq!(check_crl(&good, &issuer), Ok(()));
        let check = |change: &dyn Fn(&mut CrlSpec), expected| {
            let mut spec = good.clone();
            change(&mut spec);
            assert_eq!(check_crl(&spec, &issuer), Err(expected));
        };
        check(&|spec| spec.number = 0, BadCrlSpec::NoNumber);
        check(&|spec| spec.next_update = now, BadCrlSpec::Lifetime);
        check(&|spec| spec.next_update = now.plus_ms(10 * DAY_MS + 1), BadCrlSpec::Lifetime);
        check(&|spec| spec.issuer = IssuerId::parse("other").unwrap(), BadCrlSpec::OtherIssuer);
        check(
            &|spec| {
                let entry =
                    CrlEntry { revoked_at: now.plus_ms(1), reason: RevocationReason::Superseded };
                spec.entries.insert(CertSerial::from_bytes(&[1]).unwrap(), entry);
            },
            BadCrlSpec::RevokedInFuture,
        );
    }

    #[test]
    fn reasons_read_back() {
        for reason in RevocationReason::ALL {
            assert_eq!(RevocationReason::from_code(reason.code()), Some(reason));
            assert_eq!(RevocationReason::parse(reason.as_str()), Some(reason));
        }
        assert_eq!(RevocationReason::from_code(6), None, "certificateHold is forbidden");
    }
}
