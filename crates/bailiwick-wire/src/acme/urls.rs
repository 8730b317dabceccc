//! Where the objects of ACME live: every URL a client is ever told is made here.

use bailiwick_core::names::{AccountId, AuthzId, CertFingerprint, ChallengeId, OrderId};

/// Makes URLs below the server's base URL.
///
/// Always: absolute, below `/acme`, and exactly what a client must repeat in `url` (RFC 8555,
/// section 6.4).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Urls {
    base: String,
}

impl Urls {
    /// Takes the base URL that clients reach the server under; a slash at its end is dropped.
    #[must_use]
    pub fn new(base: &str) -> Self {
        Self { base: base.trim_end_matches('/').to_owned() }
    }

    /// The URL of a path on this server, such as `/acme/new-order`.
    #[must_use]
    pub fn of_path(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The directory (section 7.1.1).
    #[must_use]
    pub fn directory(&self) -> String {
        self.of_path("/acme/directory")
    }

    /// newNonce (section 7.2).
    #[must_use]
    pub fn new_nonce(&self) -> String {
        self.of_path("/acme/new-nonce")
    }

    /// newAccount (section 7.3).
    #[must_use]
    pub fn new_account(&self) -> String {
        self.of_path("/acme/new-account")
    }

    /// newOrder (section 7.4).
    #[must_use]
    pub fn new_order(&self) -> String {
        self.of_path("/acme/new-order")
    }

    /// newAuthz (section 7.4.1).
    #[must_use]
    pub fn new_authz(&self) -> String {
        self.of_path("/acme/new-authz")
    }

    /// renewalInfo (RFC 9773, section 4.1); the certificate's name follows after a slash.
    #[must_use]
    pub fn renewal_info(&self) -> String {
        self.of_path("/acme/renewal-info")
    }

    /// revokeCert (section 7.6).
    #[must_use]
    pub fn revoke_cert(&self) -> String {
        self.of_path("/acme/revoke-cert")
    }

    /// keyChange (section 7.3.5).
    #[must_use]
    pub fn key_change(&self) -> String {
        self.of_path("/acme/key-change")
    }

    /// An account (section 7.1.2); its `kid`, and its CAA `accounturi` (RFC 8657, section 3).
    #[must_use]
    pub fn account(&self, id: &AccountId) -> String {
        self.of_path(&format!("/acme/account/{id}"))
    }

    /// The id in an account URL of this server.
    #[must_use]
    pub fn account_id(&self, url: &str) -> Option<AccountId> {
        let path = url.strip_prefix(&self.base)?;
        AccountId::parse(path.strip_prefix("/acme/account/")?).ok()
    }

    /// An account's orders (section 7.1.2.1).
    #[must_use]
    pub fn orders(&self, id: &AccountId) -> String {
        self.of_path(&format!("/acme/account/{id}/orders"))
    }

    /// The orders after one of them.
    #[must_use]
    pub fn orders_after(&self, id: &AccountId, after: &OrderId) -> String {
        self.of_path(&format!("/acme/account/{id}/orders?after={after}"))
    }

    /// An order (section 7.1.3).
    #[must_use]
    pub fn order(&self, id: &OrderId) -> String {
        self.of_path(&format!("/acme/order/{id}"))
    }

    /// An order's finalize URL (section 7.4).
    #[must_use]
    pub fn finalize(&self, id: &OrderId) -> String {
        self.of_path(&format!("/acme/order/{id}/finalize"))
    }

    /// An authorization (section 7.1.4).
    #[must_use]
    pub fn authorization(&self, id: &AuthzId) -> String {
        self.of_path(&format!("/acme/authz/{id}"))
    }

    /// A challenge (section 7.1.5).
    #[must_use]
    pub fn challenge(&self, authorization: &AuthzId, id: &ChallengeId) -> String {
        self.of_path(&format!("/acme/challenge/{authorization}/{id}"))
    }

    /// A certificate (section 7.4.2).
    #[must_use]
    pub fn certificate(&self, fingerprint: &CertFingerprint) -> String {
        self.of_path(&format!("/acme/certificate/{fingerprint}"))
    }

    /// The same certificate with another chain behind it (section 7.4.2).
    #[must_use]
    pub fn alternate(&self, fingerprint: &CertFingerprint, chain: usize) -> String {
        self.of_path(&format!("/acme/certificate/{fingerprint}/{chain}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_url_is_read_back_only_whole() {
        let urls = Urls::new("https://ca.example:8443/");
        let id = AccountId::parse("01hx").unwrap();
        assert_eq!(urls.account(&id), "https://ca.example:8443/acme/account/01hx");
        assert_eq!(urls.account_id("https://ca.example:8443/acme/account/01hx"), Some(id));
        for other in [
            "https://ca.example/acme/account/01hx",
            "https://ca.example:8443/acme/account/01hx/orders",
            "https://ca.example:8443/acme/account/",
            "https://ca.example:8443.evil.example/acme/account/01hx",
            "http://ca.example:8443/acme/account/01hx",
            "/acme/account/01hx",
        ] {
            assert_eq!(urls.account_id(other), None, "{other}");
        }
    }
}
