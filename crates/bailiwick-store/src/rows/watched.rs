//! Rows of what was seen, of findings, verdicts, canaries and incidents.

use bailiwick_core::ledger::LeafIndex;
use bailiwick_core::record::WatchRow;
use bailiwick_core::time::Time;
use bailiwick_core::watch::{
    CanaryRun, Finding, Incident, IncidentPart, Observation, PointVerdict, Track,
};
use bailiwick_wire::rows::encode_list;
use bailiwick_wire::seen::encode_seen;

use super::{found, new};
use crate::db::{Arg, Tx, args};
use crate::writer::Rejected;

/// Writes one of them.
pub(super) async fn apply(
    tx: &mut Tx,
    index: LeafIndex,
    row: &WatchRow,
    at: Time,
) -> Result<(), Rejected> {
    match row {
        WatchRow::PutObservation(seen) => put_observation(tx, index, seen, at).await,
        WatchRow::OpenFinding(finding) => open_finding(tx, index, finding, at).await,
        WatchRow::HandOnFinding { finding, assignee, next, due } => {
            let set = "UPDATE finding SET assignee = $2, next = $3, due = $4, \
                handed_on = handed_on + 1 WHERE id = $1 AND closed_at IS NULL";
            let given = args![finding.as_str(), assignee, next.as_ref(), *due];
            found(tx.exec(set, &given).await?, "finding", finding)
        }
        WatchRow::CloseFinding { finding, how, note } => {
            let set = "UPDATE finding SET closed_at = $2, closed_by = $3, note = $4 \
                WHERE id = $1 AND closed_at IS NULL";
            let given = args![finding.as_str(), at, how.as_str(), note];
            found(tx.exec(set, &given).await?, "finding", finding)
        }
        WatchRow::PutPoint(verdict) => put_point(tx, index, verdict, at).await,
        WatchRow::PutCanary(run) => put_canary(tx, index, run, at).await,
        WatchRow::OpenIncident(incident) => open_incident(tx, index, incident, at).await,
        WatchRow::TellIncident { incident, track, says, answered } => {
            let set = match track {
                Track::Record => {
                    "UPDATE incident SET record_says = $2, \
                     record_answered = COALESCE(CAST($3 AS BIGINT), record_answered) \
                     WHERE id = $1 AND reviewed_at IS NULL"
                }
                Track::Enforcement => {
                    "UPDATE incident SET enforcement_says = $2, \
                     enforcement_answered = COALESCE(CAST($3 AS BIGINT), enforcement_answered) \
                     WHERE id = $1 AND reviewed_at IS NULL"
                }
            };
            let given = args![incident.as_str(), says, answered.then_some(at)];
            found(tx.exec(set, &given).await?, "incident", incident)
        }
        WatchRow::HandOnIncident(on) => {
            let set = match on.part {
                IncidentPart::Record => {
                    "UPDATE incident SET record = $2, due = $3 \
                     WHERE id = $1 AND reviewed_at IS NULL AND record_answered IS NULL"
                }
                IncidentPart::Enforcement => {
                    "UPDATE incident SET enforcement = $2, due = $3 \
                     WHERE id = $1 AND reviewed_at IS NULL AND enforcement_answered IS NULL"
                }
                IncidentPart::Review => {
                    "UPDATE incident SET owner = $2, due = $3 WHERE id = $1 AND reviewed_at IS NULL"
                }
            };
            let given = args![on.incident.as_str(), &on.person, on.due];
            found(tx.exec(set, &given).await?, "incident", &on.incident)
        }
        WatchRow::ReviewIncident { incident, says } => {
            let set = "UPDATE incident SET reviewed_at = $2, conclusion = $3 \
                WHERE id = $1 AND reviewed_at IS NULL";
            found(tx.exec(set, &args![incident.as_str(), at, says]).await?, "incident", incident)
        }
    }
}

async fn put_observation(
    tx: &mut Tx,
    index: LeafIndex,
    one: &Observation,
    at: Time,
) -> Result<(), Rejected> {
    let (zone, vantage) = (one.zone.to_string(), one.vantage.to_string());
    let end = "UPDATE observation SET until = $5 WHERE zone = $1 AND owner = $2 AND asked = $3 \
        AND vantage = $4 AND until IS NULL";
    tx.exec(end, &args![&zone, &one.owner, one.asked.as_str(), &vantage, at]).await?;
    let put = "INSERT INTO observation (idx, zone, owner, asked, vantage, seen, since, until) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, CAST(NULL AS BIGINT)) ON CONFLICT DO NOTHING";
    let seen = encode_seen(&one.seen).map_err(Rejected::NotStorable)?;
    let given = args![index, zone, &one.owner, one.asked.as_str(), vantage, seen, at];
    new(tx.exec(put, &given).await?, "observation", index)
}

async fn open_finding(
    tx: &mut Tx,
    index: LeafIndex,
    one: &Finding,
    at: Time,
) -> Result<(), Rejected> {
    let put = "INSERT INTO finding (id, idx, kind, zone, subject, vantage, team, assignee, next, \
        due, says, remedy, diff, evidence, opened_at, handed_on) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 0) \
        ON CONFLICT DO NOTHING";
    let given = args![
        one.id.as_str(),
        index,
        one.kind.as_str(),
        one.zone.to_string(),
        &one.subject,
        one.vantage.map_or(Arg::NoText, |vantage| Arg::from(vantage.to_string())),
        one.team.as_str(),
        &one.assignee,
        one.next.as_ref(),
        one.due,
        &one.says,
        &one.remedy,
        encode_list(&one.diff),
        encode_list(&one.evidence),
        at,
    ];
    new(tx.exec(put, &given).await?, "finding", &one.id)
}

async fn put_point(
    tx: &mut Tx,
    index: LeafIndex,
    one: &PointVerdict,
    at: Time,
) -> Result<(), Rejected> {
    let put = "INSERT INTO control_point (zone, issuer, point, idx, stands, says, evidence, judged_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (zone, issuer, point) DO UPDATE SET \
        idx = excluded.idx, stands = excluded.stands, says = excluded.says, \
        evidence = excluded.evidence, judged_at = excluded.judged_at";
    let given = args![
        one.zone.to_string(),
        &one.issuer,
        one.point.as_str(),
        index,
        one.stands.as_str(),
        &one.says,
        encode_list(&one.evidence),
        at,
    ];
    tx.exec(put, &given).await?;
    Ok(())
}

async fn put_canary(
    tx: &mut Tx,
    index: LeafIndex,
    one: &CanaryRun,
    at: Time,
) -> Result<(), Rejected> {
    let put = "INSERT INTO canary \
        (issuer, zone, permitted, idx, name, stands, says, certificate, revoked, placed, caa, at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
        ON CONFLICT (issuer, zone, permitted, name) DO UPDATE SET idx = excluded.idx, \
        stands = excluded.stands, says = excluded.says, certificate = excluded.certificate, \
        revoked = excluded.revoked, placed = excluded.placed, caa = excluded.caa, \
        at = excluded.at";
    let given = args![
        &one.issuer,
        one.zone.to_string(),
        one.permitted,
        index,
        &one.name,
        one.stands.as_str(),
        &one.says,
        one.certificate.as_ref(),
        one.revoked,
        one.order.as_deref(),
        one.caa.as_ref(),
        at,
    ];
    tx.exec(put, &given).await?;
    Ok(())
}

async fn open_incident(
    tx: &mut Tx,
    index: LeafIndex,
    one: &Incident,
    at: Time,
) -> Result<(), Rejected> {
    let put = "INSERT INTO incident (id, idx, zone, subject, says, source, record, enforcement, \
        owner, due, evidence, opened_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING";
    let given = args![
        one.id.as_str(),
        index,
        one.zone.to_string(),
        &one.subject,
        &one.says,
        &one.source,
        &one.record,
        &one.enforcement,
        &one.owner,
        one.due,
        encode_list(&one.evidence),
        at,
    ];
    new(tx.exec(put, &given).await?, "incident", &one.id)
}
