//! An emergency of a zone: one set of its records edited, and no right widened by it.

use bailiwick_core::caa::CaaRecord;
use bailiwick_core::estate::{Zone, ZoneKey};
use bailiwick_core::gate::EmergencyOf;
use bailiwick_core::policy::{Access, ResourceKind};
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};
use bailiwick_core::watch::{intended_set, to_records};
use bailiwick_wire::dns::{Caa, RecordKind as _};

use super::super::words::said;
use super::super::zone_edit::ZoneEdit;
use super::super::zones::zone_of;
use super::super::{App, Asking, Loaded, Scope};
use super::plan::Planned;
use super::{Declared, on_duty, reviewer};
use crate::fault::Fault;

/// Records that say whose a name is, or with which keys it is signed: handing those over is no mending.
const OTHERS: [RecordType; 7] = [
    RecordType::SOA,
    RecordType::NS,
    RecordType::DS,
    RecordType::DNSKEY,
    RecordType::CDS,
    RecordType::CDNSKEY,
    RecordType::DNAME,
];
/// Labels under which a record shows a CA that somebody controls the name (RFC 8555, section 8.4, and
/// what follows it).
const SHOWS_CONTROL: [&str; 2] = ["_acme-challenge", "_validation-"];
/// The TTL of a set that is not there yet, in seconds.
const TTL_SECONDS: u32 = 300;
/// The tags of properties that let CAs issue (RFC 8659, sections 4.2 and 4.3).
const ISSUE: &str = "issue";
const ISSUE_WILD: &str = "issuewild";

/// An emergency of a zone that somebody declares.
pub(crate) struct NewZoneEmergency {
    /// Of which zone.
    pub zone: ZoneKey,
    /// At which name.
    pub owner: OwnerName,
    /// Of which type.
    pub kind: RecordType,
    /// The records as they shall be, in wire form; none to take the set away.
    pub rdata: Vec<Vec<u8>>,
    /// How long they may be remembered, in seconds; as now where nothing is said.
    pub ttl_seconds: Option<u32>,
    /// What is broken.
    pub reason: String,
}

impl App {
    /// Declares an emergency of a zone: one edit of one set that waits for two people, and the review
    /// that waits for one more.
    pub(crate) async fn declare_zone_emergency(
        &self,
        asking: &Asking,
        wanted: NewZoneEmergency,
    ) -> Result<Loaded, Fault> {
        let key = &wanted.zone;
        let scope = Scope::Zone(ResourceKind::Zone, key.to_string(), key.clone());
        self.permit(asking, Access::Request, &scope)?;
        let reason = said("reason", &wanted.reason, "say what is broken and what it costs")?;
        let (now, live) = (self.now(), self.live.get());
        let zone = zone_of(&live, key)?;
        let (owner, kind) = (wanted.owner.clone(), wanted.kind);
        narrow(zone, key, (&owner, kind), &wanted.rdata)?;
        let accountable = on_duty(live.estate(), &zone.policy_owner, now)?;
        let reviewer = reviewer(live.estate(), &[zone], (&asking.by, &accountable), now)?;
        self.may_write(&live, key).await?;
        let there = self.stands_there(&live, key, (&owner, kind)).await?;
        let ttl = wanted.ttl_seconds.or(there.as_ref().map(RRset::ttl_seconds));
        let after = RRset::new(ttl.unwrap_or(TTL_SECONDS), wanted.rdata.iter().cloned());
        let edit = RecordEdit::new(owner.clone(), kind, there, after);
        let edit = edit.map_err(|_| Fault::conflict(format!("`{owner}` {kind} is so already")))?;
        let why = format!("emergency: {reason}");
        let ZoneEdit { plan, prechecks } = self.plan_edit(&live, asking, (key, edit), why).await?;
        let does = format!("edit {owner} {kind} in zone {key}");
        let planned = Planned { does, names: Vec::new(), plan, prechecks };
        let title = format!("EMERGENCY: {}", planned.does);
        let request = self.request_of_zone(asking.by.clone(), key, (title, reason))?;
        let of = EmergencyOf::Zone(key.clone());
        let declared = Declared { of, accountable, delegated_by: None, reviewer };
        self.open_emergency(&live, request, declared, planned, now).await
    }
}

/// That an edit mends and hands nothing over: neither the name, nor the proof of control over it, nor the
/// right to issue for it.
fn narrow(
    zone: &Zone,
    key: &ZoneKey,
    (owner, kind): (&OwnerName, RecordType),
    rdata: &[Vec<u8>],
) -> Result<(), Fault> {
    if !owner.base().is_at_or_below(key.name.apex()) {
        return Err(Fault::input("owner", format!("`{owner}` does not lie in zone `{key}`")));
    }
    if OTHERS.contains(&kind) || kind.is_made_by_signer() {
        return Err(Fault::input(
            "type",
            format!("{kind} says whose a name is; no emergency edits it, ask the ordinary way"),
        ));
    }
    let shows = |label: &str| SHOWS_CONTROL.iter().any(|prefix| label.starts_with(prefix));
    if owner.base().labels().any(shows) {
        return Err(Fault::input(
            "owner",
            format!("`{owner}` shows CAs who controls the name; no emergency edits it"),
        ));
    }
    if kind == RecordType::CAA {
        return caa_is_narrow(zone, key, owner, rdata);
    }
    Ok(())
}

/// That a CAA set lets nobody issue who is not let in by what was decided.
fn caa_is_narrow(
    zone: &Zone,
    key: &ZoneKey,
    owner: &OwnerName,
    rdata: &[Vec<u8>],
) -> Result<(), Fault> {
    let name = owner.base();
    let own = zone.caa_at(key.name.apex(), name).map(intended_set).unwrap_or_default();
    let decided = to_records(&intended_set(zone.caa_for(name)));
    let wanted: Option<Vec<CaaRecord>> = rdata.iter().map(|octets| Caa::read(octets)).collect();
    let wanted = wanted.ok_or_else(|| Fault::input("values", "one of them is no CAA record"))?;
    let wanted = to_records(&wanted);
    if wanted == to_records(&own) {
        return Ok(());
    }
    let has = |set: &[CaaRecord], tag: &str| set.iter().any(|one| one.tag == tag.as_bytes());
    let shuts_out = |one: &CaaRecord| {
        [ISSUE, ISSUE_WILD].iter().any(|tag| one.tag == tag.as_bytes())
            && one.value.trim_ascii() == b";"
    };
    let known = wanted.iter().all(|one| decided.contains(one) || shuts_out(one));
    let governs = has(&wanted, ISSUE) && (has(&wanted, ISSUE_WILD) || !has(&decided, ISSUE_WILD));
    if known && governs {
        return Ok(());
    }
    Err(Fault::input(
        "values",
        format!(
            "more could issue for `{owner}` than was decided; an emergency puts the decided set back or narrows it (`0 issue \";\"` shuts every CA out), anything else is an edit of the estate"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use bailiwick_core::change::planner::caa_rdata;
    use bailiwick_core::estate::CaaIntent;

    use super::*;

    fn lab() -> bailiwick_core::estate::Estate {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../estates/lab");
        let files = crate::app::read_folder(std::path::Path::new(folder)).unwrap();
        bailiwick_wire::estate::read(&files).unwrap()
    }

    fn check(intent: (&[&str], &[&str]), owner: &str, after: &[(&str, &str)], fits: bool) {
        let mut estate = lab();
        let key = ZoneKey::parse("shop.example").unwrap();
        let zone = estate.zones.get_mut(&key).unwrap();
        let list = |of: &[&str]| of.iter().map(|one| (*one).to_owned()).collect();
        zone.caa =
            CaaIntent { issue: list(intent.0), issuewild: list(intent.1), ..CaaIntent::default() };
        let rdata = after.iter().map(|(tag, value)| caa_rdata(0, tag, value).unwrap());
        let rdata: Vec<Vec<u8>> = rdata.collect();
        let owner = OwnerName::parse(owner).unwrap();
        let told = narrow(zone, &key, (&owner, RecordType::CAA), &rdata);
        assert_eq!(told.is_ok(), fits, "{owner} {after:?}: {told:?}");
    }

    /// REN-8, T29: an emergency never lets more issue than was decided.
    #[test]
    fn caa_gets_no_wider_in_an_emergency() {
        let (apex, below) = ("shop.example", "www.shop.example");
        let two = (&["a.example", "b.example"][..], &[][..]);
        for (after, fits) in [
            (&[("issue", "a.example"), ("issue", "b.example")][..], true),
            (&[("issue", "a.example")], true),
            (&[("issue", ";")], true),
            (&[("issue", "c.example")], false),
            (&[("issue", "a.example"), ("issue", "c.example")], false),
            (&[("iodef", "mailto:x@shop.example")], false),
            (&[("issuewild", ";")], false),
            (&[("issue", "a.example"), ("issuewild", "b.example")], false),
            (&[], false),
        ] {
            check(two, apex, after, fits);
        }
        let wild = (&["a.example"][..], &[";"][..]);
        check(wild, apex, &[("issue", "a.example")], false);
        check(wild, apex, &[("issue", "a.example"), ("issuewild", ";")], true);
        check(wild, apex, &[("issue", ";"), ("issuewild", ";")], true);
        // Below, what is decided above counts; taking away what nobody decided is no wider.
        check(two, below, &[], true);
        check(two, below, &[("issue", "b.example")], true);
        check(two, below, &[("issue", "c.example")], false);
        // Nothing decided: nothing to narrow but shutting everybody out.
        let none = (&[][..], &[][..]);
        check(none, apex, &[("issue", "a.example")], false);
        check(none, apex, &[("issue", ";")], true);
    }

    #[test]
    fn whose_a_name_is_no_emergency_says() {
        let key = ZoneKey::parse("shop.example").unwrap();
        let estate = lab();
        let zone = &estate.zones[&key];
        for (owner, kind, fits) in [
            ("www.shop.example", RecordType::A, true),
            ("_443._tcp.www.shop.example", RecordType::TLSA, true),
            ("www.pay.example", RecordType::A, false),
            ("shop.example", RecordType::NS, false),
            ("sub.shop.example", RecordType::DS, false),
            ("shop.example", RecordType::RRSIG, false),
            ("_acme-challenge.www.shop.example", RecordType::TXT, false),
            ("_acme-challenge.shop.example", RecordType::CNAME, false),
            ("_validation-persist.shop.example", RecordType::TXT, false),
        ] {
            let owner = OwnerName::parse(owner).unwrap();
            let told = narrow(zone, &key, (&owner, kind), &[vec![192, 0, 2, 1]]);
            assert_eq!(told.is_ok(), fits, "{owner} {kind}: {told:?}");
        }
    }
}
