//! What one entry of the ledger says about a certificate.

use bailiwick_core::change::{Event, IssuedCertificate, Prepared, Receipt};
use bailiwick_core::names::CertSerial;
use bailiwick_core::record::{Decision, Fact};

use super::{Chapter, Told};

/// What one entry of the revoking change says about the end of this serial.
#[expect(clippy::wildcard_enum_match_arm, reason = "other facts and events are no part of it")]
pub(super) fn of_revocation(told: &Told, serial: &CertSerial) -> Option<Chapter> {
    let (headline, details) = match &told.entry.fact {
        Fact::Decided { decision, .. } => (ruled(decision), decided(decision)),
        Fact::Change { event, .. } => match event.as_ref() {
            Event::Requested(request) => {
                (request.title.clone(), vec![("reason".to_owned(), request.reason.clone())])
            }
            Event::ApprovalGiven(approval) => (
                format!("{} approved plan {}", approval.by.person, approval.of),
                vec![("comment".to_owned(), approval.comment.clone())],
            ),
            Event::StepDone { receipt: Receipt::Revoked(revoked), .. }
                if revoked.serial == *serial =>
            {
                let reason = revoked.reason.as_str();
                (format!("revoked: {reason}"), vec![("reason".to_owned(), reason.to_owned())])
            }
            _ => return None,
        },
        _ => return None,
    };
    Some(chapter(told, "revocation", headline, details))
}

fn chapter(told: &Told, about: &str, headline: String, details: Vec<(String, String)>) -> Chapter {
    Chapter {
        about: about.to_owned(),
        headline,
        at: Some(told.entry.at.to_string()),
        by: Some(told.entry.by.to_string()),
        ledger_index: Some(told.index),
        details,
    }
}

/// What one entry says about the certificate; nothing where it is about something else.
#[expect(clippy::wildcard_enum_match_arm, reason = "other facts are no part of its story")]
pub(super) fn of_issuance(told: &Told, certificate: &IssuedCertificate) -> Option<Chapter> {
    match &told.entry.fact {
        Fact::AccountRegistered(account) => Some(chapter(
            told,
            "ownership",
            format!("account {} was bound to service {}", account.id, account.service),
            vec![
                (
                    "credential".to_owned(),
                    format!("{} made by {}", account.credential, account.made_by),
                ),
                ("environment".to_owned(), account.environment.clone()),
                ("key".to_owned(), account.thumbprint.clone()),
            ],
        )),
        Fact::OrderAccepted { order, decision, .. } => {
            Some(chapter(told, "intent", format!("order {order} was let in"), decided(decision)))
        }
        Fact::Decided { decision, .. } => {
            Some(chapter(told, "decision", ruled(decision), decided(decision)))
        }
        Fact::NameValidated(seen) => Some(chapter(
            told,
            "validation",
            format!("control of {} was shown by {}", seen.name, seen.kind.as_str()),
            vec![
                ("seen at".to_owned(), seen.seen_at.join(", ")),
                ("relied on until".to_owned(), seen.expires_at.to_string()),
            ],
        )),
        Fact::Change { event, .. } => change_chapter(told, event, certificate),
        _ => None,
    }
}

fn ruled(decision: &Decision) -> String {
    let word = if decision.allowed { "allowed" } else { "refused" };
    format!("the policy {word} it by rule {}", decision.rule)
}

fn decided(decision: &Decision) -> Vec<(String, String)> {
    vec![
        ("rule".to_owned(), decision.rule.clone()),
        ("policy".to_owned(), decision.policy.to_string()),
        ("decision".to_owned(), decision.id.to_string()),
        ("inputs".to_owned(), decision.facts.clone()),
    ]
}

#[expect(clippy::wildcard_enum_match_arm, reason = "other events are no part of its story")]
fn change_chapter(told: &Told, event: &Event, certificate: &IssuedCertificate) -> Option<Chapter> {
    match event {
        Event::Requested(request) => Some(chapter(
            told,
            "intent",
            request.title.clone(),
            vec![("reason".to_owned(), request.reason.clone())],
        )),
        Event::ApprovalGiven(approval) => Some(chapter(
            told,
            "approval",
            format!("{} approved plan {}", approval.by.person, approval.of),
            vec![("comment".to_owned(), approval.comment.clone())],
        )),
        Event::Approved(basis) => {
            let whose = match basis.approvals_needed {
                0 => "policy alone approved".to_owned(),
                1 => "approved by 1 person".to_owned(),
                many => format!("approved by {many} people"),
            };
            let details = vec![
                ("plan".to_owned(), basis.of.to_string()),
                ("decision".to_owned(), basis.decision.to_string()),
            ];
            Some(chapter(told, "approval", whose, details))
        }
        Event::StepStarted { prepared: Prepared::ToBeSigned { serial, tbs, caa }, .. } => {
            let digest = bailiwick_core::names::Digest::of(tbs);
            Some(chapter(
                told,
                "caa",
                "CAA permitted it; exactly these octets may be signed".to_owned(),
                vec![
                    ("serial".to_owned(), serial.to_string()),
                    ("to be signed".to_owned(), digest.to_string()),
                    ("CAA as seen".to_owned(), caa.to_string()),
                ],
            ))
        }
        Event::StepDone {
            receipt: Receipt::Issued(issued) | Receipt::Adopted { certificate: issued, .. },
            ..
        } if issued.fingerprint == certificate.fingerprint => Some(chapter(
            told,
            "signature",
            format!("signed by issuer {}", issued.issuer),
            vec![
                ("certificate".to_owned(), issued.fingerprint.to_string()),
                ("key".to_owned(), issued.key.to_string()),
                ("in date until".to_owned(), issued.not_after.to_string()),
            ],
        )),
        Event::StepDone { receipt: Receipt::EnvelopeGranted(envelope), .. } => Some(chapter(
            told,
            "approval",
            format!("envelope {} covers it until {}", envelope.id, envelope.until),
            Vec::new(),
        )),
        _ => None,
    }
}
