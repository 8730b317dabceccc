//! Headless Chromium: opens pages as a person's browser does, and says what it complained about.
//!
//! It is driven over a pipe with its own protocol (DevTools), so there is no port that anybody else could use.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::ChildStdin;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use base64::Engine;
use serde_json::{Value, json};

use super::place::Folder;
use super::process::{self, PATIENCE, Piped, Server};
use super::programs;

/// One browser with one page and a profile of its own. Fields are dropped in order.
pub(crate) struct Chromium {
    input: ChildStdin,
    messages: Receiver<Value>,
    session: Option<String>,
    asked: u64,
    /// What came in while an answer was awaited.
    events: Vec<Value>,
    _server: Server,
    _folder: Folder,
}

const FLAGS: &[&str] = &[
    "--headless",
    "--remote-debugging-pipe",
    // Root has no sandbox, and only our own pages are opened.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    // Nothing of the browser's own may ask the network.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--no-proxy-server",
    // The test's own CA is no public one. What our TLS is worth is tested with other clients.
    "--ignore-certificate-errors",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "about:blank",
];

impl Chromium {
    /// A window of 1280 by 800.
    pub(crate) fn start() -> Self {
        let folder = Folder::new("chromium");
        // It talks over descriptors 3 and 4; the shell moves our two pipes there.
        let shell = "exec 3<&0 4>&1 </dev/null >&2; exec \"$@\"";
        let mut command = process::server(&programs::find("sh"));
        command.args(["-c", shell, "sh"]).arg(programs::find("chromium")).args(FLAGS);
        command.arg(format!("--user-data-dir={}", folder.folder("profile").display()));
        let log = folder.file("chromium.log");
        let mut server = Server::start("chromium", command, &log, Piped::Both);
        let input = server.stdin();
        let messages = reader(server.stdout());
        let mut browser = Self {
            input,
            messages,
            session: None,
            asked: 0,
            events: Vec::new(),
            _server: server,
            _folder: folder,
        };
        browser.open_page();
        browser.resize(1280, 800);
        browser
    }

    fn open_page(&mut self) {
        let target = self.ask("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": text(&target, "targetId"), "flatten": true});
        let session = self.ask("Target.attachToTarget", attach);
        self.session = Some(text(&session, "sessionId"));
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            self.ask(domain, json!({}));
        }
        self.ask("Page.setLifecycleEventsEnabled", json!({"enabled": true}));
    }

    /// The size of the window; 390 by 844 is a telephone.
    pub(crate) fn resize(&mut self, width: u32, height: u32) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.ask("Emulation.setDeviceMetricsOverride", size);
    }

    /// Opens a page and returns when it is loaded.
    ///
    /// The page before may still be loading, so only the end of this very load counts.
    pub(crate) fn open(&mut self, url: &str) {
        let answer = self.ask("Page.navigate", json!({"url": url}));
        if let Some(error) = answer.get("errorText").and_then(Value::as_str) {
            panic!("{url} does not open: {error}");
        }
        let load = text(&answer, "loaderId");
        let end = Instant::now() + PATIENCE;
        while !self.events.iter().any(|event| is_end_of(event, &load)) {
            let event = self.next_message(end, &format!("{url} to load"));
            self.events.push(event);
        }
    }

    /// What a JavaScript expression gives; a promise is awaited.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let ask = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let answer = self.ask("Runtime.evaluate", ask);
        if let Some(thrown) = answer.get("exceptionDetails") {
            panic!("{expression} threw: {thrown}");
        }
        value(&answer).cloned().unwrap_or(Value::Null)
    }

    /// Waits until a JavaScript expression is true, across changes of page.
    pub(crate) fn wait_until(&mut self, expression: &str) {
        let end = Instant::now() + PATIENCE;
        let ask = json!({"expression": format!("Boolean({expression})"), "returnByValue": true});
        // While one page gives way to the next there is nothing to ask, and that is said as an error.
        while self.try_ask("Runtime.evaluate", &ask).ok().as_ref().and_then(value)
            != Some(&Value::Bool(true))
        {
            assert!(Instant::now() < end, "never true: {expression}\n{}", self.dom());
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Clicks the first element that a CSS selector finds.
    pub(crate) fn click(&mut self, selector: &str) {
        let found = json!(selector);
        let found = self.evaluate(&format!(
            "(e => {{ if (e) setTimeout(() => e.click()); return !!e }})(document.querySelector({found}))"
        ));
        assert!(found == Value::Bool(true), "nothing is `{selector}` in:\n{}", self.dom());
    }

    /// The page as the browser understood it.
    pub(crate) fn dom(&mut self) -> String {
        let html = self.evaluate("document.documentElement.outerHTML");
        html.as_str().unwrap_or_default().to_owned()
    }

    /// The text a person reads.
    pub(crate) fn text(&mut self) -> String {
        let text = self.evaluate("document.body.innerText");
        text.as_str().unwrap_or_default().to_owned()
    }

    /// A PNG of the whole page.
    pub(crate) fn screenshot(&mut self, file: &Path) {
        let ask = json!({"format": "png", "captureBeyondViewport": true});
        let answer = self.ask("Page.captureScreenshot", ask);
        let bytes = base64::engine::general_purpose::STANDARD.decode(text(&answer, "data"));
        let bytes = bytes.expect("a picture comes as base64");
        std::fs::write(file, bytes).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    }

    /// Errors of the console, exceptions, and breaches of the content security policy since the last call.
    pub(crate) fn complaints(&mut self) -> Vec<String> {
        // An answer comes after all that was said before the question.
        self.evaluate("1");
        let events = std::mem::take(&mut self.events);
        events.iter().filter_map(complaint).collect()
    }

    fn ask(&mut self, method: &str, parameters: Value) -> Value {
        self.try_ask(method, &parameters).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    fn try_ask(&mut self, method: &str, parameters: &Value) -> Result<Value, Value> {
        self.asked += 1;
        let mut message = json!({"id": self.asked, "method": method, "params": parameters});
        if let (Some(session), Some(fields)) = (&self.session, message.as_object_mut()) {
            fields.insert("sessionId".to_owned(), session.clone().into());
        }
        // Messages end with a NUL.
        let sent = self.input.write_all(format!("{message}\0").as_bytes());
        sent.and_then(|()| self.input.flush()).expect("the browser lives");
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self.next_message(end, method);
            if answer.get("id").and_then(Value::as_u64) != Some(self.asked) {
                self.events.push(answer);
            } else if let Some(error) = answer.get("error") {
                return Err(error.clone());
            } else {
                return Ok(answer.get("result").cloned().unwrap_or(Value::Null));
            }
        }
    }

    fn next_message(&self, end: Instant, what: &str) -> Value {
        let left = end.saturating_duration_since(Instant::now());
        let message = self.messages.recv_timeout(left);
        message.unwrap_or_else(|e| panic!("the browser says nothing while waiting for {what}: {e}"))
    }
}

fn reader(output: std::process::ChildStdout) -> Receiver<Value> {
    let (messages, inbox) = mpsc::channel();
    std::thread::spawn(move || {
        for message in BufReader::new(output).split(0).map_while(Result::ok) {
            let Ok(message) = serde_json::from_slice::<Value>(&message) else { return };
            if messages.send(message).is_err() {
                return;
            }
        }
    });
    inbox
}

fn value(answer: &Value) -> Option<&Value> {
    answer.pointer("/result/value")
}

fn method(event: &Value) -> &str {
    event.get("method").and_then(Value::as_str).unwrap_or_default()
}

/// Whether this event ends the load with this id.
fn is_end_of(event: &Value, load: &str) -> bool {
    let says = |field: &str| event.pointer(&format!("/params/{field}")).and_then(Value::as_str);
    method(event) == "Page.lifecycleEvent"
        && says("name") == Some("load")
        && says("loaderId") == Some(load)
}

fn text(value: &Value, field: &str) -> String {
    let found = value.get(field).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("`{field}` is missing in {value}")).to_owned()
}

fn complaint(event: &Value) -> Option<String> {
    let at = |path: &str| event.pointer(path).and_then(Value::as_str).map(str::to_owned);
    match method(event) {
        "Runtime.exceptionThrown" => Some(event.pointer("/params/exceptionDetails")?.to_string()),
        "Runtime.consoleAPICalled" if at("/params/type")? == "error" => {
            Some(event.pointer("/params/args")?.to_string())
        }
        "Log.entryAdded" if at("/params/entry/level")? == "error" => at("/params/entry/text"),
        _ => None,
    }
}
