//! The server that is measured: this very program as a process of its own, so that what it uses is
//! counted apart from what measures it.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::fault::NotMeasured;
use super::process::Process;

/// This very program, also when its file was replaced meanwhile (proc(5)).
pub(super) const PROGRAM: &str = "/proc/self/exe";
/// How long it may take to start or to stop; a debug build on a busy machine needs a while.
const PATIENCE: Duration = Duration::from_secs(60);
/// Octets of its log that are shown when it fails.
const LOG_SHOWN: usize = 4_000;
/// What would make it another server than the one that is asked for.
const FOREIGN: [&str; 3] = ["BAILIWICK_DATABASE", "BAILIWICK_DATA", "BAILIWICK_PASSPHRASE"];

/// A running `bailiwick up --lab`; killed when it is dropped.
pub(super) struct Server {
    child: Child,
    log: PathBuf,
    ready: Value,
    id: u32,
    /// From the start of the process to the line that says that everything is served.
    pub(super) started_in: Duration,
}

impl Server {
    /// Starts it on a data folder, on free ports, with more arguments.
    pub(super) async fn start(
        data: &std::path::Path,
        args: &[String],
    ) -> Result<Self, NotMeasured> {
        let log = data.with_extension("log");
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&log);
        let file = file.map_err(NotMeasured::system("the server's log cannot be written"))?;
        let mut command = Command::new(PROGRAM);
        command.args(["up", "--lab", "--ready-json", "--data"]).arg(data);
        for listener in ["--listen", "--listen-http", "--lab-dns"] {
            command.args([listener, "127.0.0.1:0"]);
        }
        for name in FOREIGN {
            command.env_remove(name);
        }
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file);
        let began = Instant::now();
        let mut child = command
            .kill_on_drop(true)
            .spawn()
            .map_err(NotMeasured::system("the server cannot be started"))?;
        let id = child.id().unwrap_or_default();
        let ready = ready(&mut child).await;
        let started_in = began.elapsed();
        let server = Self { child, log, ready: ready.clone().unwrap_or_default(), id, started_in };
        match ready {
            Some(_) => Ok(server),
            None => Err(server.failed("start")),
        }
    }

    /// A field of what it announced.
    pub(super) fn announced(&self, field: &'static str) -> Result<&str, NotMeasured> {
        let found = self.ready.get(field).and_then(Value::as_str);
        found.ok_or_else(|| self.failed("announce what it serves"))
    }

    /// Its process.
    pub(super) const fn id(&self) -> u32 {
        self.id
    }

    /// What it uses.
    pub(super) const fn process(&self) -> Process {
        Process::Other(self.id)
    }

    /// Asks it to stop (SIGTERM) and waits until it has.
    pub(super) async fn stop(mut self) -> Result<(), NotMeasured> {
        let asked = Command::new("kill").arg(self.id.to_string()).status().await;
        asked.map_err(NotMeasured::system("`kill` cannot be run"))?;
        match timeout(PATIENCE, self.child.wait()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(self.failed("stop")),
        }
    }

    fn failed(&self, what: &'static str) -> NotMeasured {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let from = log.len().saturating_sub(LOG_SHOWN);
        let said = String::from_utf8_lossy(log.get(from..).unwrap_or_default()).into_owned();
        NotMeasured::Server { what, said }
    }
}

/// Reads lines until the one that says that everything is served; `None` when none comes.
async fn ready(child: &mut Child) -> Option<Value> {
    let mut lines = BufReader::new(child.stdout.take()?).lines();
    let wait = async {
        while let Ok(Some(line)) = lines.next_line().await {
            if let Ok(json) = serde_json::from_str::<Value>(&line)
                && json.get("event").and_then(Value::as_str) == Some("ready")
            {
                return Some(json);
            }
        }
        None
    };
    timeout(PATIENCE, wait).await.ok().flatten()
}
