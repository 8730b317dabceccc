//! `bailiwick caa check`: works without a server.

use std::net::SocketAddr;

use bailiwick_connect::dns::{DnsClient, Limits, Resolver, ResolverTrust, View, random_ids};
use bailiwick_core::caa::{
    AccountUri, CaaName, CaaOutcome, CaaSubject, CaaTerms, IssuerDomain, ValidationMethod,
};
use clap::{Args, Subcommand};

use super::{Output, exit};
use crate::world::World;

#[derive(Subcommand)]
pub(crate) enum CaaCommand {
    /// May an issuer issue for a name, as CAA says now? Exit code 0: allow, 1: deny, 2: could not
    /// decide, which a CA has to treat as no
    Check(Check),
}

/// May an issuer issue for a name, as CAA says now.
#[derive(Args)]
pub(crate) struct Check {
    /// The name, such as www.shop.example or *.shop.example
    name: String,
    /// The issuer's CAA domain; may be repeated where it has several
    #[arg(long = "issuer", value_name = "DOMAIN", required = true)]
    issuers: Vec<String>,
    /// Ask for a wildcard certificate of NAME
    #[arg(long)]
    wildcard: bool,
    /// The account that would order, as in `accounturi` (RFC 8657)
    #[arg(long, value_name = "URI")]
    account: Option<String>,
    /// The validation method, as in `validationmethods` (RFC 8657), such as dns-01
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// A resolver that validates DNSSEC and that you trust; the system's where absent
    #[arg(long, value_name = "ADDR:PORT")]
    resolver: Option<SocketAddr>,
    #[command(flatten)]
    output: Output,
}

/// Runs a command.
pub(crate) async fn run(command: CaaCommand) -> u8 {
    let CaaCommand::Check(check) = command;
    let (subject, terms) = match asked(&check) {
        Ok(asked) => asked,
        Err(message) => return super::failed(message, exit::UNKNOWN),
    };
    let resolver = check
        .resolver
        .map(|server| Resolver { server, trust: ResolverTrust::Validates })
        .or_else(Resolver::of_system);
    let Some(resolver) = resolver else {
        let message =
            "no resolver is known; give one that validates DNSSEC with --resolver ADDR:PORT";
        return super::failed(message, exit::UNKNOWN);
    };
    let world = World::system();
    let dns = DnsClient::new(Limits::default(), move || world.now(), random_ids);
    let report = dns.caa_check(&View::of_resolver(resolver), subject, terms).await;
    if check.output.json {
        super::say(format!("{:#}", bailiwick_wire::caa_json::report_json(&report)));
    } else {
        super::say(bailiwick_wire::caa_text::render_text(&report).trim_end());
    }
    match report.verdict().outcome() {
        CaaOutcome::Allow => exit::YES,
        CaaOutcome::Deny => exit::NO,
        CaaOutcome::Unknown => exit::UNKNOWN,
    }
}

fn asked(check: &Check) -> Result<(CaaSubject, CaaTerms), String> {
    let said = |flag: &'static str| move |cause: &dyn std::fmt::Display| format!("{flag}: {cause}");
    let name = match (check.wildcard, check.name.strip_prefix("*.")) {
        (true, None) => format!("*.{}", check.name),
        (true, Some(_)) | (false, _) => check.name.clone(),
    };
    let name = CaaName::parse(&name).map_err(|cause| said("NAME")(&cause))?;
    let subject = CaaSubject::of_name(name).map_err(|cause| said("NAME")(&cause))?;
    let issuers: Vec<IssuerDomain> = check
        .issuers
        .iter()
        .map(|domain| IssuerDomain::parse(domain).map_err(|cause| said("--issuer")(&cause)))
        .collect::<Result<_, _>>()?;
    let mut terms = CaaTerms::tls(issuers);
    if let Some(account) = &check.account {
        let account = AccountUri::parse(account).map_err(|cause| said("--account")(&cause))?;
        terms = terms.for_account(account);
    }
    if let Some(method) = &check.method {
        let method = ValidationMethod::parse(method).map_err(|cause| said("--method")(&cause))?;
        terms = terms.by_method(method);
    }
    Ok((subject, terms))
}
