//! Which row a fact about somebody's sign-in or token causes.

use crate::time::Time;

use super::entry::Fact;
use super::row::Row;

/// The row of one of them.
#[expect(clippy::wildcard_enum_match_arm, reason = "the caller hands over these facts only")]
pub(super) fn people_row(fact: &Fact, at: Time) -> Option<Row> {
    Some(match fact {
        Fact::SignedIn { person, chain, session, expires_at } => Row::PutSession {
            session: session.clone(),
            person: person.clone(),
            chain: chain.clone(),
            at,
            expires_at: *expires_at,
        },
        Fact::SignedOut { session } => Row::EndSession(session.clone()),
        Fact::TokenMade { token, person, chain, scopes, purpose, expires_at } => Row::PutToken {
            token: token.clone(),
            person: person.clone(),
            chain: chain.clone(),
            scopes: scopes.clone(),
            purpose: purpose.clone(),
            at,
            expires_at: *expires_at,
        },
        Fact::TokenRevoked { token } => Row::EndToken { token: token.clone(), at },
        _ => return None,
    })
}
