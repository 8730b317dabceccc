//! The readers: OpenSSL and pkilint as programs, webpki as a library.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use bailiwick_connect::issuer::BuiltinIssuer;
use bailiwick_core::certificate::{CertificateProfile, KeyPurpose};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::issuer_world::now;

pub(crate) fn openssl(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

pub(crate) fn webpki_believes(
    der: &[u8],
    issuer: &BuiltinIssuer,
    profile: &CertificateProfile,
) -> Result<(), webpki::Error> {
    let seconds = u64::try_from(now().unix_seconds()).unwrap();
    let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let (der, root) = (CertificateDer::from(der), CertificateDer::from(issuer.root_der()));
    let anchors = [anchor_from_trusted_cert(&root)?];
    let between = [CertificateDer::from(issuer.certificate_der())];
    let leaf = EndEntityCert::try_from(&der)?;
    for purpose in &profile.purposes {
        let usage = match purpose {
            KeyPurpose::ServerAuth => KeyUsage::server_auth(),
            KeyPurpose::ClientAuth => KeyUsage::client_auth(),
        };
        leaf.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &anchors,
            &between,
            at,
            usage,
            None,
            None,
        )?;
    }
    let name = ServerName::try_from("www.bailiwick-test.com").unwrap();
    leaf.verify_is_valid_for_subject_name(&name)
}

/// One finding of pkilint: what was linted, how bad, which rule, and what it says.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) what: String,
    pub(crate) severity: String,
    pub(crate) code: String,
    pub(crate) message: String,
}

/// Where `cargo xtask install` puts pkilint.
fn tool(name: &str) -> PathBuf {
    // This test lies in TARGET/debug/deps.
    let test = std::env::current_exe().unwrap();
    let own = test.ancestors().nth(3).unwrap().join("pypi/bin").join(name);
    assert!(own.is_file(), "`{}` is missing: run `cargo xtask install`", own.display());
    own
}

/// Everything of severity notice and above that a linter says of one document.
pub(crate) fn lint(folder: &Path, what: &str, line: &[&str], der: &[u8]) -> Vec<Finding> {
    let file = folder.join("linted.der");
    std::fs::write(&file, der).unwrap();
    let (program, arguments) = line.split_first().unwrap();
    let output = Command::new(tool(program))
        .args(arguments)
        .args(["-s", "NOTICE", "-f", "JSON", "--document-format", "DER"])
        .arg(&file)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let report: serde_json::Value = serde_json::from_str(&text)
        .unwrap_or_else(|_| panic!("{what}: {text}{}", String::from_utf8_lossy(&output.stderr)));
    let results = report["results"].as_array().expect("pkilint's report has results");
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    results
        .iter()
        .flat_map(|result| result["finding_descriptions"].as_array().unwrap())
        .map(|finding| Finding {
            what: what.to_owned(),
            severity: text(&finding["severity"]),
            code: text(&finding["code"]),
            message: text(&finding["message"]),
        })
        .collect()
}

/// Each finding is on the list, and each line of the list is still needed.
pub(crate) fn check_explained(found: &[Finding], explained: &[(&str, &str, &str)]) {
    let is = |finding: &Finding, (what, code, _): &(&str, &str, &str)| {
        finding.what == *what && finding.code == *code
    };
    let unexplained: Vec<&Finding> =
        found.iter().filter(|it| !explained.iter().any(|line| is(it, line))).collect();
    assert!(unexplained.is_empty(), "{unexplained:#?}");
    let idle: Vec<_> =
        explained.iter().filter(|line| !found.iter().any(|it| is(it, line))).collect();
    assert!(idle.is_empty(), "no longer needed: {idle:?}");
}
