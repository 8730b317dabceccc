//! The intent itself: records that nobody needs, and records that let in more than anybody needs.

use super::{Decided, cause};
use crate::caa::{IssueValue, IssuerDomain};
use crate::estate::{Issuer, IssuerKind};
use crate::names::IssuerId;
use crate::time::Time;
use crate::watch::finding::{Cause, FindingKind};

pub(super) fn judge(decided: &Decided<'_>, now: Time, found: &mut Vec<Cause>) {
    let intent = &decided.zone.caa;
    let apex = decided.key.name.apex();
    let mut stale = Vec::new();
    let mut wide = Vec::new();
    let below = decided.zone.caa_below.values();
    for text in
        std::iter::once(intent).chain(below).flat_map(|one| one.issue.iter().chain(&one.issuewild))
    {
        let Ok(value) = IssueValue::read(text.as_bytes()) else { continue };
        let Some(domain) = &value.issuer else { continue };
        let accounts: Vec<&str> = value.values_of("accounturi").collect();
        for account in &accounts {
            if let Some(why) = decided.accounts_over.get(*account) {
                stale.push((text, format!("its account {why}")));
            }
        }
        match issuer_of(decided, domain) {
            None => stale.push((text, "no issuer of the estate answers to it".to_owned())),
            Some((id, issuer)) => {
                if unused(decided, id, now) {
                    stale.push((
                        text,
                        format!("`{id}` issued nothing for the zone for a long time"),
                    ));
                }
                if issuer.kind == IssuerKind::Acme
                    && accounts.is_empty()
                    && let Some(ours) = decided.accounts.get(id)
                {
                    wide.push((text, ours));
                }
            }
        }
    }
    if !stale.is_empty() {
        let why: Vec<String> = stale.iter().map(|(text, why)| format!("`{text}`: {why}")).collect();
        let says = format!("the intended set names what is not used: {}", why.join("; "));
        let remedy =
            "take it out of `[caa]` of the zone in the estate, or say in an exception why it stays";
        let mut one = cause(decided, FindingKind::Stale, apex, says, remedy);
        one.diff = stale.iter().map(|(text, _)| format!("+ 0 issue \"{text}\"")).collect();
        one.diff.dedup();
        found.push(one);
    }
    if let Some((_, ours)) = wide.first() {
        let which: Vec<String> = wide.iter().map(|(text, _)| format!("`{text}`")).collect();
        let says = format!(
            "{} lets every account at that CA issue, and ours is `{ours}` (RFC 8657, section 3)",
            which.join(", ")
        );
        let remedy = "bind it: write `; accounturi=…` with our account behind the issuer";
        let mut one = cause(decided, FindingKind::TooPermissive, apex, says, remedy);
        one.diff = wide.iter().map(|(text, _)| format!("+ 0 issue \"{text}\"")).collect();
        one.diff.dedup();
        found.push(one);
    }
}

fn issuer_of<'a>(
    decided: &Decided<'a>,
    domain: &IssuerDomain,
) -> Option<(&'a IssuerId, &'a Issuer)> {
    let answers = |issuer: &Issuer| {
        issuer.caa_domains.iter().any(|one| one.eq_ignore_ascii_case(domain.as_str()))
    };
    decided.estate.issuers.iter().find(|(_, issuer)| answers(issuer))
}

/// Whether an issuer had its time and did not use it: its last certificate is old, or the intent is
/// and there never was one.
fn unused(decided: &Decided<'_>, issuer: &IssuerId, now: Time) -> bool {
    let since = decided.last_use.get(issuer).copied().or(decided.intended_since);
    since.is_some_and(|since| now.ms_since(since) > decided.pace.unused_ms)
}
