//! `bailiwick caa failsafe` and `bailiwick caa suggest`: over an estate folder, without a server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bailiwick_core::caa::{
    AccountUri, Detection, FailSafe, FailSafeFacts, Grade, IssuerLimit, KnownAccounts, Revocation,
    SuggestedEdit, ValidationMethod, ZoneSuggestion, suggest,
};
use bailiwick_core::estate::Estate;
use bailiwick_core::names::{DnsName, IssuerId};
use bailiwick_core::policy::Fact;
use clap::Args;
use serde_json::json;

use crate::cli::{Output, exit, failed, say};

/// Would issuance for a name fail safely if CAA were ignored.
#[derive(Args)]
pub(crate) struct FailSafeArgs {
    /// The name, such as www.shop.example
    name: String,
    /// The estate folder; without it nothing about the organisation is known
    #[arg(long, value_name = "DIR")]
    estate: Option<PathBuf>,
    /// The CT logs are watched, and a certificate is seen within this time, such as 15m, 6h or 2d
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    ct_within: Option<u64>,
    /// A certificate is revoked within this time of our knowing, such as 12h; as rehearsed
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    revoked_within: Option<u64>,
    /// The CA itself locks the name to our account, whatever CAA says
    #[arg(long)]
    locked_by_ca: bool,
    #[command(flatten)]
    output: Output,
}

/// CAA records that would say what the estate has decided.
#[derive(Args)]
pub(crate) struct Suggest {
    /// The estate folder
    #[arg(long, value_name = "DIR", default_value = ".")]
    estate: PathBuf,
    /// Only this zone; all of them where absent
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// The URI of our account at an issuer of the estate; may be repeated
    #[arg(long = "account", value_name = "ISSUER=URI")]
    accounts: Vec<String>,
    /// How control of names is shown at an issuer of the estate, such as le=dns-01; may be repeated
    #[arg(long = "method", value_name = "ISSUER=METHOD")]
    methods: Vec<String>,
    #[command(flatten)]
    output: Output,
}

/// A time span as people write it, in seconds.
fn seconds(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no time; write a number and s, m, h or d, such as 6h");
    let (number, unit) = match text.char_indices().last() {
        Some((at, 's')) => (text.get(..at), 1),
        Some((at, 'm')) => (text.get(..at), 60),
        Some((at, 'h')) => (text.get(..at), 3_600),
        Some((at, 'd')) => (text.get(..at), 86_400),
        _ => (None, 1),
    };
    let number: u64 = number.and_then(|number| number.parse().ok()).ok_or_else(wrong)?;
    number.checked_mul(unit).ok_or_else(wrong)
}

fn estate_of(folder: &Path) -> Result<Estate, String> {
    let files = crate::app::read_folder(folder)?;
    bailiwick_wire::estate::read(&files).map_err(|problems| {
        let count = problems.len();
        format!(
            "the estate has {count} problems; run `bailiwick estate check {}`",
            folder.display()
        )
    })
}

/// Runs `failsafe`. Exit code 0: grade A, B or C; 1: D or E; 2: it could not be asked.
pub(super) fn failsafe(wish: &FailSafeArgs) -> u8 {
    let judged = match judged(wish) {
        Ok(judged) => judged,
        Err(message) => return failed(message, exit::UNKNOWN),
    };
    if wish.output.json {
        say(format!("{:#}", failsafe_json(&wish.name, &judged)));
    } else {
        say(failsafe_text(&wish.name, &judged).trim_end());
    }
    if judged.grade <= Grade::C { exit::YES } else { exit::NO }
}

fn judged(wish: &FailSafeArgs) -> Result<FailSafe, String> {
    let base = wish.name.strip_prefix("*.").unwrap_or(&wish.name);
    let name = DnsName::parse(base).map_err(|cause| format!("NAME: {cause}"))?;
    let mut facts = match &wish.estate {
        None => FailSafeFacts::UNKNOWN,
        Some(folder) => {
            let estate = estate_of(folder)?;
            FailSafeFacts::of_estate(&estate, &name)
                .ok_or_else(|| format!("`{name}` lies in no zone of the estate; add its zone"))?
        }
    };
    if let Some(seconds) = wish.ct_within {
        facts.detection = Fact::Known(Detection::Within { seconds });
    }
    if let Some(seconds) = wish.revoked_within {
        facts.revocation = Fact::Known(Revocation::Within { seconds });
    }
    if wish.locked_by_ca {
        facts.account = Fact::Known(IssuerLimit::ByIssuer);
    }
    Ok(facts.judge())
}

fn failsafe_text(name: &str, judged: &FailSafe) -> String {
    let mut lines = vec![
        format!("GRADE {}  {name}, if a CA ignored CAA: {}", judged.grade, judged.because),
        String::new(),
        "What would still stand".to_owned(),
    ];
    for one in &judged.controls {
        let (control, stand) = (one.control.as_str(), one.stand.as_str());
        lines.push(format!("  {control:<16} {stand:<15} {}", one.because));
    }
    if judged.at_best < judged.grade {
        lines.push(String::new());
        lines.push(format!(
            "If everything that is not known were known to stand, it would be {}.",
            judged.at_best
        ));
    }
    if !judged.would_help.is_empty() {
        lines.push(String::new());
        lines.push("What would help".to_owned());
        lines.extend(judged.would_help.iter().map(|what| format!("  {what}")));
    }
    lines.join("\n")
}

fn failsafe_json(name: &str, judged: &FailSafe) -> serde_json::Value {
    let controls: Vec<_> = judged
        .controls
        .iter()
        .map(|one| {
            json!({
                "control": one.control.as_str(),
                "stand": one.stand.as_str(),
                "because": one.because,
            })
        })
        .collect();
    json!({
        "name": name,
        "grade": judged.grade.to_string(),
        "because": judged.because,
        "controls": controls,
        "exposure_seconds": judged.exposure_seconds,
        "at_best": judged.at_best.to_string(),
        "would_help": judged.would_help,
    })
}

/// Runs `suggest`. Exit code 0: nothing would change; 1: something would; 2: it could not be asked.
pub(super) fn suggestions(wish: &Suggest) -> u8 {
    let all = match suggested(wish) {
        Ok(all) => all,
        Err(message) => return failed(message, exit::UNKNOWN),
    };
    if wish.output.json {
        let zones: Vec<_> = all.iter().map(suggestion_json).collect();
        say(format!("{:#}", json!({ "zones": zones })));
    } else {
        let texts: Vec<String> = all.iter().map(suggestion_text).collect();
        say(texts.join("\n\n"));
    }
    let kept = |zone: &ZoneSuggestion| zone.records.iter().all(|r| r.edit == SuggestedEdit::Keep);
    if all.iter().all(kept) { exit::YES } else { exit::NO }
}

fn suggested(wish: &Suggest) -> Result<Vec<ZoneSuggestion>, String> {
    let estate = estate_of(&wish.estate)?;
    let mut known = KnownAccounts::default();
    for given in &wish.accounts {
        let (issuer, uri) = split("--account", given, &estate)?;
        let uri =
            AccountUri::parse(uri).map_err(|cause| format!("--account `{given}`: {cause}"))?;
        known.accounts.entry(issuer).or_default().insert(uri);
    }
    for given in &wish.methods {
        let (issuer, method) = split("--method", given, &estate)?;
        let method = ValidationMethod::parse(method)
            .map_err(|cause| format!("--method `{given}`: {cause}"))?;
        known.methods.entry(issuer).or_default().insert(method);
    }
    let all = suggest(&estate, &known, &BTreeMap::new());
    let Some(zone) = &wish.zone else { return Ok(all) };
    let one: Vec<_> = all.into_iter().filter(|one| one.zone.to_string() == *zone).collect();
    if one.is_empty() {
        return Err(format!("--zone `{zone}`: the estate has no such zone; name one of its zones"));
    }
    Ok(one)
}

fn split<'a>(flag: &str, given: &'a str, estate: &Estate) -> Result<(IssuerId, &'a str), String> {
    let wrong = |what: &str| format!("{flag} `{given}`: {what}");
    let (issuer, rest) = given.split_once('=').ok_or_else(|| wrong("write ISSUER=…"))?;
    let issuer = IssuerId::parse(issuer).map_err(|cause| wrong(&cause.to_string()))?;
    if !estate.issuers.contains_key(&issuer) {
        return Err(wrong("the estate has no such issuer; name one of issuers.toml"));
    }
    Ok((issuer, rest))
}

fn suggestion_text(one: &ZoneSuggestion) -> String {
    let below = one.owner != *one.zone.name.apex();
    let mut lines =
        vec![if below { format!("{}, at {}", one.zone, one.owner) } else { one.zone.to_string() }];
    for record in &one.records {
        let mark = match record.edit {
            SuggestedEdit::Keep => ' ',
            SuggestedEdit::Add => '+',
            SuggestedEdit::Drop => '-',
        };
        lines.push(format!("  {mark} {}. CAA {}", one.owner, record.record));
        lines.push(format!("      {}", record.because));
    }
    if one.loses.is_empty() {
        lines.push("  Nobody of the estate would lose anything.".to_owned());
    } else {
        lines.push("  Who could no longer issue:".to_owned());
        for loss in &one.loses {
            lines.push(format!("    `{}` from `{}`, for {}", loss.service, loss.issuer, loss.name));
        }
    }
    lines.join("\n")
}

fn suggestion_json(one: &ZoneSuggestion) -> serde_json::Value {
    let records: Vec<_> = one
        .records
        .iter()
        .map(|record| {
            json!({
                "edit": record.edit.to_string(),
                "record": record.record.to_string(),
                "because": record.because,
            })
        })
        .collect();
    let loses: Vec<_> = one
        .loses
        .iter()
        .map(|loss| {
            json!({
                "service": loss.service.to_string(),
                "name": loss.name.to_string(),
                "issuer": loss.issuer.to_string(),
            })
        })
        .collect();
    json!({
        "zone": one.zone.to_string(),
        "owner": one.owner.to_string(),
        "records": records,
        "loses": loses,
    })
}
