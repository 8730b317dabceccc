//! Columns of what was seen, of findings and the rest, read into core types.

use bailiwick_core::estate::{CanarySense, ZoneKey};
use bailiwick_core::names::{ChangeId, DnsName, FindingId, IssuerId, PersonId, TeamId};
use bailiwick_core::record::CanaryFlight;
use bailiwick_core::watch::{
    Asked, CanaryRun, ClosedBy, Finding, FindingKind, Incident, Observation, Point, PointVerdict,
    Stands, Vantage,
};
use bailiwick_wire::seen::decode_seen;

use super::{CanaryRow, FindingRow, IncidentRow, ObservationRow, PointRow};
use crate::db::{Cell, Reader};
use crate::error::StoreError;

pub(super) fn zone(row: &mut Reader) -> Result<ZoneKey, StoreError> {
    row.word(ZoneKey::parse)
}

/// The columns up to what was seen.
pub(super) fn observation(row: &mut Reader) -> Result<(u64, Observation), StoreError> {
    let leaf = row.number()?;
    let zone = zone(row)?;
    let (owner, asked) = (row.parsed(DnsName::parse)?, row.word(Asked::parse)?);
    let vantage = row.parsed(Vantage::parse)?;
    let seen = row.parsed(decode_seen)?;
    Ok((leaf, Observation { zone, owner, asked, vantage, seen }))
}

pub(super) fn observation_row(row: Vec<Cell>) -> Result<ObservationRow, StoreError> {
    let mut row = Reader::new("observation", row);
    let (leaf, observation) = observation(&mut row)?;
    Ok(ObservationRow { leaf, observation, since: row.time()?, until: row.time_maybe()? })
}

pub(super) fn numbers(row: &mut Reader) -> Result<Vec<u64>, StoreError> {
    row.list(str::parse::<u64>)
}

pub(super) fn finding(row: Vec<Cell>) -> Result<FindingRow, StoreError> {
    let mut row = Reader::new("finding", row);
    let id = row.parsed(FindingId::parse)?;
    let leaf = row.number()?;
    let kind = row.word(FindingKind::parse)?;
    let zone = zone(&mut row)?;
    let subject = row.text()?;
    let vantage = row.parsed_maybe(Vantage::parse)?;
    let team = row.parsed(TeamId::parse)?;
    let (assignee, next) = (row.parsed(PersonId::parse)?, row.parsed_maybe(PersonId::parse)?);
    let due = row.time()?;
    let (says, remedy, diff) = (row.text()?, row.text()?, row.texts()?);
    let evidence = numbers(&mut row)?;
    let (opened_at, handed_on) = (row.time()?, row.number()?);
    let closed = match (row.time_maybe()?, row.text_maybe()?, row.text_maybe()?) {
        (Some(at), Some(how), note) => {
            let how = ClosedBy::parse(&how).ok_or_else(|| row.damaged("no known end"))?;
            Some((at, how, note.unwrap_or_default()))
        }
        (None, None, None) => None,
        _ => return Err(row.damaged("an end has a time and a reason")),
    };
    let finding = Finding {
        id,
        kind,
        zone,
        subject,
        vantage,
        team,
        assignee,
        next,
        due,
        says,
        remedy,
        diff,
        evidence,
    };
    Ok(FindingRow { leaf, finding, opened_at, handed_on, closed })
}

pub(super) fn point(row: Vec<Cell>) -> Result<PointRow, StoreError> {
    let mut row = Reader::new("control_point", row);
    let zone = zone(&mut row)?;
    let (issuer, point) = (row.parsed(IssuerId::parse)?, row.word(Point::parse)?);
    let leaf = row.number()?;
    let (stands, says) = (row.word(Stands::parse)?, row.text()?);
    let evidence = numbers(&mut row)?;
    let verdict = PointVerdict { zone, issuer, point, stands, says, evidence };
    Ok(PointRow { leaf, verdict, at: row.time()? })
}

pub(super) fn canary(row: Vec<Cell>) -> Result<CanaryRow, StoreError> {
    let mut row = Reader::new("canary", row);
    let issuer = row.parsed(IssuerId::parse)?;
    let zone = zone(&mut row)?;
    let permitted = row.flag()?;
    let leaf = row.number()?;
    let run = CanaryRun {
        issuer,
        zone,
        permitted,
        name: row.parsed(DnsName::parse)?,
        stands: row.word(Stands::parse)?,
        says: row.text()?,
        certificate: row.fingerprint_maybe()?,
        revoked: row.flag()?,
        order: row.text_maybe()?,
        caa: row.digest_maybe()?,
    };
    Ok(CanaryRow { leaf, run, at: row.time()? })
}

pub(super) fn flight(row: Vec<Cell>) -> Result<CanaryFlight, StoreError> {
    let mut row = Reader::new("canary_flight", row);
    let (run, issuer) = (row.parsed(ChangeId::parse)?, row.parsed(IssuerId::parse)?);
    let zone = zone(&mut row)?;
    Ok(CanaryFlight {
        run,
        issuer,
        zone,
        name: row.parsed(DnsName::parse)?,
        sense: row.word(CanarySense::parse)?,
        csr: row.bytes()?,
        key: row.spki()?,
        caa: row.digest()?,
        at: row.time()?,
    })
}

pub(super) fn incident(row: Vec<Cell>) -> Result<IncidentRow, StoreError> {
    let mut row = Reader::new("incident", row);
    let id = row.parsed(FindingId::parse)?;
    let leaf = row.number()?;
    let zone = zone(&mut row)?;
    let (subject, says, source) = (row.text()?, row.text()?, row.text()?);
    let person = |row: &mut Reader| row.parsed(PersonId::parse);
    let (record, enforcement, owner) = (person(&mut row)?, person(&mut row)?, person(&mut row)?);
    let due = row.time()?;
    let evidence = numbers(&mut row)?;
    let opened_at = row.time()?;
    let incident =
        Incident { id, zone, subject, says, source, record, enforcement, owner, due, evidence };
    let record = (row.text_maybe()?, row.time_maybe()?);
    let enforcement = (row.text_maybe()?, row.time_maybe()?);
    let reviewed = row.time_maybe()?.zip(row.text_maybe()?);
    Ok(IncidentRow { leaf, incident, opened_at, record, enforcement, reviewed })
}
