//! A PostgreSQL server of the tests: made with `initdb`, as durable as a real one, gone with its
//! last user.

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::Connection as _;

/// Stops the server and removes its files when its standard input ends, which happens also when
/// the test process is killed.
const KEEPER: &str = r#"
"$1" -D "$2" -p "$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories= $4 >"$2/log" 2>&1 &
server=$!
trap '' INT TERM
read ended
kill -QUIT "$server" 2>/dev/null
wait "$server"
[ "$ended" = keep ] || rm -rf "$2"
"#;

/// How long a server may take to begin.
const START_SECONDS_MAX: u64 = 60;

pub(crate) struct Server {
    keeper: Child,
    data: PathBuf,
    port: u16,
    /// Holds the data; given to the unprivileged user.
    _folder: tempfile::TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let user = unprivileged();
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let data = folder.path().join("data");
        let mut make = Command::new(program("initdb"));
        make.arg("-D").arg(&data).args(["-U", "bailiwick", "--auth", "trust", "--no-sync"]);
        make.args(["--encoding", "UTF8", "--locale", "C"]).stdin(Stdio::null());
        let made = as_user(&mut make, user, folder.path()).output().unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let port = free_port();
        let keeper = launch(&data, port, user, "");
        let server = Self { keeper, data, port, _folder: folder };
        server.wait();
        server
    }

    /// Makes a database; gives its URL.
    pub(crate) async fn database(&self, name: &str) -> String {
        let mut one = sqlx::PgConnection::connect(&self.url("postgres")).await.unwrap();
        let make = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"));
        sqlx::raw_sql(make).execute(&mut one).await.unwrap();
        one.close().await.unwrap();
        self.url(name)
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://bailiwick@127.0.0.1:{}/{database}", self.port)
    }

    /// Stops it at once, as when the machine stops (SIGQUIT: no shutdown checkpoint).
    pub(crate) fn stop(&mut self) {
        use std::io::Write as _;
        let mut input = self.keeper.stdin.take().unwrap();
        input.write_all(b"keep\n").unwrap();
        drop(input);
        self.keeper.wait().unwrap();
    }

    /// Starts it again on the same files and port; it recovers first.
    pub(crate) fn restart(&mut self, options: &str) {
        self.keeper = launch(&self.data, self.port, unprivileged(), options);
        self.wait();
    }

    fn wait(&self) {
        let until = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
        let ready = || {
            Command::new(program("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
                .status()
                .unwrap()
                .success()
        };
        while !ready() {
            let log = std::fs::read_to_string(self.data.join("log")).unwrap_or_default();
            assert!(Instant::now() < until, "PostgreSQL does not answer: {log}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        self.keeper.wait().unwrap();
    }
}

fn launch(data: &Path, port: u16, user: Option<(u32, u32)>, options: &str) -> Child {
    let mut keeper = Command::new("sh");
    keeper.args(["-c", KEEPER, "sh"]).arg(program("postgres")).arg(data);
    keeper.arg(port.to_string()).arg(options).stdin(Stdio::piped());
    keeper.stdout(Stdio::null()).stderr(Stdio::null());
    as_user(&mut keeper, user, data).spawn().unwrap()
}

fn as_user<'a>(
    command: &'a mut Command,
    user: Option<(u32, u32)>,
    folder: &Path,
) -> &'a mut Command {
    command.current_dir(folder);
    match user {
        Some((uid, gid)) => command.uid(uid).gid(gid),
        None => command,
    }
}

/// PostgreSQL does not run as root: then the user `postgres` is taken, or else `nobody`.
fn unprivileged() -> Option<(u32, u32)> {
    let me = std::fs::metadata("/proc/self").unwrap().uid();
    if me != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let find = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    Some(find("postgres").or_else(|| find("nobody")).expect("a user who is not root"))
}

/// Finds a program of PostgreSQL where distributions put it.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push("/usr/local/bin".into());
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        let mut versions: Vec<PathBuf> =
            versions.filter_map(Result::ok).map(|one| one.path().join("bin")).collect();
        versions.sort();
        folders.extend(versions.into_iter().rev());
    }
    folders.into_iter().map(|folder| folder.join(name)).find(|file| file.is_file()).unwrap_or_else(
        || panic!("`{name}` of PostgreSQL is not installed; install the package `postgresql`"),
    )
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
