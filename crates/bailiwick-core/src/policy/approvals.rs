//! Which approvals count, and as what. Rules compare numbers; who may be counted is settled here.

use std::collections::BTreeSet;

use crate::names::{PersonId, TeamId};

use super::facts::{ApprovalFacts, ApproverKind, AuthorFacts, AuthorKind, ChangeFacts, Fact};

/// People who approved, each human once.
///
/// Always: none of them is the author, stands behind the author, has left, or is an agent; what is
/// not known about one counts against the approval. Two approvals behind which one human stands
/// are one.
pub(super) struct Approvers(Vec<Approver>);

struct Approver {
    humans: BTreeSet<PersonId>,
    teams: BTreeSet<TeamId>,
    independent: bool,
}

impl Approvers {
    /// The approvals of `facts` that count.
    pub(super) fn of(facts: &ChangeFacts) -> Self {
        let mut approvers: Vec<Approver> = Vec::new();
        for approval in &facts.approvals {
            if let Some(mut approver) = counting(approval, &facts.author) {
                let overlaps = |other: &Approver| !other.humans.is_disjoint(&approver.humans);
                let (same, others): (Vec<_>, Vec<_>) = approvers.into_iter().partition(overlaps);
                for other in same {
                    approver.humans.extend(other.humans);
                    approver.teams.extend(other.teams);
                    approver.independent &= other.independent;
                }
                approvers = others;
                approvers.push(approver);
            }
        }
        Self(approvers)
    }

    /// How many belong to one of `teams`.
    pub(super) fn in_any(&self, teams: &BTreeSet<TeamId>, only: Only) -> i64 {
        let counts = |approver: &&Approver| {
            !approver.teams.is_disjoint(teams) && (only == Only::All || approver.independent)
        };
        i64::try_from(self.0.iter().filter(counts).count()).unwrap_or(i64::MAX)
    }

    /// How many belong to `team`.
    pub(super) fn in_team(&self, team: &TeamId, only: Only) -> i64 {
        self.in_any(&BTreeSet::from([team.clone()]), only)
    }

    /// The least number over several teams that each have to be asked; 0 when there are none.
    pub(super) fn in_each<'t>(
        &self,
        teams: impl IntoIterator<Item = &'t TeamId>,
        only: Only,
    ) -> i64 {
        teams.into_iter().map(|team| self.in_team(team, only)).min().unwrap_or(0)
    }
}

/// Which approvers are counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Only {
    /// All that count.
    All,
    /// Those who share no team with the author.
    Independent,
}

/// The people behind an author: the person and the chain.
fn behind(author: &AuthorFacts) -> Option<BTreeSet<PersonId>> {
    let mut people = author.chain.known()?.clone();
    match &author.kind {
        AuthorKind::Person(person) | AuthorKind::Agent(person) => {
            people.insert(person.clone());
        }
        AuthorKind::Account(..) | AuthorKind::Component => {}
    }
    Some(people)
}

fn counting(approval: &ApprovalFacts, author: &AuthorFacts) -> Option<Approver> {
    let teams = approval.teams.known()?.clone();
    let mut humans = approval.chain.known()?.clone();
    humans.insert(approval.person.clone());
    let counts = approval.kind == ApproverKind::Person
        && approval.works_here == Fact::Known(true)
        && humans.is_disjoint(&behind(author)?);
    let independent = author.teams.known().is_some_and(|its| its.is_disjoint(&teams));
    counts.then_some(Approver { humans, teams, independent })
}
