//! What an OCSP response is to say (RFC 6960, section 4.2).

use std::fmt;

use crate::certificate::crl::RevocationReason;
use crate::names::IssuerId;
use crate::time::{DAY_MS, Time};

/// BR 4.9.10: a response is good for at most 10 days.
const OCSP_LIFETIME_MS_MAX: i64 = 10 * DAY_MS;
/// RFC 9654, section 2.1: a nonce has 1 to 128 octets.
pub const OCSP_NONCE_OCTETS_MAX: usize = 128;

/// The status of one certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OcspStatus {
    /// This CA issued it, and it is not revoked.
    Good,
    /// It is revoked.
    Revoked {
        /// Since when.
        at: Time,
        /// Why.
        reason: RevocationReason,
    },
    /// This CA issued none with this serial. Never said as `Good` (RFC 6960, section 2.2; BR 4.9.10).
    Unknown,
}

/// One certificate that was asked about, and what is known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OcspAnswer {
    /// The CertID as it stood in the request, DER; clients compare it octet by octet.
    pub cert_id: Vec<u8>,
    /// What is known.
    pub status: OcspStatus,
}

/// What an OCSP response says. [`OcspSpec::new`] alone makes one, so what signs it needs no check.
///
/// Always: at least one answer, in whole seconds, nextUpdate after thisUpdate and at most 10 days
/// later, nothing revoked after thisUpdate, a nonce of 1 to 128 octets or none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OcspSpec {
    issuer: IssuerId,
    this_update: Time,
    next_update: Time,
    nonce: Option<Vec<u8>>,
    answers: Vec<OcspAnswer>,
}

/// Why an OCSP response must not be signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BadOcspSpec {
    /// It answers nothing.
    NoAnswer,
    /// It ends before it starts, or lasts more than 10 days.
    Lifetime,
    /// It says that something was revoked after it was made.
    RevokedInFuture,
    /// A nonce without octets, or with more than 128.
    Nonce,
}

impl fmt::Display for BadOcspSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAnswer => "a response answers at least one question",
            Self::Lifetime => "the next response must be due after this one, within 10 days",
            Self::RevokedInFuture => "a certificate is revoked later than the response is made",
            Self::Nonce => "a nonce has 1 to 128 octets",
        })
    }
}

impl std::error::Error for BadOcspSpec {}

impl OcspSpec {
    /// What a response made at `now` says, good for `lifetime_ms`.
    ///
    /// # Errors
    /// [`BadOcspSpec`].
    pub fn new(
        issuer: IssuerId,
        now: Time,
        lifetime_ms: i64,
        nonce: Option<Vec<u8>>,
        answers: Vec<OcspAnswer>,
    ) -> Result<Self, BadOcspSpec> {
        let this_update = Time::from_unix_seconds(now.unix_seconds());
        let next_update = this_update.plus_ms(lifetime_ms);
        let next_update = Time::from_unix_seconds(next_update.unix_seconds());
        if answers.is_empty() {
            return Err(BadOcspSpec::NoAnswer);
        }
        if next_update <= this_update || lifetime_ms > OCSP_LIFETIME_MS_MAX {
            return Err(BadOcspSpec::Lifetime);
        }
        let is_ahead = |answer: &OcspAnswer| matches!(answer.status, OcspStatus::Revoked { at, .. } if at > now);
        if answers.iter().any(is_ahead) {
            return Err(BadOcspSpec::RevokedInFuture);
        }
        if nonce.as_ref().is_some_and(|it| it.is_empty() || it.len() > OCSP_NONCE_OCTETS_MAX) {
            return Err(BadOcspSpec::Nonce);
        }
        Ok(Self { issuer, this_update, next_update, nonce, answers })
    }

    /// Whose certificates it speaks about.
    #[must_use]
    pub const fn issuer(&self) -> &IssuerId {
        &self.issuer
    }

    /// When it was made.
    #[must_use]
    pub const fn this_update(&self) -> Time {
        self.this_update
    }

    /// Until when it may be relied on.
    #[must_use]
    pub const fn next_update(&self) -> Time {
        self.next_update
    }

    /// The nonce of the request.
    #[must_use]
    pub fn nonce(&self) -> Option<&[u8]> {
        self.nonce.as_deref()
    }

    /// The answers, in the order of the questions.
    #[must_use]
    pub fn answers(&self) -> &[OcspAnswer] {
        &self.answers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_bounded_and_not_ahead_of_itself() {
        let now = Time::from_unix_seconds(1_780_000_000);
        let answer = |status| OcspAnswer { cert_id: vec![0x30, 0], status };
        let make = |lifetime_ms, nonce: Option<usize>, answers| {
            let issuer = IssuerId::parse("house").unwrap();
            let nonce = nonce.map(|octets| vec![7; octets]);
            OcspSpec::new(issuer, now, lifetime_ms, nonce, answers).map(|_| ())
        };
        let good = || vec![answer(OcspStatus::Good)];
        assert_eq!(make(DAY_MS, None, good()), Ok(()));
        assert_eq!(make(10 * DAY_MS, Some(128), good()), Ok(()));
        assert_eq!(make(DAY_MS, None, vec![]), Err(BadOcspSpec::NoAnswer));
        assert_eq!(make(0, None, good()), Err(BadOcspSpec::Lifetime));
        assert_eq!(make(10 * DAY_MS + 1, None, good()), Err(BadOcspSpec::Lifetime));
        assert_eq!(make(DAY_MS, Some(0), good()), Err(BadOcspSpec::Nonce));
        assert_eq!(make(DAY_MS, Some(129), good()), Err(BadOcspSpec::Nonce));
        let at = now.plus_ms(1);
        let revoked = OcspStatus::Revoked { at, reason: RevocationReason::Superseded };
        assert_eq!(make(DAY_MS, None, vec![answer(revoked)]), Err(BadOcspSpec::RevokedInFuture));
    }
}
