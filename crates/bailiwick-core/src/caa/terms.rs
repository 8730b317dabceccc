//! What is held against a CAA set: who wants to issue what, for which account, by which method.

use std::collections::BTreeSet;
use std::fmt;

use super::record::PropertyTag;
use super::value::is_ldh;

/// The conditions of one issuance that CAA may restrict.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CaaTerms {
    /// Which property governs.
    pub kind: CertificateKind,
    /// The names the issuer answers to in CAA (RFC 8555, section 9.7.6); none means that only an
    /// unrestricted name can be allowed.
    pub issuers: BTreeSet<IssuerDomain>,
    /// The account that asks (RFC 8657, section 3).
    pub account: Option<AccountUri>,
    /// Accounts that this account belongs under, by a mapping the issuer keeps (SC-098v2,
    /// BR 4.2.2.1.2). It works upwards only: naming a parent covers its sub-accounts.
    pub parent_accounts: BTreeSet<AccountUri>,
    /// How control of the name was shown (RFC 8657, section 4).
    pub method: Option<ValidationMethod>,
    /// Other labels of the same mechanism, such as `ca-tbr-19` for `http-01` (SC-098v2).
    pub equivalent_methods: BTreeSet<ValidationMethod>,
    /// Properties the issuer knows; a critical property outside this set stops it.
    pub known_tags: BTreeSet<PropertyTag>,
}

/// What kind of certificate is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum CertificateKind {
    /// For servers and clients: `issue` and `issuewild` govern.
    Tls,
    /// With emailProtection: `issuemail` governs (RFC 9495, section 4).
    Email,
}

impl CaaTerms {
    /// A TLS certificate by one of these issuer names, with no account and no method yet.
    #[must_use]
    pub fn tls(issuers: impl IntoIterator<Item = IssuerDomain>) -> Self {
        Self {
            kind: CertificateKind::Tls,
            issuers: issuers.into_iter().collect(),
            account: None,
            parent_accounts: BTreeSet::new(),
            method: None,
            equivalent_methods: BTreeSet::new(),
            known_tags: PropertyTag::REGISTERED.into_iter().collect(),
        }
    }

    /// The same for an account.
    #[must_use]
    pub fn for_account(self, account: AccountUri) -> Self {
        Self { account: Some(account), ..self }
    }

    /// The same after validation by a method.
    #[must_use]
    pub fn by_method(self, method: ValidationMethod) -> Self {
        Self { method: Some(method), ..self }
    }
}

/// An issuer's domain name in CAA (RFC 8659, section 4.2), in lower case.
///
/// Issuer names compare without case, as domain names do (RFC 4343).
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct IssuerDomain(String);

impl IssuerDomain {
    /// Parses an issuer domain name by the grammar of the records: no final dot, no underscore.
    ///
    /// # Errors
    /// [`BadTerm::IssuerDomain`].
    pub fn parse(text: &str) -> Result<Self, BadTerm> {
        if text.split('.').all(is_ldh) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(BadTerm::IssuerDomain)
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The URI of an account at an issuer; for ACME the account URL (RFC 8657, section 3).
///
/// Compared octet by octet: any normalisation could make two accounts one.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct AccountUri(String);

impl AccountUri {
    /// Parses a URI that an `accounturi` parameter can hold: a scheme, a colon, something after it,
    /// printable ASCII without space and `;` (RFC 3986, section 3; RFC 8659, section 4.2).
    ///
    /// # Errors
    /// [`BadTerm::AccountUri`].
    pub fn parse(text: &str) -> Result<Self, BadTerm> {
        let (scheme, rest) = text.split_once(':').ok_or(BadTerm::AccountUri)?;
        let in_scheme = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
        let in_rest = |b: u8| matches!(b, b'!'..=b'~') && b != b';';
        let fits = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(in_scheme)
            && !rest.is_empty()
            && rest.bytes().all(in_rest);
        if fits { Ok(Self(text.to_owned())) } else { Err(BadTerm::AccountUri) }
    }

    /// The URI as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The label of a validation method: from the IANA registry of ACME methods, or `ca-...`
/// (RFC 8657, section 4). Compared as registered, in the case that was written.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct ValidationMethod(String);

impl ValidationMethod {
    /// Parses a label: letters, digits and hyphens.
    ///
    /// # Errors
    /// [`BadTerm::ValidationMethod`].
    pub fn parse(text: &str) -> Result<Self, BadTerm> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if !text.is_empty() && text.bytes().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadTerm::ValidationMethod)
        }
    }

    /// Reads the value of a `validationmethods` parameter: `[*(label ",") label]`. An empty value
    /// lists nothing, which nothing satisfies.
    ///
    /// # Errors
    /// [`BadTerm::ValidationMethod`] when one part is not a label.
    pub fn read_list(value: &str) -> Result<Vec<Self>, BadTerm> {
        if value.is_empty() { Ok(Vec::new()) } else { value.split(',').map(Self::parse).collect() }
    }

    /// The label as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IssuerDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for AccountUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ValidationMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A condition of an issuance is not written as CAA writes it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BadTerm {
    /// Not an issuer domain name.
    IssuerDomain,
    /// Not an account URI.
    AccountUri,
    /// Not a validation method's label.
    ValidationMethod,
}

impl fmt::Display for BadTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IssuerDomain => {
                "not an issuer domain name; write it as in a CAA record, such as `ca.example`"
            }
            Self::AccountUri => {
                "not an account URI; write it whole, such as `https://ca.example/acme/acct/1`"
            }
            Self::ValidationMethod => {
                "not a validation method; write its registered label, such as `dns-01`"
            }
        })
    }
}

impl std::error::Error for BadTerm {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_uris_and_keep_their_spelling() {
        for good in ["https://ca.example/acme/acct/1", "acct:17@ca.example", "HTTPS://CA.EXAMPLE/1"]
        {
            assert_eq!(AccountUri::parse(good).unwrap().as_str(), good);
        }
        for bad in
            ["", "hello", "https:", ":x", "1a:x", "https://ca.example/a b", "a:b;c", "a:\u{e9}"]
        {
            assert_eq!(AccountUri::parse(bad), Err(BadTerm::AccountUri), "{bad}");
        }
    }

    #[test]
    fn method_lists_follow_their_grammar() {
        let list = |text| ValidationMethod::read_list(text).map(|list| list.len());
        assert_eq!(list(""), Ok(0));
        assert_eq!(list("dns-01,http-01"), Ok(2));
        for bad in [",", "dns-01,", ",dns-01", "dns_01", "dns-01,,http-01"] {
            assert_eq!(list(bad), Err(BadTerm::ValidationMethod), "{bad}");
        }
    }
}
