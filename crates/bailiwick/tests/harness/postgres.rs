//! PostgreSQL in a temporary folder, as durable as a real one.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::place::{self, Folder, Port};
use super::process::{self, Piped, Ran, Server};
use super::programs;

/// A running PostgreSQL with a database `bailiwick`. Fields are dropped in order.
pub(crate) struct Postgres {
    server: Server,
    port: Port,
    folder: Folder,
}

const A_MINUTE: Duration = Duration::from_secs(60);
const ROLE: &str = "bailiwick";

impl Postgres {
    pub(crate) fn start() -> Self {
        let folder = Folder::new("postgres");
        let port = Port::free();
        if let Some(user) = unprivileged() {
            let (uid, gid) = (Some(user.id), Some(user.group));
            std::os::unix::fs::chown(folder.path(), uid, gid).expect("root can give a folder away");
        }
        let data = folder.file("data");
        let mut make = process::bounded(&programs::find("initdb"), A_MINUTE);
        make.arg("-D").arg(&data).args(["--username", ROLE, "--auth", "trust"]);
        // The empty cluster need not survive a power cut; what is written to it later must.
        make.args(["--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions"]);
        as_unprivileged(&mut make, &folder);
        process::run(make).expect_success();
        let server = launch(&folder, &port);
        let mut postgres = Self { server, port, folder };
        postgres.wait_until_answering();
        postgres.sql("postgres", "CREATE DATABASE bailiwick").expect_success();
        postgres
    }

    /// The database every server begins with.
    pub(crate) fn url(&self) -> String {
        self.url_of(ROLE)
    }

    /// Makes one more database on the same server; far quicker than one more server.
    pub(crate) fn database(&self, name: &str) -> String {
        self.sql("postgres", &format!("CREATE DATABASE \"{name}\"")).expect_success();
        self.url_of(name)
    }

    fn url_of(&self, database: &str) -> String {
        format!("postgres://{ROLE}@{}/{database}", self.port.address())
    }

    /// The same with a password in the URL. The server trusts whoever asks, so that any will do.
    pub(crate) fn url_with_password(&self, password: &str) -> String {
        self.url().replacen('@', &format!(":{password}@"), 1)
    }

    /// A whole database as text, as `pg_dump` writes it into a backup.
    pub(crate) fn dump(&self) -> String {
        let mut command = process::bounded(&programs::find("pg_dump"), A_MINUTE);
        command.args(["-h", "127.0.0.1", "-p", &self.port.number().to_string(), "-U", ROLE, ROLE]);
        process::run(command).expect_success().stdout
    }

    /// Runs SQL with psql; rows come as lines, columns separated by `|`.
    pub(crate) fn sql(&self, database: &str, text: &str) -> Ran {
        sql(self.port.number(), database, text)
    }

    /// SIGKILL to the server and each of its processes at once, as when the machine stops.
    pub(crate) fn kill9(&mut self) {
        kill_all(&mut self.server);
    }

    /// Stops without asking anybody to finish (SIGINT: "fast").
    pub(crate) fn stop(&mut self) {
        self.server.stop("INT");
    }

    /// Starts again on the same files and port, recovering if it must.
    pub(crate) fn restart(&mut self) {
        kill_all(&mut self.server);
        self.server = launch(&self.folder, &self.port);
        self.wait_until_answering();
    }

    fn wait_until_answering(&mut self) {
        let port = self.port.number();
        self.server.wait_for("an answer to SELECT 1", || {
            (sql(port, "postgres", "SELECT 1").code == Some(0)).then_some(())
        });
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Its processes lead sessions of their own, so killing the group is not enough.
        kill_all(&mut self.server);
    }
}

fn sql(port: u16, database: &str, text: &str) -> Ran {
    let mut command = process::bounded(&programs::find("psql"), A_MINUTE);
    command.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"]);
    command.args(["-p", &port.to_string(), "-U", ROLE, "-d", database, "-c", text]);
    process::run(command)
}

fn launch(folder: &Folder, port: &Port) -> Server {
    let mut command = process::server(&programs::find("postgres"));
    command.arg("-D").arg(folder.file("data")).args(["-p", &port.number().to_string()]);
    let settings = [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "fsync=on",
        "synchronous_commit=on",
        "shared_buffers=32MB",
        "max_connections=60",
        // Said at the start of the log otherwise.
        "logging_collector=off",
    ];
    for setting in settings {
        command.args(["-c", setting]);
    }
    as_unprivileged(&mut command, folder);
    Server::start("postgres", command, &folder.file("postgres.log"), Piped::Nothing)
}

fn kill_all(server: &mut Server) {
    if server.exited().is_none() {
        // Stopped first, so that it can neither start more of them nor see one die.
        server.signal("STOP");
        let children = children_of(server.pid());
        if !children.is_empty() {
            let mut command = Command::new("sh");
            command.args(["-c", "kill -KILL \"$@\"", "sh"]).args(&children);
            // One of them may have ended by itself.
            let _done = command.stderr(std::process::Stdio::null()).status();
        }
    }
    server.kill9();
}

fn children_of(pid: u32) -> Vec<String> {
    let file = format!("/proc/{pid}/task/{pid}/children");
    let listed = std::fs::read_to_string(file).unwrap_or_default();
    listed.split_whitespace().map(str::to_owned).collect()
}

/// A user without rights, for root to run PostgreSQL as: it refuses to run as root.
struct User {
    id: u32,
    group: u32,
}

fn unprivileged() -> Option<User> {
    if place::user_id() != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").expect("/etc/passwd is readable");
    let found = ["postgres", "nobody"].iter().find_map(|name| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut numbers = line.split(':').skip(2).map_while(|n| n.parse().ok());
        Some(User { id: numbers.next()?, group: numbers.next()? })
    });
    Some(found.expect("there is a user postgres or nobody"))
}

fn as_unprivileged(command: &mut Command, folder: &Folder) {
    command.current_dir(folder.path());
    if let Some(user) = unprivileged() {
        command.uid(user.id).gid(user.group);
    }
}

/// Who owns the data; for tests of the harness.
pub(super) fn owner_of(postgres: &Postgres) -> (PathBuf, u32) {
    let data: &Path = &postgres.folder.file("data");
    (data.to_path_buf(), std::fs::metadata(data).expect("the data folder is there").uid())
}
