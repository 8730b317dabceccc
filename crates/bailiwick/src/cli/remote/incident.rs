//! `bailiwick incident`: what has to be answered on two tracks.

use std::fmt::Write as _;

use super::answer;
use super::commands::{Asked, IncidentCommand};
use crate::cli::client::NoAnswer;
use crate::http::api::bodies::{
    ConcludeBody, IncidentBody, IncidentStory, NoteBody, ReportBody, ReportedBody,
};

macro_rules! line {
    ($text:expr, $($arg:tt)*) => {
        // Writing into a String cannot fail.
        writeln!($text, $($arg)*).unwrap_or_default()
    };
}

pub(super) async fn run(asked: Asked<IncidentCommand>) -> Result<u8, NoAnswer> {
    let client = asked.server.client()?;
    let story: IncidentStory = match asked.what {
        IncidentCommand::List => {
            let all: Vec<IncidentBody> = client.get("incidents").await?;
            return answer(asked.output, &all, |all| list(all));
        }
        IncidentCommand::Report { file, from } => {
            let failed = |cause: std::io::Error| NoAnswer::File {
                path: file.display().to_string(),
                cause: cause.to_string(),
                remedy: "give a file with the text of the report",
            };
            let report = std::fs::read_to_string(&file).map_err(failed)?;
            let body: ReportedBody = client.post("incidents", &ReportBody { from, report }).await?;
            return answer(asked.output, &body, |body| {
                format!("It belongs to incident {0}: bailiwick incident show {0}", body.incident)
            });
        }
        IncidentCommand::Show { id } => client.get(&format!("incidents/{id}")).await?,
        IncidentCommand::Note { id, track, says, answered } => {
            let note = NoteBody { track, says, answered };
            client.post(&format!("incidents/{id}/note"), &note).await?
        }
        IncidentCommand::Close { id, says } => {
            client.post(&format!("incidents/{id}/close"), &ConcludeBody { says }).await?
        }
    };
    answer(asked.output, &story, show)
}

fn list(all: &[IncidentBody]) -> String {
    if all.is_empty() {
        return "No incidents.".to_owned();
    }
    let mut text = String::new();
    for one in all {
        let state = match &one.reviewed_at {
            Some(at) => format!("over since {at}"),
            None => format!("open, due {}", one.due),
        };
        line!(text, "{}  {} in {}: {state}", one.id, one.subject, one.zone);
        for track in &one.tracks {
            let how = if track.answered_at.is_some() { "answered" } else { "not answered yet" };
            line!(text, "    {:<14}  {}, {how}", track.track, track.person);
        }
        line!(text, "    {:<14}  {}", "review", one.owner);
    }
    text
}

fn show(story: &IncidentStory) -> String {
    let mut text = String::new();
    let one = &story.incident;
    line!(text, "{} in {}", one.subject, one.zone);
    line!(text, "  {}", one.says);
    match (&one.reviewed_at, &one.conclusion) {
        (Some(at), conclusion) => {
            line!(text, "  over        since {at}: {}", conclusion.as_deref().unwrap_or_default());
        }
        (None, _) => line!(text, "  open        act until {}", one.due),
    }
    line!(text, "  known from  {}", one.source);
    line!(text, "  reviews it  {}", one.owner);
    for track in &one.tracks {
        line!(text, "  {}: {} answers: {}", track.track, track.person, track.question);
        match (&track.answered_at, &track.says) {
            (Some(at), says) => {
                line!(text, "      answered {at}: {}", says.as_deref().unwrap_or_default());
            }
            (None, Some(says)) => line!(text, "      so far: {says}"),
            (None, None) => line!(
                text,
                "      bailiwick incident note {} --track {} --answered --says \"…\"",
                one.id,
                track.track
            ),
        }
    }
    if let Some(ca) = &story.ca {
        let to = ca.report_to.as_deref().unwrap_or(
            "not known here: the CCADB lists it; write it down as `problem_reports` in issuers.toml",
        );
        line!(text, "  the CA, {}", ca.issuer);
        line!(text, "      report it to  {to}");
        line!(text, "      it answers by  {} (BR 4.9.5)", ca.answers_by);
        line!(text, "      it revokes by  {} (BR 4.9.1.1)", ca.revokes_by);
        line!(text, "      what can be sent:");
        for row in ca.report.lines() {
            line!(text, "        {row}");
        }
    }
    line!(text, "  what happened");
    for row in &story.timeline {
        line!(text, "      {}  {}: {} [{}]", row.at, row.by, row.says, row.leaf);
    }
    text
}
