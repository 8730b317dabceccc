//! Places, relying parties and freezes, as files of an estate write them.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::estate::{Deployment, Freeze, RelyingParty, ZoneKey};
use bailiwick_core::names::IssuerId;

use super::document::{At, File, Section};
use super::places::{Kind, Reading};

/// The kinds of place.
#[derive(Clone, Copy)]
enum Spelled {
    Client,
    Files,
    Webhook,
}

impl std::fmt::Display for Spelled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Files => "files",
            Self::Webhook => "webhook",
        })
    }
}

/// A key of a table that becomes a name: short, and printable where it is shown.
fn name(text: &str) -> Result<String, &'static str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !text.is_empty() && text.len() <= 64 && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("not a name; use up to 64 letters, digits, `-`, `_` and `.`")
    }
}

/// `[deploy.…]` of a service.
pub(super) fn deployments(file: &mut File<'_>, root: Section<'_>) -> BTreeMap<String, Deployment> {
    let mut all = BTreeMap::new();
    let Some(section) = file.table(root, "deploy") else { return all };
    for (key, place) in file.entries(section) {
        let named = file.parsed(key, "bad-id", name);
        let read = deployment(file, place);
        all.extend(named.zip(read).map(|(named, read)| (named.value, read)));
    }
    all
}

fn deployment(file: &mut File<'_>, place: Section<'_>) -> Option<Deployment> {
    let kind = file.needed(place, "kind");
    let kind =
        kind.and_then(|at| file.word(at, &[Spelled::Client, Spelled::Files, Spelled::Webhook]))?;
    match kind {
        Spelled::Client => {
            file.keys(place, &["kind"]);
            Some(Deployment::Client)
        }
        Spelled::Files => {
            file.keys(place, &["kind", "folder", "reload"]);
            let folder = file.needed(place, "folder");
            let folder = folder.and_then(|at| file.parsed(at, "bad-folder", absolute))?;
            let reload = words(file, place);
            Some(Deployment::Files { folder: folder.value, reload })
        }
        Spelled::Webhook => {
            file.keys(place, &["kind", "url"]);
            let url = file.needed(place, "url");
            let url = url.and_then(|at| file.parsed(at, "bad-url", https))?;
            Some(Deployment::Webhook { url: url.value })
        }
    }
}

/// Program and arguments; the same word may come twice.
fn words(file: &mut File<'_>, place: Section<'_>) -> Vec<String> {
    file.words(place, "reload")
}

fn absolute(text: &str) -> Result<String, &'static str> {
    let inside = text.split('/').all(|part| part != "..");
    if text.starts_with('/') && inside && !text.contains('\0') {
        Ok(text.to_owned())
    } else {
        Err("not an absolute path; write it from `/` on, without `..`")
    }
}

fn https(text: &str) -> Result<String, &'static str> {
    if text.starts_with("https://") {
        Ok(text.to_owned())
    } else {
        Err("not an `https://` URL; a private key goes there")
    }
}

/// `[relying_parties.…]` of a service.
pub(super) fn relying_parties(
    file: &mut File<'_>,
    reading: &mut Reading,
    root: Section<'_>,
) -> BTreeMap<String, RelyingParty> {
    let mut all = BTreeMap::new();
    let Some(section) = file.table(root, "relying_parties") else { return all };
    for (key, party) in file.entries(section) {
        let named = file.parsed(key, "bad-id", name);
        file.keys(party, &["trusts"]);
        let trusts = file.needed_list(party, "trusts");
        let trusts = reading.refers_to_all(file, Kind::Issuer, trusts, IssuerId::parse);
        all.extend(named.map(|named| (named.value, RelyingParty { trusts })));
    }
    all
}

/// `[freezes.…]` of the organisation.
pub(super) fn freezes(
    file: &mut File<'_>,
    reading: &mut Reading,
    root: Section<'_>,
) -> BTreeMap<String, Freeze> {
    let mut all = BTreeMap::new();
    let Some(section) = file.table(root, "freezes") else { return all };
    for (key, freeze) in file.entries(section) {
        let named = file.parsed(key, "bad-id", name);
        file.keys(freeze, &["from", "until", "zones", "may_break", "reason"]);
        let (from, until) = (file.time(freeze, "from"), file.time(freeze, "until"));
        for (key, time) in [("from", &from), ("until", &until)] {
            if time.is_none() && !file.has(freeze, &[key]) {
                file.missing(freeze, key, &format!("`{key} = 2026-12-20`"));
            }
        }
        let zones = zones(file, reading, freeze);
        let team = file.needed(freeze, "may_break");
        let may_break = reading.holds(file, team, format!("who may break freeze `{}`", key.value));
        let reason = file.needed(freeze, "reason");
        if let (Some(named), Some(from), Some(until), Some(may_break), Some(reason)) =
            (named, from, until, may_break, reason)
        {
            let (from, until, reason) = (from.value, until.value, reason.value.to_owned());
            all.insert(named.value, Freeze { from, until, zones, may_break, reason });
        }
    }
    all
}

fn zones(file: &mut File<'_>, reading: &mut Reading, freeze: Section<'_>) -> BTreeSet<ZoneKey> {
    let named: Vec<At<&str>> = file.list(freeze, "zones");
    let parse = |text: &str| ZoneKey::parse(text).ok_or("not a zone; write `shop.example`");
    reading.refers_to_all(file, Kind::Zone, named, parse)
}
