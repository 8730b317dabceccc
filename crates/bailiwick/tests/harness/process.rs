//! Processes that end with their owner, and commands that end in time.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, Instant};

use super::programs;

/// How long a server may take to start or to stop.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at something that tells nobody when it happens.
const GLANCE: Duration = Duration::from_millis(10);
const LOG_LINES_SHOWN: usize = 40;

/// A server process: killed with all its children when dropped.
pub(crate) struct Server {
    name: String,
    child: Child,
    ended: Option<ExitStatus>,
    log: PathBuf,
}

/// Begins the command line of a server; hand it to [`Server::start`].
pub(crate) fn server(program: &Path) -> Command {
    // If this test binary dies without dropping anything, the kernel kills the server.
    let mut command = Command::new(programs::find("setpriv"));
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

impl Server {
    /// Starts it; standard error goes to `log`, and so does standard output unless it is piped.
    pub(crate) fn start(name: &str, mut command: Command, log: &Path, piped: Piped) -> Self {
        let file = OpenOptions::new().create(true).append(true).open(log);
        let file = file.unwrap_or_else(|e| panic!("{}: {e}", log.display()));
        match piped {
            Piped::Nothing => command.stdin(Stdio::null()).stdout(copy(&file)),
            Piped::Output => command.stdin(Stdio::null()).stdout(Stdio::piped()),
            Piped::Both => command.stdin(Stdio::piped()).stdout(Stdio::piped()),
        };
        command.stderr(file).process_group(0);
        let child = spawn(command).unwrap_or_else(|e| panic!("{name} does not start: {e}"));
        Self { name: name.to_owned(), child, ended: None, log: log.to_path_buf() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("standard input was piped, and is taken once")
    }

    pub(crate) fn stdout(&mut self) -> ChildStdout {
        self.child.stdout.take().expect("standard output was piped, and is taken once")
    }

    /// Asks again and again until `probe` has an answer; fails at once when the server ends.
    pub(crate) fn wait_for<T>(&mut self, what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(answer) = probe() {
                return answer;
            }
            if let Some(status) = self.exited() {
                panic!("{} ended ({status}) before: {what}\n{}", self.name, self.last_lines());
            }
            if Instant::now() > end {
                panic!(
                    "{} took longer than {PATIENCE:?} for: {what}\n{}",
                    self.name,
                    self.last_lines()
                );
            }
            std::thread::sleep(GLANCE);
        }
    }

    /// How it ended, when it did. What it left running ends with it.
    pub(crate) fn exited(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().expect("a child can be waited for");
            if self.ended.is_some() {
                self.kill_group();
            }
        }
        self.ended
    }

    /// Sends a signal (`TERM`, `HUP`, `STOP`) to the server process alone.
    pub(crate) fn signal(&self, signal: &str) {
        kill(signal, &self.pid().to_string());
    }

    /// Sends a signal and waits for the end; kills it when that takes too long, and fails.
    pub(crate) fn stop(&mut self, signal: &str) -> ExitStatus {
        if let Some(status) = self.exited() {
            return status;
        }
        self.signal(signal);
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.exited() {
                return status;
            }
            if Instant::now() > end {
                self.kill9();
                panic!("{} did not stop within {PATIENCE:?}\n{}", self.name, self.last_lines());
            }
            std::thread::sleep(GLANCE);
        }
    }

    /// SIGKILL to the server and its children, and waits until they are gone.
    pub(crate) fn kill9(&mut self) {
        if self.exited().is_some() {
            return;
        }
        self.kill_group();
        // Should the shell have failed, it is killed here.
        let _gone = self.child.kill();
        self.ended = self.child.wait().ok();
    }

    /// Before the leader is waited for, or at once after: later its number may be somebody else's.
    fn kill_group(&self) {
        kill("KILL", &format!("-{}", self.pid()));
    }

    pub(crate) fn log(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn last_lines(&self) -> String {
        let log = self.log();
        let skipped = log.lines().count().saturating_sub(LOG_LINES_SHOWN);
        let lines: Vec<&str> = log.lines().skip(skipped).collect();
        format!("--- end of {} ---\n{}\n---", self.log.display(), lines.join("\n"))
    }
}

/// Which streams of a server the test talks over.
#[derive(Clone, Copy)]
pub(crate) enum Piped {
    Nothing,
    Output,
    Both,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill9();
        if std::thread::panicking() {
            eprintln!("{}: {}", self.name, self.last_lines());
        }
    }
}

fn copy(file: &File) -> Stdio {
    file.try_clone().expect("a file handle can be copied").into()
}

fn kill(signal: &str, target: &str) {
    let mut command = Command::new("sh");
    command.args(["-c", "kill -s $0 -- $1", signal, target]);
    // It may have ended by itself in the meantime.
    let _done = command.stderr(Stdio::null()).status();
}

/// Starts a child from a thread that lives as long as the process.
///
/// The kernel's promise to kill a child when its parent dies is about the parent *thread*, and the thread of
/// a test may end before the server it started.
fn spawn(command: Command) -> io::Result<Child> {
    type Job = (Command, Sender<io::Result<Child>>);
    static SPAWNER: OnceLock<Sender<Job>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (jobs, inbox) = mpsc::channel::<Job>();
        std::thread::spawn(move || {
            for (mut command, reply) in inbox {
                let _asker_left = reply.send(command.spawn());
            }
        });
        jobs
    });
    let (reply, answer) = mpsc::channel();
    spawner.send((command, reply)).expect("the spawning thread lives");
    answer.recv().expect("the spawning thread answers")
}

/// What a command said and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    shown: String,
}

impl Ran {
    /// Both streams; what a person at a terminal would have seen.
    pub(crate) fn output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Fails the test, with all that was said, unless the command succeeded.
    pub(crate) fn expect_success(self) -> Self {
        assert!(
            self.code == Some(0),
            "{} ended with {:?}:\n{}",
            self.shown,
            self.code,
            self.output()
        );
        self
    }
}

/// Begins a command that is killed after `limit`; hand it to [`run`].
pub(crate) fn bounded(program: &Path, limit: Duration) -> Command {
    let mut command = Command::new(programs::find("timeout"));
    command.args(["--kill-after", "5"]).arg(limit.as_secs().to_string()).arg(program);
    // The machine's own way to the outside must not come between two programs on it.
    for name in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"]
    {
        command.env_remove(name);
    }
    command
}

/// Runs a command to its end.
pub(crate) fn run(mut command: Command) -> Ran {
    let shown = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|e| panic!("{shown} does not start: {e}"));
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        shown,
    }
}
