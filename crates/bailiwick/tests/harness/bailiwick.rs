//! Bailiwick itself: the built program, as a person starts it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, ExitStatus};
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::Duration;

use serde_json::Value;

use super::acme::{AcmeServer, Eab};
use super::place::{Folder, Port};
use super::process::{self, Piped, Ran, Server};

/// A running `bailiwick up`. Fields are dropped in order.
pub(crate) struct BailiwickServer {
    server: Server,
    ready: Value,
    args: Vec<String>,
    env: Vec<(String, String)>,
    folder: Folder,
    _ports: [Port; 3],
}

/// The built program.
pub(crate) fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_bailiwick"))
}

/// Runs the program with these arguments to its end.
pub(crate) fn bailiwick(args: &[&str]) -> Ran {
    let mut command = process::bounded(program(), Duration::from_secs(60));
    command.args(args);
    process::run(command)
}

impl BailiwickServer {
    /// `bailiwick up --data DIR --ready-json ARGS…` on a new, empty data folder and on ports of its own, which
    /// stay the same over [`Self::restart`].
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_with(args, &[])
    }

    /// The same, with environment variables.
    pub(crate) fn start_with(args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::start_on(Folder::new("bailiwick"), args, env)
    }

    /// The same in a folder whose `data` may hold something already.
    pub(crate) fn start_on(folder: Folder, args: &[&str], env: &[(&str, &str)]) -> Self {
        let ports = [Port::free(), Port::free(), Port::free()];
        let listen = ["--listen", "--listen-http", "--lab-dns"].into_iter().zip(&ports);
        let listen = listen.flat_map(|(o, p)| [o.to_owned(), p.address().to_string()]);
        // Whoever is named by a URL in somebody's estate says where it listens.
        let here = ports[0].address().to_string();
        let args = args.iter().map(|a| a.replace("{listen}", &here));
        let args: Vec<String> = listen.chain(args).collect();
        let env = env.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        let env: Vec<(String, String)> = env.collect();
        let (server, ready) = launch(&folder, &args, &env);
        Self { server, ready, args, env, folder, _ports: ports }
    }

    /// The data folder; it stays over [`Self::kill9`] and [`Self::restart`].
    pub(crate) fn data(&self) -> PathBuf {
        data(&self.folder)
    }

    /// Base URL of the HTTPS side, as the program announced it.
    pub(crate) fn https(&self) -> &str {
        self.announced("https")
    }

    /// Base URL of the HTTP side, as the program announced it.
    pub(crate) fn http(&self) -> &str {
        self.announced("http")
    }

    /// The ACME side, for a client with this external account binding.
    pub(crate) fn acme(&self, eab: Option<Eab>) -> AcmeServer {
        let directory = self.announced("directory").to_owned();
        AcmeServer { directory, tls_ca: self.announced("trust").into(), eab }
    }

    /// The whole line `{"event":"ready",…}`.
    pub(crate) fn ready(&self) -> &Value {
        &self.ready
    }

    /// A field of the line `{"event":"ready",…}`.
    pub(crate) fn announced(&self, field: &str) -> &str {
        let found = self.ready.get(field).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("`{field}` was not announced in {}", self.ready))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// All it wrote to standard output and error, over all starts.
    pub(crate) fn log(&self) -> String {
        self.server.log()
    }

    /// SIGKILL, at whatever it is doing.
    pub(crate) fn kill9(&mut self) {
        self.server.kill9();
    }

    /// SIGTERM, and waits for the graceful end.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.server.stop("TERM")
    }

    /// Starts again and is killed this long after, wherever it is by then.
    pub(crate) fn restart_and_kill9(&mut self, after: Duration) {
        self.server.kill9();
        self.server = begin(&self.folder, &self.args, &self.env).0;
        std::thread::sleep(after);
        self.server.kill9();
    }

    /// Starts again on the same data with one argument in place of another.
    pub(crate) fn restart_with(&mut self, before: &str, after: &str) {
        self.instead(before, after);
        self.restart();
    }

    /// From the next start on with one argument in place of another.
    pub(crate) fn instead(&mut self, before: &str, after: &str) {
        let place = self.args.iter_mut().find(|arg| arg.as_str() == before);
        after.clone_into(place.expect("it was started with that argument"));
    }

    /// Starts again on the same data with one more argument, this time only.
    pub(crate) fn restart_once_with(&mut self, more: &str) {
        self.args.push(more.to_owned());
        self.restart();
        self.args.pop();
    }

    /// Starts again on the same data with the same arguments; kills it first if it still runs.
    pub(crate) fn restart(&mut self) {
        self.server.kill9();
        (self.server, self.ready) = launch(&self.folder, &self.args, &self.env);
    }
}

fn data(folder: &Folder) -> PathBuf {
    folder.file("data")
}

fn begin(folder: &Folder, args: &[String], env: &[(String, String)]) -> (Server, Receiver<Value>) {
    let mut command = process::server(program());
    command.arg("up").arg("--data").arg(data(folder)).arg("--ready-json").args(args);
    command.envs(env.iter().map(|(n, v)| (n, v)));
    let log = folder.file("bailiwick.log");
    let mut server = Server::start("bailiwick", command, &log, Piped::Output);
    let lines = reader(server.stdout(), log);
    (server, lines)
}

fn launch(folder: &Folder, args: &[String], env: &[(String, String)]) -> (Server, Value) {
    let (mut server, lines) = begin(folder, args, env);
    let ready = server.wait_for("the line {\"event\":\"ready\",…}", || {
        loop {
            match lines.try_recv() {
                Ok(line) if line.get("event").and_then(Value::as_str) == Some("ready") => {
                    return Some(line);
                }
                Ok(_) => {}
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return None,
            }
        }
    });
    (server, ready)
}

/// Copies standard output to the log for as long as it lasts, and hands on what is JSON.
fn reader(output: ChildStdout, log: PathBuf) -> Receiver<Value> {
    let (lines, inbox) = mpsc::channel();
    std::thread::spawn(move || {
        let mut log = std::fs::OpenOptions::new().append(true).create(true).open(log).ok();
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(log) = &mut log {
                // A log that cannot be written must not stop the server's output.
                let _written = writeln!(log, "{line}");
            }
            if let Ok(json) = serde_json::from_str(&line) {
                let _nobody_waits = lines.send(json);
            }
        }
    });
    inbox
}
