//! Zones: what their servers say, what their records are, whether the way in works.

use std::fmt::Write as _;

use super::commands::{Asked, ZoneCommand};
use super::{answer, print, query, secrets};
use crate::app::{RecordsView, ZoneTried, ZoneView, ZoneWhole};
use crate::cli::client::NoAnswer;
use crate::cli::exit;
use crate::http::api::bodies::{KeyRotationBody, RotateKeyBody};

/// Appends a line; writing to a `String` cannot fail.
macro_rules! line {
    ($text:expr, $($format:tt)+) => { writeln!($text, $($format)+).unwrap_or_default() };
}

pub(super) async fn run(asked: Asked<ZoneCommand>) -> Result<u8, NoAnswer> {
    let client = asked.server.client()?;
    match asked.what {
        ZoneCommand::Show { zone } => {
            let (name, view) = split(&zone);
            let query = query(&[("view", view)]);
            let body: ZoneView = client.get(&format!("zones/{name}{query}")).await?;
            answer(asked.output, &body, shown)
        }
        ZoneCommand::Records { zone, owner, kind } => {
            let (name, view) = split(&zone);
            let query = query(&[("view", view), ("owner", owner), ("type", kind)]);
            let body: RecordsView = client.get(&format!("zones/{name}/records{query}")).await?;
            let code = if body.agree { exit::YES } else { exit::NO };
            answer(asked.output, &body, records).map(|_| code)
        }
        ZoneCommand::Try { zone } => {
            let (name, view) = split(&zone);
            let query = query(&[("view", view)]);
            let path = format!("zones/{name}/try{query}");
            let body: ZoneTried = client.post(&path, &serde_json::Value::Null).await?;
            let code = if body.fine { exit::YES } else { exit::NO };
            answer(asked.output, &body, tried).map(|_| code)
        }
        ZoneCommand::RotateKey { zone, key_name, secret_file, within_hours, reason } => {
            let (name, view) = split(&zone);
            let query = query(&[("view", view)]);
            let secret = match &secret_file {
                Some(file) => Some(secrets::read(Some(file))?.trim().to_owned()),
                None => None,
            };
            let within_hours = Some(within_hours);
            let wish = RotateKeyBody { name: key_name, secret, within_hours, reason };
            let path = format!("zones/{name}/rotate-key{query}");
            let body: KeyRotationBody = client.post(&path, &wish).await?;
            answer(asked.output, &body, rotation)
        }
    }
}

fn rotation(body: &KeyRotationBody) -> String {
    let mut text = print::change(&body.change);
    let Some(made) = &body.made else { return text };
    line!(text, "");
    line!(
        text,
        "The new key, which is not shown again. Put it beside the old one at the server, and let"
    );
    line!(text, "it do what the old one may (`update-policy`, `allow-update` or `acl`). In BIND:");
    line!(text, "");
    line!(text, "{}", made.bind);
    line!(text, "In Knot:");
    line!(text, "");
    line!(text, "{}", made.knot);
    line!(
        text,
        "Once the change is approved and the server takes the new key, the old one has to go there."
    );
    text
}

fn split(zone: &str) -> (String, Option<String>) {
    match zone.split_once('/') {
        Some((name, view)) => (name.to_owned(), Some(view.to_owned())),
        None => (zone.to_owned(), None),
    }
}

fn shown(zone: &ZoneView) -> String {
    let mut text = String::new();
    line!(text, "{}", zone.zone);
    line!(text, "  class      {}, {} pattern, mode {}", zone.class, zone.pattern, zone.mode);
    line!(text, "  policy     team {}", zone.policy_owner);
    line!(text, "  operator   team {}", zone.operator);
    match &zone.connector {
        Some(way) => {
            line!(text, "  connector  {} at {}", way.kind, way.place);
            line!(text, "             {}", way.promise);
            line!(text, "             secret: {}", way.secret);
        }
        None => line!(text, "  connector  none: nothing is written, only looked at"),
    }
    let transfer = zone.transfer.as_deref().unwrap_or("no server named in `[transfer]`");
    line!(text, "  transfer   {transfer}");
    let step = if zone.in_step { "in step" } else { "NOT IN STEP" };
    line!(text, "  servers    {step}");
    for one in &zone.servers {
        match (one.serial, &one.problem) {
            (Some(serial), _) => line!(text, "    {}  serial {serial}", one.server),
            (None, why) => {
                line!(text, "    {}  FAILS: {}", one.server, why.as_deref().unwrap_or("no answer"));
            }
        }
    }
    whole(&mut text, &zone.whole);
    text
}

fn whole(text: &mut String, it: &ZoneWhole) {
    line!(text, "  decides    {}", it.decides);
    for gate in &it.gates {
        line!(text, "  gate       {gate}");
    }
    for value in &it.caa {
        line!(text, "  caa        {value}");
    }
    let stands = match it.delegation.stands.as_str() {
        "as-decided" => "as decided",
        "changed" => "NOT AS DECIDED: nothing is issued in this zone",
        _ => "nobody watches it",
    };
    line!(text, "  parent     {stands}");
    for fact in &it.delegation.facts {
        line!(text, "             {fact}");
    }
    if let Some(lift) = &it.delegation.lift {
        line!(text, "             {lift}");
    }
    for one in &it.standing {
        line!(text, "  standing   {} for {}, seen {}", one.name, one.service, one.seen_at);
    }
    for one in &it.findings {
        line!(text, "  FINDING    {}", one.says);
        line!(text, "             {} acts until {}  ({})", one.assignee, one.due, one.id);
    }
    for one in &it.changes {
        line!(text, "  change     {}  {}  {}", one.id, one.state, one.title);
    }
    line!(text, "  people");
    for one in &it.people {
        let alone = if one.alone.is_empty() { "nothing".to_owned() } else { one.alone.join("; ") };
        let may = if one.may.is_empty() { "nothing".to_owned() } else { one.may.join(", ") };
        line!(text, "    {:<12} with others {may}; alone {alone}", one.person);
    }
}

fn records(body: &RecordsView) -> String {
    let mut text = String::new();
    if !body.agree {
        line!(text, "THE SERVERS DO NOT SHOW THE SAME.");
    }
    for source in &body.sources {
        let serial = source.serial.map_or_else(String::new, |it| format!(", serial {it}"));
        line!(text, "; {}{serial}", source.server);
        if let Some(note) = &source.note {
            line!(text, "; {note}");
        }
        for record in &source.records {
            let (owner, ttl) = (&record.owner, record.ttl_seconds);
            line!(text, "{owner}. {ttl} IN {} {}", record.kind, record.data);
        }
    }
    text
}

fn tried(body: &ZoneTried) -> String {
    let mut text = String::new();
    let verdict = if body.fine { "everything works" } else { "NOT EVERYTHING WORKS" };
    line!(text, "{}: {verdict}", body.zone);
    for check in &body.checks {
        let mark = if check.fine { "ok  " } else { "FAIL" };
        line!(text, "  {mark}  {}: {}", check.what, check.saw);
        if let Some(whose) = &check.whose {
            line!(text, "        who can mend it: {whose}");
        }
    }
    text
}
