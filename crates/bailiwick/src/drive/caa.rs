//! CAA as seen just before issuing: every name, freshly, through every view; doubt is no.

use std::collections::BTreeSet;

use bailiwick_core::caa::{
    AccountUri, CaaName, CaaOutcome, CaaReport, CaaSubject, CaaTerms, IssuerDomain, Proof,
    ValidationMethod,
};
use bailiwick_core::names::{Digest, SanName};
use bailiwick_core::policy::{CaaFact, Fact};
use bailiwick_core::record::Work;
use futures::stream::{self, StreamExt as _};

use crate::app::{App, Live};

/// Names looked up at once: a certificate of a hundred names must not flood one server.
const AT_ONCE: usize = 8;

/// What CAA said for each name of a certificate.
pub(crate) struct CaaSeen {
    reports: Vec<CaaReport>,
    octets: Vec<u8>,
    /// Whether a validating resolver was asked, so that every answer has to be proven or provably
    /// unsigned (BR 3.2.2.8.1).
    validating: bool,
}

impl CaaSeen {
    /// Looks, for each name with the method it was validated by.
    pub(crate) async fn look(
        app: &App,
        live: &Live,
        domains: &BTreeSet<String>,
        account_url: &str,
        names: &[(SanName, Option<String>)],
    ) -> Self {
        let view = app.view(live);
        let one = |(name, method): &(SanName, Option<String>)| {
            let terms = terms(domains, account_url, method.as_deref());
            let name = name.clone();
            let view = &view;
            async move { Some(app.dns.caa_check(view, subject(&name), terms?).await) }
        };
        let seen: Vec<Option<CaaReport>> =
            stream::iter(names.iter().map(one)).buffered(AT_ONCE).collect().await;
        // A name whose terms cannot be spelled has no report, so it is missing, so it is doubt.
        let reports: Vec<CaaReport> = seen.into_iter().flatten().collect();
        let complete = reports.len() == names.len();
        let reports = if complete { reports } else { Vec::new() };
        let all: Vec<_> = reports.iter().map(bailiwick_wire::caa_json::report_json).collect();
        let octets = serde_json::Value::from(all).to_string().into_bytes();
        Self { reports, octets, validating: app.resolver.is_some() }
    }

    fn outcome(&self) -> CaaOutcome {
        if self.reports.is_empty() {
            return CaaOutcome::Unknown;
        }
        CaaOutcome::of_all(self.reports.iter().map(|report| self.outcome_of(report)))
    }

    fn outcome_of(&self, report: &CaaReport) -> CaaOutcome {
        let unproven =
            report.evidence().is_some_and(|seen| seen.weakest_proof() == Proof::Indeterminate);
        if self.validating && unproven { CaaOutcome::Unknown } else { report.verdict().outcome() }
    }

    /// Whether every name may be issued for.
    pub(crate) fn permits(&self) -> bool {
        self.outcome() == CaaOutcome::Allow
    }

    /// What the policy is told.
    pub(crate) fn fact(&self) -> Fact<CaaFact> {
        match self.outcome() {
            CaaOutcome::Allow => Fact::Known(CaaFact::Permits),
            CaaOutcome::Deny => Fact::Known(CaaFact::Forbids),
            CaaOutcome::Unknown => Fact::Unknown,
        }
    }

    /// The evidence, stored aside under [`CaaSeen::digest`].
    pub(crate) fn evidence(&self) -> Work {
        Work::PutEvidence { digest: self.digest(), kind: "caa/v1", octets: self.octets.clone() }
    }

    /// Names the evidence.
    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&self.octets)
    }

    /// One line on what was seen.
    pub(crate) fn summary(&self) -> String {
        let lines: Vec<String> = self.reports.iter().map(line).collect();
        lines.join("; ")
    }

    /// Why it does not permit, and what to do.
    pub(crate) fn refusal(&self) -> String {
        let not = |report: &&CaaReport| self.outcome_of(report) != CaaOutcome::Allow;
        let lines: Vec<String> = self.reports.iter().filter(not).map(line).collect();
        if lines.is_empty() {
            return "CAA could not be decided for the names; run `bailiwick caa check` on each"
                .to_owned();
        }
        format!("{}; run `bailiwick caa check` to see what each name answered", lines.join("; "))
    }
}

fn line(report: &CaaReport) -> String {
    format!("CAA of {}: {} ({})", report.subject(), report.because(), report.verdict().rule())
}

fn subject(name: &SanName) -> CaaSubject {
    let caa = if name.is_wildcard() {
        CaaName::wildcard(name.base().clone())
    } else {
        CaaName::plain(name.base().clone())
    };
    CaaSubject::Name(caa)
}

fn terms(domains: &BTreeSet<String>, account: &str, method: Option<&str>) -> Option<CaaTerms> {
    let issuers: Option<Vec<IssuerDomain>> =
        domains.iter().map(|domain| IssuerDomain::parse(domain).ok()).collect();
    let terms = CaaTerms::tls(issuers?);
    // A person asks without an account; CAA that names accounts then permits none.
    let terms = match account {
        "" => terms,
        account => terms.for_account(AccountUri::parse(account).ok()?),
    };
    match method {
        Some(method) => Some(terms.by_method(ValidationMethod::parse(method).ok()?)),
        None => Some(terms),
    }
}
