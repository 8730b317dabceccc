//! Asking a name server with dig, a client that is not ours.

use std::net::SocketAddr;
use std::process::Command;

use super::{process, programs};

/// What a server answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Answer {
    /// `NOERROR`, `NXDOMAIN`, `SERVFAIL`, `REFUSED` …
    pub(crate) status: String,
    /// `qr`, `aa`, `ad` …
    pub(crate) flags: Vec<String>,
    /// The answer section: `name ttl class type data`, one space between, as dig prints them.
    pub(crate) records: Vec<String>,
}

impl Answer {
    /// The data of the records of a type.
    pub(crate) fn data(&self, kind: &str) -> Vec<String> {
        let parts = self.records.iter().map(|r| r.splitn(5, ' ').collect::<Vec<_>>());
        let wanted = parts.filter(|p| p.get(3).is_some_and(|k| k.eq_ignore_ascii_case(kind)));
        wanted.filter_map(|p| p.get(4).map(|&data| data.to_owned())).collect()
    }

    /// Whether a validating resolver vouches for it.
    pub(crate) fn is_authenticated(&self) -> bool {
        self.flags.iter().any(|f| f == "ad")
    }
}

/// Asks once, with DNSSEC records wanted; `None` when no answer comes within a second.
pub(crate) fn ask(server: SocketAddr, name: &str, kind: &str) -> Option<Answer> {
    let mut command = Command::new(programs::find("dig"));
    command.arg(format!("@{}", server.ip())).args(["-p", &server.port().to_string()]);
    command.args(["-q", name, "-t", kind, "+dnssec", "+time=1", "+tries=1"]);
    command.args(["+noall", "+comments", "+answer"]);
    parse(&process::run(command).stdout)
}

fn parse(text: &str) -> Option<Answer> {
    let after = |mark: &str, end: char| {
        let (_, rest) = text.split_once(mark)?;
        rest.split(end).next().map(str::trim)
    };
    let status = after("status: ", ',')?.to_owned();
    let flags = after(";; flags: ", ';')?.split_whitespace().map(str::to_owned).collect();
    let records = text.lines().filter(|line| !line.starts_with(';') && !line.trim().is_empty());
    let records = records.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    Some(Answer { status, flags, records: records.collect() })
}
