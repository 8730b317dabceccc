//! `bailiwick certificate lint`: what would have stopped a certificate here. Works without a server.

use std::path::{Path, PathBuf};

use bailiwick_core::certificate::{
    CertificateProfile, KeyKind, KeyPurpose, LintFinding, ProfileRules, RevocationPointers,
    lint_seen,
};
use bailiwick_core::names::ProfileId;
use bailiwick_wire::x509::{read_certificate, read_chain};
use serde_json::json;

use super::client::NoAnswer;
use super::exit;

/// The profile that needs no estate.
const PUBLIC: &str = "public-tls";

/// Lints the first certificate of a file.
pub(super) fn run(
    file: &Path,
    profile: &str,
    estate: Option<&PathBuf>,
    is_json: bool,
) -> Result<u8, NoAnswer> {
    let failed =
        |cause: String, remedy| NoAnswer::File { path: file.display().to_string(), cause, remedy };
    let profile = named(profile, estate)?;
    let octets =
        std::fs::read(file).map_err(|cause| failed(cause.to_string(), "give a PEM or DER file"))?;
    let der = if octets.first() == Some(&0x30) {
        octets
    } else {
        let chain = read_chain(&octets)
            .map_err(|cause| failed(cause.to_string(), "give a PEM or DER file"))?;
        chain.into_iter().next().unwrap_or_default()
    };
    let facts = read_certificate(&der)
        .map_err(|cause| failed(cause.to_string(), "give one certificate"))?;
    let findings = lint_seen(&facts, &profile);
    if is_json {
        let listed: Vec<_> = findings.iter().map(one_json).collect();
        super::say(json!({ "profile": profile.id.to_string(), "findings": listed }));
    } else if findings.is_empty() {
        super::say(format!("No finding: nothing forbids this certificate under `{}`.", profile.id));
    } else {
        findings.iter().for_each(|finding| super::say(one_text(finding)));
    }
    Ok(if findings.is_empty() { exit::YES } else { exit::NO })
}

/// What is wrong, and what to do: our messages say both.
fn halves(finding: &LintFinding) -> (String, Option<String>) {
    let whole = finding.to_string();
    match whole.split_once("; ") {
        Some((wrong, todo)) => (wrong.to_owned(), Some(todo.to_owned())),
        None => (whole, None),
    }
}

fn one_text(finding: &LintFinding) -> String {
    let (wrong, todo) = halves(finding);
    let help = todo.map(|todo| format!("\n  = help: {todo}")).unwrap_or_default();
    format!("finding[{}]: {wrong}\n  = rule: {}{help}", finding.rule(), finding.source())
}

fn one_json(finding: &LintFinding) -> serde_json::Value {
    let (wrong, todo) = halves(finding);
    json!({
        "rule": finding.rule(),
        "source": finding.source(),
        "message": wrong,
        "remedy": todo,
    })
}

/// A profile of an estate folder, or the one for public servers.
fn named(name: &str, estate: Option<&PathBuf>) -> Result<CertificateProfile, NoAnswer> {
    let missing = |cause: String, remedy| NoAnswer::File { path: name.to_owned(), cause, remedy };
    let id = ProfileId::parse(name)
        .map_err(|cause| missing(cause.to_string(), "name a profile of the estate"))?;
    let Some(folder) = estate else {
        if name == PUBLIC {
            return Ok(public(id));
        }
        let remedy = "give the estate folder with --estate DIR, or the profile `public-tls`";
        return Err(missing("profiles stand in an estate".to_owned(), remedy));
    };
    let files = crate::app::read_folder(folder)
        .map_err(|cause| missing(cause, "give a folder of TOML files with --estate"))?;
    let estate = bailiwick_wire::estate::read(&files).map_err(|problems| {
        missing(
            format!("the estate has {} problems", problems.len()),
            "run `bailiwick estate check`",
        )
    })?;
    let profile = estate.profiles.get(&id).map(|profile| profile.certificate.clone());
    profile.ok_or_else(|| {
        missing("the estate has no such profile".to_owned(), "name one of profiles.toml")
    })
}

/// The public rules alone: nothing narrower than they are.
fn public(id: ProfileId) -> CertificateProfile {
    CertificateProfile {
        id,
        lifetime_seconds_max: u32::MAX,
        backdate_seconds: 0,
        purposes: KeyPurpose::ALL.into(),
        keys_allowed: KeyKind::ALL.into(),
        rsa_bits_min: 2_048,
        names_max: u16::MAX,
        wildcard_allowed: true,
        revocation: RevocationPointers { crl: true, ocsp: true },
        workload_uri: false,
        rules: ProfileRules::PublicTls,
    }
}
