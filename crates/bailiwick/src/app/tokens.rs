//! API tokens: made by people, used by programs, and only ever narrower and shorter than what they were made
//! with.

use std::collections::BTreeSet;

use bailiwick_core::actor::{Actor, SignedIn};
use bailiwick_core::names::{Digest, ServiceId, TokenId};
use bailiwick_core::policy::{Access, ResourceKind, TokenFacts};
use bailiwick_core::record::{Batch, Entry, Fact, Work};
use bailiwick_core::time::{DAY_MS, Time};
use bailiwick_store::TokenRow;

use super::words::words;
use super::{App, Asking, Scope};
use crate::fault::Fault;

/// How long a token lasts at most; narrow and short (threats T4).
const TOKEN_MS_MAX: i64 = 30 * DAY_MS;
/// Tokens that may be made one with another, in a row: each is looked up whenever the last one is used.
const TOKENS_IN_A_ROW_MAX: usize = 8;
/// Before the id of the token that one was made with, among its scopes.
const MADE_WITH: &str = "made-with:";
/// What a token's text begins with, so that secret scanners find lost ones.
const TOKEN_PREFIX: &str = "bwt_";

/// A token as its holder sees it, once.
pub(crate) struct FreshToken {
    /// Its public part.
    pub id: TokenId,
    /// The text to send.
    pub secret: String,
    /// Until when.
    pub expires_at: Time,
}

/// What a token is to be.
pub(crate) struct TokenWish<'a> {
    /// What it may be used for.
    pub allows: &'a BTreeSet<Access>,
    /// For these services alone, where some are named.
    pub services: Option<&'a BTreeSet<ServiceId>>,
    /// How long it lasts.
    pub lifetime_ms: i64,
    /// What it is for.
    pub purpose: &'a str,
    /// The token that it is asked for with.
    pub made_with: Option<&'a TokenFacts>,
}

impl App {
    /// Makes a token that can do no more than its maker, for a limited time: one that is made with another
    /// token ends with that at the latest.
    pub(crate) async fn make_token(
        &self,
        by: &Actor,
        holder: &SignedIn,
        wish: &TokenWish<'_>,
    ) -> Result<FreshToken, Fault> {
        let purpose = words("purpose", wish.purpose)?;
        if wish.allows.is_empty() {
            return Err(Fault::input(
                "scopes",
                "name at least one of read, request, approve, revoke, administer",
            ));
        }
        if wish.services.is_some_and(BTreeSet::is_empty) {
            return Err(Fault::input(
                "services",
                "name at least one service, or leave `services` out for all that you may reach",
            ));
        }
        if wish.lifetime_ms <= 0 || wish.lifetime_ms > TOKEN_MS_MAX {
            return Err(Fault::input("hours", "a token lasts 1 hour to 30 days; choose less"));
        }
        if let Some(own) = wish.made_with {
            self.may_make_another(own).await?;
        }
        let now = self.now();
        let wished = now.plus_ms(wish.lifetime_ms);
        let expires_at = wish.made_with.map_or(wished, |own| own.until.min(wished));
        let id = TokenId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad token id"))?;
        let secret = format!("{TOKEN_PREFIX}{}", self.world.secret()?);
        let scopes = scope_words(wish);
        let batch = Batch {
            entries: vec![Entry {
                at: now,
                by: by.clone(),
                fact: Fact::TokenMade {
                    token: id.clone(),
                    person: holder.person.clone(),
                    chain: holder.chain.clone(),
                    scopes,
                    purpose,
                    expires_at,
                },
            }],
            work: vec![Work::PutTokenSecret {
                token: id.clone(),
                hash: Digest::of(secret.as_bytes()),
            }],
            ..Batch::default()
        };
        self.commit(batch).await?;
        Ok(FreshToken { id, secret, expires_at })
    }

    /// Who holds this token, and what it may be used for.
    pub(crate) async fn token(&self, secret: &str) -> Result<Option<Asking>, Fault> {
        if !secret.starts_with(TOKEN_PREFIX) {
            return Ok(None);
        }
        let now = self.now();
        let live = self.live.get();
        let row = self.store.token_by_secret(&Digest::of(secret.as_bytes())).await?;
        let row = row.filter(|row| live.estate().works_here(&row.person, now));
        let Some(row) = row else { return Ok(None) };
        Ok(self.is_in_force(&row, now).await?.then(|| {
            let (allows, services) = read_scopes(&row.scopes);
            let token = TokenFacts { id: row.id, allows, services, until: row.expires_at };
            Asking {
                by: SignedIn { person: row.person, chain: row.chain }
                    .standing_in(live.estate(), now),
                session: None,
                token: Some(token),
            }
        }))
    }

    /// Whether a token counts: not over, not revoked, and neither is any that it was made with.
    pub(super) async fn is_in_force(&self, row: &TokenRow, now: Time) -> Result<bool, Fault> {
        let lives = now < row.expires_at && row.revoked_at.is_none();
        Ok(lives && self.tokens_before(row).await?.is_some())
    }

    /// How many tokens one came out of, one made with another; none where one of them was revoked.
    async fn tokens_before(&self, row: &TokenRow) -> Result<Option<usize>, Fault> {
        let mut before = made_with(&row.scopes);
        for n in 0..TOKENS_IN_A_ROW_MAX {
            let Some(id) = before else { return Ok(Some(n)) };
            let parent = self.store.token(&id).await?;
            let Some(parent) = parent.filter(|row| row.revoked_at.is_none()) else {
                return Ok(None);
            };
            before = made_with(&parent.scopes);
        }
        Ok(None)
    }

    async fn may_make_another(&self, own: &TokenFacts) -> Result<(), Fault> {
        let before = match self.store.token(&own.id).await? {
            Some(row) => self.tokens_before(&row).await?,
            None => None,
        };
        if before.is_some_and(|n| n.saturating_add(1) < TOKENS_IN_A_ROW_MAX) {
            return Ok(());
        }
        Err(Fault::NotAllowed {
            rule: "tokens-shrink".to_owned(),
            message: format!(
                "`{}` was made with a token that was made with a token, and so on; sign in to make another",
                own.id
            ),
        })
    }

    /// Ends a token.
    pub(crate) async fn revoke_token(&self, asking: &Asking, id: &TokenId) -> Result<(), Fault> {
        let row = self.store.token(id).await?;
        let row = row.ok_or_else(|| Fault::not_found(format!("token `{id}`")))?;
        self.permit(asking, Access::Administer, &Scope::Person(ResourceKind::Token, row.person))?;
        let entry = Entry {
            at: self.now(),
            by: Actor::Person(asking.by.clone()),
            fact: Fact::TokenRevoked { token: id.clone() },
        };
        self.commit(Batch { entries: vec![entry], ..Batch::default() }).await?;
        Ok(())
    }
}

/// Scopes as the ledger spells them: `read`, `service:NAME` where the token is bound to some, and
/// `made-with:ID` where it was made with another token.
fn scope_words(wish: &TokenWish<'_>) -> Vec<String> {
    let accesses = wish.allows.iter().map(|access| access.as_str().to_owned());
    let bound = wish.services.into_iter().flatten().map(|service| format!("service:{service}"));
    let parent = wish.made_with.iter().map(|token| format!("{MADE_WITH}{}", token.id));
    accesses.chain(bound).chain(parent).collect()
}

/// The token that one was made with.
fn made_with(words: &[String]) -> Option<TokenId> {
    let id = words.iter().find_map(|word| word.strip_prefix(MADE_WITH))?;
    TokenId::parse(id).ok()
}

fn read_scopes(words: &[String]) -> (BTreeSet<Access>, Option<BTreeSet<ServiceId>>) {
    let allows = words.iter().filter_map(|word| Access::parse(word)).collect();
    let bound: Vec<&str> = words.iter().filter_map(|word| word.strip_prefix("service:")).collect();
    let services = bound.iter().filter_map(|id| ServiceId::parse(id).ok()).collect();
    (allows, (!bound.is_empty()).then_some(services))
}
