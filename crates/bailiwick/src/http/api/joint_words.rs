//! Steps that bind records and certificates, in words, with every field that an approval binds.

use bailiwick_core::change::{AwaitPropagation, Lane, PublishRecords, Step};
use bailiwick_core::estate::Deployment;
use bailiwick_core::records::{RRset, RecordEdit};

type Described = (String, Vec<(&'static str, String)>);

/// What a step does, and its fields.
pub(super) fn describe(step: &Step) -> Described {
    match step {
        Step::PublishRecords(publish) => publishing(publish),
        Step::AwaitPropagation(wait) => waiting(wait),
        Step::DeployCertificate(deploy) => (
            format!("put the certificate of step {} into {}", deploy.issued_by + 1, deploy.place),
            vec![
                ("service", deploy.service.to_string()),
                ("key", deploy.key.to_string()),
                ("place", deploy.place.clone()),
                ("how", place(&deploy.target)),
                ("there now", deploy.before.map_or("nothing".to_owned(), |one| one.to_string())),
            ],
        ),
        Step::VerifyServed(look) => (
            format!(
                "see the certificate of step {} served by {}",
                look.issued_by + 1,
                counted(look.endpoints.len(), "endpoint")
            ),
            vec![
                ("endpoints", joined(look.endpoints.iter().map(ToString::to_string))),
                ("within", seconds(look.within_seconds)),
            ],
        ),
        Step::IssueCertificate(_)
        | Step::RevokeCertificate(_)
        | Step::GrantEnvelope(_)
        | Step::EndEnvelope { .. }
        | Step::NarrowEnvelope(_)
        | Step::RotateIssuer(_)
        | Step::RotateKey(_)
        | Step::RetireKey(_)
        | Step::EditEstate { .. }
        | Step::RegisterAccount(_) => (step.kind().to_owned(), Vec::new()),
    }
}

fn publishing(publish: &PublishRecords) -> Described {
    let does = format!("{}: edit {} in zone {}", publish.why, sets(&publish.edits), publish.zone);
    let mut fields = vec![("zone", publish.zone.to_string())];
    for edit in &publish.edits {
        fields.push(("set", format!("{} {}", edit.owner(), edit.kind())));
        fields.push(("now", set(edit, edit.before())));
        fields.push(("then", set(edit, edit.after())));
    }
    fields.push(("seen within", seconds(publish.within_seconds)));
    fields.push(("back holds for", seconds(publish.undo_hold_seconds)));
    (does, fields)
}

fn waiting(wait: &AwaitPropagation) -> Described {
    let mut does = format!("wait until every server of zone {} shows it", wait.zone);
    let mut fields = vec![
        ("zone", wait.zone.to_string()),
        ("sets", sets(&wait.edits)),
        ("shown within", seconds(wait.within_seconds)),
    ];
    if wait.hold_seconds > 0 {
        let hold = seconds(wait.hold_seconds);
        does += &format!(", then {hold} more");
        fields.push(("then", format!("{hold}, until the state before is forgotten")));
    }
    (does, fields)
}

fn sets(edits: &[RecordEdit]) -> String {
    joined(edits.iter().map(|edit| format!("{} {}", edit.owner(), edit.kind())))
}

/// The records of a set, as a zone file spells them.
fn set(edit: &RecordEdit, set: Option<&RRset>) -> String {
    let Some(set) = set else { return "no such set".to_owned() };
    let records = set.rdata().iter().map(|rdata| crate::app::rdata_text(edit.kind(), rdata));
    format!("{}; TTL {}", joined(records), seconds(set.ttl_seconds()))
}

fn place(target: &Deployment) -> String {
    match target {
        Deployment::Client => "the service's ACME client fetches it".to_owned(),
        Deployment::Files { folder, reload } if reload.is_empty() => format!("files in {folder}"),
        Deployment::Files { folder, reload } => {
            format!("files in {folder}, then `{}`", reload.join(" "))
        }
        Deployment::Webhook { url } => format!("webhook {url}"),
    }
}

/// What an event says that was seen while a step waits.
pub(super) fn seen(index: usize, holds: bool, lanes: &[Lane]) -> String {
    let step = index.saturating_add(1);
    let shows: Vec<&str> =
        lanes.iter().filter(|lane| lane.shows).map(|lane| lane.who.as_str()).collect();
    let late: Vec<String> = lanes
        .iter()
        .filter(|lane| !lane.shows)
        .map(|lane| format!("{} ({})", lane.who, lane.saw))
        .collect();
    match (holds, late.is_empty()) {
        (true, _) => format!("step {step}: all show it: {}", shows.join(", ")),
        (false, true) => format!("step {step}: nothing is seen yet"),
        (false, false) if shows.is_empty() => format!("step {step}: not yet {}", late.join(", ")),
        (false, false) => {
            format!("step {step}: {} show it; not yet {}", shows.join(", "), late.join(", "))
        }
    }
}

fn joined(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(", ")
}

/// Seconds as people say them.
pub(crate) fn seconds(seconds: u32) -> String {
    let of = |divisor: u32, unit: &str| format!("{} {unit}", seconds / divisor);
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 if seconds.is_multiple_of(60) => of(60, "min"),
        7_200.. if seconds.is_multiple_of(3_600) => of(3_600, "h"),
        _ => format!("{seconds} s"),
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
