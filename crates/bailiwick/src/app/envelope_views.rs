//! One envelope with everything a person needs to judge it: who approved it and at which leaf, what
//! was issued under it, what is to be said about it and whom that is told.

use std::collections::BTreeSet;

use bailiwick_core::change::Event;
use bailiwick_core::estate::Pattern;
use bailiwick_core::gate::{Envelope, EnvelopeFinding, EnvelopeUse};
use bailiwick_core::names::{EnvelopeId, TeamId};
use bailiwick_core::policy::{Access, ResourceKind};
use bailiwick_core::time::DAY_MS;
use bailiwick_store::{IssuedRow, StoredEvent};

use super::{App, Asking, Live, Scope};
use crate::fault::Fault;

/// Certificates of an envelope that are shown; the count tells of the others.
const CERTIFICATES_SHOWN: u32 = 50;
/// Envelopes that are looked at for one person's home page; the next to end come first.
const LOOKED_AT: u32 = 1_000;

/// An envelope with what is to be said about it.
pub(crate) struct Watched {
    /// The envelope.
    pub envelope: Envelope,
    /// What is to be said, the gravest first.
    pub findings: Vec<EnvelopeFinding>,
    /// Who is told: the team and the person on duty in it.
    pub told: Vec<(TeamId, Option<String>)>,
}

/// One approval, or the policy's, of the change that granted an envelope.
pub(crate) struct Approved {
    /// Who.
    pub by: String,
    /// When.
    pub at: String,
    /// What was said with it.
    pub says: String,
    /// The leaf of the ledger.
    pub ledger_index: u64,
}

/// One envelope as a whole.
pub(crate) struct EnvelopeView {
    /// With what is to be said.
    pub watched: Watched,
    /// Who asked for it.
    pub requested_by: String,
    /// Why.
    pub reason: String,
    /// Who approved.
    pub approved: Vec<Approved>,
    /// What was issued under it, the newest first; at most a page.
    pub certificates: Vec<IssuedRow>,
}

impl App {
    /// The envelope with its history and its use.
    pub(crate) async fn envelope_view(
        &self,
        asking: &Asking,
        id: &EnvelopeId,
    ) -> Result<EnvelopeView, Fault> {
        let envelope = self.store.envelope(id).await?;
        let envelope = envelope.ok_or_else(|| Fault::not_found(format!("envelope `{id}`")))?;
        let scope =
            Scope::Service(ResourceKind::Envelope, id.to_string(), envelope.service.clone());
        self.permit(asking, Access::Read, &scope)?;
        let history = self.store.change_events(&envelope.change).await?;
        let (requested_by, reason) = requested(&history);
        let live = self.live.get();
        Ok(EnvelopeView {
            requested_by,
            reason,
            approved: history.iter().filter_map(approved).collect(),
            certificates: self.store.certificates_under(id, CERTIFICATES_SHOWN).await?,
            watched: self.watch_envelope(&live, envelope).await?,
        })
    }

    /// What is to be said about an envelope, and who is told.
    pub(crate) async fn watch_envelope(
        &self,
        live: &Live,
        envelope: Envelope,
    ) -> Result<Watched, Fault> {
        let now = self.now();
        let seen = EnvelopeUse {
            last: self.store.envelope_last_use(&envelope.id).await?,
            owners_since: live.history().owner_since(&envelope.service),
            unused_ms: i64::from(self.settings.envelope_unused_days).saturating_mul(DAY_MS),
        };
        let findings = envelope.findings(&seen, now);
        let estate = live.estate();
        let told = told(live, &envelope).into_iter().map(|team| {
            let person = estate.person_on_duty(&team, now).ok();
            (team, person.map(|on_duty| on_duty.person().to_string()))
        });
        Ok(Watched { told: told.collect(), findings, envelope })
    }

    /// Envelopes about which this person's teams should do something.
    pub(crate) async fn envelopes_needing(&self, asking: &Asking) -> Result<Vec<Watched>, Fault> {
        let live = self.live.get();
        let teams = live.estate().teams_at(&asking.by.person, self.now());
        let mut mine = Vec::new();
        for envelope in self.store.envelopes_in_force(self.now(), LOOKED_AT).await? {
            if told(&live, &envelope).is_disjoint(&teams) {
                continue;
            }
            let watched = self.watch_envelope(&live, envelope).await?;
            if !watched.findings.is_empty() {
                mine.push(watched);
            }
        }
        Ok(mine)
    }
}

/// The teams that hear of an envelope: who operates the service, and who granted it.
fn told(live: &Live, envelope: &Envelope) -> BTreeSet<TeamId> {
    let estate = live.estate();
    let mut teams = BTreeSet::new();
    let duties = estate.services.get(&envelope.service).map(|service| &service.duties);
    teams.extend(duties.map(|duties| duties.operator.clone()));
    for name in &envelope.names {
        for (_, zone) in estate.zones_of(&name.place_in_dns(), None) {
            teams.extend(match zone.pattern {
                Pattern::Central | Pattern::Shared => Some(zone.policy_owner.clone()),
                Pattern::ServiceTeam => duties.map(|duties| duties.policy_owner.clone()),
            });
        }
    }
    teams
}

#[expect(clippy::wildcard_enum_match_arm, reason = "one event says who asked")]
fn requested(history: &[StoredEvent]) -> (String, String) {
    let found = history.iter().find_map(|stored| match &stored.event {
        Event::Requested(request) => Some((request.by.to_string(), request.reason.clone())),
        _ => None,
    });
    found.unwrap_or_default()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "two events say who approved")]
fn approved(stored: &StoredEvent) -> Option<Approved> {
    let (by, says) = match &stored.event {
        Event::ApprovalGiven(approval) => {
            (approval.by.person.to_string(), approval.comment.clone())
        }
        Event::Approved(basis) if basis.approvals_needed == 0 => {
            ("policy".to_owned(), "the policy asks for nobody's approval".to_owned())
        }
        _ => return None,
    };
    let (at, ledger_index) = (stored.at.to_string(), stored.index.get());
    Some(Approved { by, at, says, ledger_index })
}
