//! Rehearsing a change, and what came of it.

use std::fmt::Write as _;

use super::answer;
use super::commands::GlobalOutput;
use crate::app::Rehearsal;
use crate::cli::client::{Client, NoAnswer};
use crate::cli::exit;

/// Rehearses; ends with 1 where it did not go as it has to.
pub(super) async fn rehearse(
    client: &Client,
    output: GlobalOutput,
    id: &str,
) -> Result<u8, NoAnswer> {
    let empty = serde_json::json!({});
    let body: Rehearsal = client.post(&format!("changes/{id}/rehearse"), &empty).await?;
    let code = if body.holds { exit::YES } else { exit::NO };
    answer(output, &body, told).map(|_| code)
}

/// A rehearsal as a tired person reads it.
pub(super) fn told(one: &Rehearsal) -> String {
    let verdict = if one.holds { "WENT WELL" } else { "WENT WRONG" };
    let mut text = format!("Rehearsal {verdict}: {}\n", one.says);
    let _never = writeln!(text, "  by {}, {}; nothing real was touched", one.by, one.at);
    for step in &one.steps {
        let way = if step.back { "back " } else { "there" };
        let done = if step.done { "" } else { "NOT DONE: " };
        let waits = match step.waits_seconds {
            0 => String::new(),
            seconds => format!(" (waits {seconds} s)"),
        };
        let (number, kind) = (step.step, &step.kind);
        let _never = writeln!(text, "  {way} {number:>2}  {kind}: {done}{}{waits}", step.says);
    }
    let _never = writeln!(
        text,
        "  with the real TTLs: at least {} s there; back from the end at least {} s, at most {} s",
        one.there_seconds, one.back_seconds, one.back_seconds_max
    );
    for note in &one.notes {
        let _never = writeln!(text, "  note: {note}");
    }
    text
}
