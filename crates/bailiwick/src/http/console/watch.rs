//! Findings, the control board, a zone's tree, and what was seen of a name.

mod board;
mod finding;
mod name;

pub(super) use board::{board, one_zone, zone, zone_view};
pub(super) use finding::{adopt, card, finding, findings, revert};
pub(super) use name::name;

use maud::{Markup, html};

/// A verdict as a badge.
fn stands(word: &str) -> Markup {
    let kind = match word {
        "holds" => "good",
        "fails" => "bad",
        _ => "open",
    };
    html! { span class={ "badge " (kind) } { (word) } }
}

/// Leaves of the ledger, each with the way to it.
fn leaves(all: &[u64]) -> Markup {
    html! {
        @for (n, leaf) in all.iter().enumerate() {
            @if n > 0 { ", " }
            a.leaf href={ "/api/v1/ledger/entries/" (leaf) } { (leaf) }
        }
    }
}

/// A sentence as a page begins it.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|char| char.to_uppercase().to_string()).unwrap_or_default();
    first + chars.as_str()
}

/// Lines of DNS, each a line of its own.
fn records(lines: &[String]) -> Markup {
    html! { @for line in lines { code.record { (line) } } }
}
