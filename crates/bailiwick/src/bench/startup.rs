//! Start-up time, idle memory, and how large the program is.

use std::time::Duration;

use super::fault::NotMeasured;
use super::figure::Figure;
use super::folder::Folder;
use super::samples::Samples;
use super::server::{PROGRAM, Server};

/// Starts on a new folder, and again on the folder of the last one.
const STARTS: u32 = 3;
/// How long the server is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(3);

/// Every figure about a server that does nothing.
pub(super) async fn measure(folder: &Folder) -> Result<Vec<Figure>, NotMeasured> {
    let mut first = Vec::new();
    for number in 0..STARTS {
        let server = Server::start(&folder.at(&format!("first-{number}")), &[]).await?;
        first.push(server.started_in);
        server.stop().await?;
    }
    let data = folder.at("first-0");
    let mut later = Vec::new();
    for _ in 1..STARTS {
        let server = Server::start(&data, &[]).await?;
        later.push(server.started_in);
        server.stop().await?;
    }
    let server = Server::start(&data, &[]).await?;
    later.push(server.started_in);
    tokio::time::sleep(IDLE).await;
    let memory = server.process().memory_mib();
    server.stop().await?;
    let program =
        std::fs::metadata(PROGRAM).map_err(NotMeasured::system("this program cannot be found"))?;
    let program_kib = u32::try_from(program.len() / 1024).unwrap_or(u32::MAX);
    Ok(vec![
        start("start-up, the first on a new folder", first).how(format!(
            "`up --lab` until everything is served: keys, CA, database, estate and lab made; the median of {STARTS}"
        )),
        start("start-up, later", later)
            .how(format!("the same folder again; the median of {STARTS}")),
        Figure::new("memory, idle", memory.unwrap_or(f64::NAN), "MiB")
            .how("resident, 3 s after a later start, with the lab's DNS in it"),
        Figure::new("program", f64::from(program_kib) / 1024.0, "MiB")
            .how("the one file, with line tables for backtraces"),
    ])
}

fn start(name: &str, took: Vec<Duration>) -> Figure {
    let samples = Samples::new(took, Duration::ZERO);
    Figure::new(name, samples.percentile(50).as_secs_f64() * 1_000.0, "ms")
}
