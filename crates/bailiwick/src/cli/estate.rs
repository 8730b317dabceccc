//! `bailiwick estate check | plan | apply`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::client::{NoAnswer, Server};
use super::{Output, exit};
use crate::http::api::bodies::{ChangeBody, EstateFolder, EstatePlanBody};

#[derive(Subcommand)]
pub(crate) enum EstateCommand {
    /// Report every problem of an estate folder at once; works without a server
    Check(Check),
    /// Show what a folder would change in the running server
    Plan(Plan),
    /// Ask for a folder to become the active estate: opens one change
    Apply(Apply),
}

/// Report every problem of an estate folder at once.
#[derive(Args)]
pub(crate) struct Check {
    /// The folder
    folder: PathBuf,
    #[command(flatten)]
    output: Output,
}

/// Show what a folder would change.
#[derive(Args)]
pub(crate) struct Plan {
    /// The folder
    folder: PathBuf,
    /// Print Markdown, for a pull request
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    server: Server,
}

/// Ask for a folder to become the active estate.
#[derive(Args)]
pub(crate) struct Apply {
    /// The folder
    folder: PathBuf,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    server: Server,
}

/// Runs a command.
pub(crate) async fn run(command: EstateCommand) -> u8 {
    let done = match command {
        EstateCommand::Check(wish) => return check(&wish),
        EstateCommand::Plan(wish) => plan(wish).await,
        EstateCommand::Apply(wish) => apply(wish).await,
    };
    match done {
        Ok(code) => code,
        Err(cause) => super::failed(&cause, cause.code()),
    }
}

fn check(wish: &Check) -> u8 {
    let files = match crate::app::read_folder(&wish.folder) {
        Ok(files) => files,
        Err(message) => return super::failed(message, exit::FAILED),
    };
    match bailiwick_wire::estate::read(&files) {
        Ok(estate) if wish.output.json => {
            let digest =
                bailiwick_core::names::Digest::of(&bailiwick_wire::estate::encode(&estate));
            super::say(serde_json::json!({ "problems": [], "digest": digest.to_string() }));
            exit::YES
        }
        Ok(estate) => {
            super::say(format!(
                "No problem: {} files, {} zones, {} services, {} teams, {} people.",
                files.len(),
                estate.zones.len(),
                estate.services.len(),
                estate.teams.len(),
                estate.people.len()
            ));
            exit::YES
        }
        Err(problems) if wish.output.json => {
            super::say(bailiwick_wire::estate::problems_json(&problems));
            exit::NO
        }
        Err(problems) => {
            eprintln!("{}", bailiwick_wire::estate::render_problems(&problems, &files).trim_end());
            let word = if problems.len() == 1 { "problem" } else { "problems" };
            eprintln!("\n{} {word}; nothing was changed.", problems.len());
            exit::NO
        }
    }
}

async fn plan(wish: Plan) -> Result<u8, NoAnswer> {
    let folder = folder(&wish.folder, String::new())?;
    let body: EstatePlanBody = wish.server.client()?.post("estate/plan", &folder).await?;
    if let Some(problems) = &body.problems {
        eprintln!("{}", problems.trim_end());
        return Ok(exit::NO);
    }
    if wish.output.json {
        super::say(body.diff);
    } else if wish.markdown {
        super::say(body.markdown.trim_end());
    } else if body.changes {
        super::say(body.text.trim_end());
    } else {
        super::say("Nothing differs from the active estate.");
    }
    Ok(exit::YES)
}

async fn apply(wish: Apply) -> Result<u8, NoAnswer> {
    let folder = folder(&wish.folder, wish.reason)?;
    let body: ChangeBody = wish.server.client()?.post("estate/apply", &folder).await?;
    if wish.output.json {
        let json = serde_json::to_string_pretty(&body);
        super::say(json.map_err(|cause| NoAnswer::Strange(cause.to_string()))?);
    } else {
        super::say(super::remote::change_text(&body).trim_end());
    }
    Ok(exit::YES)
}

fn folder(path: &std::path::Path, reason: String) -> Result<EstateFolder, NoAnswer> {
    let files = crate::app::read_folder(path).map_err(|cause| NoAnswer::File {
        path: path.display().to_string(),
        cause,
        remedy: "give a folder of TOML and Cedar files",
    })?;
    Ok(EstateFolder { files, reason })
}
