//! Verdicts a second: the lab's orders, alone and among ten thousand policies of other zones.

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::time::{Duration, Instant};

use bailiwick_core::certificate::KeyKind;
use bailiwick_core::estate::{ActiveEstate, Environment, EstateHistory};
use bailiwick_core::names::{AccountId, IssuerId, ProfileId, SanName, ServiceId};
use bailiwick_core::policy::{
    AccountFacts, CaaFact, Decision, Fact, Facts, FinalizeFacts, IssueAsked, IssueFacts, KeyFacts,
    PolicySet, Stage, ValidationMethod, judge,
};
use bailiwick_core::time::Time;

use super::estates;
use super::fault::NotMeasured;
use super::figure::Figure;
use super::samples::repeat;

/// How long each is repeated.
const EACH: Duration = Duration::from_millis(1_500);
/// Policies beside the default ones, each of another zone.
const POLICIES: u32 = 10_000;
/// Policies of one file: a file has a bound.
const IN_FILE: u32 = 500;

/// Every figure about verdicts.
pub(super) fn measure() -> Result<Vec<Figure>, NotMeasured> {
    let lab = Lab::new()?;
    let alone = compile(&lab.active.estate().policies)?;
    let allowed = lab.facts("shop-web", "www.shop.example", Stage::Order)?;
    let finalized = lab.facts("shop-web", "www.shop.example", lab.finalize()?)?;
    let foreign = lab.facts("shop-web", "api.pay.example", Stage::Order)?;
    let uncovered = lab.facts("pay-api", "api.pay.example", Stage::Order)?;
    let mut figures = vec![
        one("verdict: order allowed", &alone, &allowed, Decision::Allow)?,
        one("verdict: certificate allowed", &alone, &finalized, Decision::Allow)?,
        one("verdict: another service's name refused", &alone, &foreign, Decision::Deny)?,
        one("verdict: order without envelope refused", &alone, &uncovered, Decision::Deny)?,
    ];
    let began = Instant::now();
    let zoned = compile(&policies(Scope::OneZoneEach))?;
    let took = began.elapsed();
    figures.push(
        Figure::new("policies compiled, 10,000 of one zone each", took.as_secs_f64(), "s")
            .how("parsed, validated against the schema and sliced, at each change of the estate"),
    );
    figures.push(one(
        "verdict: the same order, 10,000 policies of zones",
        &zoned,
        &allowed,
        Decision::Allow,
    )?);
    drop(zoned);
    let everywhere = compile(&policies(Scope::EveryZone))?;
    figures.push(one(
        "verdict: the same, 10,000 policies of no zone",
        &everywhere,
        &allowed,
        Decision::Allow,
    )?);
    Ok(figures)
}

fn one(
    name: &str,
    policies: &PolicySet,
    facts: &Facts,
    expected: Decision,
) -> Result<Figure, NotMeasured> {
    let (samples, cpu_us) = repeat(EACH, || {
        let verdict = judge(policies, black_box(facts));
        if verdict.decision() == expected {
            Ok(())
        } else {
            let came = verdict.reasons().iter().map(|reason| reason.fact.clone()).collect();
            Err(NotMeasured::Wrong { what: "a verdict", came })
        }
    })?;
    let shown = policies.policies_shown(facts);
    Ok(samples
        .figure(name, "/s")
        .cpu(cpu_us)
        .how(format!("one thread, one name, with reasons; Cedar is shown {shown} policies")))
}

fn compile(policies: &BTreeMap<String, String>) -> Result<PolicySet, NotMeasured> {
    PolicySet::compile(policies).map_err(NotMeasured::Policy)
}

/// Where generated policies hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Scope {
    /// Each in a zone of its own.
    OneZoneEach,
    /// Everywhere.
    EveryZone,
}

/// Ten thousand policies that refuse nothing of what is asked. The first is for the zone asked about.
fn policies(scope: Scope) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for number in 0..POLICIES {
        let zone = match number {
            0 => "shop.example".to_owned(),
            other => format!("z{other}.example"),
        };
        let place = match scope {
            Scope::OneZoneEach => format!("@zone(\"{zone}\")\n"),
            Scope::EveryZone => String::new(),
        };
        let text = format!(
            "@id(\"few-names-{number}\")\n{place}@grantable(\"zone.policy_owner\")\n\
             @fact(\"zone `{{zone}}` takes 50 names at most\")\n@remedy(\"split the certificate\")\n\
             forbid (principal, action in [Action::\"order\", Action::\"issue\"], resource)\n\
             when {{ context.names_count > 50 }};\n\n"
        );
        files
            .entry(format!("policies/few-{}.cedar", number / IN_FILE))
            .or_default()
            .push_str(&text);
    }
    files
}

/// The lab's estate at a day on which the ownership of its services counts.
struct Lab {
    active: ActiveEstate,
    now: Time,
}

impl Lab {
    fn new() -> Result<Self, NotMeasured> {
        let estate = estates::lab()?;
        let day = |text: &'static str| Time::parse(text).map_err(|_| NotMeasured::Constant(text));
        let history = EstateHistory::default().advance(None, &estate, day("2026-10-01")?);
        let active = ActiveEstate::new(estate, history).with_delegations(Some(BTreeMap::new()));
        Ok(Self { active, now: day("2026-11-22")? })
    }

    fn facts(
        &self,
        service: &'static str,
        name: &'static str,
        stage: Stage,
    ) -> Result<Facts, NotMeasured> {
        let odd = |_| NotMeasured::Constant("an id");
        let account = AccountFacts {
            id: AccountId::parse("bench").map_err(odd)?,
            usable: Fact::Known(true),
            service: Fact::Known(ServiceId::parse(service).map_err(odd)?),
            environment: Fact::of(Environment::parse("production").ok()),
            namespace: Fact::Known(None),
            attestations: Fact::Known(BTreeSet::new()),
        };
        let asked = IssueAsked {
            now: self.now,
            account,
            names: &BTreeSet::from([san(name)?]),
            issuer: &IssuerId::parse("house").map_err(odd)?,
            profile: &ProfileId::parse("tls-server").map_err(odd)?,
            lifetime_seconds: Fact::Known(90 * 86_400),
            envelope: Fact::Known(None),
            attested: Fact::Known(None),
            stage,
        };
        Ok(Facts::Issue(IssueFacts::gather(&self.active, asked)))
    }

    fn finalize(&self) -> Result<Stage, NotMeasured> {
        let validated = BTreeMap::from([(san("www.shop.example")?, ValidationMethod::Http01)]);
        Ok(Stage::Finalize(FinalizeFacts {
            key: Fact::Known(KeyFacts { kind: KeyKind::EcdsaP256, bits: 256 }),
            validated: Fact::Known(validated),
            caa: Fact::Known(CaaFact::Permits),
        }))
    }
}

fn san(name: &'static str) -> Result<SanName, NotMeasured> {
    SanName::parse(name).map_err(|_| NotMeasured::Constant(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_is_what_the_names_say() {
        let lab = Lab::new().unwrap();
        let policies = compile(&lab.active.estate().policies).unwrap();
        let check = |service, name, stage, expected| {
            let verdict = judge(&policies, &lab.facts(service, name, stage).unwrap());
            assert_eq!(verdict.decision(), expected, "{name}: {:?}", verdict.reasons());
        };
        check("shop-web", "www.shop.example", Stage::Order, Decision::Allow);
        check("shop-web", "www.shop.example", lab.finalize().unwrap(), Decision::Allow);
        check("shop-web", "api.pay.example", Stage::Order, Decision::Deny);
        check("pay-api", "api.pay.example", Stage::Order, Decision::Deny);
    }

    #[test]
    fn ten_thousand_policies_are_written() {
        for scope in [Scope::OneZoneEach, Scope::EveryZone] {
            let files = policies(scope);
            let count: usize = files.values().map(|text| text.matches("@id(").count()).sum();
            assert_eq!(count, 10_000);
            assert!(files.values().all(|text| text.len() < 1_000_000));
        }
    }
}
