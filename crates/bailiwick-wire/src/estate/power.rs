//! Who stands in for whom, and what a zone asks for beside its pattern.

use std::collections::BTreeSet;

use bailiwick_core::estate::{DelegationIntent, GatedKind, StandIn, ZoneGate};
use bailiwick_core::names::{DnsName, PersonId, TeamId};
use bailiwick_core::time::{DAY_MS, Time};

use super::document::{At, File, Section};
use super::places::{Kind, Reading};

/// For how many days somebody may stand in for somebody else; beyond, they should be in the team.
const STAND_IN_DAYS_MAX: i64 = 92;
/// Approvals that one gate may ask for at most: more people than any team has awake.
const APPROVALS_MAX: u32 = 3;

pub(super) fn stand_ins(file: &mut File<'_>, reading: &mut Reading, root: Section<'_>) {
    for (key, section) in file.entries(root) {
        file.keys(section, &["of", "by", "team", "from", "until", "reason"]);
        let of = file.needed(section, "of");
        let by = file.needed(section, "by");
        if let (Some(of), Some(by)) = (of, by)
            && of.value == by.value
        {
            let message = format!("`{}` stands in for themselves", by.value);
            file.problem(by.place, "stand-in-for-self", message, "name somebody else");
        }
        let of = of.and_then(|at| reading.refers(file, Kind::Person, at, PersonId::parse));
        let by = by.and_then(|at| reading.refers(file, Kind::Person, at, PersonId::parse));
        let team = file.needed(section, "team");
        let spot = file.spot(team.map_or(key.place, |at| at.place));
        let team = team.and_then(|at| reading.refers(file, Kind::Team, at, TeamId::parse));
        let (from, until) = window(file, section);
        let reason = file.needed(section, "reason");
        if let (Some(of), Some(by), Some(team)) = (of, by, team)
            && let (Some(from), Some(until), Some(reason)) = (from, until, reason)
        {
            let (from, until) = (from.value, until.value);
            let reason = reason.value.to_owned();
            let one = StandIn { of, by, team, from, until, reason };
            reading.stand_ins.insert(key.value.to_owned(), (one, spot));
        }
    }
}

/// From when until when: an end comes after its beginning, and soon enough.
fn window(file: &mut File<'_>, section: Section<'_>) -> (Option<At<Time>>, Option<At<Time>>) {
    for needed in ["from", "until"] {
        if !file.has(section, &[needed]) {
            file.missing(section, needed, &format!("`{needed} = 2027-01-31`"));
        }
    }
    let (from, until) = (file.time(section, "from"), file.time(section, "until"));
    if let (Some(from), Some(until)) = (from, until) {
        let lasts = until.value.ms_since(from.value);
        if lasts <= 0 || lasts > STAND_IN_DAYS_MAX * DAY_MS {
            let message = "it does not last from 1 moment to 92 days".to_owned();
            let remedy = "end it within 92 days; who does it for longer belongs into the team";
            file.problem(until.place, "stand-in-too-long", message, remedy);
        }
    }
    (from, until)
}

/// The gates of a zone, by a name of the zone's own.
pub(super) fn gates(
    file: &mut File<'_>,
    reading: &mut Reading,
    section: Section<'_>,
    zone: &str,
) -> Vec<ZoneGate> {
    let mut gates = Vec::new();
    for (key, section) in file.entries(section) {
        file.keys(section, &["for", "team", "approvals", "independent"]);
        let kinds = file.needed_list(section, "for");
        let kinds: BTreeSet<GatedKind> =
            kinds.into_iter().filter_map(|at| file.word(at, GatedKind::ALL)).collect();
        let team = file.needed(section, "team");
        let what = format!("whom gate `{}` of zone `{zone}` asks", key.value);
        let team = reading.holds(file, team, what);
        let approvals = file.number(section, "approvals", 1..=APPROVALS_MAX);
        let independent = file.flag(section, "independent", Some(true));
        if let (Some(team), Some(independent), false) = (team, independent, kinds.is_empty()) {
            let approvals = approvals.map_or(1, |at| at.value);
            gates.push(ZoneGate { kinds, team, approvals, independent });
        }
    }
    gates
}

/// What the parent of a zone should say about it.
pub(super) fn delegation(file: &mut File<'_>, section: Section<'_>) -> DelegationIntent {
    file.keys(section, &["ns", "ds", "status", "registrar"]);
    let ns = file.needed_list(section, "ns");
    let ns = ns.into_iter().filter_map(|at| file.parsed(at, "bad-name", DnsName::parse));
    let ns = ns.map(|at| at.value).collect();
    let ds = file.list(section, "ds");
    let ds = ds.into_iter().filter_map(|at| file.parsed(at, "bad-ds", ds_text));
    let ds = ds.map(|at| at.value).collect();
    let status = file.list(section, "status").into_iter();
    let status = status.map(|at| at.value.to_ascii_lowercase()).collect();
    let registrar = file.text(section, "registrar").map(|at| at.value.to_owned());
    DelegationIntent { ns, ds, status, registrar }
}

/// A DS record in its presentation format (RFC 4034, section 5.3), spelled one way.
fn ds_text(text: &str) -> Result<String, &'static str> {
    let bad =
        "not a DS record; write `KEYTAG ALGORITHM TYPE DIGEST` with the digest in hexadecimal";
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let (Some(numbers), Some(digest)) = (words.get(..3), words.get(3..)) else { return Err(bad) };
    let digest = digest.concat().to_ascii_lowercase();
    let [tag, algorithm, kind] = numbers else { return Err(bad) };
    let hex = !digest.is_empty()
        && digest.len().is_multiple_of(2)
        && digest.bytes().all(|octet| octet.is_ascii_hexdigit());
    let fits = tag.parse::<u16>().is_ok()
        && algorithm.parse::<u8>().is_ok()
        && kind.parse::<u8>().is_ok()
        && hex;
    if fits { Ok(format!("{tag} {algorithm} {kind} {digest}")) } else { Err(bad) }
}
