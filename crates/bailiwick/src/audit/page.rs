//! The report as one page of HTML: no script, nothing from elsewhere, and small however many names.

use bailiwick_core::caa::{FindingKind, Severity};
use bailiwick_core::names::Digest;
use bailiwick_wire::caa_audit::{KindSummary, Summary};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::names::NameList;
use super::reports::About;

/// Rows of a table; CSV and JSON have all.
const ZONES_SHOWN: usize = 500;
const ISSUERS_SHOWN: usize = 100;
const REJECTED_SHOWN: usize = 50;

const STYLE: &str = include_str!("page.css");

/// The page.
pub(super) fn page(about: &About, list: &NameList, summary: &Summary) -> String {
    let style_hash = STANDARD.encode(Digest::of(STYLE.as_bytes()).as_bytes());
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style_hash}'; base-uri 'none'; form-action 'none'"
    );
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "CAA audit of " (grouped(summary.names)) " names" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { "CAA audit: who may issue for " (grouped(summary.names)) " names" }
                    (headline(summary))
                    (cards(summary))
                    (findings(summary))
                    (issuers(summary))
                    (zones(summary))
                    (how(about, list))
                }
            }
        }
    };
    markup.into_string()
}

fn headline(summary: &Summary) -> Markup {
    html! {
        p.headline {
            @if summary.names_high == 0 {
                "Nothing of high severity was found."
            } @else {
                strong { (grouped(summary.names_high)) " of " (grouped(summary.names)) }
                " names have a finding of high severity"
                @if summary.open_ordinary > 0 {
                    ": for " strong { (grouped(summary.open_ordinary)) }
                    " of them every CA of the world may issue"
                }
                "."
            }
            @if summary.unknown > 0 {
                " For " strong { (grouped(summary.unknown)) }
                " names it could not be decided; that is not the same as having no CAA."
            }
        }
    }
}

fn cards(summary: &Summary) -> Markup {
    let card = |class: &str, number: u64, what: &str| {
        let class = if number == 0 { "" } else { class };
        html! { li class=(class) { b { (grouped(number)) } span { (what) } } }
    };
    html! {
        ul.cards {
            (card("", summary.with_set, "have a CAA set that counts"))
            (card("high", summary.without_set, "have none up to the top-level domain"))
            (card("high", summary.unknown, "could not be decided"))
            (card("", summary.closed_ordinary, "nobody may issue for"))
            (card("", summary.open_wildcard, "any CA may issue wildcards for"))
            (card("", summary.open_mail, "any CA may issue for mailboxes at"))
            @for (state, count) in &summary.dnssec {
                (card("", *count, match state.as_str() {
                    "secure" => "proven by DNSSEC",
                    "insecure" => "in zones that are not signed",
                    "not-validated" => "not validated with DNSSEC",
                    _ => "of unknown DNSSEC state",
                }))
            }
        }
    }
}

fn findings(summary: &Summary) -> Markup {
    let all = summary.findings_worst_first();
    html! {
        section {
            h2 { "What was found" }
            @if all.is_empty() { p { "Nothing." } }
            @for (kind, found) in all { (finding(kind, found)) }
        }
    }
}

fn finding(kind: FindingKind, found: &KindSummary) -> Markup {
    let more = found.count.saturating_sub(u64::try_from(found.examples.len()).unwrap_or(0));
    let class = match kind.severity() {
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
    };
    html! {
        details class=(class) {
            summary {
                span.severity { (kind.severity().to_string()) }
                b { (grouped(found.count)) }
                span { (kind.title()) }
                code { (kind.as_str()) }
            }
            p.remedy { "What to do: " (kind.remedy()) "." }
            table {
                thead { tr { th { "name" } th { "particulars" } } }
                tbody {
                    @for (name, detail) in found.examples.values() {
                        tr { td.name { (name) } td { (detail) } }
                    }
                }
            }
            @if more > 0 { p.more { "and " (grouped(more)) " more; the JSON and CSV reports have all" } }
        }
    }
}

fn issuers(summary: &Summary) -> Markup {
    let mut issuers: Vec<_> = summary.issuers.iter().collect();
    issuers.sort_by_key(|(name, counts)| (std::cmp::Reverse(counts.iter().max().copied()), *name));
    html! {
        section {
            h2 { "Who may issue" }
            table {
                thead { tr { th { "issuer" } th.number { "ordinary" } th.number { "wildcard" } th.number { "mail" } } }
                tbody {
                    tr {
                        td { em { "every CA" } }
                        td.number { (grouped(summary.open_ordinary)) }
                        td.number { (grouped(summary.open_wildcard)) }
                        td.number { (grouped(summary.open_mail)) }
                    }
                    @for (issuer, counts) in issuers.iter().take(ISSUERS_SHOWN) {
                        tr {
                            td.name { (issuer) }
                            @for count in counts.iter() { td.number { (grouped(*count)) } }
                        }
                    }
                }
            }
            @if issuers.len() > ISSUERS_SHOWN {
                p.more { "and " (issuers.len() - ISSUERS_SHOWN) " more issuers" }
            }
        }
    }
}

fn zones(summary: &Summary) -> Markup {
    let zones = summary.zones_worst_first();
    html! {
        section {
            h2 { (grouped(u64::try_from(zones.len()).unwrap_or(0))) " zones, the worst first" }
            table {
                thead {
                    tr {
                        th { "zone" } th.number { "names" } th.number { "high" }
                        th.number { "medium" } th.number { "without CAA" } th.number { "undecided" }
                    }
                }
                tbody {
                    @for (name, zone) in zones.iter().take(ZONES_SHOWN) {
                        tr class=(if zone.high > 0 { "high" } else { "" }) {
                            td.name { (name) }
                            td.number { (grouped(zone.names)) }
                            td.number { (grouped(zone.high)) }
                            td.number { (grouped(zone.medium)) }
                            td.number { (grouped(zone.without_set)) }
                            td.number { (grouped(zone.unknown)) }
                        }
                    }
                }
            }
            @if zones.len() > ZONES_SHOWN {
                p.more { "and " (zones.len() - ZONES_SHOWN) " more zones; the JSON and CSV reports have all names" }
            }
        }
    }
}

fn how(about: &About, list: &NameList) -> Markup {
    html! {
        section {
            h2 { "How it was seen" }
            dl {
                dt { "asked" } dd { (about.asked.join(", ")) }
                dt { "finished" } dd { (about.finished_at) }
                dt { "expected issuers" }
                dd {
                    @if about.expected_issuers.is_empty() { "none were given; --issuer compares with a list" }
                    @else { (about.expected_issuers.join(", ")) }
                }
                dt { "the list" }
                dd {
                    (grouped(list.len())) " names; "
                    (grouped(about.repeated)) " stood in it more than once; "
                    (grouped(about.rejected)) " lines are no names"
                }
                dt { "made by" } dd { "bailiwick " (about.version) ", " (about.format) }
            }
            @if !list.rejected.kept.is_empty() {
                details.low {
                    summary { b { (grouped(about.rejected)) } span { "lines are no names and were not audited" } }
                    table {
                        thead { tr { th { "where" } th { "text" } th { "why" } } }
                        tbody {
                            @for (place, text, why) in list.rejected.kept.iter().take(REJECTED_SHOWN) {
                                tr { td { (place) } td.name { (text) } td { (why) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
