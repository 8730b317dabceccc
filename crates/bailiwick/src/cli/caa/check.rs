//! `bailiwick caa check`: works without a server.

mod shown;

use std::net::SocketAddr;

use bailiwick_connect::dns::{DnsClient, Limits, Resolver, ResolverTrust, View, random_ids};
use bailiwick_core::caa::{
    AccountUri, CaaName, CaaOutcome, CaaReport, CaaSubject, CaaTerms, CertificateKind,
    Corroboration, IssuerDomain, Perspective, PropertyTag, Rir, ValidationMethod, corroborate,
};
use bailiwick_core::time::Time;
use clap::Args;
use futures::future::join_all;

use crate::cli::{Output, exit, failed, say};
use crate::world::World;

/// May an issuer issue for a name, as CAA says now.
#[derive(Args)]
pub(crate) struct Check {
    /// The names of one request, such as www.shop.example or *.shop.example; all of them must pass
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    /// The issuer's CAA domain; may be repeated where it has several
    #[arg(long = "issuer", value_name = "DOMAIN", required = true)]
    issuers: Vec<String>,
    /// Ask for a wildcard certificate of NAME
    #[arg(long)]
    wildcard: bool,
    /// Ask for a certificate for mailboxes at NAME (RFC 9495)
    #[arg(long, conflicts_with = "wildcard")]
    mail: bool,
    /// The account that would order, as in `accounturi` (RFC 8657)
    #[arg(long, value_name = "URI")]
    account: Option<String>,
    /// An account that this one belongs under, by the issuer's own mapping; may be repeated
    #[arg(long = "parent-account", value_name = "URI")]
    parent_accounts: Vec<String>,
    /// The validation method, as in `validationmethods` (RFC 8657), such as dns-01
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// Another label of that method, such as ca-tbr-19 for http-01; may be repeated
    #[arg(long = "same-method", value_name = "METHOD")]
    same_methods: Vec<String>,
    /// A property that the issuer knows; the registered ones where absent. May be repeated
    #[arg(long = "known-tag", value_name = "TAG")]
    known_tags: Vec<String>,
    /// A resolver that validates DNSSEC and that you trust; the system's where absent
    #[arg(long, value_name = "ADDR:PORT")]
    resolver: Option<SocketAddr>,
    /// A remote perspective: its region (arin, ripe, apnic, lacnic or afrinic) and its resolver. May be
    /// repeated; together they must reach the quorum that public CAs need (BR 3.2.2.9)
    #[arg(long = "vantage", value_name = "RIR@ADDR:PORT")]
    vantages: Vec<String>,
    /// Take the quorum of this day, such as 2026-12-15, instead of today's
    #[arg(long, value_name = "DATE", requires = "vantages")]
    quorum_of: Option<String>,
    #[command(flatten)]
    output: Output,
}

/// What was asked, and whom.
struct Asked {
    subjects: Vec<CaaSubject>,
    terms: CaaTerms,
    resolver: Resolver,
    vantages: Vec<(Rir, SocketAddr)>,
    quorum_of: Time,
}

/// What was seen of one name.
struct Seen {
    report: CaaReport,
    vantages: Vec<(Rir, SocketAddr, CaaReport)>,
    /// Only where there are vantages.
    corroboration: Option<Corroboration>,
}

impl Seen {
    fn outcome(&self) -> CaaOutcome {
        let primary = self.report.verdict().outcome();
        let remote = self.corroboration.as_ref().map(Corroboration::outcome);
        CaaOutcome::of_all([primary, remote.unwrap_or(primary)])
    }
}

/// Runs it.
pub(super) async fn run(check: Check) -> u8 {
    let world = World::system();
    let asked = match asked(&check, world.now()) {
        Ok(asked) => asked,
        Err(message) => return failed(message, exit::UNKNOWN),
    };
    let dns = DnsClient::new(Limits::default(), move || world.now(), random_ids);
    let mut all = Vec::new();
    for subject in &asked.subjects {
        all.push(look(&dns, &asked, subject).await);
    }
    let outcome = CaaOutcome::of_all(all.iter().map(Seen::outcome));
    if check.output.json {
        say(format!("{:#}", shown::json(&all, outcome)));
    } else {
        say(shown::text(&all, outcome).trim_end());
    }
    match outcome {
        CaaOutcome::Allow => exit::YES,
        CaaOutcome::Deny => exit::NO,
        CaaOutcome::Unknown => exit::UNKNOWN,
    }
}

async fn look(dns: &DnsClient, asked: &Asked, subject: &CaaSubject) -> Seen {
    let through = |resolver| {
        let (subject, terms) = (subject.clone(), asked.terms.clone());
        async move { dns.caa_check(&View::of_resolver(resolver), subject, terms).await }
    };
    let remote = asked.vantages.iter().map(|(rir, server)| async {
        // DNSSEC is the primary perspective's duty (BR 3.2.2.8.1).
        let resolver = Resolver { server: *server, trust: ResolverTrust::Unproven };
        (*rir, *server, through(resolver).await)
    });
    let (report, vantages) = futures::join!(through(asked.resolver), join_all(remote));
    let perspectives: Vec<Perspective> = vantages
        .iter()
        .map(|(rir, _, report)| Perspective { rir: *rir, outcome: report.verdict().outcome() })
        .collect();
    let corroboration = (!vantages.is_empty())
        .then(|| corroborate(report.verdict().outcome(), &perspectives, asked.quorum_of));
    Seen { report, vantages, corroboration }
}

fn asked(check: &Check, now: Time) -> Result<Asked, String> {
    let said = |flag: &'static str| move |cause: &dyn std::fmt::Display| format!("{flag}: {cause}");
    let subject = |text: &String| {
        if !check.wildcard && !text.contains('*') {
            return CaaSubject::parse(text).map_err(|cause| said("NAME")(&cause));
        }
        let star = if text.starts_with("*.") { text.clone() } else { format!("*.{text}") };
        let name = CaaName::parse(if check.wildcard { &star } else { text });
        name.and_then(CaaSubject::of_name).map_err(|cause| said("NAME")(&cause))
    };
    let subjects = check.names.iter().map(subject).collect::<Result<_, _>>()?;
    let resolver = check
        .resolver
        .map(|server| Resolver { server, trust: ResolverTrust::Validates })
        .or_else(Resolver::of_system)
        .ok_or("no resolver is known; give one that validates DNSSEC with --resolver ADDR:PORT")?;
    let vantages = check.vantages.iter().map(|text| vantage(text)).collect::<Result<_, _>>()?;
    let quorum_of = match &check.quorum_of {
        None => now,
        Some(text) => Time::parse(text)
            .map_err(|_| format!("--quorum-of `{text}`: not a date; write it as 2026-12-15"))?,
    };
    Ok(Asked { subjects, terms: terms(check)?, resolver, vantages, quorum_of })
}

fn vantage(text: &str) -> Result<(Rir, SocketAddr), String> {
    let wrong = |what: &str| format!("--vantage `{text}`: {what}");
    let (region, server) = text
        .split_once('@')
        .ok_or_else(|| wrong("write RIR@ADDR:PORT, such as ripe@192.0.2.1:53"))?;
    let rir = match region.to_ascii_lowercase().as_str() {
        "afrinic" => Rir::Afrinic,
        "apnic" => Rir::Apnic,
        "arin" => Rir::Arin,
        "lacnic" => Rir::Lacnic,
        "ripe" | "ripe-ncc" => Rir::RipeNcc,
        _ => return Err(wrong("no such region; it is arin, ripe, apnic, lacnic or afrinic")),
    };
    let server = server.parse().map_err(|_| wrong("no address; write ADDR:PORT"))?;
    Ok((rir, server))
}

fn terms(check: &Check) -> Result<CaaTerms, String> {
    let said = |flag: &'static str| move |cause: &dyn std::fmt::Display| format!("{flag}: {cause}");
    let issuers: Vec<IssuerDomain> = check
        .issuers
        .iter()
        .map(|domain| IssuerDomain::parse(domain).map_err(|cause| said("--issuer")(&cause)))
        .collect::<Result<_, _>>()?;
    let account = |flag, text: &String| AccountUri::parse(text).map_err(|cause| said(flag)(&cause));
    let method =
        |flag, text: &String| ValidationMethod::parse(text).map_err(|cause| said(flag)(&cause));
    let mut terms = CaaTerms::tls(issuers);
    if check.mail {
        terms.kind = CertificateKind::Email;
    }
    terms.account = check.account.as_ref().map(|text| account("--account", text)).transpose()?;
    terms.method = check.method.as_ref().map(|text| method("--method", text)).transpose()?;
    for text in &check.parent_accounts {
        terms.parent_accounts.insert(account("--parent-account", text)?);
    }
    for text in &check.same_methods {
        terms.equivalent_methods.insert(method("--same-method", text)?);
    }
    if !check.known_tags.is_empty() {
        let tag = |text: &String| {
            PropertyTag::read(text.as_bytes()).map_err(|cause| said("--known-tag")(&cause))
        };
        terms.known_tags = check.known_tags.iter().map(tag).collect::<Result<_, _>>()?;
    }
    Ok(terms)
}
