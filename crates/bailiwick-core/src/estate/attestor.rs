//! Whose word about a workload counts, and which workloads act for a service.

use std::collections::{BTreeMap, BTreeSet};

use crate::names::{AttestorId, PersonId};

use super::words::{AttestationKind, spelled};

/// What stands at the end of a value of which only the beginning has to fit.
const REST: char = '*';

spelled! {
    /// How a workload proves what it is.
    AttestorKind {
        /// A token of an OpenID provider, such as that of a CI system (OpenID Connect Core, section 2).
        Oidc = "oidc",
        /// A token of a Kubernetes service account, bound to an audience.
        Kubernetes = "kubernetes",
        /// An SVID of a SPIFFE trust domain: a JWT-SVID, or what an X.509-SVID signed.
        Spiffe = "spiffe",
        /// A key of the host itself, by its RFC 7638 thumbprint.
        HostKey = "host-key",
    }
}

/// Where the keys stand that an attestor signs with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AttestorKeys {
    /// In the estate: a JWK set (RFC 7517, section 5).
    Written(String),
    /// At this URL, fetched behind the fence.
    At(String),
    /// Where the provider itself says (OpenID Connect Discovery, section 4).
    Discovered,
    /// With each workload: host keys stand in the services.
    WithWorkloads,
}

/// Somebody whose word about a workload counts.
///
/// Always, when read by `wire`: no two of the same kind and issuer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attestor {
    /// How its workloads prove what they are.
    pub kind: AttestorKind,
    /// What its tokens name as their issuer: a URL, or a trust domain; empty for host keys.
    pub issuer: String,
    /// Whom its tokens have to be for.
    pub audience: String,
    /// Where its keys stand.
    pub keys: AttestorKeys,
    /// The roots that the server of its keys is trusted by, PEM; without it, those of the system.
    pub trust_roots: Option<String>,
    /// Kinds of attestation that its word is worth, for profiles that require one.
    pub vouches_for: BTreeSet<AttestationKind>,
    /// For how long what it said is believed.
    pub holds_minutes: u32,
}

/// A workload that may act for a service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WorkloadRule {
    /// Whose word about it counts.
    pub attestor: AttestorId,
    /// What has to be attested: each claim with the values that will do. A value that ends with `*`
    /// is the beginning of one.
    pub claims: BTreeMap<String, BTreeSet<String>>,
    /// The person who stands behind what it asks for, and so never approves it.
    pub answers: PersonId,
}

/// What was attested about a workload, its proof verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attested {
    /// By whom.
    pub attestor: AttestorId,
    /// Who it is, by the attestor's own name for it.
    pub subject: String,
    /// What is known about it.
    pub claims: BTreeMap<String, String>,
    /// When it was verified.
    pub verified_at: crate::time::Time,
    /// Until when it is believed.
    pub until: crate::time::Time,
}

impl WorkloadRule {
    /// The claims that do not fit, each with what is attested instead; none: this is the workload.
    #[must_use]
    pub fn misses<'r>(&'r self, attested: &'r Attested) -> Vec<(&'r str, Option<&'r str>)> {
        let one = |(name, values): (&'r String, &'r BTreeSet<String>)| {
            let said = attested.claims.get(name).map(String::as_str);
            let fits = said.is_some_and(|said| values.iter().any(|value| fits(value, said)));
            (!fits).then_some((name.as_str(), said))
        };
        self.claims.iter().filter_map(one).collect()
    }

    /// Whether this is the workload.
    #[must_use]
    pub fn takes(&self, attested: &Attested) -> bool {
        self.attestor == attested.attestor && self.misses(attested).is_empty()
    }
}

fn fits(value: &str, said: &str) -> bool {
    match value.strip_suffix(REST) {
        Some(beginning) => said.starts_with(beginning),
        None => value == said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;

    #[test]
    fn a_claim_fits_by_one_of_its_values_and_an_absent_one_never() {
        let check = |values: &[&str], said: Option<&str>, expected: bool| {
            let rule = WorkloadRule {
                attestor: AttestorId::parse("forge").unwrap(),
                claims: BTreeMap::from([(
                    "ref".to_owned(),
                    values.iter().map(|it| (*it).to_owned()).collect(),
                )]),
                answers: PersonId::parse("pat").unwrap(),
            };
            let attested = Attested {
                attestor: rule.attestor.clone(),
                subject: "s".to_owned(),
                claims: said.map(|said| ("ref".to_owned(), said.to_owned())).into_iter().collect(),
                verified_at: Time::from_unix_seconds(0),
                until: Time::from_unix_seconds(1),
            };
            assert_eq!(rule.takes(&attested), expected, "{values:?} {said:?}");
        };
        check(&["refs/heads/main"], Some("refs/heads/main"), true);
        check(&["refs/heads/main"], Some("refs/heads/main2"), false);
        check(&["refs/heads/main"], Some("refs/heads/Main"), false);
        check(&["refs/tags/v*"], Some("refs/tags/v1.2"), true);
        check(&["refs/tags/v*"], Some("refs/heads/v1.2"), false);
        check(&["a", "b"], Some("b"), true);
        check(&["refs/*/main"], Some("refs/heads/main"), false);
        check(&["a"], None, false);
        check(&["*"], None, false);
        check(&[], Some("a"), false);
    }
}
