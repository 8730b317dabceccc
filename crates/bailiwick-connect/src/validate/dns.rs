//! dns-01: a TXT record below the name (RFC 8555, section 8.4), and dns-account-01: the same at a
//! place of the account's own (draft-ietf-acme-dns-account-label).

use bailiwick_core::names::DnsName;

use super::{Failed, FailureKind, Seen, Validator, shown};

/// Values shown when none of them is right.
const VALUES_SHOWN_MAX: usize = 3;

impl Validator {
    /// Looks for `expected`, the digest of the key authorization, at `_acme-challenge` of `name`.
    ///
    /// # Errors
    /// [`Failed`] with what was seen instead.
    pub async fn dns01(&self, name: &DnsName, expected: &str) -> Result<Seen, Failed> {
        self.text_at(name, &["_acme-challenge"], expected).await
    }

    /// Looks for `expected` at `label` below `_acme-challenge` of `name`, so that two accounts can
    /// show control of one name at once.
    ///
    /// # Errors
    /// [`Failed`] with what was seen instead.
    pub async fn dns_account01(
        &self,
        name: &DnsName,
        label: &str,
        expected: &str,
    ) -> Result<Seen, Failed> {
        self.text_at(name, &["_acme-challenge", label], expected).await
    }

    async fn text_at(
        &self,
        name: &DnsName,
        labels: &[&str],
        expected: &str,
    ) -> Result<Seen, Failed> {
        let fail =
            |kind, saw, owner: &str| Failed { kind, saw, seen_at: vec![format!("TXT {owner}")] };
        let owner = labels.iter().try_fold(name.clone(), |owner, label| owner.child(label));
        let owner = owner.map_err(|_| {
            fail(
                FailureKind::Dns,
                format!("`{}` below `{name}` is too long to be a name", labels.join(".")),
                name.as_str(),
            )
        })?;
        let values = self.dns.txt(&self.view, &owner).await.map_err(|cause| {
            fail(FailureKind::Dns, format!("TXT `{owner}`: {cause}"), owner.as_str())
        })?;
        if values.iter().any(|value| value == expected.as_bytes()) {
            return Ok(Seen { at: vec![format!("TXT {owner}")], standing: None });
        }
        let saw = if values.is_empty() {
            format!("there is no TXT record at `{owner}`; publish `{expected}` there")
        } else {
            let found: Vec<String> = values
                .iter()
                .take(VALUES_SHOWN_MAX)
                .map(|value| format!("`{}`", shown(&String::from_utf8_lossy(value))))
                .collect();
            format!(
                "TXT `{owner}` holds {} and not `{expected}`; publish that beside or instead",
                found.join(", ")
            )
        };
        Err(fail(FailureKind::IncorrectResponse, saw, owner.as_str()))
    }
}
