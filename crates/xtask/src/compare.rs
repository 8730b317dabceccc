//! `cargo xtask campaign compare`: Bailiwick beside other ACME servers, on one machine in one run.
//!
//! Servers alternate, so that whatever else the machine does falls on all of them; each run has a fresh
//! server, and ratios are taken of two runs that followed each other. Everything happens in a network and
//! mount namespace of its own with loopback only: some of the servers want port 80, and all a resolver.

mod report;
mod server;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::Value;

use crate::repo;
use crate::run::Line;
use crate::stop::Stop;
use report::{Pair, Run};
use server::Server;

/// What `--help` says of it.
pub(crate) const SHOWS: &str = "Bailiwick beside Caddy's ACME server and Pebble, load by acmeload: orders a second, CPU, latency, memory; N pairs";

/// Pairs of runs where nothing else is said; a median wants five.
const PAIRS: u32 = 5;
/// Orders of one run, and those before counting begins.
const ORDERS: &str = "2000";
const WARM_UP: &str = "100";
/// Scales the orders of a run down where it is only to be seen that it works.
const ORDERS_VARIABLE: &str = "BAILIWICK_COMPARE_ORDERS";
/// Where the programs to measure with are, as the other tests look for what they share.
const SHARED_VARIABLE: &str = "BAILIWICK_SHARED";
/// Told to the run inside the namespaces.
const INSIDE: &str = "BAILIWICK_COMPARE_INSIDE";
/// How long one load may take, so that a server that hangs does not stop the rest.
const LOAD_SECONDS_MAX: &str = "600";

/// Who is compared at how many clients. Pebble hangs now and then with more than four that ask again fast
/// (its issue 554).
const MEETINGS: [(Server, u32); 3] =
    [(Server::Caddy, 16), (Server::Caddy, 64), (Server::Pebble, 4)];

/// What a run needs.
struct Bench {
    root: PathBuf,
    /// The load client.
    acmeload: PathBuf,
    /// A folder for what servers write.
    folder: PathBuf,
    orders: String,
}

/// Runs it; a number is that of pairs.
pub(crate) fn main(figure: Option<&str>) -> Result<ExitCode, Stop> {
    let root = repo::root();
    let pairs = figure.and_then(|text| text.parse::<u32>().ok()).unwrap_or(PAIRS).max(1);
    let folder = root.join("target/compare");
    let acmeload = folder.join("acmeload/release/acmeload");
    if std::env::var_os(INSIDE).is_none() {
        build(&root, &folder)?;
        return enter(&root, &folder, pairs);
    }
    let orders = std::env::var(ORDERS_VARIABLE).unwrap_or_else(|_| ORDERS.to_owned());
    let bench = Bench { root, acmeload, folder, orders };
    let mut met = Vec::new();
    for number in 0..pairs {
        for (other, clients) in MEETINGS {
            met.push(bench.meet(other, clients, number)?);
        }
    }
    let machine = report::machine();
    let (table, json) = (report::table(&met, &machine), report::json(&met, &machine));
    print!("{table}");
    report::write(&bench.root, &table, &json)?;
    Ok(ExitCode::SUCCESS)
}

/// Builds both programs, outside, where the registry can be reached.
fn build(root: &Path, folder: &Path) -> Result<(), Stop> {
    Line::new("cargo", &["build", "--release", "-p", "bailiwick"]).must(root)?;
    let shared = std::env::var_os(SHARED_VARIABLE).map_or(root.join("../shared"), PathBuf::from);
    let manifest = shared.join("tools/acmeload/Cargo.toml");
    if !manifest.is_file() {
        return Err(Stop::Usage(format!(
            "there is no load client at `{}`; let {SHARED_VARIABLE} name the folder that holds tools/acmeload",
            manifest.display()
        )));
    }
    // It is no member of this workspace; a copy keeps what cargo writes away from where it came from.
    let copy = folder.join("acmeload-source");
    let words = |path: &Path| path.display().to_string();
    let (from, to) = (words(&shared.join("tools/acmeload")), words(&copy));
    let script = "mkdir -p \"$2\" && cp -rT \"$1\" \"$2\" && \
        { grep -q '^\\[workspace\\]' \"$2/Cargo.toml\" || printf '\\n[workspace]\\n' >>\"$2/Cargo.toml\"; }";
    Line::new("sh", &["-c", script, "copy", &from, &to]).must(root)?;
    let (manifest, target) = (words(&copy.join("Cargo.toml")), words(&folder.join("acmeload")));
    let build = ["build", "--release", "--manifest-path", &manifest, "--target-dir", &target];
    Line::new("cargo", &build).must(root)
}

/// Runs this program again, inside namespaces of its own.
fn enter(root: &Path, folder: &Path, pairs: u32) -> Result<ExitCode, Stop> {
    let own = std::env::current_exe().map_err(|source| Stop::File {
        doing: "find",
        path: "this program".into(),
        source,
    })?;
    repo::write(root, "target/compare/resolv.conf", "nameserver 127.0.0.1\n")?;
    let resolver = folder.join("resolv.conf").display().to_string();
    let script =
        "ip link set lo up && mount --bind \"$1\" /etc/resolv.conf && shift && exec \"$@\"";
    let (own, pairs) = (own.display().to_string(), pairs.to_string());
    let words = ["--net", "--mount", "--", "sh", "-c", script, "inside", &resolver, &own];
    let mut line = Line::new("unshare", &words).env(INSIDE, "1");
    line.args.extend(["campaign", "compare", &pairs].map(str::to_owned));
    // Needs to be root, as port 80 would.
    line.must(root)?;
    Ok(ExitCode::SUCCESS)
}

impl Bench {
    /// One run of each, one after the other; who begins alternates.
    fn meet(&self, other: Server, clients: u32, number: u32) -> Result<Pair, Stop> {
        let (own, theirs) = if number.is_multiple_of(2) {
            let own = self.run(Server::Bailiwick, clients)?;
            (own, self.run(other, clients)?)
        } else {
            let theirs = self.run(other, clients)?;
            (self.run(Server::Bailiwick, clients)?, theirs)
        };
        Ok(Pair { clients, other, own, theirs })
    }

    fn run(&self, server: Server, clients: u32) -> Result<Run, Stop> {
        let place = self.folder.join("run");
        let running = server.start(&self.root, &place)?;
        let clients_text = clients.to_string();
        let program = self.acmeload.display().to_string();
        let pid = running.id.to_string();
        let mut words = vec![
            LOAD_SECONDS_MAX,
            &program,
            "--directory",
            &running.directory,
            "--server-pid",
            &pid,
            "--orders",
            &self.orders,
            "--warmup",
            WARM_UP,
            "--concurrency",
            &clients_text,
            // A credential of Bailiwick binds one account; so all have one.
            "--accounts",
            "1",
            "--label",
            server.name(),
            "--http01-listen",
            server.http01(),
            "--dns-listen",
            "127.0.0.1:53",
            "--name",
            server.name_pattern(),
        ];
        words.extend(running.more.iter().map(String::as_str));
        let line = Line::new("timeout", &words);
        drop(words);
        let (code, printed) = crate::run::try_read(&line, &self.root)?;
        let report: Option<Value> = serde_json::from_str(&printed).ok();
        drop(running);
        let run = report.as_ref().and_then(Run::read);
        let run = run.ok_or_else(|| Stop::Failed { command: line.shown(), code })?;
        println!("{:>9} {clients:>3} clients: {run}", server.name());
        Ok(run)
    }
}
