//! All rows of an audit in numbers.

use std::collections::BTreeMap;

use bailiwick_core::caa::{FindingKind, Severity};
use serde::Serialize;

use super::{AuditRow, SetState, Who, WhoWord};

/// Names kept as examples of one finding.
const EXAMPLES_MAX: usize = 20;
/// Issuers counted by name; the rest is one number.
const ISSUERS_MAX: usize = 1_000;

/// An audit in numbers. Its size depends on zones and issuers, not on names.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Summary {
    /// Names audited.
    pub names: u64,
    /// With a set that counts.
    pub with_set: u64,
    /// Without one.
    pub without_set: u64,
    /// Where it could not be told.
    pub unknown: u64,
    /// Names with at least one finding that is `high`.
    pub names_high: u64,
    /// Names with a finding, none of them worse than `medium`.
    pub names_medium: u64,
    /// Names where every CA may issue an ordinary certificate.
    pub open_ordinary: u64,
    /// Names where every CA may issue a wildcard certificate.
    pub open_wildcard: u64,
    /// Names where every CA may issue for mailboxes.
    pub open_mail: u64,
    /// Names where nobody may issue an ordinary certificate.
    pub closed_ordinary: u64,
    /// Names by DNSSEC state.
    pub dnssec: BTreeMap<String, u64>,
    /// Findings by kind.
    pub findings: BTreeMap<String, KindSummary>,
    /// For how many names each issuer may issue: ordinary, wildcard, mail.
    pub issuers: BTreeMap<String, [u64; 3]>,
    /// Zones.
    pub zones: BTreeMap<String, ZoneSummary>,
}

/// One kind of finding in numbers.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct KindSummary {
    /// How often.
    pub count: u64,
    /// Some of the names, the first in the list of names.
    pub examples: Examples,
}

/// Some names with particulars, by their number.
pub type Examples = BTreeMap<u64, (String, String)>;

/// One zone in numbers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct ZoneSummary {
    /// Names audited.
    pub names: u64,
    /// Without a set that counts.
    pub without_set: u64,
    /// Where it could not be told.
    pub unknown: u64,
    /// Names with a finding that is `high`.
    pub high: u64,
    /// Names with a finding, none of them worse than `medium`.
    pub medium: u64,
}

impl Summary {
    /// Counts one row.
    pub fn add(&mut self, row: &AuditRow) {
        let worst = row.findings.first().and_then(|f| FindingKind::parse(&f.kind));
        let zone = self.zones.entry(row.zone.clone()).or_default();
        for count in [&mut self.names, &mut zone.names] {
            *count += 1;
        }
        match row.set {
            SetState::Found => self.with_set += 1,
            SetState::None => {
                self.without_set += 1;
                zone.without_set += 1;
            }
            SetState::Unknown => {
                self.unknown += 1;
                zone.unknown += 1;
            }
        }
        match worst.map(FindingKind::severity) {
            Some(Severity::High) => {
                self.names_high += 1;
                zone.high += 1;
            }
            Some(Severity::Medium) => {
                self.names_medium += 1;
                zone.medium += 1;
            }
            Some(Severity::Low) | None => {}
        }
        let open = |who: &Who| u64::from(*who == Who::Word(WhoWord::Anyone));
        self.open_ordinary += open(&row.ordinary);
        self.open_wildcard += open(&row.wildcard);
        self.open_mail += open(&row.mail);
        self.closed_ordinary += u64::from(row.ordinary == Who::Only(Vec::new()));
        *self.dnssec.entry(row.dnssec.clone()).or_default() += 1;
        self.count_findings(row);
        self.count_issuers(row);
    }

    fn count_findings(&mut self, row: &AuditRow) {
        let mut before = None;
        for finding in &row.findings {
            let kind = self.findings.entry(finding.kind.clone()).or_default();
            // Several of a kind count once for their name.
            if before == Some(&finding.kind) {
                continue;
            }
            before = Some(&finding.kind);
            kind.count += 1;
            kind.examples.insert(row.number, (row.name.clone(), finding.detail.clone()));
            if kind.examples.len() > EXAMPLES_MAX {
                kind.examples.pop_last();
            }
        }
    }

    fn count_issuers(&mut self, row: &AuditRow) {
        for (place, who) in [&row.ordinary, &row.wildcard, &row.mail].into_iter().enumerate() {
            let Who::Only(all) = who else { continue };
            let mut before = None;
            for one in all {
                if before == Some(&one.issuer) {
                    continue;
                }
                before = Some(&one.issuer);
                let known = self.issuers.contains_key(&one.issuer);
                let full = self.issuers.len() >= ISSUERS_MAX;
                let name = if known || !full { one.issuer.as_str() } else { "(others)" };
                let counts = self.issuers.entry(name.to_owned()).or_default();
                if let Some(count) = counts.get_mut(place) {
                    *count += 1;
                }
            }
        }
    }

    /// Zones, the worst first: by names with `high` findings, then `medium`, then by name.
    #[must_use]
    pub fn zones_worst_first(&self) -> Vec<(&String, &ZoneSummary)> {
        let mut zones: Vec<_> = self.zones.iter().collect();
        zones.sort_by_key(|(name, zone)| {
            (std::cmp::Reverse(zone.high), std::cmp::Reverse(zone.medium), *name)
        });
        zones
    }

    /// Findings, the worst kind first.
    #[must_use]
    pub fn findings_worst_first(&self) -> Vec<(FindingKind, &KindSummary)> {
        let of = |kind: FindingKind| Some((kind, self.findings.get(kind.as_str())?));
        FindingKind::ALL.into_iter().filter_map(of).collect()
    }
}
