//! `bailiwick bench`: measures this build on this machine.
//!
//! Each measure is one file below. What they share: a fixed bound on time and count, every result
//! checked while it is measured, and CPU time beside the clock's, because machines are shared.

mod caa;
mod client;
mod csr;
mod estates;
mod fault;
mod figure;
mod folder;
mod ledger;
mod machine;
mod order;
mod orders;
mod process;
mod responder;
mod samples;
mod served;
mod server;
mod startup;
mod verdicts;

use clap::Args;

use crate::cli::{Output, exit, failed};
use crate::world::World;

use fault::NotMeasured;
use figure::Report;
use folder::Folder;

/// Runs the measures and prints them. A measure that fails fails the whole: figures of a program
/// that did not do its work are not figures.
pub(crate) async fn run(command: BenchCommand) -> u8 {
    if let Some(port) = command.serve {
        return match served(port).await {
            Ok(()) => exit::YES,
            Err(cause) => failed(cause, exit::FAILED),
        };
    }
    let measured = match command.orders {
        None => measured().await,
        Some(orders) => measured_long(orders).await,
    };
    match measured {
        Ok(report) if command.output.json => {
            println!("{}", report.json());
            exit::YES
        }
        Ok(report) => {
            println!("{}", report.text());
            exit::YES
        }
        Err(cause) => failed(cause, exit::FAILED),
    }
}

/// What is measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct BenchCommand {
    #[command(flatten)]
    output: Output,
    /// Place so many orders on one server, in stretches of 10,000 at most, and measure memory and store behind each
    #[arg(long, value_name = "N")]
    orders: Option<u32>,
    /// Serve what orders are measured on for another client, which answers http-01 on this port, until
    /// standard input ends; prints where it is and a credential as JSON
    #[arg(long, value_name = "PORT", conflicts_with = "orders")]
    serve: Option<u16>,
}

fn begin(world: &World) -> Result<(Folder, Report), NotMeasured> {
    let folder = Folder::new(world)?;
    let report = Report::new(machine::describe(folder.path()));
    if cfg!(debug_assertions) {
        eprintln!("warning: this is a debug build; its figures say nothing");
    }
    Ok((folder, report))
}

async fn served(http01_port: u16) -> Result<(), NotMeasured> {
    let world = World::system();
    let folder = Folder::new(&world)?;
    served::serve(&folder, &world, http01_port).await
}

async fn measured_long(orders: u32) -> Result<Report, NotMeasured> {
    let world = World::system();
    let (folder, mut report) = begin(&world)?;
    report.begin("a long run of ACME orders");
    report.keep(orders::measure_long(&folder, &world, orders).await?);
    Ok(report)
}

async fn measured() -> Result<Report, NotMeasured> {
    let world = World::system();
    let (folder, mut report) = begin(&world)?;
    report.begin("verdicts of the policy");
    report.extend(verdicts::measure()?);
    report.begin("CAA");
    report.extend([caa::measure()?]);
    report.begin("the ledger");
    report.extend(ledger::measure(&folder, &world).await?);
    report.begin("start-up and memory");
    report.extend(startup::measure(&folder).await?);
    report.begin("ACME orders");
    report.extend(orders::measure(&folder, &world).await?);
    Ok(report)
}
