//! What must hold at the commit.

use bailiwick_core::names::ChangeId;
use bailiwick_core::record::{Entry, Expect, Fact};
use bailiwick_wire::rows::encode_list;

use crate::db::{Reader, Sql, Tx, args};
use crate::lease::now_ms;

use super::Rejected;

/// The change that a batch is about: that of its first event.
pub(super) fn change_of(entries: &[Entry]) -> Option<&ChangeId> {
    entries.iter().find_map(
        |entry| {
            if let Fact::Change { id, .. } = &entry.fact { Some(id) } else { None }
        },
    )
}

/// Checks one of them. The head of the ledger is locked, so what is seen stays so until the commit.
pub(super) async fn check(
    tx: &mut Tx,
    expected: &Expect,
    entries: &[Entry],
) -> Result<(), Rejected> {
    let row = match expected {
        Expect::ChangeAt { id, events } => {
            tx.first(
                "SELECT 1 WHERE $1 = (SELECT COALESCE(MAX(events), 0) FROM change WHERE id = $2)",
                &args![*events, id],
            )
            .await?
        }
        Expect::OrderIs { id, status } => {
            tx.first(
                "SELECT 1 FROM acme_order WHERE id = $1 AND status = $2",
                &args![id, status.as_str()],
            )
            .await?
        }
        Expect::AccountHasKey { id, thumbprint } => {
            tx.first(
                "SELECT 1 FROM account WHERE id = $1 AND thumbprint = $2 AND status = 'valid'",
                &args![id, thumbprint],
            )
            .await?
        }
        Expect::NotReplaced { certificate, at } => {
            let other = tx
                .first(
                    "SELECT 1 FROM replacement AS r JOIN acme_order AS o ON o.id = r.order_id \
                     WHERE r.certificate = $1 AND (o.status IN ('processing', 'valid') \
                         OR (o.status IN ('pending', 'ready') AND o.expires_at > $2)) LIMIT 1",
                    &args![certificate, *at],
                )
                .await?;
            other.is_none().then(Vec::new)
        }
        Expect::EnvelopeUsable { id, at, names } => {
            // Uses that other changes hold count too.
            tx.first(
                "SELECT 1 FROM envelope WHERE id = $1 AND ended_at IS NULL AND until > $2 \
                 AND (uses_max IS NULL OR uses + (SELECT COUNT(*) FROM envelope_hold \
                     WHERE envelope = $1 AND change <> $3) < uses_max) AND names = $4",
                &args![
                    id,
                    *at,
                    change_of(entries).map_or("", ChangeId::as_str),
                    encode_list(names)
                ],
            )
            .await?
        }
        Expect::EstateIs(digest) => {
            let active = tx.first("SELECT digest FROM estate ORDER BY n DESC LIMIT 1", &[]).await?;
            let active = active.map(|row| Reader::new("estate", row).digest()).transpose()?;
            (active == *digest).then(Vec::new)
        }
        Expect::LeaseHeld { name, fence } => tx.first(HELD, &args![name, *fence]).await?,
    };
    row.map(drop).ok_or_else(|| Rejected::Expectation(Box::new(expected.clone())))
}

const HELD: Sql = Sql::Both {
    sqlite: concat!(
        "SELECT 1 FROM lease WHERE name = $1 AND fence = $2 AND until > ",
        now_ms!(sqlite)
    ),
    postgres: concat!(
        "SELECT 1 FROM lease WHERE name = $1 AND fence = $2 AND until > ",
        now_ms!(postgres)
    ),
};
