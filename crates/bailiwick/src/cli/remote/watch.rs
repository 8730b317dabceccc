//! `bailiwick findings`, `finding`, `control`, `caa history`, `lab`: what is seen, and who has to act.

use std::fmt::Write as _;

use super::commands::{Asked, ControlCommand, FindingCommand, Findings, GlobalOutput, LabCommand};
use super::{NoAnswer, answer, print, query};
use crate::cli::client::Server;
use crate::cli::exit;
use crate::http::api::bodies::{
    Because, CaaHistory, ChangeBody, ControlBody, FindingLine, LabEdit, LabEdited, RevertBody,
};

macro_rules! line {
    ($text:expr, $($arg:tt)*) => {
        // Writing into a String cannot fail.
        writeln!($text, $($arg)*).unwrap_or_default()
    };
}

pub(super) async fn findings(asked: Findings) -> Result<u8, NoAnswer> {
    let client = asked.server.client()?;
    let flag = |on: bool| on.then(|| "true".to_owned());
    let query =
        query(&[("mine", flag(asked.mine)), ("all", flag(asked.all)), ("zone", asked.zone)]);
    let all: Vec<FindingLine> = client.get(&format!("findings{query}")).await?;
    answer(asked.output, &all, |all| list(all))
}

fn list(all: &[FindingLine]) -> String {
    if all.is_empty() {
        return "No findings: what is seen is what was decided.".to_owned();
    }
    let mut text = String::new();
    for one in all {
        let state = match &one.closed_at {
            Some(at) => format!("over since {at}"),
            None => format!("{} acts until {}", one.assignee, one.due),
        };
        line!(text, "{}  {}: {}", one.id, one.subject, one.title);
        line!(text, "    {state}");
        if let Some(vantage) = &one.vantage {
            line!(text, "    seen at {vantage}");
        }
        ways(&mut text, one, "    ");
    }
    text
}

/// The two ways to end a finding that is open, where it has them.
fn ways(text: &mut String, one: &FindingLine, indent: &str) {
    if one.closed_at.is_some() {
        return;
    }
    if one.adoptable {
        line!(text, "{indent}adopt it    bailiwick finding adopt {} --reason \"…\"", one.id);
    }
    if one.revertible {
        line!(text, "{indent}put it back bailiwick finding revert {} --reason \"…\"", one.id);
    }
}

pub(super) async fn finding(asked: Asked<FindingCommand>) -> Result<u8, NoAnswer> {
    let client = asked.server.client()?;
    match asked.what {
        FindingCommand::Show { id } => {
            let one: FindingLine = client.get(&format!("findings/{id}")).await?;
            answer(asked.output, &one, show)
        }
        FindingCommand::Adopt { id, reason } => {
            let body: ChangeBody =
                client.post(&format!("findings/{id}/adopt"), &Because { reason }).await?;
            answer(asked.output, &body, print::change)
        }
        FindingCommand::Revert { id, reason: Some(reason), .. } => {
            let body: ChangeBody =
                client.post(&format!("findings/{id}/revert"), &Because { reason }).await?;
            answer(asked.output, &body, print::change)
        }
        FindingCommand::Revert { id, reason: None, .. } => {
            let body: RevertBody = client.get(&format!("findings/{id}/revert")).await?;
            answer(asked.output, &body, |body| body.nsupdate.clone())
        }
    }
}

fn show(one: &FindingLine) -> String {
    let mut text = String::new();
    line!(text, "{}: {}", one.subject, one.title);
    line!(text, "  {}", one.says);
    for diff in &one.diff {
        line!(text, "    {diff}");
    }
    line!(text, "  what to do  {}", one.remedy);
    match (&one.closed_at, &one.closed_by) {
        (Some(at), how) => {
            line!(text, "  over        since {at}: {}", how.as_deref().unwrap_or_default());
        }
        (None, _) => {
            line!(text, "  who acts    {} ({}), until {}", one.assignee, one.team, one.due);
            line!(text, "  who is next {}", one.next.as_deref().unwrap_or("nobody"));
        }
    }
    line!(text, "  zone        {}", one.zone);
    if let Some(vantage) = &one.vantage {
        line!(text, "  seen at     {vantage}");
    }
    line!(text, "  since       {} [{}]", one.opened_at, one.leaf);
    line!(text, "  kind        {}", one.kind);
    ways(&mut text, one, "  ");
    text
}

pub(super) async fn control(asked: Asked<ControlCommand>) -> Result<u8, NoAnswer> {
    if let ControlCommand::Verify { file, key } = &asked.what {
        return super::evidence::verify(file, key, asked.output);
    }
    let client = asked.server.client()?;
    match asked.what {
        ControlCommand::Verify { .. } => Ok(exit::YES),
        ControlCommand::Evidence { zone, from, to, out } => {
            super::evidence::fetch(&client, asked.output, (zone, from, to), &out).await
        }
        ControlCommand::Show => {
            let body: ControlBody = client.get("control").await?;
            answer(asked.output, &body, board)
        }
    }
}

fn board(body: &ControlBody) -> String {
    let mut text = String::new();
    for zone in &body.zones {
        line!(text, "{}  CAA governs {} of {} names", zone.zone, zone.governed, zone.bearing);
        let safe = &zone.fail_safe;
        let best = if safe.at_best == safe.grade {
            String::new()
        } else {
            format!(" ({} at best)", safe.at_best)
        };
        line!(text, "    if CAA were ignored: grade {}{best}: {}", safe.grade, safe.because);
        for one in &zone.corroboration {
            line!(text, "    seen from elsewhere: {}: {}", one.issuer, one.says);
        }
        for point in &zone.points {
            line!(
                text,
                "    {:<10}  {:<10}  {:<7}  since {} [{}]",
                point.issuer,
                point.point,
                point.stands,
                point.at,
                point.leaf
            );
            if point.stands != "holds" {
                line!(text, "        {}", point.says);
            }
        }
        for finding in &zone.findings {
            line!(text, "    ! {} ({}): {}", finding.title, finding.id, finding.assignee);
        }
        for one in &zone.exceptions {
            line!(text, "    exception {} from {} until {}", one.id, one.rule, one.until);
        }
    }
    for one in &body.coverage {
        line!(
            text,
            "{}: {} of {} names have CAA, the control holds in {} of {} zones",
            one.of,
            one.governed,
            one.bearing,
            one.holding,
            one.zones
        );
    }
    text
}

/// What CAA said for a name.
pub(crate) async fn history(
    server: &Server,
    output: GlobalOutput,
    name: &str,
    at: Option<String>,
    of: Option<String>,
) -> Result<u8, NoAnswer> {
    let client = server.client()?;
    let query = query(&[("at", at), ("server", of)]);
    let view: CaaHistory = client.get(&format!("caa/{name}/history{query}")).await?;
    answer(output, &view, past)
}

fn past(view: &CaaHistory) -> String {
    let mut text = String::new();
    line!(text, "{} at {}", view.name, view.at);
    if view.then.is_empty() {
        line!(text, "  nothing had been seen of it by then");
    }
    for one in &view.then {
        line!(text, "  {}  ({})", one.vantage, one.serial.as_deref().unwrap_or("no serial"));
        for step in &one.way {
            let dnssec = step.dnssec.as_ref().map(|it| format!(", {it}")).unwrap_or_default();
            line!(text, "    {}{dnssec}  since {} [{}]", step.owner, step.since, step.leaf);
            for record in &step.seen {
                line!(text, "      {record}");
            }
        }
    }
    if !view.history.is_empty() {
        line!(text, "over time, the newest first");
    }
    for one in &view.history {
        let until = one.until.as_deref().unwrap_or("now");
        line!(text, "  {} to {until}  {} [{}]", one.since, one.vantage, one.leaf);
        for record in &one.seen {
            line!(text, "      {record}");
        }
    }
    text
}

pub(super) async fn lab(asked: Asked<LabCommand>) -> Result<u8, NoAnswer> {
    let client = asked.server.client()?;
    let LabCommand::EditZone { zone, records } = asked.what;
    let wish = LabEdit { records: records.join("\n") };
    let body: LabEdited = client.post(&format!("lab/zones/{zone}"), &wish).await?;
    answer(asked.output, &body, |body| {
        format!("{} has serial {} now; nobody was asked.", body.zone, body.serial)
    })
}
