//! Pre-authorization: an account shows control of a name before it orders (RFC 8555, section 7.4.1).

use bailiwick_core::gate::{Account, Authorization, AuthorizationStatus, Problem, ProblemKind};
use bailiwick_core::names::SanName;
use bailiwick_core::policy::Stage;
use bailiwick_core::record::{Batch, Entry, Fact};

use super::App;
use super::orders::{OrderAnswer, actor, default_profile, problem};
use crate::fault::Fault;

/// What a client that asks for an authorization gets.
pub(crate) enum AuthorizationAnswer {
    /// A fresh one.
    Made(Box<Authorization>),
    /// The one that is valid already.
    Known(Box<Authorization>),
    /// No, and why.
    Refused(Problem),
}

impl App {
    /// Gives an authorization for a name that the account could order now: what would be refused as
    /// an order is refused here, with the same way to a yes.
    pub(crate) async fn new_authorization(
        &self,
        account: &Account,
        name: SanName,
    ) -> Result<AuthorizationAnswer, Fault> {
        let live = self.live.get();
        let Some(profile) = default_profile(&live, account) else {
            return Ok(AuthorizationAnswer::Refused(problem(
                ProblemKind::RejectedIdentifier,
                format!("service `{}` has no profile; add one to its estate file", account.service),
            )));
        };
        let now = self.now();
        let names = vec![name.clone()];
        let judged =
            self.judge_issue(&live, account, &names, &profile, (Stage::Order, None), now).await?;
        if !judged.verdict.allows() {
            return Ok(match self.refuse_order(&live, account, names, judged, now).await? {
                OrderAnswer::Refused(problem) => AuthorizationAnswer::Refused(problem),
                OrderAnswer::Accepted(_) => {
                    return Err(Fault::bug("a refused order was accepted"));
                }
            });
        }
        let mut batch = Batch::default();
        let decision = self.decision("issue", &judged.facts, &judged.verdict, &mut batch)?;
        let authz = self.authorization_for(account, name, &judged.issuer, now, &mut batch).await?;
        if authz.status == AuthorizationStatus::Valid {
            return Ok(AuthorizationAnswer::Known(Box::new(authz)));
        }
        batch.entries.push(Entry {
            at: now,
            by: actor(account),
            fact: Fact::Decided { decision: Box::new(decision), change: None },
        });
        self.commit(batch).await?;
        Ok(AuthorizationAnswer::Made(Box::new(authz)))
    }
}
