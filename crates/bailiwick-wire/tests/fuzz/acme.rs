//! The payloads of ACME requests, contacts and account URLs (RFC 8555, section 7).

use bailiwick_core::gate::Problem;
use bailiwick_wire::acme::{
    AccountRequest, AccountUpdate, CONTACTS_MAX, ChallengeAnswer, Deactivation, FinalizeRequest,
    IDENTIFIERS_MAX, KeyChange, OrderRequest, ProblemAnswer, RevokeRequest, Urls, check_contacts,
    status_of,
};
use bailiwick_wire::jose::ExternalBinding;
use serde_json::Value;

use crate::fuzzing::refusal::{No, check_text};
use crate::fuzzing::{Read, Shape, Target};

const PAYLOADS: [&str; 8] = [
    r#"{"contact":["mailto:pki@shop.example","mailto:b@shop.example"],"onlyReturnExisting":false,"externalAccountBinding":{"protected":"e30","payload":"e30","signature":"AA"}}"#,
    r#"{"status":"deactivated","contact":["mailto:pki@shop.example"]}"#,
    r#"{"identifiers":[{"type":"dns","value":"www.shop.example"},{"type":"dns","value":"*.shop.example"}],"profile":"tls-server"}"#,
    r#"{"identifiers":[{"type":"ip","value":"192.0.2.1"},{"type":"dns","value":"_a.example."}],"notBefore":"2026-01-01T00:00:00Z"}"#,
    r#"{"csr":"MIIBMAA_"}"#,
    r#"{"certificate":"MIIBMAA_","reason":4}"#,
    r#"{"account":"https://ca.example/acme/account/1","oldKey":{"kty":"EC","crv":"P-256"}}"#,
    "{}",
];

const WORDS: [&str; 16] = [
    "\"contact\"",
    "\"mailto:\"",
    "mailto:a@b.example",
    "\"identifiers\"",
    "\"type\"",
    "\"dns\"",
    "\"ip\"",
    "\"value\"",
    "\"csr\"",
    "\"certificate\"",
    "\"reason\"",
    "\"status\"",
    "\"deactivated\"",
    "\"profile\"",
    "*.",
    "192.0.2.1",
];

/// A problem as a client gets it: short, printable, with a status of refusal.
fn check_problem(problem: &Problem) {
    check_text(&problem.detail);
    for (name, inner) in &problem.subproblems {
        check_text(name);
        check_text(&inner.detail);
    }
    let status = status_of(problem.kind);
    assert!((400..500).contains(&status), "{status}");
    let document = ProblemAnswer::new(problem, status).to_json();
    let read: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(read["detail"], Value::String(problem.detail.clone()));
}

/// Every reader of a payload reads every payload: a client may send anything anywhere.
#[test]
fn fuzz_acme_payload() {
    let read = |payload: &[u8]| -> Read {
        let mut is_read = false;
        if let Ok(account) = AccountRequest::parse(payload) {
            is_read = true;
            assert!(account.contacts.len() <= CONTACTS_MAX);
            let problem = check_contacts(&account.contacts).err();
            problem.iter().for_each(check_problem);
            if let Some(Err(refusal)) = account.binding.as_ref().map(ExternalBinding::parse) {
                crate::fuzzing::refusal::check(&refusal);
            }
        }
        if let Ok(order) = OrderRequest::parse(payload) {
            is_read = true;
            assert!(order.identifiers.len() <= IDENTIFIERS_MAX);
            match order.names() {
                Ok(names) => assert!(names.is_sorted() && names.len() <= IDENTIFIERS_MAX),
                Err(problem) => check_problem(&problem),
            }
        }
        is_read |= AccountUpdate::parse(payload).is_ok();
        is_read |= Deactivation::parse(payload).is_ok();
        is_read |= FinalizeRequest::parse(payload).is_ok();
        is_read |= RevokeRequest::parse(payload).is_ok();
        is_read |= KeyChange::parse(payload).is_ok();
        // A challenge takes any object, so its refusal speaks for all.
        let any = ChallengeAnswer::parse(payload);
        assert!(any.is_ok() || !is_read);
        any?;
        Ok(())
    };
    Target::new("fuzz_acme_payload", Shape::Text).seeds(PAYLOADS).words(WORDS).run(read);
}

type Reader = fn(&[u8]) -> Read;

/// The refusals of each kind of payload.
#[test]
fn fuzz_acme_refusals() {
    let readers: [(&str, Reader); 4] = [
        (PAYLOADS[0], |payload| Ok(AccountRequest::parse(payload).map(|_| ())?)),
        (PAYLOADS[2], |payload| Ok(OrderRequest::parse(payload).map(|_| ())?)),
        (PAYLOADS[5], |payload| Ok(RevokeRequest::parse(payload).map(|_| ())?)),
        (PAYLOADS[6], |payload| Ok(KeyChange::parse(payload).map(|_| ())?)),
    ];
    for (seed, read) in readers {
        Target::new("fuzz_acme_refusals", Shape::Text)
            .seeds([seed])
            .words(WORDS)
            .one_in(4)
            .run(read);
    }
}

#[test]
fn fuzz_contact() {
    let seeds = ["mailto:pki@shop.example", "MAILTO:first.last+acme@mail.shop.example"];
    Target::new("fuzz_contact", Shape::Text).seeds(seeds).words(WORDS).run(|octets| {
        let text = std::str::from_utf8(octets)?;
        let Err(problem) = check_contacts(&[text.to_owned()]) else {
            check_text(text);
            assert_eq!(text.matches(['@', ':', ',']).count(), 2);
            return Ok(());
        };
        check_problem(&problem);
        Err(No.into())
    });
}

#[test]
fn fuzz_account_url() {
    let urls = Urls::new("https://ca.example:8443/");
    let seeds =
        ["https://ca.example:8443/acme/account/01hx", "https://ca.example:8443/acme/account/a.b"];
    Target::new("fuzz_account_url", Shape::Text).seeds(seeds).run(|octets| {
        let text = std::str::from_utf8(octets)?;
        let id = urls.account_id(text).ok_or(No)?;
        assert_eq!(urls.account(&id), text);
        Ok(())
    });
}
