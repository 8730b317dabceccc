//! Answers as a tired person reads them: what it is first, then what to do, then the rest.

use std::fmt::Write as _;
use std::path::Path;

use crate::app::Story;
use crate::http::api::bodies::{
    CertificateBody, ChangeBody, ChangeLine, CredentialBody, EnrolledBody, FreshTokenBody, Me,
    MomentBody, PageOf, PrecheckBody, ProposalBody, ServiceBody, StepBody, TokenBody,
};

/// Appends a line; writing to a `String` cannot fail.
macro_rules! line {
    ($text:expr) => { $text.push('\n') };
    ($text:expr, $($format:tt)+) => { writeln!($text, $($format)+).unwrap_or_default() };
}

pub(super) fn more(text: &mut String, next: Option<&String>) {
    if let Some(next) = next {
        line!(text);
        line!(text, "There are more: repeat with --after '{next}'");
    }
}

pub(super) fn changes(page: &PageOf<ChangeLine>) -> String {
    if page.items.is_empty() {
        return "No changes.".to_owned();
    }
    let mut text = String::new();
    for one in &page.items {
        line!(text, "{}  {:<17}  {}", one.id, one.state, one.title);
        line!(text, "    by {}, {}", one.by, one.at);
    }
    more(&mut text, page.next.as_ref());
    text
}

pub(super) fn change_ids(page: &PageOf<ChangeLine>) -> String {
    page.items.iter().map(|one| format!("{}\n", one.id)).collect()
}

pub(super) fn change(body: &ChangeBody) -> String {
    let mut text = String::new();
    let head = &body.line;
    line!(text, "{}", head.title);
    line!(text, "  change   {}", head.id);
    line!(text, "  state    {}", head.state);
    if let Some(outcome) = &body.outcome {
        line!(text, "  outcome  {outcome}");
    }
    line!(text, "  by       {}, {}", head.by, head.at);
    line!(text, "  why      {}", body.reason);
    if !body.zones.is_empty() {
        line!(text, "  zones    {}", body.zones.join(", "));
    }
    text.push_str(&plan(body));
    checks(&mut text, &body.prechecks);
    if !body.approved_by.is_empty() {
        line!(text, "  approved by {}", body.approved_by.join(", "));
    }
    if let Some(rehearsal) = &body.rehearsal {
        line!(text);
        text.push_str(&super::rehearsal::told(rehearsal));
    }
    if head.state == "awaiting-approval" {
        line!(text);
        for missing in &body.missing {
            line!(text, "  still needed: {missing}");
        }
        if let Some(until) = &head.expires_at {
            line!(text, "  until {until}; then it lapses");
        }
        line!(text, "  approve with: bailiwick change approve {}", head.id);
    }
    line!(text);
    line!(text, "History");
    for event in &body.events {
        let says = if event.says.is_empty() { String::new() } else { format!(": {}", event.says) };
        line!(text, "  [{}] {} {} by {}{says}", event.ledger_index, event.at, event.kind, event.by);
    }
    text
}

pub(super) fn plan(body: &ChangeBody) -> String {
    let mut text = String::new();
    let Some(digest) = &body.plan_digest else { return text };
    line!(text);
    line!(text, "Plan {digest}");
    steps(&mut text, &body.steps, &body.timeline, body.point_of_no_return);
    text
}

/// Steps with their moments, and where Bailiwick can turn back no more.
fn steps(
    text: &mut String,
    steps: &[StepBody],
    timeline: &[MomentBody],
    point_of_no_return: Option<usize>,
) {
    for (index, step) in steps.iter().enumerate() {
        let number = index.saturating_add(1);
        if point_of_no_return == Some(number) {
            line!(text, "  --- from here on Bailiwick cannot take it back ---");
        }
        let when = timeline.get(index).map_or_else(String::new, |moment| {
            let (earliest, latest) = (moment.earliest_seconds, moment.latest_seconds);
            format!("[{} to {}] ", span(earliest), span(latest))
        });
        line!(text, "  {number}. {when}{} (undo: {})", step.does, step.undo);
        for (label, value) in &step.fields {
            line!(text, "       {label:<16} {value}");
        }
    }
    if let Some(last) = timeline.last() {
        line!(text, "  Over after {} at the earliest.", span(last.earliest_seconds));
        if point_of_no_return.is_none() {
            line!(
                text,
                "  It can be taken back from every step, within {} at the latest.",
                span(last.back_seconds)
            );
        }
    }
}

/// A stretch of time as people read it.
fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3_600)),
    }
}

fn checks(text: &mut String, prechecks: &[PrecheckBody]) {
    if prechecks.is_empty() {
        return;
    }
    line!(text);
    line!(text, "Checks");
    for check in prechecks {
        let mark = if check.holds { "holds" } else { "FAILS" };
        line!(text, "  {mark} {}: {}", check.name, check.saw);
        if let Some(assignee) = check.assignee.as_ref().filter(|_| !check.holds) {
            line!(text, "        {assignee} can mend it");
        }
    }
}

pub(super) fn proposal(body: &ProposalBody) -> String {
    let mut text = String::new();
    line!(text, "Nothing is changed yet. This is what would be done:");
    steps(&mut text, &body.steps, &body.timeline, body.point_of_no_return);
    checks(&mut text, &body.prechecks);
    line!(text);
    if body.can_be_requested {
        line!(text, "Ask for it with: bailiwick change request --file FILE --reason WHY");
    } else {
        line!(text, "It cannot be asked for: a check fails.");
    }
    text
}

/// A certificate with its chain, and nothing else: it goes into a file.
pub(super) fn chain(certificate: &CertificateBody) -> String {
    certificate.chain.as_deref().unwrap_or("").trim_end().to_owned()
}

pub(super) fn certificates(page: &PageOf<CertificateBody>) -> String {
    if page.items.is_empty() {
        return "No certificates.".to_owned();
    }
    let mut text = String::new();
    for one in &page.items {
        let state =
            one.revoked_at.as_ref().map_or_else(String::new, |at| format!("  REVOKED {at}"));
        line!(text, "{}  until {}  {}{state}", one.serial, one.not_after, one.names.join(", "));
        line!(text, "    {} from {}, change {}", one.service, one.issuer, one.change);
    }
    more(&mut text, page.next.as_ref());
    text
}

pub(super) fn story(story: &Story) -> String {
    let mut text = String::new();
    line!(text, "{}: {}", if story.explained { "EXPLAINED" } else { "UNEXPLAINED" }, story.summary);
    if let Some(serial) = &story.serial {
        line!(text, "  serial       {serial}");
    }
    line!(text, "  fingerprint  {}", story.fingerprint);
    if !story.names.is_empty() {
        line!(text, "  names        {}", story.names.join(", "));
    }
    if let (Some(from), Some(until)) = (&story.not_before, &story.not_after) {
        line!(text, "  in date      {from} to {until}");
    }
    for chapter in &story.chapters {
        line!(text);
        let index = chapter.ledger_index.map_or_else(String::new, |index| format!("[{index}] "));
        line!(text, "{index}{}: {}", chapter.about, chapter.headline);
        if let (Some(at), Some(by)) = (&chapter.at, &chapter.by) {
            line!(text, "    {at} by {by}");
        }
        // The inputs of a decision are long; `--json` has them.
        for (label, value) in chapter.details.iter().filter(|(label, _)| label != "inputs") {
            line!(text, "    {label:<16} {value}");
        }
    }
    line!(text);
    line!(
        text,
        "Numbers in brackets are leaves of the ledger; `bailiwick ledger entry N` shows one."
    );
    text
}

pub(super) fn credential(body: &CredentialBody) -> String {
    format!(
        "directory  {}\nkid        {}\nhmac key   {}\n\nThe key is shown this once. It binds one account \
         until {}.",
        body.directory, body.kid, body.hmac_key, body.expires_at
    )
}

pub(super) fn enrolled(body: &EnrolledBody) -> String {
    let claims: String =
        body.claims.iter().map(|(name, said)| format!("           {name} {said}\n")).collect();
    format!(
        "attested   {} by {}\n{claims}until      {}\n{}",
        body.subject,
        body.attestor,
        body.attested_until,
        credential(&body.credential)
    )
}

/// The same as certbot reads it with `-c FILE`.
pub(super) fn certbot_options(body: &CredentialBody) -> String {
    format!(
        "# For certbot -c; made by `bailiwick credential new`. Keep it secret.\nserver = {}\neab-kid = {}\n\
         eab-hmac-key = {}\n",
        body.directory, body.kid, body.hmac_key
    )
}

pub(super) fn credential_kept(body: &CredentialBody, file: &Path) -> String {
    format!(
        "{} holds the credential {}: use it with `certbot -c {0}`.\nIt binds one account until {}.",
        file.display(),
        body.kid,
        body.expires_at
    )
}

pub(super) fn services(all: &[ServiceBody]) -> String {
    if all.is_empty() {
        return "No services that you may see.".to_owned();
    }
    let mut text = String::new();
    for one in all {
        line!(text, "{}  {} ({})", one.id, one.name, one.environment);
        line!(text, "    names {}", one.names.join(", "));
        for (duty, team, person) in &one.duties {
            let person = person.as_deref().unwrap_or("NOBODY ON DUTY");
            line!(text, "    {duty:<18} {team}: {person}");
        }
    }
    text
}

pub(super) fn fresh_token(body: &FreshTokenBody) -> String {
    format!(
        "{}\n\nShown this once; works until {}. Its id is {}.",
        body.token, body.expires_at, body.id
    )
}

pub(super) fn tokens(all: &[TokenBody]) -> String {
    if all.is_empty() {
        return "No tokens.".to_owned();
    }
    let mut text = String::new();
    for one in all {
        line!(
            text,
            "{}  until {}  {}: {}",
            one.id,
            one.expires_at,
            one.scopes.join(", "),
            one.purpose
        );
    }
    text
}

pub(super) fn me(me: &Me) -> String {
    let mut text = String::new();
    line!(text, "{} ({})", me.person, me.name.as_deref().unwrap_or("not in the estate"));
    line!(text, "  teams  {}", me.teams.join(", "));
    if !me.through.is_empty() {
        line!(text, "  signed in through {}", me.through.join(", "));
    }
    if me.administrator {
        line!(text, "  administrator");
    }
    text
}
