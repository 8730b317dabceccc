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
mod server;
mod startup;
mod verdicts;

use crate::cli::{Output, exit, failed};
use crate::world::World;

use fault::NotMeasured;
use figure::Report;
use folder::Folder;

/// Runs the measures and prints them. A measure that fails fails the whole: figures of a program
/// that did not do its work are not figures.
pub(crate) async fn run(output: Output) -> u8 {
    match measured().await {
        Ok(report) if output.json => {
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

async fn measured() -> Result<Report, NotMeasured> {
    let world = World::system();
    let folder = Folder::new(&world)?;
    let mut report = Report::new(machine::describe(folder.path()));
    if cfg!(debug_assertions) {
        eprintln!("warning: this is a debug build; its figures say nothing");
    }
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
