//! Who may do what: every route, on objects of several teams, by everybody and by every kind of token.
//! What each route needs is written down here a second time, apart from the server's own table, and
//! who holds what is read off the lab's estate by eye.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::acme_gate::{Gate, csr, in_days};
use super::acme_jws::{Answer, Client};
use super::acme_orders::{Web, finalized, place, until, validate};
use super::authorization::{Asker, change_in, rows, waiting_change};
use crate::harness::sqlite;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Access {
    Read,
    Request,
    Approve,
    Revoke,
    Administer,
}

const WORDS: [(Access, &str); 5] = [
    (Read, "read"),
    (Request, "request"),
    (Approve, "approve"),
    (Revoke, "revoke"),
    (Administer, "administer"),
];

/// Whose an object is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Of {
    /// Nobody's alone: organisation, ledger, estate as it stands.
    Organisation,
    /// The estate as something to propose edits of.
    Estate,
    /// A service's.
    Service(&'static str),
    /// A change about a service: it concerns the owners of its zones, too.
    Change(&'static str),
    /// A service's, and nothing that everybody may look at.
    Secret(&'static str),
    /// Of whoever asks.
    Own,
    /// A person's.
    Person(&'static str),
}

/// What a route needs.
#[derive(Clone, Copy, Debug)]
enum Need {
    /// Nothing, or a signature that is no sign-in: told in other stories.
    Nothing,
    /// Anybody who is signed in.
    SignedIn,
    /// This access.
    To(Access),
    /// This access, and it would alter what later cases look at: only refusals are tried.
    Alters(Access),
}

use Access::{Administer, Approve, Read, Request, Revoke};
use Need::{Alters, Nothing, SignedIn, To};

/// Every route with what it needs. A new route needs its line here, too.
const NEEDS: &[(&str, &str, Need)] = &[
    ("GET", "/api/v1/me", SignedIn),
    ("POST", "/api/v1/people/{person}/link", To(Administer)),
    ("GET", "/api/v1/tokens", SignedIn),
    ("POST", "/api/v1/tokens", To(Administer)),
    ("DELETE", "/api/v1/tokens/{token}", Alters(Administer)),
    ("GET", "/api/v1/changes", SignedIn),
    ("POST", "/api/v1/changes", Alters(Request)),
    ("POST", "/api/v1/changes/plan", Alters(Request)),
    ("GET", "/api/v1/changes/{change}", To(Read)),
    ("POST", "/api/v1/changes/{change}/approve", To(Approve)),
    ("POST", "/api/v1/changes/{change}/refuse", Alters(Approve)),
    ("POST", "/api/v1/changes/{change}/withdraw", Alters(Request)),
    ("POST", "/api/v1/changes/{change}/resolve", To(Request)),
    ("POST", "/api/v1/changes/{change}/rehearse", To(Request)),
    ("GET", "/api/v1/certificates", SignedIn),
    ("GET", "/api/v1/certificates/{certificate}", To(Read)),
    ("GET", "/api/v1/certificates/{certificate}/story", To(Read)),
    ("POST", "/api/v1/certificates/{certificate}/revoke", Alters(Revoke)),
    ("GET", "/api/v1/services", SignedIn),
    ("GET", "/api/v1/services/{service}/envelopes", To(Read)),
    ("POST", "/api/v1/services/{service}/envelopes", Alters(Request)),
    ("GET", "/api/v1/envelopes/{envelope}", To(Read)),
    ("POST", "/api/v1/envelopes/{envelope}/narrow", Alters(Request)),
    ("POST", "/api/v1/envelopes/{envelope}/end", Alters(Request)),
    ("GET", "/api/v1/credentials", SignedIn),
    ("POST", "/api/v1/credentials", To(Administer)),
    ("DELETE", "/api/v1/credentials/{credential}", Alters(Administer)),
    ("POST", "/api/v1/credentials/{credential}/rotate", Alters(Administer)),
    ("GET", "/api/v1/accounts", SignedIn),
    ("GET", "/api/v1/accounts/{account}", To(Read)),
    ("POST", "/api/v1/accounts/{account}/deactivate", Alters(Administer)),
    ("POST", "/api/v1/accounts/{account}/agree", To(Administer)),
    ("GET", "/api/v1/standing-records", SignedIn),
    ("GET", "/api/v1/estate", To(Read)),
    ("POST", "/api/v1/estate/plan", To(Read)),
    ("POST", "/api/v1/estate/apply", To(Request)),
    ("GET", "/api/v1/attestors", To(Read)),
    ("GET", "/api/v1/issuers", To(Read)),
    ("GET", "/api/v1/issuers/{issuer}", To(Read)),
    ("POST", "/api/v1/issuers/{issuer}/rotate", Alters(Request)),
    ("GET", "/api/v1/ca-accounts", To(Read)),
    ("POST", "/api/v1/ca-accounts", To(Request)),
    ("POST", "/api/v1/ca-accounts/{issuer}/rotate-key", To(Request)),
    ("POST", "/api/v1/secrets", To(Administer)),
    ("GET", "/api/v1/findings", To(Read)),
    // A quiet lab has no finding to be shown.
    ("GET", "/api/v1/findings/{finding}", Alters(Read)),
    ("POST", "/api/v1/findings/{finding}/adopt", Alters(Read)),
    ("GET", "/api/v1/findings/{finding}/revert", Alters(Read)),
    ("POST", "/api/v1/findings/{finding}/revert", Alters(Read)),
    ("GET", "/api/v1/incidents", To(Read)),
    ("POST", "/api/v1/incidents", To(Request)),
    // A quiet lab has none.
    ("GET", "/api/v1/incidents/{incident}", Alters(Read)),
    ("POST", "/api/v1/incidents/{incident}/note", Alters(Read)),
    ("POST", "/api/v1/incidents/{incident}/close", Alters(Read)),
    ("GET", "/api/v1/control", To(Read)),
    ("GET", "/api/v1/control/evidence", To(Read)),
    ("GET", "/api/v1/caa/{name}/history", To(Read)),
    ("POST", "/api/v1/lab/zones/{zone}", SignedIn),
    ("GET", "/api/v1/zones/{zone}", To(Read)),
    ("GET", "/api/v1/zones/{zone}/records", To(Read)),
    ("POST", "/api/v1/zones/{zone}/try", To(Administer)),
    ("POST", "/api/v1/zones/{zone}/rotate-key", To(Administer)),
    ("GET", "/api/v1/ledger/checkpoint", To(Read)),
    ("GET", "/api/v1/ledger/entries/{index}", To(Read)),
    ("GET", "/api/v1/ledger/{*path}", To(Read)),
    ("GET", "/api/v1/decisions/{decision}", To(Read)),
    ("GET", "/api/v1/emergencies", SignedIn),
    ("POST", "/api/v1/emergencies", Alters(Request)),
    ("POST", "/api/v1/emergencies/{change}/review", Alters(Approve)),
    ("POST", "/api/v1/services/{service}/delegated-executions", Alters(Administer)),
    ("GET", "/api/v1/duties/toxic", To(Read)),
    ("GET", "/api/v1/duties/of/{*subject}", To(Read)),
    ("GET", "/api/v1/acts", To(Read)),
    ("GET", "/api/v1/events", SignedIn),
    ("GET", "/", SignedIn),
    ("GET", "/certificates", SignedIn),
    ("GET", "/certificates/{certificate}", To(Read)),
    ("GET", "/changes", SignedIn),
    ("GET", "/changes/{change}", To(Read)),
    ("POST", "/changes/{change}/approve", To(Approve)),
    ("POST", "/changes/{change}/refuse", Alters(Approve)),
    ("POST", "/changes/{change}/rehearse", To(Request)),
    ("GET", "/attestors", To(Read)),
    ("GET", "/issuers", To(Read)),
    ("POST", "/issuers/{issuer}/rotate", Alters(Request)),
    ("GET", "/emergencies", SignedIn),
    ("POST", "/emergencies", Alters(Request)),
    ("POST", "/emergencies/{change}/review", Alters(Approve)),
    ("GET", "/duties", To(Read)),
    ("GET", "/services", SignedIn),
    ("GET", "/services/{service}/envelopes", To(Read)),
    ("POST", "/services/{service}/envelopes", Alters(Request)),
    ("GET", "/services/{service}/clients", To(Read)),
    ("POST", "/services/{service}/credentials", Alters(Administer)),
    ("POST", "/credentials/{credential}/rotate", Alters(Administer)),
    ("POST", "/credentials/{credential}/revoke", Alters(Administer)),
    ("GET", "/accounts/{account}", To(Read)),
    ("POST", "/accounts/{account}/deactivate", Alters(Administer)),
    ("POST", "/accounts/{account}/agree", To(Administer)),
    ("GET", "/findings", To(Read)),
    ("GET", "/findings/{finding}", Alters(Read)),
    ("POST", "/findings/{finding}/adopt", Alters(Read)),
    ("POST", "/findings/{finding}/revert", Alters(Read)),
    ("GET", "/incidents", To(Read)),
    ("GET", "/incidents/{incident}", Alters(Read)),
    ("POST", "/incidents/{incident}/note", Alters(Read)),
    ("POST", "/incidents/{incident}/close", Alters(Read)),
    ("POST", "/iodef", Nothing),
    ("GET", "/controls", To(Read)),
    ("GET", "/controls/{zone}", To(Read)),
    ("GET", "/controls/{zone}/{view}", To(Read)),
    ("GET", "/zones/{zone}", To(Read)),
    ("GET", "/zones/{zone}/{view}", To(Read)),
    ("GET", "/caa/{name}", To(Read)),
    ("GET", "/envelopes/{envelope}", To(Read)),
    ("POST", "/envelopes/{envelope}/narrow", Alters(Request)),
    ("POST", "/envelopes/{envelope}/end", Alters(Request)),
    ("GET", "/events", SignedIn),
    ("POST", "/sign-out", Alters(Read)),
    ("GET", "/api/v1/openapi.json", Nothing),
    ("POST", "/api/v1/sign-in", Nothing),
    ("GET", "/welcome/{secret}", Nothing),
    ("POST", "/welcome/{secret}", Nothing),
    ("GET", "/sign-in", Nothing),
    ("GET", "/docs/api", Nothing),
    ("GET", "/docs/acme", Nothing),
    ("GET", "/assets/{file}", Nothing),
    ("GET", "/metrics", Nothing),
    ("GET", "/healthz", Nothing),
    ("GET", "/crl/{issuer}", Nothing),
    ("GET", "/crl/{issuer}/{part}", Nothing),
    ("GET", "/issuer/{issuer}", Nothing),
    ("GET", "/issuer/{issuer}/{generation}", Nothing),
    ("POST", "/ocsp/{issuer}", Nothing),
    ("GET", "/ocsp/{issuer}/{*request}", Nothing),
];

/// The lab's people: their control duty, whether they audit or administer, and the services of which
/// they are policy owner or operator. Nobody is integration owner only.
struct Person {
    id: &'static str,
    control_owner: bool,
    auditor: bool,
    administrator: bool,
    services: &'static [&'static str],
}

const fn person(id: &'static str, services: &'static [&'static str]) -> Person {
    Person { id, control_owner: false, auditor: false, administrator: false, services }
}

const PEOPLE: [Person; 10] = [
    Person { control_owner: true, ..person("sol", &[]) },
    Person { control_owner: true, ..person("pia", &[]) },
    person("sam", &["shop-web", "intranet"]),
    person("sue", &["shop-web", "intranet"]),
    person("pat", &["pay-api"]),
    person("pam", &["pay-api"]),
    Person { administrator: true, ..person("dana", &["intranet"]) },
    person("dov", &["intranet"]),
    Person { auditor: true, ..person("ada", &[]) },
    Person { auditor: true, ..person("abe", &[]) },
];

/// Somebody who asks, and how.
struct Caller {
    name: String,
    person: Option<&'static Person>,
    /// What their token is for; a session is for all.
    accesses: Vec<Access>,
    /// Only for this service.
    service: Option<&'static str>,
    headers: Vec<(&'static str, String)>,
    /// Whether pages know them.
    browser: bool,
}

impl Caller {
    fn may(&self, access: Access, of: Of) -> bool {
        let Some(person) = self.person else { return false };
        let service = match of {
            Of::Service(service) | Of::Secret(service) | Of::Change(service) => Some(service),
            Of::Organisation | Of::Estate | Of::Own | Of::Person(_) => None,
        };
        let narrow = self.service.is_some() && self.service != service;
        if narrow || !self.accesses.contains(&access) {
            return false;
        }
        let own = of == Of::Own || of == Of::Person(person.id);
        if person.auditor && access != Read && !own {
            return false;
        }
        let answers =
            person.control_owner || service.is_some_and(|one| person.services.contains(&one));
        // The DNS administrators operate every zone of the lab.
        let answers =
            answers || matches!(of, Of::Change(_)) && ["dana", "dov"].contains(&person.id);
        match (access, of) {
            (Read, Of::Secret(_)) => answers || person.auditor || person.administrator,
            (Read, _) => true,
            (Request, Of::Estate) => true,
            (Administer, Of::Own | Of::Person(_)) => own || person.administrator,
            (Administer, Of::Organisation) => person.administrator,
            (Administer, Of::Service(_) | Of::Change(_) | Of::Estate) => false,
            _ => answers,
        }
    }
}

/// The objects of a service; an empty text where it has none.
struct Objects {
    service: &'static str,
    change: String,
    certificate: String,
    envelope: String,
    credential: String,
    account: String,
}

struct Stage {
    gate: Gate,
    asker: Asker,
    objects: Vec<Objects>,
    decision: String,
    token_of_sam: String,
    callers: Vec<Caller>,
}

fn made(gate: &Gate, person: &str, more: &[&str]) -> Value {
    let words = ["token", "new", "--hours", "1", "--purpose", "a matrix", "--json"];
    let made = gate.cli_as(person, &[&words, more].concat()).expect_success();
    serde_json::from_str(&made.stdout).expect("--json prints JSON")
}

fn bearer(token: &Value) -> Vec<(&'static str, String)> {
    let text = token["token"].as_str().expect("it is shown once");
    vec![("authorization", format!("Bearer {text}"))]
}

fn callers(gate: &Gate, asker: &Asker) -> Vec<Caller> {
    let every: Vec<Access> = WORDS.iter().map(|(access, _)| *access).collect();
    let mut all = Vec::new();
    let mut add = |name: String, person, accesses: &[Access], service, headers, browser| {
        let accesses = accesses.to_vec();
        all.push(Caller { name, person, accesses, service, headers, browser });
    };
    add("nobody".to_owned(), None, &[], None, Vec::new(), false);
    let guessed = vec![("authorization", "Bearer bwt_guessed".to_owned())];
    add("a guessed token".to_owned(), None, &[], None, guessed, false);
    let guessed = vec![("cookie", "__Host-bailiwick=guessed".to_owned())];
    add("a guessed session".to_owned(), None, &[], None, guessed, true);
    for person in &PEOPLE {
        let cookie = asker.session(gate, person.id);
        let origin = gate.server.https().to_owned();
        let headers = vec![("cookie", cookie), ("origin", origin)];
        add(format!("{}'s session", person.id), Some(person), &every, None, headers, true);
        let file = gate.server.data().join(format!("lab/{}.token", person.id));
        let token = std::fs::read_to_string(file).expect("the lab keeps it");
        let headers = vec![("authorization", format!("Bearer {}", token.trim()))];
        add(format!("{}'s token", person.id), Some(person), &every, None, headers, false);
    }
    let all_words: Vec<&str> = WORDS.iter().flat_map(|(_, word)| ["--scope", word]).collect();
    for person in PEOPLE.iter().filter(|it| ["pia", "sam", "pat", "dana", "ada"].contains(&it.id)) {
        for (access, word) in WORDS {
            let token = bearer(&made(gate, person.id, &["--scope", word]));
            add(
                format!("{}'s token to {word}", person.id),
                Some(person),
                &[access],
                None,
                token,
                false,
            );
        }
        for service in ["pay-api", "shop-web"] {
            let words = [&all_words[..], &["--service", service]].concat();
            let token = bearer(&made(gate, person.id, &words));
            let name = format!("{}'s token for {service}", person.id);
            add(name, Some(person), &every, Some(service), token, false);
        }
    }
    let revoked = made(gate, "pia", &all_words);
    let id = revoked["id"].as_str().expect("an id");
    gate.cli_as("pia", &["token", "revoke", id]).expect_success();
    add("a revoked token".to_owned(), None, &[], None, bearer(&revoked), false);
    let expired = made(gate, "pia", &all_words);
    let id = expired["id"].as_str().expect("an id");
    let over = format!("UPDATE token SET expires_at = 1 WHERE id = '{id}'");
    sqlite::sql(&gate.server.data().join("bailiwick.db"), &over).expect_success();
    add("an expired token".to_owned(), None, &[], None, bearer(&expired), false);
    all
}

/// Both teams have a credential, an account, a change and what came of it.
fn stage() -> Stage {
    let gate = Gate::start();
    let asker = Asker::of(&gate);
    let client = Client::of(&gate.acme());
    let last = |url: &str| url.rsplit('/').next().unwrap_or_default().to_owned();
    // The shop gets a certificate.
    let web = Web::start(gate.http01_port());
    let credential = gate.credential();
    let account = client.register(&credential, json!({}));
    let placed = place(&client, &account, Gate::NAME);
    validate(&client, &account, &web, &placed);
    finalized(&client, &account, &placed, &csr(&[Gate::NAME])).expect(200);
    let valid = until(&client, &account, &placed.order, &["valid", "invalid"]);
    let certificate = last(&valid.member("/certificate"));
    let story = gate.cli_as("pia", &["certificate", "list", "--json"]).expect_success();
    let story: Value = serde_json::from_str(&story.stdout).expect("--json prints JSON");
    let change = story["items"][0]["change"].as_str().expect("a change issued it").to_owned();
    let shop = Objects {
        service: "shop-web",
        change,
        certificate,
        envelope: String::new(),
        credential: credential.kid.clone(),
        account: last(&account.kid),
    };
    // The payments team gets an envelope, and waits for another.
    let granted = waiting_change(&gate);
    gate.cli_as("pia", &["change", "approve", &granted]).expect_success();
    let acme = gate.acme_for_payments();
    let eab = acme.eab.as_ref().expect("it has a credential");
    let payments = client.register(eab, json!({}));
    let until = in_days(30);
    let words = ["envelope", "request", "--service", "pay-api", "--name", Gate::CENTRAL_NAME];
    let more = ["--profile", "tls-client", "--until", &until, "--reason", "more", "--json"];
    let asked = gate.cli_as("pat", &[&words[..], &more].concat());
    let change = match asked.code {
        Some(0) => {
            let asked: Value = serde_json::from_str(&asked.stdout).expect("--json prints JSON");
            asked["id"].as_str().expect("a change has an id").to_owned()
        }
        _ => change_in(&asked.output()),
    };
    let pay = Objects {
        service: "pay-api",
        change,
        certificate: String::new(),
        envelope: granted,
        credential: eab.kid.clone(),
        account: last(&payments.kid),
    };
    let leaves = gate.ledger_since(0);
    let decided = leaves.iter().find_map(|leaf| {
        let leaf: Value = serde_json::from_str(leaf).ok()?;
        let decision = leaf.pointer("/entry/data/decision/id")?;
        decision.as_str().map(str::to_owned)
    });
    let token_of_sam = made(&gate, "sam", &["--scope", "read"])["id"].as_str().map(str::to_owned);
    let callers = callers(&gate, &asker);
    Stage {
        asker,
        objects: vec![shop, pay],
        decision: decided.expect("something was decided"),
        token_of_sam: token_of_sam.expect("an id"),
        callers,
        gate,
    }
}

impl Stage {
    /// The paths of a route, each with whose object it is about.
    fn objects(&self, path: &str) -> Vec<(String, Of)> {
        let secret = path.contains("credentials") || path.contains("delegated-executions");
        let fixed = |path: &str, of| vec![(path.to_owned(), of)];
        let of_each = |name: &str, pick: &dyn Fn(&Objects) -> String| -> Vec<(String, Of)> {
            let each = self.objects.iter().filter(|it| !pick(it).is_empty()).map(|it| {
                let of = if secret || path.contains("/accounts") && !path.ends_with("{account}") {
                    Of::Secret(it.service)
                } else {
                    Of::Service(it.service)
                };
                (path.replace(name, &pick(it)), of)
            });
            each.collect()
        };
        match path {
            "/api/v1/estate/apply" | "/api/v1/ca-accounts" | "/api/v1/incidents" => {
                fixed(path, Of::Estate)
            }
            _ if path.ends_with("{issuer}/rotate") || path.ends_with("{issuer}/rotate-key") => {
                fixed(&path.replace("{issuer}", "house"), Of::Estate)
            }
            "/api/v1/tokens" => fixed(path, Of::Own),
            "/api/v1/credentials" => {
                self.objects.iter().map(|it| (path.to_owned(), Of::Secret(it.service))).collect()
            }
            "/api/v1/changes" | "/api/v1/changes/plan" => {
                self.objects.iter().map(|it| (path.to_owned(), Of::Service(it.service))).collect()
            }
            _ if path.contains("{change}") => {
                let each = self.objects.iter().filter(|it| !it.change.is_empty());
                each.map(|it| (path.replace("{change}", &it.change), Of::Change(it.service)))
                    .collect()
            }
            _ if path.contains("{certificate}") => {
                of_each("{certificate}", &|it| it.certificate.clone())
            }
            _ if path.contains("{envelope}") => of_each("{envelope}", &|it| it.envelope.clone()),
            _ if path.contains("{credential}") => {
                of_each("{credential}", &|it| it.credential.clone())
            }
            _ if path.contains("{account}") => of_each("{account}", &|it| it.account.clone()),
            _ if path.contains("{service}") => of_each("{service}", &|it| it.service.to_owned()),
            _ => {
                let of =
                    if path.contains("{token}") { Of::Person("sam") } else { Of::Organisation };
                let filled = path
                    .replace("{token}", &self.token_of_sam)
                    .replace("{person}", "sue")
                    .replace("{index}", "0")
                    .replace("{zone}", "shop.example")
                    .replace("{view}", "external")
                    .replace("{name}", "www.shop.example")
                    .replace("{*subject}", "pay.example")
                    .replace("{*path}", "tile/entries/000.p/1")
                    .replace("{decision}", &self.decision)
                    .replace("{issuer}", "house");
                fixed(&filled, of)
            }
        }
    }

    fn ask(&self, caller: &Caller, method: &str, path: &str, kind: &str, body: &str) -> Answer {
        let mut headers: Vec<(&str, &str)> = vec![("content-type", kind)];
        headers.extend(caller.headers.iter().map(|(name, value)| (*name, value.as_str())));
        self.asker.ask(method, &self.asker.page(path), &headers, body)
    }
}

/// A body that can be read, and asks for nothing that is done: whether it may be asked is decided before.
fn body(route: &str, of: Of) -> (&'static str, String) {
    let service = match of {
        Of::Service(service) | Of::Secret(service) | Of::Change(service) => service,
        Of::Organisation | Of::Estate | Of::Own | Of::Person(_) => "",
    };
    let digest = "0".repeat(64);
    let names = json!([Gate::CENTRAL_NAME]);
    let api = match route.trim_start_matches("/api/v1") {
        "/changes" | "/changes/plan" => json!({"reason": "x", "intent": format!(
            "service = \"{service}\"\n[[records]]\nname = \"www.shop.example\"\ntype = \"A\"\nvalues = [\"192.0.2.7\"]\n")}),
        "/tokens" => json!({"scopes": ["read"], "services": null, "hours": 0, "purpose": "x"}),
        "/changes/{change}/approve" => json!({"plan_digest": digest}),
        "/changes/{change}/resolve" => json!({"carried_out": true, "note": "x"}),
        "/certificates/{certificate}/revoke" => json!({"reason": "superseded", "why": "x"}),
        "/services/{service}/envelopes" => json!({"names": names, "profiles": ["tls-server"],
            "until": in_days(9), "reason": "x"}),
        "/credentials" => json!({"service": service, "hours": 0}),
        "/credentials/{credential}/rotate" => json!({}),
        "/accounts/{account}/agree" => json!({"terms": "https://example.com/none"}),
        "/emergencies" => json!({"service": "pay-api", "reason": "x",
            "revoke": {"certificate": digest, "reason": "superseded"}}),
        "/emergencies/{change}/review" => json!({"justified": true, "note": "x"}),
        "/services/{service}/delegated-executions" => {
            json!({"person": "sue", "hours": 0, "reason": "x"})
        }
        "/estate/plan" | "/estate/apply" => json!({"files": [], "reason": "x"}),
        "/incidents" => json!({"from": "x", "report": "it names nothing"}),
        "/incidents/{incident}/note" => json!({"track": "dns-record", "says": "x"}),
        "/incidents/{incident}/close" => json!({"says": "x"}),
        "/ca-accounts" => json!({"issuer": "none", "reason": "x"}),
        "/secrets" => {
            json!({"of": "issuer", "name": "none", "secret": "AAAAAAAAAAAAAAAAAAAAAAAAAAAA"})
        }
        _ => json!({"reason": "x"}),
    };
    if route.starts_with("/api/") {
        return ("application/json", api.to_string());
    }
    let form = match route {
        "/changes/{change}/approve" => format!("plan_digest={digest}"),
        "/services/{service}/envelopes" => format!(
            "names={}&profiles=tls-server&until={}&reason=x",
            Gate::CENTRAL_NAME,
            in_days(9)
        ),
        "/services/{service}/credentials" => "hours=1".to_owned(),
        "/emergencies" => format!("service=pay-api&reason=x&certificate={digest}"),
        "/emergencies/{change}/review" => "justified=true&note=x".to_owned(),
        "/incidents/{incident}/note" => "track=dns-record&says=x&answered=false".to_owned(),
        "/incidents/{incident}/close" => "says=x".to_owned(),
        "/credentials/{credential}/rotate" => "overlap_hours=0".to_owned(),
        "/credentials/{credential}/revoke" => "service=shop-web".to_owned(),
        "/accounts/{account}/agree" => "terms=x".to_owned(),
        _ => "reason=x".to_owned(),
    };
    ("application/x-www-form-urlencoded", form)
}

/// Rules that say no to whoever asks, whatever they ask for.
const REFUSING: [&str; 9] = [
    "may-not-read",
    "may-not-request",
    "may-not-approve",
    "may-not-revoke",
    "may-not-administer",
    "token-too-narrow",
    "auditor-only-looks",
    "requester-withdraws",
    "left",
];

/// Whether they were sent away before anything was looked at.
fn refused(answer: &Answer) -> bool {
    match answer.status {
        401 | 404 => true,
        303 => answer.header("location") == Some("/sign-in"),
        403 => REFUSING.iter().any(|rule| answer.text.contains(rule)),
        _ => false,
    }
}

#[test]
fn of_five_thousand_cases_none_passes_that_should_not() {
    let stage = stage();
    let (mut cases, mut allowed, mut wrong) = (0, 0, Vec::new());
    let before = stage.gate.ledger_entries();
    for (method, route, need) in NEEDS {
        // The stream of events is one for pages and programs.
        let page = !route.starts_with("/api/") && *route != "/events";
        for caller in &stage.callers {
            // Pages know browsers only; whoever brings a token there is nobody.
            let known = caller.person.is_some() && (!page || caller.browser);
            let objects = match need {
                Nothing => continue,
                SignedIn => vec![((*route).to_owned(), Of::Organisation)],
                To(_) | Alters(_) => stage.objects(route),
            };
            for (path, of) in objects {
                let may = match need {
                    Nothing | SignedIn => known,
                    To(access) | Alters(access) => known && caller.may(*access, of),
                };
                if may && matches!(need, Alters(_)) {
                    continue;
                }
                let (kind, body) = body(route, of);
                let answer = stage.ask(caller, method, &path, kind, &body);
                cases += 1;
                allowed += u32::from(may);
                // Lists of clients are for all; the credentials in them are not.
                let list = route.ends_with("/clients") || *route == "/api/v1/credentials";
                for it in stage.objects.iter().filter(|_| list) {
                    let may_see = caller.may(Read, Of::Secret(it.service));
                    if !may_see && answer.text.contains(&it.credential) {
                        wrong.push(format!("{} {method} {path}: sees {}", caller.name, it.service));
                    }
                }
                // Lists are narrowed to what may be seen; a token that may see nothing may be told so.
                let narrowed = matches!(need, SignedIn)
                    && known
                    && (caller.service.is_some() || !caller.accesses.contains(&Read));
                if answer.status >= 500 || !narrowed && may == refused(&answer) {
                    let told: String = answer.text.chars().take(160).collect();
                    wrong.push(format!(
                        "{} {method} {path} {of:?}: may {may}: {} {told}",
                        caller.name, answer.status
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {cases}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cases > 5_000, "only {cases}");
    assert!(allowed > 1_000, "only {allowed} may anything; does anybody sign in?");
    // Links that the administrator may make are all that was stored.
    let made: Vec<String> = stage.gate.ledger_since(before);
    let other = made.iter().find(|leaf| !leaf.contains("person.link-made"));
    assert_eq!(other, None);
}

#[test]
fn every_route_has_its_line_in_the_matrix() {
    let served: BTreeSet<(String, String)> = rows()
        .into_iter()
        .filter(|row| row.permission != "signed-request" && !row.path.starts_with("/acme/"))
        .map(|row| (row.method, row.path))
        .collect();
    let written: BTreeSet<(String, String)> =
        NEEDS.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(served, written);
}
