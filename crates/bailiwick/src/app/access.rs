//! Who asks, and whether they may: sign-in links, sessions, and one question per object.

use std::collections::BTreeSet;

use bailiwick_core::actor::{Actor, Component, SignedIn};
use bailiwick_core::estate::{Estate, ZoneKey};
use bailiwick_core::names::{ChangeId, Digest, PersonId, ServiceId, SessionId};
use bailiwick_core::policy::{
    Access, AccessFacts, Facts, ObjectAsked, ObjectFacts, PrincipalFacts, PrincipalKind,
    ResourceKind, TokenFacts, judge,
};
use bailiwick_core::record::{Batch, Entry, Fact, Work};
use bailiwick_core::time::{HOUR_MS, MINUTE_MS, Time};

use super::{App, Live};
use crate::fault::Fault;

/// How long a one-time link can be used.
const LINK_MS: i64 = 30 * MINUTE_MS;
/// How long a session lasts: a working day.
const SESSION_MS: i64 = 10 * HOUR_MS;

/// Somebody who asks, and how they proved it.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    /// Who, with everybody behind the sign-in.
    pub by: SignedIn,
    /// The session, where a browser asks.
    pub session: Option<SessionId>,
    /// The token, where a program asks, with what it may be used for.
    pub token: Option<TokenFacts>,
}

/// What is asked about.
#[derive(Clone, Debug)]
pub(crate) enum Scope {
    /// All of the organisation.
    Organisation,
    /// The estate, which anybody may propose to edit.
    Estate,
    /// The ledger.
    Ledger,
    /// One service and what belongs to it.
    Service(ResourceKind, String, ServiceId),
    /// A zone, or what belongs to it.
    Zone(ResourceKind, String, ZoneKey),
    /// A change: of a service, or of the estate as a whole.
    Change(ChangeId, Option<ServiceId>),
    /// Something of one person: their sessions and tokens.
    Person(ResourceKind, PersonId),
}

/// A fresh secret with where it leads.
pub(crate) struct Link {
    /// The whole URL.
    pub url: String,
    /// Until when it can be used.
    pub expires_at: Time,
}

/// A session as its holder's browser keeps it.
pub(crate) struct FreshSession {
    /// The cookie's value.
    pub secret: String,
    /// Until when.
    pub expires_at: Time,
}

impl App {
    /// Whether this may be done; the one place that decides it.
    ///
    /// # Errors
    /// [`Fault::NotFound`] where even reading is not allowed, else [`Fault::NotAllowed`].
    pub(crate) fn permit(
        &self,
        asking: &Asking,
        access: Access,
        scope: &Scope,
    ) -> Result<(), Fault> {
        let live = self.live.get();
        let verdict = self.judge_access(&live, asking, access, scope);
        if verdict.allows() {
            return Ok(());
        }
        if access != Access::Read && self.judge_access(&live, asking, Access::Read, scope).allows()
        {
            let reason = verdict.reasons().first();
            return Err(Fault::NotAllowed {
                rule: super::refusal::deciding_rule(&verdict),
                message: reason.map_or_else(
                    || format!("`{}` may not {access} this", asking.by.person),
                    |r| super::refusal::without_rule(live.estate(), r, self.now()),
                ),
            });
        }
        Err(Fault::not_found(scope.words()))
    }

    /// The same as a yes or no, to leave things out of lists and pages.
    pub(crate) fn may(&self, asking: &Asking, access: Access, scope: &Scope) -> bool {
        self.judge_access(&self.live.get(), asking, access, scope).allows()
    }

    fn judge_access(
        &self,
        live: &Live,
        asking: &Asking,
        access: Access,
        scope: &Scope,
    ) -> bailiwick_core::policy::Verdict {
        let estate = live.estate();
        let now = self.now();
        let person = &asking.by.person;
        let kind = match &asking.token {
            Some(token) => PrincipalKind::Token(person.clone(), token.clone()),
            None => PrincipalKind::Person(person.clone()),
        };
        let principal = PrincipalFacts::gather(estate, kind, now);
        let object = scope.facts(estate);
        judge(&live.policy, &Facts::Access(AccessFacts { now, principal, access, object }))
    }

    /// Makes a one-time sign-in link. Whoever makes it stands behind the sign-in from then on, so an
    /// administrator cannot make themselves a second person.
    pub(crate) async fn make_link(&self, by: &Actor, person: &PersonId) -> Result<Link, Fault> {
        let now = self.now();
        let live = self.live.get();
        if !live.estate().works_here(person, now) {
            return Err(Fault::input(
                "person",
                format!("`{person}` is not in the estate; add them first"),
            ));
        }
        let chain: Vec<PersonId> = match by {
            Actor::Person(signed_in) => {
                signed_in.everybody().filter(|one| *one != person).cloned().collect()
            }
            Actor::Account { .. } | Actor::Component(_) => Vec::new(),
        };
        let secret = self.world.secret()?;
        let expires_at = now.plus_ms(LINK_MS);
        let batch = Batch {
            entries: vec![Entry {
                at: now,
                by: by.clone(),
                fact: Fact::LinkMade { person: person.clone(), expires_at },
            }],
            work: vec![Work::PutLink {
                hash: Digest::of(secret.as_bytes()),
                person: person.clone(),
                chain,
                expires_at,
            }],
            ..Batch::default()
        };
        self.commit(batch).await?;
        Ok(Link { url: self.settings.page(&format!("welcome/{secret}")), expires_at })
    }

    /// Spends a one-time link for a session.
    pub(crate) async fn use_link(&self, secret: &str) -> Result<FreshSession, Fault> {
        let now = self.now();
        let hash = Digest::of(secret.as_bytes());
        let gone = || Fault::NotAllowed {
            rule: "link-works-once".to_owned(),
            message: "this link was used or is too old; ask for another".to_owned(),
        };
        let link = self
            .store
            .link(&hash)
            .await?
            .filter(|link| now < link.expires_at && !link.spent)
            .ok_or_else(gone)?;
        let session =
            SessionId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad session id"))?;
        let cookie = self.world.secret()?;
        let expires_at = now.plus_ms(SESSION_MS);
        let signed_in = SignedIn { person: link.person.clone(), chain: link.chain.clone() };
        let batch = Batch {
            entries: vec![Entry {
                at: now,
                by: Actor::Person(signed_in),
                fact: Fact::SignedIn {
                    person: link.person.clone(),
                    chain: link.chain,
                    session: session.clone(),
                    expires_at,
                },
            }],
            work: vec![
                Work::SpendLink { hash },
                Work::PutSessionSecret { session, hash: Digest::of(cookie.as_bytes()) },
            ],
            ..Batch::default()
        };
        match self.commit(batch).await {
            Ok(_) => Ok(FreshSession { secret: cookie, expires_at }),
            Err(Fault::Conflict { .. }) => Err(gone()),
            Err(fault) => Err(fault),
        }
    }

    /// Who holds this session.
    pub(crate) async fn session(&self, cookie: &str) -> Result<Option<Asking>, Fault> {
        let now = self.now();
        let row = self.store.session_by_secret(&Digest::of(cookie.as_bytes())).await?;
        let live = self.live.get();
        Ok(row
            .filter(|row| now < row.expires_at && !row.ended)
            .filter(|row| live.estate().works_here(&row.person, now))
            .map(|row| Asking {
                by: SignedIn { person: row.person, chain: row.chain }
                    .standing_in(live.estate(), now),
                session: Some(row.id),
                token: None,
            }))
    }

    /// Ends a session.
    pub(crate) async fn sign_out(&self, asking: &Asking) -> Result<(), Fault> {
        let Some(session) = asking.session.clone() else { return Ok(()) };
        let entry = Entry {
            at: self.now(),
            by: Actor::Person(asking.by.clone()),
            fact: Fact::SignedOut { session },
        };
        self.commit(Batch { entries: vec![entry], ..Batch::default() }).await?;
        Ok(())
    }

    /// The link printed at the first start: for the first administrator, vouched for by nobody but
    /// whoever can read the terminal.
    pub(crate) async fn first_link(&self) -> Result<Option<Link>, Fault> {
        let live = self.live.get();
        match live.estate().organisation.administrators.first() {
            Some(person) => {
                self.make_link(&Actor::Component(Component::FirstStart), person).await.map(Some)
            }
            None => Ok(None),
        }
    }
}

impl Scope {
    fn words(&self) -> String {
        match self {
            Self::Organisation => "organisation page".to_owned(),
            Self::Estate => "estate".to_owned(),
            Self::Ledger => "ledger".to_owned(),
            Self::Service(kind, id, _) | Self::Zone(kind, id, _) => format!("{kind} `{id}`"),
            Self::Change(id, _) => format!("change `{id}`"),
            Self::Person(kind, person) => format!("{kind} of `{person}`"),
        }
    }

    fn facts(&self, estate: &Estate) -> ObjectFacts {
        let (kind, id, service, person) = match self {
            Self::Organisation => {
                (ResourceKind::Organisation, "organisation".to_owned(), None, None)
            }
            Self::Estate => (ResourceKind::Estate, "estate".to_owned(), None, None),
            Self::Ledger => (ResourceKind::Ledger, "ledger".to_owned(), None, None),
            Self::Service(kind, id, service) => (*kind, id.clone(), Some(service.clone()), None),
            Self::Zone(kind, id, _) => (*kind, id.clone(), None, None),
            Self::Change(id, service) => {
                (ResourceKind::Change, id.to_string(), service.clone(), None)
            }
            Self::Person(kind, person) => (*kind, person.to_string(), None, Some(person.clone())),
        };
        let services: BTreeSet<ServiceId> = service.into_iter().collect();
        let zones = match self {
            Self::Change(_, of) => super::facts::zones_of_change(estate, of.as_ref()),
            Self::Zone(_, _, zone) => BTreeSet::from([zone.clone()]),
            Self::Organisation
            | Self::Estate
            | Self::Ledger
            | Self::Service(..)
            | Self::Person(..) => BTreeSet::new(),
        };
        let asked = ObjectAsked { kind, id, services, zones, person };
        ObjectFacts::gather(estate, asked)
    }
}
