//! dns-persist-01: a TXT record that stands below the name (draft-ietf-acme-dns-persist).

use bailiwick_core::names::{DnsName, SanName};
use bailiwick_wire::acme::{NotStanding, Standing, Stands};

use super::{Failed, FailureKind, Seen, Validator, shown};

/// The label in front of the name.
const LABEL: &str = "_validation-persist";

/// A standing record that was relied on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StandingSeen {
    /// What it says.
    pub stands: Stands,
    /// Its text.
    pub text: String,
}

/// How a record stands that was relied on before.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Stand {
    /// It is there.
    Stands(StandingSeen),
    /// The zone's servers say that there is none any more that names the account, or its end came.
    Gone,
    /// Nobody could be asked; why.
    Unknown(String),
}

impl Validator {
    /// Looks whether a record that was relied on still stands, whatever it stands for.
    pub async fn standing(&self, name: &DnsName, expected: &Standing<'_>) -> Stand {
        let Some(owner) = owner(name) else { return Stand::Gone };
        let values = match self.dns.txt(&self.view, &owner).await {
            Ok(values) => values,
            Err(cause) => return Stand::Unknown(format!("TXT `{owner}`: {cause}")),
        };
        let found = values.iter().find_map(|value| {
            let stands = expected.read(value).ok()?;
            Some(StandingSeen { stands, text: shown(&String::from_utf8_lossy(value)) })
        });
        found.map_or(Stand::Gone, Stand::Stands)
    }

    /// Looks for a record that names one of our issuers and the account, and for a wildcard says
    /// that it stands for wildcards.
    ///
    /// # Errors
    /// [`Failed`] with what was seen instead.
    pub async fn dns_persist01(
        &self,
        name: &SanName,
        expected: &Standing<'_>,
    ) -> Result<Seen, Failed> {
        let owner = name.dns().and_then(owner).ok_or_else(|| Failed {
            kind: FailureKind::Dns,
            saw: format!("`{LABEL}.{}` is no name that a record can stand at", name.base()),
            seen_at: Vec::new(),
        })?;
        let fail = |kind, saw| Failed { kind, saw, seen_at: vec![format!("TXT {owner}")] };
        let values = self
            .dns
            .txt(&self.view, &owner)
            .await
            .map_err(|cause| fail(FailureKind::Dns, format!("TXT `{owner}`: {cause}")))?;
        let mut why = None;
        for value in &values {
            let text = shown(&String::from_utf8_lossy(value));
            match expected.read(value) {
                Ok(stands) if stands.wildcard || !name.is_wildcard() => {
                    let standing = Some(StandingSeen { stands, text });
                    return Ok(Seen { at: vec![format!("TXT {owner}")], standing });
                }
                Ok(_) => why = Some((text, "it does not say `policy=wildcard`".to_owned())),
                // What is for another issuer says nothing about us.
                Err(NotStanding::Issuer) if why.is_some() => {}
                Err(cause) => why = Some((text, cause.to_string())),
            }
        }
        let issuer = expected.issuers.first().map_or("ISSUER", String::as_str);
        let publish = format!("publish `{issuer}; accounturi={}`", expected.account_url);
        let saw = match why {
            None => format!("there is no TXT record at `{owner}`; {publish} there"),
            Some((text, why)) => {
                format!("TXT `{owner}` holds `{text}`: {why}; {publish} beside or instead")
            }
        };
        Err(fail(FailureKind::IncorrectResponse, saw))
    }
}

fn owner(name: &DnsName) -> Option<DnsName> {
    name.child(LABEL).ok()
}
