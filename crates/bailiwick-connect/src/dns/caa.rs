//! CAA over the network: driving the core's climb.

use bailiwick_core::caa::{
    Asking, CaaEvidence, CaaName, CaaReport, CaaSubject, CaaTerms, ClimbStep, LookupAnswer,
    LookupFailure, SourceAnswer, climb,
};
use bailiwick_wire::dns::{Caa, WireName};
use tokio::time::{Instant, timeout_at};

use super::client::DnsClient;
use super::view::View;

impl DnsClient {
    /// Sees CAA for one name afresh, asking every responsible server of the view on every rung.
    ///
    /// Never fails: what could not be seen stands in the evidence, and is not permission.
    pub async fn caa_look_up(&self, view: &View, name: CaaName) -> CaaEvidence {
        let until = Instant::now() + self.limits.whole_timeout;
        let mut step = climb(name, view.private_tlds.clone());
        loop {
            match step {
                ClimbStep::Ask(asking) => step = self.answer(view, asking, until).await,
                ClimbStep::Finished(evidence) => return evidence,
            }
        }
    }

    /// Sees CAA for one subject and judges an issuance by it. Nothing is asked for an exempt one.
    pub async fn caa_check(&self, view: &View, subject: CaaSubject, terms: CaaTerms) -> CaaReport {
        match subject {
            CaaSubject::Exempt(exempt) => CaaReport::of_exempt(exempt, terms),
            CaaSubject::Name(name) => {
                CaaReport::of_climb(self.caa_look_up(view, name).await, terms)
            }
        }
    }

    async fn answer(&self, view: &View, asking: Asking, until: Instant) -> ClimbStep {
        let asked_at = self.now();
        let answers = match timeout_at(until, self.look_up::<Caa>(view, asking.name())).await {
            Ok(answers) => answers,
            Err(_) => silence(view, &asking),
        };
        asking.answer(asked_at, answers)
    }
}

/// When time is up, nobody has answered.
fn silence(view: &View, asking: &Asking) -> Vec<SourceAnswer<bailiwick_core::caa::CaaRecord>> {
    let timeout = || LookupAnswer::Failed { failure: LookupFailure::Timeout, aliases: Vec::new() };
    let parties = view.parties(&WireName::from(asking.name()));
    parties.iter().map(|p| SourceAnswer { source: p.source, answer: timeout() }).collect()
}
