//! The DNS part of Cloudflare's API, simulated over a real BIND that serves what it holds: records with
//! ids, filters, batches that come as a whole or not at all, and the refusals of the real one.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::bind::Bind;
use super::zone::Zone;

/// A token that may edit the zone.
pub(crate) const TOKEN: &str = "a-token-of-cloudflare";
/// The zone as the API knows it.
pub(crate) const ZONE_ID: &str = "0123456789abcdef0123456789abcdef";

/// A running API with its name server; both end with the test.
pub(crate) struct Cloudflare {
    state: Arc<State>,
    at: SocketAddr,
}

struct State {
    zone: String,
    bind: Bind,
    records: Mutex<Vec<Value>>,
    number: AtomicU64,
    stop: AtomicBool,
    loses_answers: AtomicBool,
}

type Refusal = (u16, u32, &'static str);

impl Cloudflare {
    /// Serves a zone with these records: lines of owner, TTL, `IN`, type and data, relative to the zone.
    pub(crate) fn start(zone: &str, records: &str) -> Self {
        let state = Arc::new(State {
            zone: zone.to_owned(),
            bind: Bind::start(&[Zone::new(zone, "").updatable()]),
            records: Mutex::default(),
            number: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            loses_answers: AtomicBool::new(false),
        });
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = listener.local_addr().expect("an address");
        let its = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if its.stop.load(Ordering::SeqCst) {
                    return;
                }
                let its = Arc::clone(&its);
                std::thread::spawn(move || its.serve(stream));
            }
        });
        let api = Self { state, at };
        records.lines().for_each(|line| api.add(&line.replace(" IN ", " ")));
        api
    }

    /// The URL of the API.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/client/v4", self.at)
    }

    /// Where the zone is served.
    pub(crate) fn server(&self) -> SocketAddr {
        self.state.bind.address()
    }

    /// Adds a record as somebody does in the provider's own pages: owner, TTL, type, data.
    pub(crate) fn add(&self, line: &str) {
        let words: Vec<&str> = line.trim().splitn(4, ' ').collect();
        let [owner, ttl, kind, data] = words.as_slice() else { panic!("no record: {line}") };
        let post = self.state.of_line(owner, ttl.parse().expect("a TTL"), kind, data);
        let body = json!({ "posts": [post] });
        self.state.batch(&body).unwrap_or_else(|(.., why)| panic!("{line}: {why}"));
    }

    /// From here on everything is done and no answer of a batch arrives; or it does again.
    pub(crate) fn loses_answers(&self, does: bool) {
        self.state.loses_answers.store(does, Ordering::SeqCst);
    }

    /// Puts a record behind the provider's proxy.
    pub(crate) fn proxies(&self, owner: &str) {
        let name = self.state.absolute(owner);
        for record in self.state.records.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            if record["name"] == json!(name) {
                record["proxied"] = json!(true);
            }
        }
    }
}

impl Drop for Cloudflare {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.at));
    }
}

impl State {
    fn absolute(&self, owner: &str) -> String {
        if owner == "@" { self.zone.clone() } else { format!("{owner}.{}", self.zone) }
    }

    /// A record as the API is given it, out of a line.
    fn of_line(&self, owner: &str, ttl: u64, kind: &str, data: &str) -> Value {
        let target = |name: &str| match name.strip_suffix('.') {
            Some(name) => name.to_owned(),
            None => self.absolute(name),
        };
        let mut record = json!({ "name": self.absolute(owner), "ttl": ttl, "type": kind });
        let words: Vec<&str> = data.split(' ').collect();
        match (kind, words.as_slice()) {
            ("MX", [priority, name]) => {
                record["priority"] = json!(priority.parse::<u16>().expect("a priority"));
                record["content"] = json!(target(name));
            }
            ("CAA", [flags, tag, value]) => {
                let flags: u8 = flags.parse().expect("flags");
                record["data"] =
                    json!({ "flags": flags, "tag": tag, "value": value.trim_matches('"') });
            }
            ("CNAME", [name]) => record["content"] = json!(target(name)),
            _ => record["content"] = json!(data),
        }
        record
    }

    fn serve(&self, mut stream: TcpStream) {
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        let Some((head, body)) = request(&mut stream) else { return };
        let mut words = head.lines().next().unwrap_or_default().split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let is_ours = head.lines().any(|line| {
            line.to_ascii_lowercase().starts_with("authorization:")
                && line.ends_with(&format!("Bearer {TOKEN}"))
        });
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let records = format!("/client/v4/zones/{ZONE_ID}/dns_records");
        let answer = match (method, path.strip_prefix(&records)) {
            _ if !is_ours => Err((403, 10000, "Authentication error")),
            ("GET", Some("")) => Ok(self.list(query)),
            ("POST", Some("/batch")) => serde_json::from_slice(&body)
                .map_err(|_| (400, 9207, "Request body is invalid."))
                .and_then(|body| self.batch(&body)),
            _ => Err((404, 7003, "Could not route, perhaps your object identifier is invalid?")),
        };
        if method == "POST" && self.loses_answers.load(Ordering::SeqCst) {
            return;
        }
        let (status, body) = match answer {
            Ok(result) => {
                (200, json!({ "success": true, "errors": [], "messages": [], "result": result }))
            }
            Err((status, code, message)) => (
                status,
                json!({ "success": false, "errors": [{ "code": code, "message": message }], "result": null }),
            ),
        };
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 {status} So\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        drop(stream.write_all((head + &body).as_bytes()));
    }

    fn list(&self, query: &str) -> Value {
        let wanted =
            |key: &str| query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
        let name = wanted("name.exact").map(|name| name.replace("%2A", "*"));
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |record: &&Value| {
            name.as_ref().is_none_or(|name| record["name"] == json!(name))
                && wanted("type").is_none_or(|kind| record["type"] == json!(kind))
        };
        json!(records.iter().filter(fits).collect::<Vec<_>>())
    }

    /// Deletes, then posts; one that does not fit keeps all of them back.
    fn batch(&self, body: &Value) -> Result<Value, Refusal> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = records.clone();
        let mut touched = Vec::new();
        let list = |key: &str| body[key].as_array().cloned().unwrap_or_default();
        for gone in list("deletes") {
            let at = next.iter().position(|record| record["id"] == gone["id"]);
            let at = at.ok_or((404, 81044, "Record does not exist."))?;
            touched.push(next.remove(at));
        }
        for mut come in list("posts") {
            let ttl = come["ttl"].as_u64().unwrap_or(1);
            if ttl != 1 && !(60..=86_400).contains(&ttl) {
                return Err((
                    400,
                    9021,
                    "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.",
                ));
            }
            come["content"] = json!(content(&come));
            let beside = next.iter().filter(|one| one["name"] == come["name"]);
            for one in beside {
                if one["type"] == come["type"] && one["content"] == come["content"] {
                    return Err((400, 81058, "An identical record already exists."));
                }
                if (one["type"] == "CNAME") != (come["type"] == "CNAME") || come["type"] == "CNAME"
                {
                    return Err((
                        400,
                        81053,
                        "An A, AAAA, or CNAME record with that host already exists.",
                    ));
                }
            }
            let number = self.number.fetch_add(1, Ordering::SeqCst);
            come["id"] = json!(format!("{number:032x}"));
            come["proxied"] = json!(false);
            touched.push(come.clone());
            next.push(come);
        }
        self.bind.update(&self.zone, &update(&touched, &next)).expect_success();
        *records = next;
        Ok(json!({ "deletes": [], "patches": [], "puts": [], "posts": list("posts") }))
    }
}

/// How a record's data is shown, and what a name server takes but for the dots of names.
fn content(record: &Value) -> String {
    let data = &record["data"];
    let part = |key: &str| data[key].as_str().map_or_else(|| data[key].to_string(), str::to_owned);
    match record["type"].as_str() {
        Some("CAA") => format!("{} {} \"{}\"", part("flags"), part("tag"), part("value")),
        Some("TLSA") => format!(
            "{} {} {} {}",
            part("usage"),
            part("selector"),
            part("matching_type"),
            part("certificate")
        ),
        Some("SRV") => {
            format!("{} {} {} {}", part("priority"), part("weight"), part("port"), part("target"))
        }
        _ => record["content"].as_str().unwrap_or_default().to_owned(),
    }
}

/// The lines that bring every set that was touched to how it is now.
fn update(touched: &[Value], all: &[Value]) -> String {
    let text = |record: &Value, key: &str| record[key].as_str().unwrap_or_default().to_owned();
    let mut sets: Vec<(String, String)> =
        touched.iter().map(|one| (text(one, "name"), text(one, "type"))).collect();
    sets.sort();
    sets.dedup();
    let mut lines: Vec<String> =
        sets.iter().map(|(name, kind)| format!("update delete {name}. {kind}")).collect();
    for (name, kind) in sets {
        for one in all.iter().filter(|one| text(one, "name") == name && text(one, "type") == kind) {
            let ttl = one["ttl"].as_u64().filter(|ttl| *ttl != 1).unwrap_or(300);
            let content = text(one, "content");
            let content = match kind.as_str() {
                "MX" => format!("{} {content}.", one["priority"]),
                "CNAME" | "NS" | "SRV" => format!("{content}."),
                _ => content,
            };
            lines.push(format!("update add {name}. {ttl} {kind} {content}"));
        }
    }
    lines.join("\n")
}

/// Head and body of one request.
fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let (mut octets, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let end = octets.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&octets[..end]).into_owned();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
            });
            let body = &octets[end + 4..];
            if body.len() >= length.unwrap_or(0) {
                return Some((head, body.to_vec()));
            }
        }
        let read = stream.read(&mut part).ok().filter(|read| *read > 0)?;
        octets.extend_from_slice(&part[..read]);
    }
}
