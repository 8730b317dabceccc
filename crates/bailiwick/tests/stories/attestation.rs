//! Workloads that prove what they are: a CI job shows its token and gets a certificate with an unmodified
//! client; any other job, branch, audience or time gets nothing, and is told which rule, which fact and who
//! could grant it.

use std::path::Path;

use serde_json::{Value, json};

use super::acme_gate::{Gate, Remembers, certificate_text};
use crate::harness::acme::Eab;
use crate::harness::bailiwick;
use crate::harness::forge::{Forge, SigningKey};
use crate::harness::lego::Lego;
use crate::harness::place::Folder;
use crate::harness::process::{self, Ran};
use crate::harness::programs;

const AUDIENCE: &str = "https://bailiwick.shop.example";
const MAIN: &str = "refs/heads/main";

/// Fields are dropped in order.
struct Scene {
    gate: Gate,
    forge: Forge,
    key: SigningKey,
    folder: Folder,
}

impl Scene {
    /// The shop lets the deploy job of its repository act for it, and one host; `more` stands in the
    /// attestor's table.
    fn start(more: &str) -> Self {
        let key = SigningKey::new("k1");
        let forge = Forge::start(&[&key]);
        let folder = Folder::new("workload");
        let host = host_key(&folder, "host.pem");
        let words = ["enroll", "--service", "shop-web", "--thumbprint", "--host-key", &host];
        let thumbprint = bailiwick::bailiwick(&words).expect_success().stdout;
        let attestors = format!(
            "[forge]\nkind = \"oidc\"\nissuer = \"{}\"\naudience = \"{AUDIENCE}\"\n{more}\
             vouches_for = [\"workload\"]\ntrust_roots = \"\"\"\n{}\"\"\"\n\n[hosts]\nkind = \"host-key\"\n\
             audience = \"{AUDIENCE}\"\n",
            forge.url, forge.root
        );
        let asked = format!(
            "\n[attested.deploy]\nattestor = \"forge\"\nanswers = \"sam\"\n\n[attested.deploy.claims]\n\
             repository = \"shop/web\"\nref = [\"{MAIN}\", \"refs/tags/v*\"]\nenvironment = \"production\"\n\n\
             [attested.edge]\nattestor = \"hosts\"\nanswers = \"sue\"\n\n[attested.edge.claims]\n\
             thumbprint = \"{}\"\n",
            thumbprint.trim()
        );
        let alter = |text: &str| {
            let of_shop = text.contains("id = \"shop-web\"");
            if of_shop { format!("{text}{asked}") } else { text.to_owned() }
        };
        let files = [("attestors.toml", attestors)];
        let gate = Gate::with_estate(Remembers::InSqlite, &alter, &files, &[]);
        Self { gate, forge, key, folder }
    }

    fn claims(&self, repository: &str, git_ref: &str) -> Value {
        self.forge.claims(AUDIENCE, repository, git_ref)
    }

    /// `bailiwick enroll` as it runs on the runner: without any sign-in.
    fn enroll(&self, token: &str) -> Ran {
        let file = self.folder.write("token", token).to_string_lossy().into_owned();
        self.enroll_with(&["--token", &file])
    }

    fn enroll_with(&self, words: &[&str]) -> Ran {
        let data = self.gate.server.data().to_string_lossy().into_owned();
        let here = ["enroll", "--service", "shop-web", "--json", "--data", &data];
        let here = [&here[..], &["--server", self.gate.server.https()], words].concat();
        bailiwick::bailiwick(&here)
    }

    fn taken(&self, token: &str) -> Value {
        let ran = self.enroll(token).expect_success();
        serde_json::from_str(&ran.stdout).expect("--json prints JSON")
    }

    fn refused(&self, what: &str, token: &str, rule: &str, said: &[&str]) {
        let ran = self.enroll(token);
        assert_ne!(ran.code, Some(0), "{what}: {}", ran.stdout);
        for part in said.iter().chain(&[format!("rule `{rule}`").as_str()]) {
            assert!(ran.stderr.contains(part), "{what}: `{part}` is not in {}", ran.stderr);
        }
    }

    fn lego(&self, enrolled: &Value) -> Lego {
        let member = |name: &str| enrolled[name].as_str().expect("it has it").to_owned();
        let eab = Eab { kid: member("kid"), hmac: member("hmac_key") };
        Lego::new(&self.gate.server.acme(Some(eab)))
    }
}

fn host_key(folder: &Folder, name: &str) -> String {
    let path = folder.file(name);
    let mut command =
        process::bounded(&programs::find("openssl"), std::time::Duration::from_secs(10));
    command.args(["genpkey", "-algorithm", "ed25519", "-out"]).arg(&path);
    process::run(command).expect_success();
    path.to_string_lossy().into_owned()
}

fn is_for(certificate: &Path, name: &str) {
    let text = certificate_text(certificate);
    assert!(text.contains(&format!("DNS:{name}")), "{text}");
}

#[test]
fn a_job_of_the_right_repository_gets_a_certificate_with_an_unmodified_client() {
    let mut scene = Scene::start("");
    let before = scene.gate.ledger_entries();
    let token = scene.key.sign(&scene.claims("shop/web", MAIN));
    let enrolled = scene.taken(&token);
    assert_eq!(enrolled["attestor"], "forge", "{enrolled}");
    assert_eq!(enrolled["claims"]["repository"], "shop/web", "{enrolled}");
    let lego = scene.lego(&enrolled);
    lego.obtain(&[Gate::NAME], scene.gate.http01()).expect_success();
    is_for(&lego.chain(Gate::NAME), Gate::NAME);
    let entries = scene.gate.ledger_since(before);
    let of = |kind: &str| -> Vec<&String> {
        entries.iter().filter(|entry| entry.contains(&format!("\"{kind}\""))).collect()
    };
    let [enrolment] = of("workload.enrolled")[..] else { panic!("{entries:#?}") };
    assert!(enrolment.contains("shop/web") && enrolment.contains("attestation"), "{enrolment}");
    let [order] = of("order.accepted")[..] else { panic!("{entries:#?}") };
    let kept = order.contains("attestation") && order.contains("refs/heads/main");
    assert!(kept, "the inputs of the decision hold what was attested: {order}");
    assert!(order.contains("sam"), "a person stands behind it: {order}");
    assert!(entries.iter().all(|entry| !entry.contains(&token)), "a token stands in the ledger");
    assert!(!scene.gate.server.log().contains(&token), "a token stands in the log");
    // What was shown once shows nothing a second time, also after a kill.
    scene.refused("shown again", &token, "token-spent", &["fresh one", "nobody can grant it"]);
    scene.gate.server.kill9();
    scene.gate.server.restart();
    scene.refused("shown again", &token, "token-spent", &["fresh one"]);
    let tagged = scene.taken(&scene.key.sign(&scene.claims("shop/web", "refs/tags/v1.2")));
    assert_eq!(tagged["claims"]["ref"], "refs/tags/v1.2", "{tagged}");
    scene.gate.server.stop();
    let data = scene.gate.server.data().to_string_lossy().into_owned();
    for check in ["verify", "fsck"] {
        bailiwick::bailiwick(&["ledger", check, "--data", &data]).expect_success();
    }
}

#[test]
fn any_other_job_branch_audience_or_time_is_refused_with_rule_fact_and_grantor() {
    let scene = Scene::start("");
    let right = || scene.claims("shop/web", MAIN);
    let signed = |change: &dyn Fn(&mut Value)| {
        let mut claims = right();
        change(&mut claims);
        scene.key.sign(&claims)
    };
    let mismatch = |what: &str, said: &[&str], change: &dyn Fn(&mut Value)| {
        let grantor = ["Sam Okoro (shop) can grant it", "asks for an attestation of `forge`"];
        scene.refused(
            what,
            &signed(change),
            "attestation-mismatch",
            &[&grantor[..], said].concat(),
        );
    };
    let says = |said: &'static str| [said];
    let said = says("the token of `forge` says repository `shop/evil`");
    mismatch("another repository", &said, &|c| c["repository"] = json!("shop/evil"));
    let said = says("the token of `forge` says ref `refs/heads/dev`");
    mismatch("another branch", &said, &|c| c["ref"] = json!("refs/heads/dev"));
    let said = says("the token of `forge` says ref `refs/pull/1/merge`");
    mismatch("a pull request", &said, &|c| c["ref"] = json!("refs/pull/1/merge"));
    let said = says("the token of `forge` says environment `staging`");
    mismatch("another environment", &said, &|c| c["environment"] = json!("staging"));
    let said = says("the token of `forge` says no environment");
    mismatch("no environment", &said, &|c| c["environment"] = Value::Null);
    let refused = |what: &str, rule: &str, said: &[&str], change: &dyn Fn(&mut Value)| {
        let said = [said, &["nobody can grant it"]].concat();
        scene.refused(what, &signed(change), rule, &said);
    };
    let past = |c: &mut Value| c["exp"] = json!(c["iat"].as_u64().expect("a time") - 1);
    refused("expired", "token-out-of-date", &["was good until", "fresh one"], &past);
    let said = ["`https://sts.cloud.example`", AUDIENCE];
    refused("for another", "token-audience", &said, &|c| {
        c["aud"] = json!("https://sts.cloud.example")
    });
    refused("of another", "token-issuer", &["`forge`"], &|c| c["iss"] = json!("https://x.example"));
    let forged = SigningKey::new("k1").sign(&right());
    scene.refused("forged", &forged, "token-not-verified", &["signature"]);
    scene.refused("no token", "hello", "token-malformed", &["not a token"]);
    // Somebody who has a person's credential is still not the workload that the service asks for.
    let lego = Lego::new(&scene.gate.acme_for_the_shop());
    let ran = lego.obtain(&[Gate::NAME], scene.gate.http01());
    let told = format!("{}{}", ran.stdout, ran.stderr);
    assert_ne!(ran.code, Some(0), "{told}");
    assert!(told.contains("attestation-mismatch"), "{told}");
    assert!(told.contains("nothing is attested about the client"), "{told}");
}

#[test]
fn keys_are_fetched_once_and_without_them_nobody_is_believed() {
    let scene = Scene::start("holds_minutes = 60\n");
    scene.taken(&scene.key.sign(&scene.claims("shop/web", MAIN)));
    let asked = scene.forge.asked();
    scene.taken(&scene.key.sign(&scene.claims("shop/web", MAIN)));
    assert_eq!(scene.forge.asked(), asked, "fresh keys are not fetched again");
    // A key nobody published: not fetched for each token that names another.
    let stranger = SigningKey::new("k9");
    let unknown = stranger.sign(&scene.claims("shop/web", MAIN));
    scene.refused("unknown key", &unknown, "token-not-verified", &["`kid`"]);
    assert_eq!(scene.forge.asked(), asked, "a made-up key makes nobody ask");
    drop(scene);
    // A server that starts while the provider is down believes nobody, whoever signed.
    let scene = Scene::start("");
    scene.forge.goes_down();
    let ran = scene.enroll(&scene.key.sign(&scene.claims("shop/web", MAIN)));
    assert_ne!(ran.code, Some(0), "{}", ran.stdout);
    assert!(ran.stderr.contains("attestor `forge` could not be reached"), "{}", ran.stderr);
    assert!(scene.forge.asked() > 0, "it was asked");
}

#[test]
fn a_host_proves_itself_with_its_key_and_a_foreign_one_does_not() {
    let scene = Scene::start("");
    let ours = scene.folder.file("host.pem").to_string_lossy().into_owned();
    let words = |key: &str| {
        let ran = scene.enroll_with(&["--host-key", key, "--audience", AUDIENCE]);
        (ran.code, ran.stdout.clone(), ran.stderr.clone())
    };
    let (code, out, err) = words(&ours);
    assert_eq!(code, Some(0), "{err}");
    let enrolled: Value = serde_json::from_str(&out).expect("--json prints JSON");
    assert_eq!(enrolled["attestor"], "hosts", "{enrolled}");
    let lego = scene.lego(&enrolled);
    lego.obtain(&[Gate::OTHER_NAME], scene.gate.http01()).expect_success();
    is_for(&lego.chain(Gate::OTHER_NAME), Gate::OTHER_NAME);
    let (code, _, err) = words(&host_key(&scene.folder, "foreign.pem"));
    assert_ne!(code, Some(0), "a foreign host was taken");
    assert!(err.contains("attestation-mismatch") && err.contains("can grant it"), "{err}");
}

/// The account goes on: nobody has to register another because what was attested is over.
#[test]
fn an_account_goes_on_with_a_fresh_token_of_the_workload_that_registered_it() {
    let scene = Scene::start("");
    let signed = |repository: &str, git_ref: &str, run: &str| {
        let mut claims = scene.claims(repository, git_ref);
        claims["run_id"] = json!(run);
        scene.key.sign(&claims)
    };
    let lego = scene.lego(&scene.taken(&signed("shop/web", MAIN, "run-1")));
    lego.obtain(&[Gate::NAME], scene.gate.http01()).expect_success();
    let accounts = |service: &str| -> Vec<Value> {
        let list = ["account", "list", "--service", service, "--json"];
        let ran = scene.gate.cli(&list).expect_success();
        let page: Value = serde_json::from_str(&ran.stdout).expect("--json prints JSON");
        page["items"].as_array().expect("a list").clone()
    };
    let [account] = &accounts("shop-web")[..] else { panic!("one account registered") };
    let id = account["id"].as_str().expect("it has an id").to_owned();
    let again = |token: &str| {
        let file = scene.folder.write("token", token).to_string_lossy().into_owned();
        scene.enroll_with(&["--token", &file, "--account", &id])
    };
    let fresh = signed("shop/web", MAIN, "run-2");
    let renewed = again(&fresh).expect_success();
    let renewed: Value = serde_json::from_str(&renewed.stdout).expect("--json prints JSON");
    assert_eq!(renewed["account"], json!(id), "{renewed}");
    assert_eq!(renewed["claims"]["run_id"], "run-2", "{renewed}");

    // The next order is judged with what is attested now, by the same account.
    let before = scene.gate.ledger_entries();
    lego.renew(&[Gate::NAME], scene.gate.http01()).expect_success();
    let entries = scene.gate.ledger_since(before);
    let order = entries.iter().find(|entry| entry.contains("\"order.accepted\""));
    let order = order.expect("an order was accepted");
    assert!(order.contains("run-2") && !order.contains("run-1"), "{order}");
    assert_eq!(accounts("shop-web").len(), 1, "no other account was registered");

    // Each token is taken once; another workload that may act for the service has its own account.
    let refused = |what: &str, ran: &Ran, rule: &str| {
        assert_ne!(ran.code, Some(0), "{what}: {}", ran.stdout);
        assert!(ran.stderr.contains(&format!("rule `{rule}`")), "{what}: {}", ran.stderr);
    };
    refused("shown again", &again(&fresh), "token-spent");
    let tag = signed("shop/web", "refs/tags/v1.2", "run-3");
    refused("another workload", &again(&tag), "account-of-another");
    refused("a foreign job", &again(&signed("shop/evil", MAIN, "run-4")), "attestation-mismatch");
}
