//! `bailiwick vantage …`: a helper that stands elsewhere and asks the DNS for the server.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bailiwick_connect::vantage::{Enrolled, HelperFiles, VantageAuthority, serve};
use bailiwick_core::estate::Rir;
use bailiwick_core::names::{DnsName, TeamId};
use clap::{Args, Subcommand};
use serde_json::json;

use super::{DataFolder, Output, exit, failed, say};
use crate::app::start_beside::{helper_sealer, stopped_by_signal};
use crate::world::World;

#[derive(Subcommand)]
pub(crate) enum VantageCommand {
    /// On the server: make a folder for a helper, with its certificate and key, and say what the estate has to hold
    Enrol(Enrol),
    /// On the other machine: answer questions of the server that enrolled it, and of nobody else
    Run(Run),
}

/// Make a folder for a helper.
#[derive(Args)]
pub(crate) struct Enrol {
    /// Its name in the estate, such as frankfurt
    name: String,
    /// Where it will listen, as the server reaches it
    #[arg(long, value_name = "ADDR:PORT")]
    at: SocketAddr,
    /// A host name that its certificate is for as well
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// In which region of the network it stands: afrinic, apnic, arin, lacnic or ripe-ncc
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// The team that runs it
    #[arg(long, value_name = "TEAM")]
    operator: String,
    /// The folder to make; copy it to the other machine, then delete it here
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    data: DataFolder,
    #[command(flatten)]
    output: Output,
}

/// Answer questions.
#[derive(Args)]
pub(crate) struct Run {
    /// The folder that enrolling made
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// Where it listens; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "0.0.0.0:8853")]
    listen: SocketAddr,
    /// The resolver it asks; the system's where none is given
    #[arg(long, value_name = "ADDR:PORT")]
    resolver: Option<SocketAddr>,
}

/// Runs a command.
pub(crate) async fn run(command: VantageCommand) -> u8 {
    match command {
        VantageCommand::Enrol(wish) => match enrol(&wish) {
            Ok(text) => {
                say(text);
                exit::YES
            }
            Err((why, code)) => failed(why, code),
        },
        VantageCommand::Run(wish) => match helper(wish).await {
            Ok(()) => exit::YES,
            Err(why) => failed(why, exit::FAILED),
        },
    }
}

fn enrol(wish: &Enrol) -> Result<String, (String, u8)> {
    let wrong =
        |flag: &str, cause: &dyn std::fmt::Display| (format!("{flag}: {cause}"), exit::UNKNOWN);
    let broken = |cause: &dyn std::fmt::Display| (cause.to_string(), exit::FAILED);
    let host = wish.host.as_deref().map(DnsName::parse).transpose();
    let host = host.map_err(|cause| wrong("--host", &cause))?;
    let operator = TeamId::parse(&wish.operator).map_err(|cause| wrong("--operator", &cause))?;
    let region = match wish.region.as_deref() {
        None => None,
        Some(text) => Some(Rir::parse(text).ok_or_else(|| {
            wrong("--region", &"no such region; write afrinic, apnic, arin, lacnic or ripe-ncc")
        })?),
    };
    let world = World::system();
    let folder = wish.data.data.join("vantage");
    if !wish.data.data.is_dir() {
        let why = format!(
            "`{}` is no data folder; run this where the server runs, with its --data",
            wish.data.data.display()
        );
        return Err((why, exit::UNKNOWN));
    }
    let sealer = helper_sealer(&wish.data.data, &world).map_err(|cause| broken(&cause))?;
    let authority =
        VantageAuthority::open(&folder, &sealer, world.now()).map_err(|cause| broken(&cause))?;
    let enrolled = authority.enrol(wish.at.ip(), host.as_ref()).map_err(|cause| broken(&cause))?;
    write_folder(&wish.out, &enrolled).map_err(|cause| {
        broken(&format!("`{}`: {cause}; name a folder that is not there yet", wish.out.display()))
    })?;
    let estate = estate_lines(wish, host.as_ref(), region, &operator, &enrolled);
    if wish.output.json {
        let body = json!({
            "folder": wish.out, "until": enrolled.until.to_string(), "estate": estate,
        });
        return Ok(body.to_string());
    }
    Ok(format!(
        "`{folder}` holds what the helper needs, its key too: copy it to {host}, delete it here, and run there\n\n  \
         bailiwick vantage run --folder {folder} --listen {at}\n\nIt is enrolled until {until}. The estate's \
         organisation.toml has to hold (whoever approves that approves the helper):\n\n{estate}",
        folder = wish.out.display(),
        host = wish.at.ip(),
        at = wish.at,
        until = enrolled.until,
    ))
}

fn estate_lines(
    wish: &Enrol,
    host: Option<&DnsName>,
    region: Option<Rir>,
    operator: &TeamId,
    enrolled: &Enrolled,
) -> String {
    let mut text = format!(
        "[vantages.{}]\nserver = \"{}\"\ntransport = \"helper\"\nvalidates = false\noperator = \"{operator}\"\n",
        wish.name, wish.at
    );
    text.extend(host.map(|host| format!("name = \"{host}\"\n")));
    text.extend(region.map(|region| format!("region = \"{region}\"\n")));
    text + &format!("trust_roots = \"\"\"\n{}\"\"\"\n", enrolled.root)
}

fn write_folder(folder: &Path, enrolled: &Enrolled) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    std::fs::DirBuilder::new().mode(0o700).create(folder)?;
    let files = [
        ("vantage.pem", enrolled.certificate.as_str()),
        ("vantage.key", enrolled.key.as_str()),
        ("root.pem", enrolled.root.as_str()),
    ];
    for (name, text) in files {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(folder.join(name))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
    }
    Ok(())
}

async fn helper(wish: Run) -> Result<(), String> {
    let files = HelperFiles::read(&wish.folder).map_err(|cause| cause.to_string())?;
    let resolver = wish
        .resolver
        .or_else(|| bailiwick_connect::dns::Resolver::of_system().map(|resolver| resolver.server));
    let resolver = resolver.ok_or("no resolver is known; name one with --resolver ADDR:PORT")?;
    let listener = tokio::net::TcpListener::bind(wish.listen)
        .await
        .map_err(|cause| format!("`{}`: {cause}; choose another with --listen", wish.listen))?;
    let at = listener.local_addr().map_err(|cause| cause.to_string())?;
    say(format!("Answers at {at}, out of {resolver}. Stop with Ctrl-C."));
    tokio::select! {
        () = serve(listener, files, resolver) => {}
        stopped = stopped_by_signal() => stopped,
    }
    Ok(())
}
