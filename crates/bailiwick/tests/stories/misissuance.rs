//! Valid is not the same as legitimate: certificates nobody should get, asked for at a real gate. Each is
//! refused with the rule, the fact that offends and who can grant it, in the answer and in the ledger; and
//! for each the near miss that has to pass does pass, to a real certificate.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use bailiwick_core::time::{DAY_MS, Time};
use serde_json::{Value, json};

use super::acme_gate::{Gate, certificate_text, csr};
use super::acme_jws::{Account, Answer, Client, base64url};
use crate::harness::acme::Eab;
use crate::harness::place::Folder;

/// How long a validation may take, with its retries.
const PATIENCE: Duration = Duration::from_secs(60);
const SHOP: &str = "services/shop-web.toml";
const SHOP_ZONE: &str = "zones/shop.example.toml";

fn now() -> Time {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let ms = since.expect("it is after 1970").as_millis();
    Time::from_unix_ms(i64::try_from(ms).expect("it is before the year 9999"))
}

/// A web server where http-01 looks, for whichever account is at work.
struct Web {
    thumbprint: Arc<Mutex<String>>,
}

impl Web {
    fn start(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is ours");
        let thumbprint: Arc<Mutex<String>> = Arc::default();
        let shared = Arc::clone(&thumbprint);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let thumbprint = shared.lock().expect("nobody panicked here").clone();
                answer_challenge(stream, &thumbprint);
            }
        });
        Self { thumbprint }
    }

    fn answers_for(&self, account: &Account) {
        *self.thumbprint.lock().expect("nobody panicked here") = account.key.thumbprint();
    }
}

fn answer_challenge(mut stream: TcpStream, thumbprint: &str) {
    let mut request = [0; 2_048];
    let read = stream.read(&mut request).unwrap_or_default();
    let request = String::from_utf8_lossy(request.split_at(read).0).into_owned();
    let path = request.split_whitespace().nth(1).unwrap_or_default();
    let text = format!("{}.{thumbprint}", path.rsplit('/').next().unwrap_or_default());
    let length = text.len();
    let answer =
        format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}");
    let _left = stream.write_all(answer.as_bytes());
}

/// An estate that people of the lab write: its files by path.
#[derive(Clone)]
struct Estate(Vec<(String, String)>);

impl Estate {
    /// The lab's, as it is active after the start, every ownership confirmed at this moment.
    fn of(gate: &Gate, verified: Time) -> Self {
        let mut files = Vec::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estates/lab");
        collect(&root, &root, &mut files);
        let dns = gate.server.ready()["lab"]["dns"].as_str().expect("the lab has a DNS").to_owned();
        for (path, text) in &mut files {
            if path.starts_with("zones/") {
                *text = format!("servers = [\"{dns}\"]\n{text}");
            }
            *text = text.replace("verified = 2026-11-01", &format!("verified = {verified}"));
        }
        Self(files)
    }

    /// The same with words of a file replaced; fails the test where they are not there.
    fn with(mut self, file: &str, from: &str, to: &str) -> Self {
        let found = self.0.iter_mut().find(|(path, _)| path == file);
        let (_, text) = found.unwrap_or_else(|| panic!("there is no {file}"));
        assert!(text.contains(from), "`{from}` is not in {file}: {text}");
        *text = text.replace(from, to);
        self
    }

    fn and(mut self, file: &str, text: String) -> Self {
        self.0.push((file.to_owned(), text));
        self
    }

    fn written(&self) -> Folder {
        let folder = Folder::new("estate");
        for (path, text) in &self.0 {
            let target = folder.file(path);
            let parent = target.parent().expect("a file lies in a folder");
            std::fs::create_dir_all(parent).expect("a folder can be made");
            std::fs::write(target, text).expect("a file can be written");
        }
        folder
    }
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("the lab's estate is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let text = std::fs::read_to_string(&path).expect("an estate is text");
            let relative = path.strip_prefix(root).expect("it lies in the estate");
            files.push((relative.to_string_lossy().into_owned(), text));
        }
    }
}

/// A service of the shop's team for one name, with this line of ownership.
fn service(id: &str, name: &str, ownership: &str) -> String {
    format!(
        "id = \"{id}\"\nname = \"Another of the shop's\"\nenvironment = \"production\"\n\
         names = [\"{name}\"]\nprofiles = [\"tls-server\"]\n\n[duties]\npolicy_owner = \"shop\"\n\
         operator = \"shop\"\nintegration_owner = \"shop\"\n{ownership}"
    )
}

fn verified(at: Time) -> String {
    format!("\n[ownership]\nverified = {at}\nby = \"sam\"\n")
}

/// What a refusal has to say.
struct Refusal<'a> {
    rule: &'a str,
    /// Words of the fact.
    fact: &'a [&'a str],
    /// Who can grant it, as a person reads it.
    grantor: &'a str,
    /// The same as stored: teams, or none where nobody can.
    teams: &'a [&'a str],
}

struct Scene {
    gate: Gate,
    client: Client,
    web: Web,
    http: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

impl Scene {
    fn start() -> Self {
        let gate = Gate::start();
        let client = Client::of(&gate.acme());
        let web = Web::start(gate.http01_port());
        let pem = std::fs::read(gate.acme().tls_ca).expect("the CA of the listener can be read");
        let root = reqwest::Certificate::from_pem(&pem).expect("it is a certificate");
        let http = reqwest::Client::builder().tls_certs_only([root]).no_proxy().timeout(PATIENCE);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Self {
            gate,
            client,
            web,
            http: http.build().expect("an HTTP client can be made"),
            runtime: runtime.expect("a runtime can be made"),
        }
    }

    /// Makes an estate the active one, as its people do: one asks, two others approve.
    fn apply(&self, estate: &Estate, why: &str) {
        let folder = estate.written();
        let path = folder.path().to_string_lossy().into_owned();
        let asked = ["estate", "apply", &path, "--reason", why, "--json"];
        let mut change = self.cli("dana", &asked);
        let id = change["id"].as_str().expect("a change has an id").to_owned();
        for approver in ["sol", "pia"] {
            if change["state"] == json!("awaiting-approval") {
                change = self.cli(approver, &["change", "approve", &id, "--json"]);
            }
        }
        assert_eq!(change["state"], json!("closed"), "{change:#}");
    }

    fn cli(&self, person: &str, words: &[&str]) -> Value {
        let ran = self.gate.cli_as(person, words).expect_success();
        serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("no JSON ({e}): {ran:?}"))
    }

    /// Registers with a credential that this person makes with these words.
    fn account(&self, person: &str, service: &str, more: &[&str]) -> Account {
        let words = [&["credential", "new", "--service", service, "--json"], more].concat();
        let made = self.cli(person, &words);
        let member = |name: &str| made[name].as_str().expect("a credential has it").to_owned();
        let eab = Eab { kid: member("kid"), hmac: member("hmac_key") };
        self.client.register(&eab, json!({}))
    }

    fn order(&self, account: &Account, names: &[&str], profile: Option<&str>) -> Answer {
        let identifiers: Vec<Value> =
            names.iter().map(|name| json!({"type": "dns", "value": name})).collect();
        let mut order = json!({"identifiers": identifiers});
        if let (Some(profile), Some(object)) = (profile, order.as_object_mut()) {
            object.insert("profile".to_owned(), json!(profile));
        }
        account.post(&self.client, &self.client.url("newOrder"), &order)
    }

    /// An order that is refused.
    fn refused(&self, account: &Account, names: &[&str], profile: Option<&str>, why: &Refusal) {
        let before = self.gate.ledger_entries();
        let answer = self.order(account, names, profile);
        self.told_and_kept(before, &answer, why);
    }

    /// The refusal says why, and the ledger keeps the decision, and nothing else happened.
    fn told_and_kept(&self, before: u64, answer: &Answer, why: &Refusal) {
        assert_eq!(answer.problem(), "rejectedIdentifier", "{answer:?}");
        let detail = answer.member("/detail");
        let sentence = detail.split(". ").find(|one| one.contains(&format!("(rule {})", why.rule)));
        let sentence = sentence.unwrap_or_else(|| panic!("no rule {} in {detail}", why.rule));
        for word in why.fact.iter().chain(&[why.grantor]) {
            assert!(sentence.contains(word), "`{word}` is not in `{sentence}`");
        }
        let leaves = self.gate.ledger_since(before);
        assert_eq!(leaves.len(), 1, "{leaves:#?}");
        let leaf: Value = serde_json::from_str(&leaves.concat()).expect("an entry is JSON");
        assert_eq!(member(&leaf, "kind"), json!("order.refused"), "{leaf:#}");
        assert_eq!(member(&leaf, "change"), Value::Null, "no approval helps: {leaf:#}");
        let id = member(&leaf, "decision")["id"].as_str().unwrap_or_default().to_owned();
        let decision = self.decision(&id);
        assert_eq!(decision["allowed"], json!(false), "{decision:#}");
        let reasons = decision["reasons"]["reasons"].as_array().cloned().unwrap_or_default();
        let kept = reasons.iter().find(|reason| {
            let fact = reason["fact"].as_str().unwrap_or_default();
            reason["rule"] == json!(why.rule) && why.fact.iter().all(|word| fact.contains(word))
        });
        let kept = kept.unwrap_or_else(|| panic!("no reason {} in {decision:#}", why.rule));
        assert_eq!(kept["grantor"]["teams"], teams(why), "{kept:#}");
        assert!(decision["facts"].is_object(), "its inputs are kept: {decision:#}");
    }

    /// A stored decision, as an auditor reads it.
    fn decision(&self, id: &str) -> Value {
        let token = self.gate.server.data().join("lab/ada.token");
        let token = std::fs::read_to_string(token).expect("the lab keeps its people's tokens");
        let url = format!("{}/api/v1/decisions/{id}", self.gate.server.https());
        let request = self.http.get(url).bearer_auth(token.trim());
        self.runtime.block_on(async {
            let answer = request.send().await.expect("the server answers");
            let answer = answer.error_for_status().expect("an auditor may look");
            let text = answer.text().await.expect("the answer is text");
            serde_json::from_str(&text).expect("a decision is JSON")
        })
    }

    /// An order with control of its names shown: it can be finalized.
    fn ready(&self, account: &Account, names: &[&str], profile: Option<&str>) -> Answer {
        let placed = self.order(account, names, profile).expect(201);
        self.web.answers_for(account);
        let json = placed.json();
        let authorizations = json["authorizations"].as_array().expect("a list");
        for url in authorizations.iter().filter_map(Value::as_str) {
            let shown = account.get(&self.client, url).expect(200).json();
            let challenges = shown["challenges"].as_array().expect("a list");
            let http01 = challenges.iter().find(|one| one["type"] == json!("http-01"));
            let http01 = http01.expect("a name without a star has http-01");
            if http01["status"] == json!("pending") {
                let url = http01["url"].as_str().expect("a challenge has it");
                account.post(&self.client, url, &json!({})).expect(200);
            }
        }
        let ready = self.until(account, &placed.location(), &["ready", "invalid"]);
        assert_eq!(ready.member("/status"), "ready", "{ready:?}");
        Answer { headers: placed.headers, ..ready }
    }

    fn finalize(&self, account: &Account, order: &Answer, names: &[&str]) -> Answer {
        let request = json!({"csr": base64url(csr(names))});
        account.post(&self.client, &order.member("/finalize"), &request)
    }

    /// An order that is let through, to a certificate of exactly these names that the ledger explains.
    fn passes(&self, account: &Account, names: &[&str], profile: Option<&str>) {
        let order = self.ready(account, names, profile);
        self.finalize(account, &order, names).expect(200);
        let valid = self.until(account, &order.location(), &["valid", "invalid"]);
        assert_eq!(valid.member("/status"), "valid", "{valid:?}");
        let chain = account.get(&self.client, &valid.member("/certificate")).expect(200);
        let folder = Folder::new("certificate");
        let file = folder.write("chain.pem", &chain.text);
        let text = certificate_text(&file);
        for name in names {
            assert!(text.contains(&format!("DNS:{name}")), "{name} is not in {text}");
        }
        assert_eq!(text.matches("DNS:").count(), names.len(), "exactly the names: {text}");
        self.gate.cli(&["certificate", "story", &file.to_string_lossy()]).expect_success();
    }

    /// Asks until the status is one of these.
    fn until(&self, account: &Account, url: &str, wanted: &[&str]) -> Answer {
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = account.get(&self.client, url).expect(200);
            if wanted.contains(&answer.member("/status").as_str()) {
                return answer;
            }
            assert!(Instant::now() < end, "never one of {wanted:?}: {answer:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn teams(why: &Refusal) -> Value {
    if why.teams.is_empty() { Value::Null } else { json!(why.teams) }
}

/// A member of an entry, wherever its stored form has it.
fn member(value: &Value, name: &str) -> Value {
    match value {
        Value::Object(object) => object
            .get(name)
            .cloned()
            .or_else(|| object.values().map(|one| member(one, name)).find(|one| !one.is_null()))
            .unwrap_or_default(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Value::Null
        }
    }
}

#[test]
fn misissuance_ownership_that_nobody_confirmed_lately_gets_nothing() {
    let scene = Scene::start();
    let start = now();
    let days_ago = |days: i64| start.plus_ms(-days * DAY_MS);
    let (never, old) = ("services/shop-test.toml", "services/shop-api.toml");
    let estate = |never_line: &str, old_line: &str| {
        Estate::of(&scene.gate, start)
            .with(SHOP, ", \"api.shop.example\"]", "]")
            .and(never, service("shop-test", "test.shop.example", never_line))
            .and(old, service("shop-api", "api.shop.example", old_line))
    };
    scene.apply(&estate("", &verified(days_ago(366))), "two more services");
    let fresh = scene.account("sam", "shop-web", &[]);
    let never_confirmed = scene.account("sam", "shop-test", &[]);
    let confirmed_long_ago = scene.account("sam", "shop-api", &[]);
    let refusal = |fact| Refusal {
        rule: "ownership-unverified",
        fact,
        grantor: "Sam Okoro (shop) can grant it",
        teams: &["shop"],
    };
    scene.refused(
        &never_confirmed,
        &["test.shop.example"],
        None,
        &refusal(&["service `shop-test`", "never", "365 days"]),
    );
    scene.refused(
        &confirmed_long_ago,
        &["api.shop.example"],
        None,
        &refusal(&["service `shop-api`", "366 days", "365 days"]),
    );
    scene.passes(&fresh, &[Gate::NAME], None);
    // Confirmed today, and just within the time that the zone allows.
    scene.apply(&estate(&verified(start), &verified(days_ago(364))), "confirmed");
    scene.refused(
        &never_confirmed,
        &["test.shop.example"],
        None,
        &Refusal {
            rule: "owner-changed",
            fact: &["service `shop-test`"],
            grantor: "Sam Okoro (shop) can grant it",
            teams: &["shop"],
        },
    );
    scene.passes(&confirmed_long_ago, &["api.shop.example"], None);
    scene.apply(&estate(&verified(now()), &verified(days_ago(364))), "confirmed after it began");
    scene.passes(&never_confirmed, &["test.shop.example"], None);
}

#[test]
fn misissuance_names_beyond_the_policy_get_nothing() {
    let scene = Scene::start();
    let estate = Estate::of(&scene.gate, now())
        .with(SHOP_ZONE, "names_per_certificate_max = 10", "names_per_certificate_max = 3")
        .with(
            SHOP,
            "\"api.shop.example\"]",
            "\"api.shop.example\", \"test.shop.example\", \"*.shop.example\"]",
        );
    scene.apply(&estate, "more names, fewer at once");
    let account = scene.account("sam", "shop-web", &[]);
    let refusal = |fact| Refusal {
        rule: "san-outside-policy",
        fact,
        grantor: "Pia Kern (pki) can grant it",
        teams: &["pki"],
    };
    // A name of nobody, and one of somebody else, beside one of its own.
    scene.refused(
        &account,
        &["mail.shop.example"],
        None,
        &refusal(&["`mail.shop.example`", "`shop-web`"]),
    );
    scene.refused(
        &account,
        &[Gate::NAME, Gate::CENTRAL_NAME],
        None,
        &refusal(&["`api.pay.example`", "`pay-api`", "`shop-web`"]),
    );
    // A wildcard of its own, in a zone that allows none.
    scene.refused(&account, &["*.shop.example"], None, &refusal(&["`*.shop.example`", "wildcard"]));
    // All its own, but too many.
    let names = ["shop.example", "www.shop.example", "api.shop.example", "test.shop.example"];
    scene.refused(&account, &names, None, &refusal(&["4 names", "allows 3"]));
    scene.passes(&account, &["shop.example", "www.shop.example", "api.shop.example"], None);
}

#[test]
fn misissuance_a_renewal_after_the_owner_changed_gets_nothing() {
    let scene = Scene::start();
    let confirmed = now();
    let account = scene.account("sam", "shop-web", &[]);
    scene.passes(&account, &[Gate::NAME], None);
    let in_flight = scene.ready(&account, &[Gate::NAME], None);
    let handed_over = |verified| {
        Estate::of(&scene.gate, verified)
            .with(SHOP, "policy_owner = \"shop\"", "policy_owner = \"payments\"")
            .with(SHOP, "operator = \"shop\"", "operator = \"payments\"")
    };
    scene.apply(&handed_over(confirmed), "the shop goes to payments");
    let refusal = Refusal {
        rule: "owner-changed",
        fact: &["the owners of service `shop-web` changed at "],
        grantor: "Pat Moreau (payments) can grant it",
        teams: &["payments"],
    };
    scene.refused(&account, &[Gate::NAME], None, &refusal);
    // What was ordered before is not finalized afterwards either.
    let before = scene.gate.ledger_entries();
    let finalized = scene.finalize(&account, &in_flight, &[Gate::NAME]);
    scene.told_and_kept(before, &finalized, &refusal);
    scene.apply(&handed_over(now()), "payments confirms what it took over");
    scene.passes(&account, &[Gate::NAME], None);
}

#[test]
fn misissuance_another_environment_or_namespace_gets_nothing() {
    let scene = Scene::start();
    let estate = Estate::of(&scene.gate, now()).with(
        SHOP,
        "environment = \"production\"",
        "environment = \"production\"\nnamespace = \"shop\"",
    );
    scene.apply(&estate, "the shop lives in a namespace");
    let refusal = |rule, fact| Refusal { rule, fact, grantor: "nobody can grant it", teams: &[] };
    let staging = scene.account("sam", "shop-web", &["--environment", "staging"]);
    let facts = ["environment `staging`", "`shop-web` runs in `production`"];
    scene.refused(&staging, &[Gate::NAME], None, &refusal("environment-mismatch", &facts));
    let elsewhere = scene.account("sam", "shop-web", &["--namespace", "till"]);
    let facts = ["`till`", "`shop-web` lives in", "`shop`"];
    scene.refused(&elsewhere, &[Gate::NAME], None, &refusal("namespace-mismatch", &facts));
    let right = ["--environment", "production", "--namespace", "shop"];
    scene.passes(&scene.account("sam", "shop-web", &right), &[Gate::NAME], None);
    scene.passes(&scene.account("sam", "shop-web", &[]), &[Gate::OTHER_NAME], None);
}

#[test]
fn misissuance_a_workload_that_nobody_vouched_for_gets_nothing() {
    let scene = Scene::start();
    let profile = Some("workload");
    let refusal = |fact| Refusal {
        rule: "attestation-missing",
        fact,
        grantor: "nobody can grant it",
        teams: &[],
    };
    let plain = scene.account("pat", "pay-api", &[]);
    let facts = ["profile `workload`", "attestation `workload`"];
    scene.refused(&plain, &[Gate::CENTRAL_NAME], profile, &refusal(&facts));
    let otherwise = scene.account("pat", "pay-api", &["--attest", "tpm"]);
    scene.refused(&otherwise, &[Gate::CENTRAL_NAME], profile, &refusal(&["`tpm`"]));
    // Vouched for: all that is missing is the envelope that every order of a central zone needs.
    let vouched = scene.account("pat", "pay-api", &["--attest", "workload"]);
    let refused = scene.order(&vouched, &[Gate::CENTRAL_NAME], profile).expect(403);
    assert_eq!(refused.problem(), "userActionRequired", "{refused:?}");
    let page = refused.member("/instance");
    let change = page.rsplit('/').next().unwrap_or_default();
    scene.cli("pia", &["change", "approve", change, "--json"]);
    scene.passes(&vouched, &[Gate::CENTRAL_NAME], profile);
    // That envelope is no way around for the others.
    scene.refused(&plain, &[Gate::CENTRAL_NAME], profile, &refusal(&facts));
}
