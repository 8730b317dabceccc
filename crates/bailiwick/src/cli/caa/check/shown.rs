//! What `bailiwick caa check` says.

use bailiwick_core::caa::{CaaOutcome, Corroboration, NotCorroborated, Rir};
use bailiwick_wire::caa_json::{outcome as word, report_json};
use bailiwick_wire::caa_text::render_text;
use serde_json::{Value, json};

use super::Seen;

/// For people: each name's report, what the perspectives say, and what follows for all names together.
pub(super) fn text(all: &[Seen], outcome: CaaOutcome) -> String {
    let mut texts: Vec<String> = all.iter().map(one_text).collect();
    if all.len() > 1 {
        let word = word(outcome).to_uppercase();
        texts.push(format!("{word}  all {} names together: each of them must pass", all.len()));
    }
    texts.join("\n\n")
}

fn one_text(seen: &Seen) -> String {
    let report = render_text(&seen.report);
    let Some(corroboration) = &seen.corroboration else { return report.trim_end().to_owned() };
    let mut lines = vec![report.trim_end().to_owned(), String::new()];
    lines.push("What the perspectives say".to_owned());
    for (rir, server, report) in &seen.vantages {
        let word = word(report.verdict().outcome());
        lines.push(format!("  {:<8} {server}  {word}: {}", region(*rir), report.because()));
    }
    lines.push(format!("  {}", quorum(corroboration)));
    if seen.outcome() != seen.report.verdict().outcome() {
        let word = word(seen.outcome()).to_uppercase();
        lines.push(format!("\n{word}  so, all perspectives together, a public CA must not issue"));
    }
    lines.join("\n")
}

fn quorum(corroboration: &Corroboration) -> String {
    match corroboration {
        Corroboration::Stands { agreeing, of, short: None } => {
            format!("Quorum {agreeing}/{of}: the primary permission stands (BR 3.2.2.9).")
        }
        Corroboration::Stands { agreeing, of, short: Some(short) } => format!(
            "Quorum {agreeing}/{of}: {}; on that day this was only reported (BR 3.2.2.9).",
            falls_short(*short)
        ),
        Corroboration::PrimaryForbids(_) => {
            "The primary perspective does not permit it, so there is nothing to corroborate."
                .to_owned()
        }
        Corroboration::NotCorroborated(short) => {
            format!("No quorum: {} (BR 3.2.2.9).", falls_short(*short))
        }
    }
}

fn falls_short(short: NotCorroborated) -> String {
    match short {
        NotCorroborated::TooFewRemotes { asked, wanted } => {
            format!("{asked} remote perspectives were asked, and {wanted} must be")
        }
        NotCorroborated::TooManyDissent { dissent, tolerated } => {
            format!("{dissent} perspectives do not agree, and {tolerated} may not")
        }
        NotCorroborated::TooFewRirs { regions, wanted } => {
            format!("those that agree stand in {regions} regions, and {wanted} are wanted")
        }
    }
}

/// For programs. Of one name without perspectives, its report as it is.
pub(super) fn json(all: &[Seen], outcome: CaaOutcome) -> Value {
    match all {
        [one] if one.corroboration.is_none() => report_json(&one.report),
        _ => json!({
            "outcome": word(outcome),
            "reports": all.iter().map(one_json).collect::<Vec<_>>(),
        }),
    }
}

fn one_json(seen: &Seen) -> Value {
    let mut report = report_json(&seen.report);
    let Some(corroboration) = &seen.corroboration else { return report };
    let perspectives: Vec<Value> = seen
        .vantages
        .iter()
        .map(|(rir, server, report)| {
            json!({
                "region": region(*rir),
                "resolver": server.to_string(),
                "outcome": word(report.verdict().outcome()),
                "because": report.because(),
            })
        })
        .collect();
    if let Value::Object(fields) = &mut report {
        fields.insert("perspectives".to_owned(), perspectives.into());
        fields.insert(
            "corroboration".to_owned(),
            json!({
                "outcome": word(corroboration.outcome()),
                "text": quorum(corroboration),
            }),
        );
    }
    report
}

const fn region(rir: Rir) -> &'static str {
    match rir {
        Rir::Afrinic => "AFRINIC",
        Rir::Apnic => "APNIC",
        Rir::Arin => "ARIN",
        Rir::Lacnic => "LACNIC",
        Rir::RipeNcc => "RIPE NCC",
    }
}
