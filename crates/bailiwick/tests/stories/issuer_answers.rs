//! What an issuer tells relying parties: OpenSSL asks the OCSP responder about a certificate that lego
//! got, before and after its revocation, about one that nobody issued, and about another CA's.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::acme_gate::{Gate, certificate_text};
use crate::harness::lego::Lego;
use crate::harness::place::Folder;
use crate::harness::process::{self, Ran};
use crate::harness::programs;

/// A certificate of the lab, and what is needed to ask about it.
struct Asked {
    gate: Gate,
    lego: Lego,
    folder: Folder,
}

impl Asked {
    fn new() -> Self {
        let gate = Gate::start();
        let lego = Lego::new(&gate.acme_for_the_shop());
        lego.obtain(&[Gate::NAME], gate.http01()).expect_success();
        Self { gate, lego, folder: Folder::new("asked") }
    }

    fn leaf(&self) -> PathBuf {
        self.lego.chain(Gate::NAME)
    }

    fn ca(&self, file: &str) -> PathBuf {
        self.gate.server.data().join("ca/house").join(file)
    }

    fn url(&self) -> String {
        format!("{}/ocsp/house", self.gate.server.http())
    }

    /// `openssl ocsp`, which asks and verifies the answer down to the root.
    fn openssl(&self, arguments: &[&str]) -> Ran {
        let mut command = openssl();
        command.arg("ocsp").arg("-issuer").arg(self.ca("intermediate.pem"));
        command.arg("-CAfile").arg(self.ca("root.pem")).args(arguments);
        process::run(command)
    }

    /// The same about the certificate, over `POST`.
    fn ask(&self, arguments: &[&str]) -> String {
        let (leaf, url) = (self.leaf().display().to_string(), self.url());
        let ran = self.openssl(&[arguments, &["-url", &url, "-cert", &leaf][..]].concat());
        let text = ran.expect_success().output();
        assert!(text.contains("Response verify OK"), "{text}");
        text
    }

    /// An answer over `GET`, with its headers.
    fn get(&self, request: &Path) -> (String, PathBuf) {
        let encoded = process::run({
            let mut command = openssl();
            command.args(["base64", "-A", "-in"]).arg(request);
            command
        });
        let path = encoded.expect_success().stdout.trim().replace('/', "%2F").replace('+', "%2B");
        self.curl(&[&format!("{}/{path}", self.url())])
    }

    fn curl(&self, arguments: &[&str]) -> (String, PathBuf) {
        let answer = self.folder.file("answer.der");
        let mut command = process::bounded(&programs::find("curl"), Duration::from_secs(10));
        command.args(["-sS", "-D", "-", "-o"]).arg(&answer).args(arguments);
        (process::run(command).expect_success().stdout.to_lowercase(), answer)
    }
}

/// The list that the certificate points at is its part's, signed and in force; it and the whole
/// list name the certificate once it is revoked, and another part's does not.
#[test]
fn a_certificate_points_at_its_part_of_the_crl_and_is_listed_there() {
    let asked = Asked::new();
    let text = certificate_text(&asked.leaf());
    let start = format!("{}/crl/house/4-", asked.gate.server.http());
    let part = text.split(&start).nth(1).and_then(|rest| rest.split(".crl").next());
    let part: u16 = part.expect("it points at its part").parse().expect("a number");
    asked.lego.revoke(Gate::NAME, 4).expect_success();
    let url = |part: u16| format!("{start}{part}.crl");
    for (url, listed) in [
        (url(part), true),
        (url((part + 1) % 4), false),
        (format!("{}/crl/house.crl", asked.gate.server.http()), true),
    ] {
        let (_, file) = asked.curl(&[&url]);
        let mut command = openssl();
        command.args(["crl", "-inform", "DER", "-noout", "-text", "-in"]).arg(&file);
        command.arg("-CAfile").arg(asked.ca("intermediate.pem"));
        let text = process::run(command).expect_success().output();
        assert!(text.contains("verify OK"), "{url}: {text}");
        assert_eq!(text.contains("Superseded"), listed, "{url}: {text}");
        let is_part = text.contains("X509v3 Issuing Distribution Point: critical");
        assert_eq!(is_part, url.starts_with(&start), "{text}");
        assert!(!is_part || text.contains(&url), "the scope is the URL itself: {text}");
    }
    let (head, body) = asked.curl(&[&format!("{}/healthz", asked.gate.server.http())]);
    let health = std::fs::read_to_string(body).expect("health is text");
    assert!(head.contains("200 ok") && health.contains("\"crls\":\"fresh\""), "{health}");
}

fn openssl() -> std::process::Command {
    process::bounded(&programs::find("openssl"), Duration::from_secs(10))
}

#[test]
fn the_responder_says_good_revoked_or_unknown_and_openssl_believes_it() {
    let asked = Asked::new();
    let text = certificate_text(&asked.leaf());
    assert!(text.contains(&format!("OCSP - URI:{}", asked.url())), "{text}");
    for way in [&[][..], &["-no_nonce"], &["-sha256"]] {
        let text = asked.ask(way);
        assert!(text.contains(": good"), "{way:?}: {text}");
    }
    // Nobody issued this one: unknown, never good.
    let text = asked.openssl(&["-url", &asked.url(), "-serial", "0x1234567890"]).output();
    assert!(text.contains("0x1234567890: unknown"), "{text}");
    // The root's own certificate is for another CA to speak about.
    let root = asked.ca("root.pem").display().to_string();
    let mut command = openssl();
    command.args(["ocsp", "-issuer", &root, "-cert", &root, "-url", &asked.url()]);
    let text = process::run(command).output();
    assert!(text.contains("unauthorized (6)"), "{text}");

    asked.lego.revoke(Gate::NAME, 1).expect_success();
    let text = asked.ask(&[]);
    assert!(text.contains(": revoked") && text.contains("keyCompromise"), "{text}");
}

#[test]
fn answers_over_get_may_be_kept_and_nonsense_is_told() {
    let asked = Asked::new();
    let (leaf, request) = (asked.leaf().display().to_string(), asked.folder.file("request.der"));
    let shown = request.display().to_string();
    asked.openssl(&["-cert", &leaf, "-no_nonce", "-reqout", &shown]).expect_success();
    let (head, answer) = asked.get(&request);
    assert!(head.contains("200 ok"), "{head}");
    assert!(head.contains("content-type: application/ocsp-response"), "{head}");
    for wanted in
        ["cache-control: max-age=3600, public", "etag: \"", "expires: ", "last-modified: "]
    {
        assert!(head.contains(wanted), "{wanted}: {head}");
    }
    let read = asked.openssl(&["-cert", &leaf, "-respin", &answer.display().to_string()]);
    assert!(read.output().contains(": good"), "{read:?}");
    // With a nonce the answer is for one client only.
    asked.openssl(&["-cert", &leaf, "-reqout", &shown]).expect_success();
    assert!(asked.get(&request).0.contains("cache-control: no-store"));

    let (_, answer) = asked.curl(&["--data-binary", "nonsense", &asked.url()]);
    let told = asked.openssl(&["-respin", &answer.display().to_string()]).output();
    assert!(told.contains("malformedrequest (1)"), "{told}");
    let (head, _) =
        asked.curl(&["--data-binary", "x", &format!("{}/ocsp/nobody", asked.gate.server.http())]);
    assert!(head.contains("200 ok") || head.contains("404"), "{head}");
}
