//! Workloads that proved what they are: which may enrol and order, and what the others are told.

use bailiwick_core::estate::{Attested, WorkloadRule};
use bailiwick_core::names::AttestorId;
use bailiwick_core::policy::{AttestationFacts, EnrolFacts, Fact, Facts, Verdict, judge};
use bailiwick_core::time::Time;

use crate::refusals::{allowed, refused, shop};
use crate::world::*;

/// What the forge says about a job, asked for by the shop.
fn attested(said: &[(&str, &str)], until: Time) -> AttestationFacts {
    let attestor = AttestorId::parse("forge").unwrap();
    let text = |text: &&str| (*text).to_owned();
    let claims =
        [("repository", vec!["shop/web"]), ("ref", vec!["refs/heads/main", "refs/tags/*"])]
            .map(|(name, values)| (name.to_owned(), values.iter().map(text).collect()));
    let rule =
        WorkloadRule { attestor: attestor.clone(), claims: claims.into(), answers: person("sam") };
    let shown = Attested {
        attestor,
        subject: "repo:shop/web".to_owned(),
        claims: said.iter().map(|(name, said)| (text(name), text(said))).collect(),
        verified_at: NOW,
        until,
    };
    AttestationFacts {
        asked: [("deploy".to_owned(), rule)].into(),
        shown: Fact::Known(Some(shown)),
    }
}

#[test]
fn mis_2_attestation_mismatch_and_over() {
    let later = NOW.plus_ms(1_000);
    let with = |facts: AttestationFacts| shop(|order| order.attestation = Some(facts));
    let right = [("repository", "shop/web"), ("ref", "refs/heads/main")];
    allowed(with(attested(&right, later)));
    allowed(with(attested(&[("repository", "shop/web"), ("ref", "refs/tags/v1")], later)));
    let asked = "service `shop-web` asks for an attestation of `forge` with ref `refs/heads/main` \
                 or `refs/tags/*` and repository `shop/web`, and";
    let branch = [("repository", "shop/web"), ("ref", "refs/heads/dev")];
    refused(
        with(attested(&branch, later)),
        &[&format!(
            "attestation-mismatch [shop] {asked} the token of `forge` says ref `refs/heads/dev`"
        )],
    );
    refused(
        with(attested(&[], later)),
        &[&format!(
            "attestation-mismatch [shop] {asked} the token of `forge` says no ref and no repository"
        )],
    );
    let nothing = AttestationFacts { shown: Fact::Known(None), ..attested(&right, later) };
    refused(
        with(nothing),
        &[&format!("attestation-mismatch [shop] {asked} nothing is attested about the client")],
    );
    refused(
        with(attested(&right, NOW)),
        &[&format!(
            "attestation-over [nobody] what is attested about the client was believed until {NOW}"
        )],
    );
    // Not knowing is no permission, and who is attested although nobody asks may go on.
    let unknown = AttestationFacts { shown: Fact::Unknown, ..attested(&right, later) };
    assert!(!ask(with(unknown)).allows());
    let unasked = AttestationFacts { asked: [].into(), ..attested(&[], later) };
    allowed(with(unasked));
}

#[test]
fn only_a_workload_that_the_service_names_may_enrol() {
    let later = NOW.plus_ms(1_000);
    let verdict = |attestation: AttestationFacts| {
        let shown = attestation.attested().unwrap().clone();
        let mut facts = EnrolFacts::gather(&active(estate()), &service("shop-web"), shown, NOW);
        facts.attestation = attestation;
        judge(policies(), &Facts::Enrol(facts))
    };
    let rules = |verdict: &Verdict| -> Vec<String> {
        verdict.reasons().iter().map(|reason| reason.rule.to_string()).collect()
    };
    let right = [("repository", "shop/web"), ("ref", "refs/heads/main")];
    assert!(verdict(attested(&right, later)).allows());
    let other = verdict(attested(&[("repository", "shop/evil")], later));
    assert!(rules(&other).contains(&"attestation-mismatch".to_owned()), "{:?}", rules(&other));
    let unasked = verdict(AttestationFacts { asked: [].into(), ..attested(&right, later) });
    assert_eq!(rules(&unasked), ["workload-of-service"]);
    let over = verdict(attested(&right, NOW));
    assert_eq!(rules(&over), ["attestation-over"]);
}
