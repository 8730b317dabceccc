//! Bailiwick: the control plane for an organisation's certificate and DNS trust.
//!
//! `main` reads the command line, starts the runtime and hands over; `cli` holds the commands, `app`
//! the use cases, `drive` the loops, `http` the faces.

mod app;
mod audit;
mod bench;
mod cli;
mod drive;
mod evidence;
mod fault;
mod http;
mod lab;
mod limits;
mod metrics;
mod settings;
mod world;

use std::process::ExitCode;

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // One crypto library for TLS, keys and signatures; installing it twice is harmless.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(cli::run()),
        Err(cause) => {
            eprintln!("error: the runtime could not start: {cause}");
            ExitCode::from(3)
        }
    }
}
