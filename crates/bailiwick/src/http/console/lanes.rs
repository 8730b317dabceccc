//! Lanes: which server or endpoint showed what, moment by moment, while a step of a change waited; and
//! the timeline of a plan. Both are drawn here, in SVG, and stand in words beside it.

use std::collections::BTreeMap;

use bailiwick_core::time::Time;
use maud::{Markup, html};

use super::page::moment;
use crate::http::api::bodies::{LanesBody, MomentBody, StepBody};

/// Pixels of a drawing.
const WIDTH: u64 = 640;
/// Where the lanes begin; left of it stand their names.
const LEFT: u64 = 250;
/// Height of one lane.
const LANE: u64 = 26;
/// The narrowest stretch that can still be seen.
const NARROW: u64 = 6;

/// Everything that was seen, one drawing for each step and direction.
pub(super) fn lanes(looks: &[LanesBody]) -> Markup {
    let mut groups: BTreeMap<(bool, usize), Vec<&LanesBody>> = BTreeMap::new();
    for look in looks.iter().filter(|look| !look.lanes.is_empty()) {
        groups.entry((look.back, look.step)).or_default().push(look);
    }
    html! {
        @if !groups.is_empty() {
            h2 { "Seen, server by server" }
            p.legend {
                span.key.after {} " shows it " span.key.before {} " does not yet"
            }
        }
        @for ((back, step), looks) in &groups {
            section.lanes {
                h3 { "Step " (step) @if *back { ", on the way back" } }
                (drawing(looks))
                (words(looks))
            }
        }
    }
}

/// Milliseconds since the first look.
fn since(first: Option<Time>, at: &str) -> u64 {
    let (Some(first), Ok(at)) = (first, Time::parse(at)) else { return 0 };
    u64::try_from(at.ms_since(first)).unwrap_or(0)
}

fn drawing(looks: &[&LanesBody]) -> Markup {
    let first = looks.first().and_then(|look| Time::parse(&look.at).ok());
    let whole = looks.last().map_or(0, |look| since(first, &look.at)).max(1);
    let room = WIDTH.saturating_sub(LEFT).saturating_sub(NARROW);
    let x = |ms: u64| LEFT.saturating_add(ms.saturating_mul(room) / whole);
    let mut who: Vec<&str> = Vec::new();
    for lane in looks.iter().flat_map(|look| &look.lanes) {
        if !who.contains(&lane.who.as_str()) {
            who.push(&lane.who);
        }
    }
    let rows = u64::try_from(who.len()).unwrap_or(0);
    let height = rows.saturating_mul(LANE).saturating_add(20);
    html! {
        svg role="img" viewBox={ "0 0 " (WIDTH) " " (height) } aria-label="Lanes; the list below says the same" {
            @for (name, row) in who.iter().zip(0_u64..) {
                @let y = row.saturating_mul(LANE);
                text x="0" y=(y.saturating_add(17)) { (name) }
                @for (index, look) in looks.iter().enumerate() {
                    @if let Some(lane) = look.lanes.iter().find(|lane| lane.who == *name) {
                        @let begin = x(since(first, &look.at));
                        @let end = looks.get(index.saturating_add(1)).map_or(WIDTH, |next| x(since(first, &next.at)));
                        rect x=(begin) y=(y.saturating_add(4)) height="18"
                            width=(end.saturating_sub(begin).max(NARROW))
                            class=(if lane.shows { "after" } else { "before" }) {}
                    }
                }
            }
            @let foot = rows.saturating_mul(LANE).saturating_add(16);
            text.scale x=(LEFT) y=(foot) { "0 s" }
            text.scale.end x=(WIDTH) y=(foot) { (tenths(whole)) " s" }
        }
    }
}

/// Milliseconds as seconds with one decimal.
fn tenths(ms: u64) -> String {
    format!("{}.{}", ms / 1_000, ms % 1_000 / 100)
}

fn words(looks: &[&LanesBody]) -> Markup {
    html! {
        ol.looks {
            @for look in looks {
                li {
                    span.leaf title="leaf of the ledger" { (look.ledger_index) } " "
                    (moment(&look.at)) " "
                    @if look.holds { strong { "all show it" } } @else { "not all show it" }
                    @for lane in look.lanes.iter().filter(|lane| !lane.shows) {
                        "; " (lane.who) ": " (lane.saw)
                    }
                }
            }
        }
    }
}

/// When each step can be over, as bars from the earliest to the latest.
pub(super) fn timeline(steps: &[StepBody], moments: &[MomentBody]) -> Markup {
    let Some(last) = moments.last() else { return html! {} };
    let whole = last.latest_seconds.max(1);
    let room = WIDTH.saturating_sub(LEFT).saturating_sub(NARROW);
    let x = |seconds: u64| LEFT.saturating_add(seconds.saturating_mul(room) / whole);
    let rows = u64::try_from(moments.len()).unwrap_or(0);
    let height = rows.saturating_mul(LANE).saturating_add(20);
    html! {
        h2 { "Timeline" }
        p {
            "Over after " (span(last.earliest_seconds)) " at the earliest, " (span(last.latest_seconds))
            " at the latest. Turning back takes " (span(last.back_seconds)) " at the latest."
        }
        svg.timeline role="img" viewBox={ "0 0 " (WIDTH) " " (height) } aria-label="When each step can be over" {
            @for ((step, at), row) in steps.iter().zip(moments).zip(0_u64..) {
                @let y = row.saturating_mul(LANE);
                @let begin = x(at.earliest_seconds);
                text x="0" y=(y.saturating_add(17)) { (row.saturating_add(1)) ". " (step.kind.replace('-', " ")) }
                rect.window x=(begin) y=(y.saturating_add(4)) height="18"
                    width=(x(at.latest_seconds).saturating_sub(begin).max(NARROW)) {}
            }
            @let foot = rows.saturating_mul(LANE).saturating_add(16);
            text.scale x=(LEFT) y=(foot) { "start" }
            text.scale.end x=(WIDTH) y=(foot) { (span(whole)) }
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
