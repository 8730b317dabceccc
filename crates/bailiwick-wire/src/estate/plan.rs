//! The difference between two estates, for people and for programs.

use bailiwick_core::estate::{EstateDiff, FieldChange, ObjectChange, ObjectDiff};
use bailiwick_core::shown::acts;
use serde_json::{Value, json};

/// Lines of one text, such as a policy, that are shown of each side.
const LINES_SHOWN_MAX: usize = 200;

const fn sign(change: &ObjectChange) -> (&'static str, &'static str) {
    match change {
        ObjectChange::Added(_) => ("+", "added"),
        ObjectChange::Removed(_) => ("-", "removed"),
        ObjectChange::Changed(_) => ("~", "changed"),
    }
}

/// How many objects appear, go and change, in words.
fn summary(diff: &EstateDiff) -> String {
    let count = |wanted: &str| {
        diff.objects.iter().filter(|object| sign(&object.change).1 == wanted).count()
    };
    let parts: Vec<String> = ["added", "changed", "removed"]
        .into_iter()
        .map(|word| (count(word), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if parts.is_empty() { "nothing differs".to_owned() } else { parts.join(", ") }
}

/// The difference in words, for a terminal.
#[must_use]
pub fn plan_text(diff: &EstateDiff) -> String {
    let mut text = String::new();
    for object in &diff.objects {
        let (sign, _) = sign(&object.change);
        let trust = if object.trust_impacting() { "  (alters trust)" } else { "" };
        line(&mut text, &format!("{sign} {}{trust}", object.object));
        for field in object.change.fields() {
            for shown in field_lines(field) {
                line(&mut text, &format!("    {shown}"));
            }
        }
    }
    line(&mut text, &format!("{}; {}", summary(diff), consequence(diff)));
    text
}

fn consequence(diff: &EstateDiff) -> &'static str {
    if diff.is_empty() {
        "there is nothing to approve"
    } else if diff.trust_impacting() {
        "it alters who or what is trusted: two people have to approve, one of them independent"
    } else {
        "it alters nobody's trust: one person has to approve"
    }
}

fn field_lines(field: &FieldChange) -> Vec<String> {
    let name = &field.field;
    let mark = if field.trust_impacting { " !" } else { "" };
    let long = |text: &Option<String>| text.as_ref().is_some_and(|text| text.contains('\n'));
    if long(&field.old) || long(&field.new) {
        let old = field.old.as_deref().unwrap_or_default();
        let new = field.new.as_deref().unwrap_or_default();
        let mut lines = vec![format!("{name}:{mark}")];
        lines.extend(line_diff(old, new));
        return lines;
    }
    vec![match (&field.old, &field.new) {
        (Some(old), Some(new)) => format!("{name}: {old} -> {new}{mark}"),
        (None, Some(new)) => format!("{name}: {new}{mark}"),
        (Some(old), None) => format!("{name}: {old} -> nothing{mark}"),
        (None, None) => format!("{name}{mark}"),
    }]
}

/// The lines of a text that differ: what both begin and end with is left out.
fn line_diff(old: &str, new: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same = old.iter().zip(&new).take_while(|(one, two)| one == two).count();
    let rest = |lines: &[&str]| lines.len().saturating_sub(same);
    let pairs = old.iter().rev().zip(new.iter().rev());
    let tail = pairs.take(rest(&old).min(rest(&new))).take_while(|(one, two)| one == two).count();
    let middle = |lines: &[&str], sign: &str| {
        let kept = rest(lines).saturating_sub(tail);
        let shown = lines.iter().skip(same).take(kept.min(LINES_SHOWN_MAX));
        let mut shown: Vec<String> = shown.map(|line| format!("  {sign} {line}")).collect();
        if kept > LINES_SHOWN_MAX {
            let more = kept.saturating_sub(LINES_SHOWN_MAX);
            shown.push(format!("  {sign} … {more} more lines"));
        }
        shown
    };
    let mut lines = middle(&old, "-");
    lines.extend(middle(&new, "+"));
    lines
}

/// Adds one line; nothing in it starts another or a terminal sequence.
fn line(text: &mut String, line: &str) {
    text.push_str(&line.replace(acts, "\u{fffd}"));
    text.push('\n');
}

/// The difference as Markdown, for a pull request.
#[must_use]
pub fn plan_markdown(diff: &EstateDiff) -> String {
    let mut text = format!("### Estate: {}\n\n", summary(diff));
    for object in &diff.objects {
        let (_, word) = sign(&object.change);
        let trust = if object.trust_impacting() { " ⚠ alters trust" } else { "" };
        text.push_str(&format!("**{word}** {}{trust}\n\n", code(&object.object.to_string())));
        text.push_str(&table(object));
        text.push('\n');
    }
    text.push_str(&format!("{}.\n", consequence(diff)));
    text
}

fn table(object: &ObjectDiff) -> String {
    let mut text = String::new();
    let (texts, fields): (Vec<_>, Vec<_>) = object.change.fields().iter().partition(|field| {
        [&field.old, &field.new].into_iter().flatten().any(|text| text.contains('\n'))
    });
    if !fields.is_empty() {
        text.push_str("| field | was | becomes | alters trust |\n|---|---|---|---|\n");
    }
    for field in fields {
        let shown = |value: &Option<String>| value.as_deref().map(code).unwrap_or_default();
        let trust = if field.trust_impacting { "yes" } else { "" };
        let (name, old, new) = (code(&field.field), shown(&field.old), shown(&field.new));
        text.push_str(&format!("| {name} | {old} | {new} | {trust} |\n"));
    }
    for field in texts {
        let old = field.old.as_deref().unwrap_or_default();
        let new = field.new.as_deref().unwrap_or_default();
        let lines: Vec<String> =
            line_diff(old, new).iter().map(|line| line.trim_start().to_owned()).collect();
        // The fence is longer than any run of backticks inside, so that no policy can end it.
        let fence = "`".repeat(longest_run(&lines).max(2).saturating_add(1));
        text.push_str(&format!("{fence}diff\n"));
        for one in lines {
            line(&mut text, &one);
        }
        text.push_str(&format!("{fence}\n"));
    }
    text
}

fn longest_run(lines: &[String]) -> usize {
    let runs = |line: &String| line.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    lines.iter().map(runs).max().unwrap_or_default()
}

/// Text as code in a table cell: nothing in it is Markdown, and it stays in its cell.
fn code(text: &str) -> String {
    let plain = text.replace(acts, "\u{fffd}").replace('|', "\\|").replace('`', "'");
    format!("`{plain}`")
}

/// The difference for programs.
#[must_use]
pub fn plan_json(diff: &EstateDiff) -> Value {
    let field = |field: &FieldChange| {
        json!({
            "field": field.field,
            "old": field.old,
            "new": field.new,
            "trust_impacting": field.trust_impacting,
        })
    };
    let object = |object: &ObjectDiff| {
        json!({
            "kind": object.object.kind.as_str(),
            "id": object.object.id,
            "change": sign(&object.change).1,
            "trust_impacting": object.trust_impacting(),
            "fields": object.change.fields().iter().map(field).collect::<Vec<_>>(),
        })
    };
    json!({
        "changes": !diff.is_empty(),
        "trust_impacting": diff.trust_impacting(),
        "services_only": diff.services_only(),
        "zones": diff.zones.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "services": diff.services.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "objects": diff.objects.iter().map(object).collect::<Vec<_>>(),
    })
}
