//! Where and how records show control of a name beyond RFC 8555: the label of an account
//! (draft-ietf-acme-dns-account-label) and standing records (draft-ietf-acme-dns-persist).

use bailiwick_core::caa::{IssueValue, IssuerDomain};
use bailiwick_core::names::Digest;
use bailiwick_core::time::Time;

/// RFC 4648, section 6, in small letters: DNS does not tell them apart.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Octets of the digest that make the label.
const LABEL_OCTETS: usize = 10;

/// The label of an account in front of `_acme-challenge`, such as `_ujmmovf2vn55tgye`.
#[must_use]
pub fn account_label(account_url: &str) -> String {
    let digest = Digest::of(account_url.as_bytes());
    let octets = digest.as_bytes().iter().take(LABEL_OCTETS);
    let value = octets.fold(0_u128, |value, octet| value << 8 | u128::from(*octet));
    // Ten octets are sixteen letters of five bits, without a rest.
    let letter = |place: u32| {
        let index = usize::try_from(value >> (place * 5) & 31).unwrap_or(0);
        BASE32.get(index).map_or('a', |octet| char::from(*octet))
    };
    core::iter::once('_').chain((0..16).rev().map(letter)).collect()
}

/// What a standing record must say to be ours.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// The issuer domain names we answer to.
    pub issuers: &'a [String],
    /// The account's URL.
    pub account_url: &'a str,
    /// The moment of the look.
    pub now: Time,
}

/// A standing record that names us and the account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stands {
    /// The issuer domain name in it.
    pub issuer: String,
    /// Whether it stands for wildcards too.
    pub wildcard: bool,
    /// Until when it may be used.
    pub until: Option<Time>,
}

/// Why a record does not stand for what is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotStanding {
    /// It is not in the syntax of CAA's `issue` (RFC 8659, section 4.2).
    #[error("it is not written as `issuer; accounturi=URL`")]
    Syntax,
    /// It names another issuer.
    #[error("it names another issuer")]
    Issuer,
    /// It names no account, several, or another one.
    #[error("it does not name exactly this account in `accounturi`")]
    Account,
    /// Its end cannot be read.
    #[error("its `persistUntil` is no number of seconds since 1970")]
    Until,
    /// Its end has come.
    #[error("its `persistUntil` has passed")]
    Over,
}

impl Standing<'_> {
    /// Reads one TXT record. Parameters we do not know are passed over.
    ///
    /// # Errors
    /// [`NotStanding`] says what is wrong with it.
    pub fn read(&self, octets: &[u8]) -> Result<Stands, NotStanding> {
        let value = IssueValue::read(octets).map_err(|_| NotStanding::Syntax)?;
        let issuer = value.issuer.as_ref().ok_or(NotStanding::Issuer)?;
        let ours = |name: &&String| IssuerDomain::parse(name).is_ok_and(|name| name == *issuer);
        let issuer = self.issuers.iter().find(ours).ok_or(NotStanding::Issuer)?.clone();
        // Compared octet by octet, and a second one is as bad as none (RFC 8657, section 3).
        let mut accounts = value.values_of("accounturi");
        if accounts.next() != Some(self.account_url) || accounts.next().is_some() {
            return Err(NotStanding::Account);
        }
        let until = self.until(&value)?;
        let policies: Vec<&str> = value.values_of("policy").collect();
        let wildcard = matches!(policies.as_slice(), [one] if one.eq_ignore_ascii_case("wildcard"));
        Ok(Stands { issuer, wildcard, until })
    }

    fn until(&self, value: &IssueValue) -> Result<Option<Time>, NotStanding> {
        let mut all = value.values_of("persistuntil");
        let Some(text) = all.next() else { return Ok(None) };
        let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
        if !digits || all.next().is_some() {
            return Err(NotStanding::Until);
        }
        // Beyond all years that can be spelled there is no end.
        let Ok(seconds) = text.parse::<i64>() else { return Ok(None) };
        let until = Time::from_unix_seconds(seconds);
        if self.now >= until {
            return Err(NotStanding::Over);
        }
        // The ledger spells years up to 9999; an end after that is none.
        Ok(Time::parse(&until.to_string()).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_unix_seconds(1_800_000_000);
    const ACCOUNT: &str = "https://ca.example/acme/account/1";

    fn read(text: &str) -> Result<(bool, Option<Time>), NotStanding> {
        let issuers = ["other.example".to_owned(), "ca.example".to_owned()];
        let standing = Standing { issuers: &issuers, account_url: ACCOUNT, now: NOW };
        standing.read(text.as_bytes()).map(|it| (it.wildcard, it.until))
    }

    #[test]
    fn the_example_of_the_draft_gives_its_label() {
        let label = account_label("https://example.com/acme/acct/ExampleAccount");
        assert_eq!(label, "_ujmmovf2vn55tgye");
    }

    #[test]
    fn a_record_stands_for_one_account_at_one_issuer() {
        let plain = format!("ca.example; accounturi={ACCOUNT}");
        assert_eq!(read(&plain), Ok((false, None)));
        assert_eq!(read(&format!("CA.Example;accounturi={ACCOUNT}")), Ok((false, None)));
        assert_eq!(read(&format!("{plain}; policy=Wildcard")), Ok((true, None)));
        assert_eq!(read(&format!("{plain}; policy=specific-subdomains")), Ok((false, None)));
        assert_eq!(read(&format!("{plain}; policy=wildcard; policy=x")), Ok((false, None)));
        assert_eq!(read(&format!("{plain}; unknown=x")), Ok((false, None)));
        let later = Time::from_unix_seconds(1_800_000_001);
        assert_eq!(read(&format!("{plain}; persistUntil=1800000001")), Ok((false, Some(later))));
        assert_eq!(read(&format!("{plain}; persistUntil={}", u64::MAX)), Ok((false, None)));
    }

    #[test]
    fn any_doubt_is_no() {
        let plain = format!("ca.example; accounturi={ACCOUNT}");
        for (text, expected) in [
            (String::new(), NotStanding::Issuer),
            ("hello world".to_owned(), NotStanding::Syntax),
            (format!("evil.example; accounturi={ACCOUNT}"), NotStanding::Issuer),
            (format!("; accounturi={ACCOUNT}"), NotStanding::Issuer),
            ("ca.example".to_owned(), NotStanding::Account),
            (format!("ca.example; accounturi={ACCOUNT}0"), NotStanding::Account),
            (format!("{plain}; accounturi={ACCOUNT}"), NotStanding::Account),
            (format!("ca.example; accounturi={}", ACCOUNT.to_uppercase()), NotStanding::Account),
            (format!("{plain}; persistUntil=1800000000"), NotStanding::Over),
            (format!("{plain}; persistUntil=0"), NotStanding::Over),
            (format!("{plain}; persistUntil=-1"), NotStanding::Until),
            (format!("{plain}; persistUntil=2030-01-01"), NotStanding::Until),
            (format!("{plain}; persistUntil=1900000000; persistUntil=1"), NotStanding::Until),
            (format!("{plain};"), NotStanding::Syntax),
        ] {
            assert_eq!(read(&text), Err(expected), "{text}");
        }
    }
}
