//! How the built-in CA of an issuer is made, as `issuers.toml` says it.

use std::collections::BTreeSet;
use std::num::NonZeroU16;

use bailiwick_core::estate::{AuthorityKey, AuthorityPlan, NameConstraint, RootKind};
use bailiwick_core::names::{CertFingerprint, DnsName};

use super::document::{File, Section};

/// The keys it reads.
pub(super) const KEYS: [&str; 5] = ["key", "name_constraints", "root", "crl_parts", "intermediate"];
/// More CRLs than this help nobody: a million certificates make 1,000 lines in each.
const CRL_PARTS_MAX: u32 = 1_024;

pub(super) fn read(file: &mut File<'_>, section: Section<'_>) -> AuthorityPlan {
    let key = file.text(section, "key").and_then(|at| file.word(at, AuthorityKey::ALL));
    let mut name_constraints = BTreeSet::new();
    for at in file.list(section, "name_constraints") {
        if at.value == "zones" {
            name_constraints.insert(NameConstraint::Zones);
        } else if let Some(base) = file.parsed(at, "bad-name", DnsName::parse) {
            name_constraints.insert(NameConstraint::Below(base.value));
        }
    }
    let root = file.text(section, "root").and_then(|at| file.word(at, RootKind::ALL));
    let crl_parts = file.number(section, "crl_parts", 2..=CRL_PARTS_MAX);
    let crl_parts = crl_parts.and_then(|at| u16::try_from(at.value).ok()).and_then(NonZeroU16::new);
    let intermediate = file.text(section, "intermediate");
    let intermediate = intermediate.and_then(|at| {
        file.parsed(at, "bad-fingerprint", |text| {
            CertFingerprint::parse(text)
                .map_err(|_| "not the sha-256 of a certificate; `bailiwick ca status` prints it")
        })
    });
    AuthorityPlan {
        key,
        name_constraints,
        root: root.unwrap_or(RootKind::Online),
        crl_parts,
        intermediate: intermediate.map(|at| at.value),
    }
}
