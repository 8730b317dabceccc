//! How the built-in CA of an issuer is made, as `issuers.toml` says it.

use std::collections::BTreeSet;
use std::num::NonZeroU16;

use bailiwick_core::estate::{AuthorityKey, AuthorityPlan, KeyHome, NameConstraint};
use bailiwick_core::names::DnsName;

use super::document::{File, Section};

/// The keys it reads.
pub(super) const KEYS: [&str; 4] = ["key", "key_home", "name_constraints", "crl_parts"];
/// More CRLs than this help nobody: a million certificates make 8,000 lines in each, if all of them
/// are revoked.
const CRL_PARTS_MAX: u32 = 128;

pub(super) fn read(file: &mut File<'_>, section: Section<'_>) -> AuthorityPlan {
    let key = file.text(section, "key").and_then(|at| file.word(at, AuthorityKey::ALL));
    let key_home = file.text(section, "key_home").and_then(|at| file.word(at, KeyHome::ALL));
    let mut name_constraints = BTreeSet::new();
    for at in file.list(section, "name_constraints") {
        if at.value == "zones" {
            name_constraints.insert(NameConstraint::Zones);
        } else if let Some(base) = file.parsed(at, "bad-name", DnsName::parse) {
            name_constraints.insert(NameConstraint::Below(base.value));
        }
    }
    let crl_parts = file.number(section, "crl_parts", 2..=CRL_PARTS_MAX);
    let crl_parts = crl_parts.and_then(|at| u16::try_from(at.value).ok()).and_then(NonZeroU16::new);
    AuthorityPlan { key, key_home, name_constraints, crl_parts }
}
