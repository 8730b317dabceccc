//! CAA evaluations a second: the climb and the judgement, without the network.

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::Duration;

use bailiwick_core::caa::{
    AccountUri, CaaName, CaaOutcome, CaaRecord, CaaTerms, ClimbStep, Empty, Found, IssuerDomain,
    LookupAnswer, PrivateTlds, Proof, Source, SourceAnswer, SourceRole, ValidationMethod, climb,
};
use bailiwick_core::time::Time;

use super::fault::NotMeasured;
use super::figure::Figure;
use super::samples::repeat;

/// How long it is repeated.
const EACH: Duration = Duration::from_millis(1_500);
/// Three questions below the top-level domain: here, one above, and the apex that has the set.
const NAME: &str = "www.api.shop.example";
/// Where the set is.
const APEX: &str = "shop.example";

/// The figure.
pub(super) fn measure() -> Result<Figure, NotMeasured> {
    let name = CaaName::parse(NAME).map_err(|_| NotMeasured::Constant(NAME))?;
    let (terms, private) = (terms()?, PrivateTlds::reserved());
    let (set, nothing) = (set(), nothing());
    let (samples, cpu_us) = repeat(EACH, || {
        let mut step = climb(black_box(&name).clone(), private.clone());
        let evidence = loop {
            match step {
                ClimbStep::Ask(asking) => {
                    let here = asking.name().as_str() == APEX;
                    let answer = if here { set.clone() } else { nothing.clone() };
                    step = asking.answer(Time::from_unix_seconds(1_795_000_000), vec![answer]);
                }
                ClimbStep::Finished(evidence) => break evidence,
            }
        };
        let outcome = evidence.judge(&terms).outcome();
        if outcome == CaaOutcome::Allow && evidence.rungs().len() == 3 {
            return Ok(());
        }
        Err(NotMeasured::Wrong { what: "a CAA evaluation", came: format!("{outcome:?}") })
    })?;
    Ok(samples.figure("CAA evaluated, set found at the third name", "/s").cpu(cpu_us).how(
        "one thread, answers in memory: climb, evidence and judgement with account and method",
    ))
}

fn terms() -> Result<CaaTerms, NotMeasured> {
    let issuer = "ca.bailiwick.example";
    let account = "https://localhost/acme/account/1";
    let terms =
        CaaTerms::tls([IssuerDomain::parse(issuer).map_err(|_| NotMeasured::Constant(issuer))?]);
    let account = AccountUri::parse(account).map_err(|_| NotMeasured::Constant(account))?;
    let method =
        ValidationMethod::parse("http-01").map_err(|_| NotMeasured::Constant("http-01"))?;
    Ok(terms.for_account(account).by_method(method))
}

fn answer(answer: LookupAnswer<CaaRecord>) -> SourceAnswer<CaaRecord> {
    let server = SocketAddr::from(([127, 0, 0, 1], 53));
    SourceAnswer { source: Source { role: SourceRole::Authority, server }, answer }
}

fn nothing() -> SourceAnswer<CaaRecord> {
    let empty = Empty { ttl_seconds: Some(60), proof: Proof::Indeterminate, aliases: Vec::new() };
    answer(LookupAnswer::NoData(empty))
}

fn set() -> SourceAnswer<CaaRecord> {
    let record =
        |value: &[u8]| CaaRecord { flags: 0, tag: b"issue".to_vec(), value: value.to_vec() };
    answer(LookupAnswer::Records(Found {
        records: vec![
            record(b"other-ca.example"),
            record(b"ca.bailiwick.example; validationmethods=http-01,dns-01"),
        ],
        ttl_seconds: 300,
        proof: Proof::Indeterminate,
        aliases: Vec::new(),
    }))
}
