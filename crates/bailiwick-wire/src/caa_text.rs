//! A CAA report for a person at a terminal, at three in the morning: the verdict, why, what was
//! seen, what to do.

use std::fmt::{self, Write as _};

use bailiwick_core::caa::{
    Alias, AliasKind, CaaEvidence, CaaOutcome, CaaRecord, CaaReport, ClimbEnd, Empty,
    FreshnessRule, LookupAnswer, LookupFailure, Rung, SourceAnswer,
};

/// Records of one set that are shown; the JSON form has all.
const RECORDS_SHOWN: usize = 20;
/// Characters of one record that are shown; the JSON form has all.
const RECORD_CHARS_SHOWN: usize = 400;

/// Renders a report. Only printable ASCII of the servers' own text gets through; the rest is escaped.
#[must_use]
pub fn render_text(report: &CaaReport) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    match write_report(&mut text, report) {
        Ok(()) | Err(fmt::Error) => text,
    }
}

fn write_report(out: &mut String, report: &CaaReport) -> fmt::Result {
    let verdict = report.verdict();
    writeln!(out, "{}  {}", word(verdict.outcome()), headline(report))?;
    writeln!(out, "\nWhy\n  {} ({}).", capital(&report.because()), verdict.rule())?;
    if let Some(evidence) = report.evidence() {
        writeln!(out, "\nWhat each name answered")?;
        for (step, rung) in (1..).zip(evidence.rungs()) {
            write_rung(out, report, step, rung)?;
        }
        writeln!(out, "  {}", end_of(evidence))?;
    }
    let noticed = report.noticed();
    if !noticed.is_empty() {
        writeln!(out, "\nNoticed")?;
        noticed.iter().try_for_each(|line| writeln!(out, "  {line}"))?;
    }
    writeln!(out, "\nWhat to do\n  {}", report.remedy())?;
    match report.evidence() {
        Some(evidence) if verdict.outcome() != CaaOutcome::Unknown => {
            writeln!(out, "  {}", reliance(evidence))
        }
        Some(_) | None => Ok(()),
    }
}

const fn word(outcome: CaaOutcome) -> &'static str {
    match outcome {
        CaaOutcome::Allow => "ALLOW",
        CaaOutcome::Deny => "DENY",
        CaaOutcome::Unknown => "UNKNOWN",
    }
}

fn headline(report: &CaaReport) -> String {
    let terms = report.terms();
    let issuers: Vec<&str> = terms.issuers.iter().map(|issuer| issuer.as_str()).collect();
    let issuers = if issuers.is_empty() { "no issuer".to_owned() } else { issuers.join(" or ") };
    let may = match report.verdict().outcome() {
        CaaOutcome::Allow => "may issue",
        CaaOutcome::Deny => "may not issue",
        CaaOutcome::Unknown => "must not issue: CAA could not be decided",
    };
    let account = terms.account.as_ref().map_or_else(String::new, |a| format!(", account {a}"));
    let method = terms.method.as_ref().map_or_else(String::new, |m| format!(", by {m}"));
    format!("{}: {issuers} {may}{account}{method}", report.subject())
}

fn write_rung(out: &mut String, report: &CaaReport, step: usize, rung: &Rung) -> fmt::Result {
    match rung.sources.as_slice() {
        [only] => {
            writeln!(
                out,
                "  {step}. {}  {}  [{}]",
                rung.name,
                answered(&only.answer),
                only.source
            )?;
            write_details(out, report, &only.answer)
        }
        sources => {
            writeln!(out, "  {step}. {}  {}", rung.name, answered(&rung.answer))?;
            write_details(out, report, &rung.answer)?;
            sources.iter().try_for_each(|one| write_source(out, report, one, rung))
        }
    }
}

/// One of several servers; its records only where the servers do not agree.
fn write_source(
    out: &mut String,
    report: &CaaReport,
    one: &SourceAnswer<CaaRecord>,
    rung: &Rung,
) -> fmt::Result {
    writeln!(out, "     {}: {}", one.source, answered(&one.answer))?;
    match &rung.answer {
        LookupAnswer::Failed { .. } => write_details(out, report, &one.answer),
        LookupAnswer::Records(_)
        | LookupAnswer::NoData(_)
        | LookupAnswer::NxDomain(_)
        | LookupAnswer::Delegated { .. } => Ok(()),
    }
}

fn answered<R>(answer: &LookupAnswer<R>) -> String {
    match answer {
        LookupAnswer::Records(found) => {
            let count = found.records.len();
            let records = if count == 1 { "record" } else { "records" };
            format!("{count} {records}, TTL {} s, {}", found.ttl_seconds, found.proof)
        }
        LookupAnswer::NoData(empty) => nothing("no CAA", empty),
        LookupAnswer::NxDomain(empty) => nothing("no CAA, the name does not exist", empty),
        LookupAnswer::Delegated { cut } => format!("not served here, delegated at {cut}"),
        LookupAnswer::Failed { failure, .. } => format!("FAILED: {failure}"),
    }
}

fn nothing(what: &str, empty: &Empty) -> String {
    let ttl = empty.ttl_seconds.map_or_else(String::new, |ttl| format!(", TTL {ttl} s"));
    format!("{what}{ttl}, {}", empty.proof)
}

fn write_details(
    out: &mut String,
    report: &CaaReport,
    answer: &LookupAnswer<CaaRecord>,
) -> fmt::Result {
    for Alias { from, to, by } in answer.aliases() {
        let by = match by {
            AliasKind::Cname => "CNAME",
            AliasKind::Dname => "DNAME",
        };
        writeln!(out, "       {from} is an alias ({by}) of {to}")?;
    }
    let LookupAnswer::Records(found) = answer else { return Ok(()) };
    for record in found.records.iter().take(RECORDS_SHOWN) {
        let text: String = record.to_string().chars().take(RECORD_CHARS_SHOWN).collect();
        match report.lack_of(record) {
            Some(lack) => writeln!(out, "       {text}   {lack}")?,
            None => writeln!(out, "       {text}")?,
        }
    }
    match found.records.len().saturating_sub(RECORDS_SHOWN) {
        0 => Ok(()),
        more => writeln!(out, "       and {more} more (all of them with --json)"),
    }
}

fn end_of(evidence: &CaaEvidence) -> String {
    match evidence.end() {
        ClimbEnd::Relevant => match evidence.relevant_owner() {
            Some(owner) => {
                format!("The set at {owner} is the relevant one; nothing above it counts.")
            }
            None => "The climb ended at a set.".to_owned(),
        },
        ClimbEnd::NoSet => "No name up to the top-level domain has a set.".to_owned(),
        ClimbEnd::Failed(LookupFailure::Disagreement) => {
            "The climb stopped here: the servers differ, and there is no telling which is right."
                .to_owned()
        }
        ClimbEnd::Failed(_) => {
            "The climb stopped here: a failed look-up may hide a set.".to_owned()
        }
        ClimbEnd::NoSuchTld => {
            "The climb stopped here: nothing exists under no top level.".to_owned()
        }
    }
}

fn reliance(evidence: &CaaEvidence) -> String {
    let [here, br] = [FreshnessRule::Internal, FreshnessRule::BaselineRequirements]
        .map(|rule| evidence.fresh_until(rule));
    format!("It may be relied on until {here} here, and until {br} by the Baseline Requirements.")
}

fn capital(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|c| c.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), rest.as_str())
}
