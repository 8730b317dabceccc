//! ACME clients that want certificates and let nothing discourage them: who gets no answer asks again.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use super::dice::Dice;
use crate::harness::acme::{AcmeServer, Eab};
use crate::stories::acme_gate::csr;
use crate::stories::acme_jws::{Answer, Key, base64url, binding_of};

/// Everything that began before a kill is over this long after it (promise P2).
pub(crate) const SETTLED: Duration = Duration::from_secs(60);
/// Between two tries of somebody who got no answer.
const PAUSE: Duration = Duration::from_millis(25);
/// Of so many certificates one client gives its authorization up, and shows control anew.
const GIVE_UP_EVERY: u64 = 5;

/// Speaks HTTPS to the server, which may be gone at any moment.
pub(crate) struct Peer {
    http: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

impl Peer {
    pub(crate) fn of(acme: &AcmeServer) -> Self {
        // Another test may have installed it already.
        let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let pem = std::fs::read(&acme.tls_ca).expect("the CA of the listener can be read");
        let root = reqwest::Certificate::from_pem(&pem).expect("it is a certificate");
        let http = reqwest::Client::builder()
            .tls_certs_only([root])
            .no_proxy()
            .timeout(Duration::from_secs(20))
            .build();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Self {
            http: http.expect("an HTTP client can be made"),
            runtime: runtime.expect("a runtime can be made"),
        }
    }

    /// The answer, where one came whole.
    fn send(&self, request: reqwest::RequestBuilder) -> Option<Answer> {
        self.runtime.block_on(async {
            let response = request.send().await.ok()?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let text = response.text().await.ok()?;
            Some(Answer { status, headers, text })
        })
    }

    /// Asks until there is an answer.
    pub(crate) fn get(&self, url: &str, token: Option<&str>) -> Answer {
        insist(url, || {
            let request = self.http.get(url);
            self.send(match token {
                Some(token) => request.bearer_auth(token),
                None => request,
            })
        })
    }
}

/// Tries until there is an answer that is not "try again".
fn insist(what: &str, mut attempt: impl FnMut() -> Option<Answer>) -> Answer {
    let end = Instant::now() + SETTLED;
    let mut last = None;
    loop {
        match attempt() {
            Some(answer) if answer.status < 500 && !is_bad_nonce(&answer) => return answer,
            Some(answer) => last = Some(answer),
            None => {}
        }
        assert!(Instant::now() < end, "no answer from {what} within {SETTLED:?}; last: {last:?}");
        std::thread::sleep(PAUSE);
    }
}

/// A nonce of the process that was killed.
fn is_bad_nonce(answer: &Answer) -> bool {
    answer.status == 400 && answer.text.contains("acme:error:badNonce")
}

/// A certificate as a client was handed it.
#[derive(Clone, Debug)]
pub(crate) struct Handed {
    pub(crate) fingerprint: String,
    pub(crate) order: String,
}

/// What all clients share.
#[derive(Default)]
pub(crate) struct Shared {
    enough: AtomicBool,
    handed: Mutex<Vec<Handed>>,
    answers: Mutex<HashMap<String, String>>,
    waiting: Mutex<Vec<String>>,
}

impl Shared {
    /// The certificates handed out so far.
    pub(crate) fn handed(&self) -> Vec<Handed> {
        self.handed.lock().expect("nobody panicked here").clone()
    }

    /// Takes the changes that clients were told a person has to approve; they go on asking.
    pub(crate) fn take_waiting(&self) -> Vec<String> {
        std::mem::take(&mut self.waiting.lock().expect("nobody panicked here"))
    }

    fn is_over(&self) -> bool {
        self.enough.load(Ordering::Relaxed)
    }
}

/// Clients at work.
pub(crate) struct Load {
    pub(crate) shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    /// One client per credential, all showing control on this port.
    pub(crate) fn start(acme: &AcmeServer, port: u16, names: &[(Eab, &str)], seed: u64) -> Self {
        let shared = Arc::new(Shared::default());
        serve(port, &shared);
        let clients = names.iter().zip(0_u64..).map(|((eab, name), n)| {
            let (acme, shared) = (acme.clone(), Arc::clone(&shared));
            let (eab, name) = (eab.clone(), (*name).to_owned());
            std::thread::spawn(move || {
                let mut dice = Dice::new(seed.wrapping_add(n));
                let client = Client::register(Peer::of(&acme), &acme, &eab, &name, shared);
                while !client.shared.is_over() {
                    client.obtain(&mut dice);
                }
            })
        });
        Self { clients: clients.collect(), shared }
    }

    /// Fails the test if a client met something that it cannot get over.
    pub(crate) fn check(&self) {
        assert!(!self.clients.iter().any(JoinHandle::is_finished), "a client gave up");
    }

    /// Lets every client finish what it began.
    pub(crate) fn finish(self) -> Arc<Shared> {
        self.shared.enough.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().expect("a client met something that it cannot get over");
        }
        self.shared
    }
}

/// Answers http-01 for all clients.
fn serve(port: u16, shared: &Arc<Shared>) {
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is ours");
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || answer(stream, &shared));
        }
    });
}

fn answer(mut stream: TcpStream, shared: &Shared) {
    let mut request = [0; 2_048];
    let read = stream.read(&mut request).unwrap_or(0);
    let head = String::from_utf8_lossy(request.get(..read).unwrap_or_default()).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let token = path.rsplit('/').next().unwrap_or_default();
    let known = shared.answers.lock().expect("nobody panicked here").get(token).cloned();
    let (status, text) = known.map_or(("404 Not Found", String::new()), |text| ("200 OK", text));
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    );
    // The server may have been killed while it looked.
    let _left = stream.write_all(answer.as_bytes());
}

struct Client {
    peer: Peer,
    directory: Value,
    key: Key,
    kid: String,
    name: String,
    shared: Arc<Shared>,
}

impl Client {
    fn register(peer: Peer, acme: &AcmeServer, eab: &Eab, name: &str, shared: Arc<Shared>) -> Self {
        let directory = peer.get(&acme.directory, None).expect(200).json();
        let name = name.to_owned();
        let mut client =
            Self { peer, directory, key: Key::fresh(), kid: String::new(), name, shared };
        let url = client.url("newAccount");
        let payload = json!({"externalAccountBinding": binding_of(eab, &url, &client.key)});
        let made = client.post_with(&url, &payload.to_string(), &json!({"jwk": client.key.jwk()}));
        // 200: it was made before, and the reply was lost.
        assert!([200, 201].contains(&made.status), "{made:?}");
        client.kid = made.location();
        client
    }

    fn url(&self, name: &str) -> String {
        self.directory[name].as_str().expect("it is in the directory").to_owned()
    }

    fn post(&self, url: &str, payload: &str) -> Answer {
        self.post_with(url, payload, &json!({"kid": self.kid}))
    }

    fn post_with(&self, url: &str, payload: &str, who: &Value) -> Answer {
        let nonce_url = self.url("newNonce");
        insist(url, || {
            let nonce = self.peer.send(self.peer.http.request(Method::HEAD, &nonce_url))?;
            let mut protected =
                json!({"alg": "ES256", "nonce": nonce.header("replay-nonce")?, "url": url});
            for (member, value) in who.as_object().into_iter().flatten() {
                protected[member.as_str()] = value.clone();
            }
            let jws = self.key.jws(&protected, payload).to_string();
            let request = self.peer.http.post(url).body(jws);
            self.peer.send(request.header("content-type", "application/jose+json"))
        })
    }

    /// One certificate, whatever happens meanwhile.
    fn obtain(&self, dice: &mut Dice) {
        let wish = json!({"identifiers": [{"type": "dns", "value": self.name}]});
        let placed = loop {
            let placed = self.post(&self.url("newOrder"), &wish.to_string());
            if placed.status != 403 || placed.problem() != "userActionRequired" {
                break placed.expect(201);
            }
            let page = placed.member("/instance");
            let change = page.rsplit('/').next().unwrap_or_default().to_owned();
            self.shared.waiting.lock().expect("nobody panicked here").push(change);
            std::thread::sleep(PAUSE);
        };
        let (order, finalize) = (placed.location(), placed.member("/finalize"));
        let request = json!({"csr": base64url(csr(&[&self.name]))}).to_string();
        let end = Instant::now() + SETTLED + SETTLED;
        loop {
            // An order that was acknowledged is there, also after a kill.
            let seen = self.post(&order, "").expect(200);
            match seen.member("/status").as_str() {
                "pending" => self.show_control(&seen.member("/authorizations/0")),
                "ready" => {
                    let answer = self.post(&finalize, &request);
                    // The try before may have got through although its reply was lost.
                    let before = answer.status == 403 && answer.problem() == "orderNotReady";
                    assert!(answer.status == 200 || before, "{answer:?}");
                }
                "valid" => return self.take(&order, &seen, dice),
                "processing" => std::thread::sleep(PAUSE),
                other => panic!("the order is `{other}`: {}", seen.text),
            }
            assert!(Instant::now() < end, "the order is not over: {}", seen.text);
        }
    }

    fn show_control(&self, authorization: &str) {
        let seen = self.post(authorization, "").expect(200).json();
        if seen["status"] == json!("pending") {
            let all = seen["challenges"].as_array().cloned().unwrap_or_default();
            let http01 = all.iter().find(|one| one["type"] == json!("http-01"));
            let http01 = http01.expect("a name without a star has http-01");
            let token = http01["token"].as_str().expect("a challenge has a token").to_owned();
            let text = format!("{token}.{}", self.key.thumbprint());
            self.shared.answers.lock().expect("nobody panicked here").insert(token, text);
            let url = http01["url"].as_str().expect("a challenge has a URL");
            self.post(url, "{}").expect(200);
        }
        assert_ne!(seen["status"], json!("invalid"), "{seen:#}");
        std::thread::sleep(PAUSE);
    }

    fn take(&self, order: &str, seen: &Answer, dice: &mut Dice) {
        let chain = self.post(&seen.member("/certificate"), "").expect(200);
        let handed = Handed { fingerprint: fingerprint(&chain.text), order: order.to_owned() };
        self.shared.handed.lock().expect("nobody panicked here").push(handed);
        if dice.below(GIVE_UP_EVERY) == 0 {
            let given_up = json!({"status": "deactivated"}).to_string();
            self.post(&seen.member("/authorizations/0"), &given_up).expect(200);
        }
    }
}

/// SHA-256 over the first certificate of a chain.
fn fingerprint(pem: &str) -> String {
    let body: String = pem
        .lines()
        .skip(1)
        // Three letters in a row are no boundary: base64 has them too.
        .take_while(|line| !line.starts_with("-----"))
        .collect();
    let der = STANDARD.decode(body).expect("PEM is base64");
    let hash = digest::digest(&digest::SHA256, &der);
    hash.as_ref().iter().map(|octet| format!("{octet:02x}")).collect()
}
