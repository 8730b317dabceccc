//! Decisions as they are recorded: what the policy was told and what it answered.

use bailiwick_core::names::{DecisionId, Digest};
use bailiwick_core::policy::{Facts, Verdict};
use bailiwick_core::record::{Batch, Decision, Expect, Work};
use bailiwick_store::CommitError;
use bailiwick_wire::policy::{facts_json, kept_facts, kept_facts_json, verdict_json};

use super::App;
use crate::fault::Fault;

/// Octets of facts that an entry holds itself. JSON in JSON grows by its quotes, and a leaf of the
/// ledger has 65,535 octets; beyond, the facts are evidence and the entry names their digest.
const FACTS_OCTETS_MAX: usize = 24 * 1024;
/// How often something is judged again because another estate came into force meanwhile.
pub(super) const JUDGED_MAX: usize = 4;
/// The kind under which facts are stored as evidence.
const EVIDENCE: &str = "facts/v1";

impl App {
    /// A decision with its inputs, as the ledger keeps it.
    pub(crate) fn decision(
        &self,
        action: &str,
        facts: &Facts,
        verdict: &Verdict,
        batch: &mut Batch,
    ) -> Result<Decision, Fault> {
        let id = DecisionId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad decision id"))?;
        let mut told = facts_json(facts);
        if told.len() > FACTS_OCTETS_MAX {
            let octets = told.into_bytes();
            let digest = Digest::of(&octets);
            told = kept_facts_json(digest);
            batch.work.push(Work::PutEvidence { digest, kind: EVIDENCE, octets });
        }
        Ok(Decision {
            id,
            action: action.to_owned(),
            allowed: verdict.allows(),
            policy: verdict.policy_digest(),
            facts: told,
            reasons: verdict_json(verdict),
            rule: super::refusal::deciding_rule(verdict),
        })
    }

    /// Commits what was decided under an estate. `false` where another is in force by now: then nothing is
    /// stored, and it has to be judged again.
    pub(crate) async fn commit_decided(&self, batch: Batch) -> Result<bool, Fault> {
        match self.store.commit(batch).await {
            Ok(_) => Ok(true),
            Err(CommitError::Expectation(not)) if matches!(*not, Expect::EstateIs(_)) => Ok(false),
            Err(cause) => Err(cause.into()),
        }
    }

    /// The facts of a decision, wherever they are kept.
    pub(crate) async fn facts_of(&self, decision: &Decision) -> Result<String, Fault> {
        let Some(digest) = kept_facts(&decision.facts) else { return Ok(decision.facts.clone()) };
        let stored = self.store.evidence(&digest).await?;
        let octets = stored.map(|stored| stored.octets).unwrap_or_default();
        String::from_utf8(octets).ok().filter(|text| !text.is_empty()).ok_or_else(|| {
            Fault::Damaged { message: format!("the facts `{digest}` are not among the evidence") }
        })
    }
}

/// The estate did not stand still for long enough to judge by it.
pub(super) fn estate_moves() -> Fault {
    Fault::conflict("the estate changed again and again while this was judged; try again")
}
