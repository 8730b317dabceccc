//! `bailiwick caa audit`: many names at once, without a server and without an estate.

mod ask;
mod shown;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bailiwick_connect::dns::sweep::{Onward, Sweep, SweepEnd, SweepLimits, SweepTally, SweptName};
use bailiwick_connect::dns::{DnsClient, Limits, random_ids};
use bailiwick_core::caa::{IssuerDomain, audit};
use bailiwick_core::names::Digest;
use bailiwick_wire::caa_audit::{AuditRow, Summary};
use clap::Args;

use crate::audit::{About, Format, Journal, JournalFault, NameList, summarize, write_report};
use crate::cli::{Output, exit, failed, say};
use crate::world::World;

/// Audit many names: who may issue for each, and what is wrong.
#[derive(Args)]
pub(crate) struct Audit {
    /// A file of names, one a line, such as www.shop.example or *.shop.example; may be repeated
    #[arg(long = "names", value_name = "FILE")]
    names: Vec<PathBuf>,
    /// A zone file, or a folder of them; every name that something is reached under is audited. May be
    /// repeated. Relative names are relative to ZONE, or to the file's name (shop.example.zone)
    #[arg(long = "zones", value_name = "[ZONE=]FILE")]
    zones: Vec<String>,
    /// Read a zone's names from a server of it that lets us (AXFR). May be repeated
    #[arg(long = "transfer", value_name = "ZONE@ADDR:PORT")]
    transfers: Vec<String>,
    /// Where the report goes; its ending says what it is: .html, .json or .csv. May be repeated
    #[arg(long = "out", value_name = "FILE", required = true)]
    outs: Vec<PathBuf>,
    /// A resolver; the system's where neither this nor --server is given. May be repeated: each is
    /// asked for every name, and they must agree
    #[arg(long = "resolver", value_name = "ADDR:PORT")]
    resolvers: Vec<std::net::SocketAddr>,
    /// The resolvers do not validate DNSSEC, or you do not trust the way to them
    #[arg(long)]
    unvalidated: bool,
    /// A name server to ask for the names of a zone, instead of taking the resolver's word alone; of
    /// every zone given by --zones where no ZONE is said. May be repeated
    #[arg(long = "server", value_name = "[ZONE@]ADDR:PORT")]
    servers: Vec<String>,
    /// The CAA domain of an issuer that is meant to issue; any other is a finding. May be repeated
    #[arg(long = "issuer", value_name = "DOMAIN")]
    issuers: Vec<String>,
    /// A top-level domain of the organisation's own that need not exist in public. May be repeated
    #[arg(long = "private-tld", value_name = "TLD")]
    private_tlds: Vec<String>,
    /// Questions a second to each server at most, 0 for no limit; 500 for public addresses where
    /// nothing is said. Below that, each server is asked as fast as it answers
    #[arg(long, value_name = "N")]
    rate: Option<u32>,
    /// Go on with an audit that was interrupted
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    output: Output,
}

/// What keeps an audit from being made.
#[derive(Debug, thiserror::Error)]
enum NoAudit {
    /// The command line or a file is wrong.
    #[error("{0}")]
    Wrong(String),
    /// The journal or a report cannot be written or read.
    #[error(transparent)]
    Journal(#[from] JournalFault),
    /// It was told to stop.
    #[error("stopped; the same command with --resume goes on")]
    Stopped,
    /// The file in which the names are kept could not be read to its end.
    #[error(
        "the list of names could not be read to its end; the same command with --resume goes on"
    )]
    Lost,
    /// A resolver is silent.
    #[error(
        "the resolver {0} answers nothing any more; when it does, the same command with --resume goes on"
    )]
    Silent(std::net::SocketAddr),
    /// The thread that asks ended.
    #[error("the sweep ended before its time: {0}; the same command with --resume goes on")]
    Thread(#[from] tokio::task::JoinError),
}

/// Runs it.
pub(super) async fn run(wish: Audit) -> u8 {
    match carry_out(&wish).await {
        Ok(code) => code,
        Err(cause @ NoAudit::Wrong(_)) => failed(cause, exit::UNKNOWN),
        Err(cause) => failed(cause, exit::FAILED),
    }
}

async fn carry_out(wish: &Audit) -> Result<u8, NoAudit> {
    let outs = outs(wish)?;
    let world = World::system();
    let journal_path = journal_path(wish);
    let list = ask::names(wish, &journal_path, &dns(&world)).await?;
    let expected = ask::issuers(wish)?;
    let view = ask::view(wish, &list)?;
    let began_at = world.now();
    let asked = ask::shown(&view);
    let input = input(&list, &asked, &expected);
    let journal = if wish.resume {
        Journal::resume(&journal_path, input, list.len())?
    } else {
        Journal::begin(&journal_path, input, list.len())?
    };
    let list = Arc::new(list);
    let stop = Arc::new(AtomicBool::new(false));
    let sweep = Sweep {
        dns: dns(&world),
        view,
        limits: SweepLimits { rate: wish.rate, ..SweepLimits::default() },
        stop: Arc::clone(&stop),
    };
    let (journal, tally) = see(sweep, journal, &list, &expected, &stop, &world).await?;
    let summary = summarize(&journal)?;
    let about = About {
        format: About::FORMAT,
        version: env!("CARGO_PKG_VERSION"),
        began_at: began_at.to_string(),
        finished_at: world.now().to_string(),
        asked,
        expected_issuers: expected.iter().map(ToString::to_string).collect(),
        repeated: list.repeated(),
        rejected: list.rejected.count,
    };
    for (path, format) in &outs {
        write_report(path, *format, &about, &list, &summary, &journal)?;
    }
    journal.remove()?;
    if wish.output.json {
        say(shown::json(&about, &summary, tally));
    } else {
        let milliseconds = world.now().ms_since(began_at);
        say(shown::text(&summary, &list, tally, milliseconds, &wish.outs).trim_end());
    }
    Ok(code_of(&summary, &list))
}

fn dns(world: &World) -> DnsClient {
    let clock = world.clone();
    DnsClient::new(Limits::default(), move || clock.now(), random_ids)
}

fn code_of(summary: &Summary, list: &NameList) -> u8 {
    if summary.unknown > 0 || list.rejected.count > 0 {
        exit::UNKNOWN
    } else if summary.names_high > 0 {
        exit::NO
    } else {
        exit::YES
    }
}

fn outs(wish: &Audit) -> Result<Vec<(PathBuf, Format)>, NoAudit> {
    let one = |path: &PathBuf| match Format::of(path) {
        Some(format) => Ok((path.clone(), format)),
        None => Err(NoAudit::Wrong(format!(
            "--out `{}`: no such report; let the name end with .html, .json or .csv",
            path.display()
        ))),
    };
    wish.outs.iter().map(one).collect()
}

/// Beside the first report.
fn journal_path(wish: &Audit) -> PathBuf {
    let first = wish.outs.first().cloned().unwrap_or_default();
    let mut name = first.into_os_string();
    name.push(".journal");
    PathBuf::from(name)
}

/// What has to be the same for a run to go on with another's journal.
fn input(
    list: &NameList,
    asked: &[String],
    expected: &std::collections::BTreeSet<IssuerDomain>,
) -> Digest {
    let expected: Vec<&str> = expected.iter().map(IssuerDomain::as_str).collect();
    let text = format!("{}\n{}\n{}", list.digest(), asked.join(" "), expected.join(" "));
    Digest::of(text.as_bytes())
}

/// What the sweep's thread writes into.
struct Sink {
    journal: Journal,
    fault: Option<JournalFault>,
}

/// Sees every name that has no line yet.
async fn see(
    sweep: Sweep,
    journal: Journal,
    list: &Arc<NameList>,
    expected: &std::collections::BTreeSet<IssuerDomain>,
    stop: &Arc<AtomicBool>,
    world: &World,
) -> Result<(Journal, SweepTally), NoAudit> {
    let already = journal.seen().count;
    let names = list.names(journal.seen().clone());
    let seen = Arc::new(AtomicU64::new(0));
    let sink = Arc::new(Mutex::new(Sink { journal, fault: None }));
    let take = {
        let (list, expected) = (Arc::clone(list), expected.clone());
        let (sink, seen, clock) = (Arc::clone(&sink), Arc::clone(&seen), world.clone());
        move |swept: SweptName| {
            let audited = audit(&swept.evidence, swept.above.as_ref(), &expected);
            let zone = list.zone_of(&audited.name);
            let row = AuditRow::of(swept.number, zone, &audited);
            let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
            match sink.journal.add(&row, clock.clock.steady()) {
                Ok(()) => {
                    seen.fetch_add(1, Ordering::Relaxed);
                    Onward::Go
                }
                Err(cause) => {
                    sink.fault = Some(cause);
                    Onward::Stop
                }
            }
        }
    };
    let progress = shown::Progress::begin(already, list.len());
    let running = sweep.run(names, take);
    tokio::pin!(running);
    let mut tick = tokio::time::interval(Duration::from_millis(250));
    let (end, tally) = loop {
        tokio::select! {
            ended = &mut running => break ended?,
            _ = tick.tick() => progress.at(seen.load(Ordering::Relaxed)),
            _ = tokio::signal::ctrl_c() => stop.store(true, Ordering::Relaxed),
        }
    };
    progress.end();
    let sink = Arc::try_unwrap(sink).map_err(|_| NoAudit::Stopped)?;
    let Sink { mut journal, fault } = sink.into_inner().unwrap_or_else(PoisonError::into_inner);
    journal.flush()?;
    match (fault, end) {
        (Some(cause), _) => Err(cause.into()),
        (None, SweepEnd::Complete) if journal.seen().count == list.len() => Ok((journal, tally)),
        (None, SweepEnd::Complete) => Err(NoAudit::Lost),
        (None, SweepEnd::Stopped) => Err(NoAudit::Stopped),
        (None, SweepEnd::ResolverSilent(server)) => Err(NoAudit::Silent(server)),
    }
}
