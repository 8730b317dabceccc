//! Rows of sessions and tokens.

use bailiwick_core::record::Row;
use bailiwick_wire::rows::encode_list;

use super::{found, new};
use crate::db::{Tx, args};
use crate::writer::Rejected;

const PUT_SESSION: &str = "INSERT INTO session (id, person, chain, at, expires_at, ended) \
    VALUES ($1, $2, $3, $4, $5, 0) ON CONFLICT DO NOTHING";

const PUT_TOKEN: &str = "INSERT INTO token \
    (id, person, chain, scopes, purpose, at, expires_at, revoked_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, NULL) ON CONFLICT DO NOTHING";

/// Writes one of them.
#[expect(clippy::wildcard_enum_match_arm, reason = "the caller hands over these rows only")]
pub(super) async fn apply(tx: &mut Tx, row: &Row) -> Result<(), Rejected> {
    match row {
        Row::PutSession { session, person, chain, at, expires_at } => {
            let given = args![session, person, encode_list(chain), *at, *expires_at];
            new(tx.exec(PUT_SESSION, &given).await?, "session", session)
        }
        Row::EndSession(session) => {
            let set = "UPDATE session SET ended = 1 WHERE id = $1";
            found(tx.exec(set, &args![session]).await?, "session", session)
        }
        Row::PutToken { token, person, chain, scopes, purpose, at, expires_at } => {
            let (chain, scopes) = (encode_list(chain), encode_list(scopes));
            let given = args![token, person, chain, scopes, purpose, *at, *expires_at];
            new(tx.exec(PUT_TOKEN, &given).await?, "token", token)
        }
        Row::EndToken { token, at } => {
            let set = "UPDATE token SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1";
            found(tx.exec(set, &args![token, *at]).await?, "token", token)
        }
        _ => Ok(()),
    }
}
