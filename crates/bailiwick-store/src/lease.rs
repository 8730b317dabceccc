//! Leases: who may do something alone, until when by the database's clock, and under which number.
//!
//! The number of a lease only grows. Work that was begun under an older one is refused at the commit
//! by `Expect::LeaseHeld`, however late it wakes up.

use bailiwick_core::names::ChangeId;

use crate::db::{Db, Reader, Sql, args};
use crate::error::{DbError, StoreError};
use crate::open::Store;

/// Milliseconds now, by the database.
macro_rules! now_ms {
    (sqlite) => {
        "CAST(unixepoch('subsec') * 1000 AS INTEGER)"
    };
    (postgres) => {
        "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
    };
}
pub(crate) use now_ms;

/// One statement in both dialects around the database's clock.
macro_rules! with_now {
    ($before:literal, $after:literal) => {
        Sql::Both {
            sqlite: concat!($before, now_ms!(sqlite), $after),
            postgres: concat!($before, now_ms!(postgres), $after),
        }
    };
}

/// What the name of the lease of a change begins with.
const CHANGE: &str = "change/";

/// A lease that is held.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lease {
    /// What it is about.
    pub name: String,
    /// Who holds it.
    pub holder: String,
    /// Its number: larger than that of every earlier lease of this name.
    pub fence: i64,
}

/// A change that one driver may carry on alone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claim {
    /// Which.
    pub change: ChangeId,
    /// The lease to name in `Expect::LeaseHeld`.
    pub lease: Lease,
}

const ACQUIRE: Sql = with_now!(
    "INSERT INTO lease AS held (name, holder, fence, until) \
     SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), 1, now.ms + CAST($3 AS BIGINT) FROM (SELECT ",
    " AS ms) AS now WHERE true \
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fence = held.fence + 1, \
     until = excluded.until WHERE held.until <= excluded.until - CAST($3 AS BIGINT) \
     RETURNING name, fence"
);

const RENEW: Sql = Sql::Both {
    sqlite: concat!(
        "UPDATE lease SET until = $4 + ",
        now_ms!(sqlite),
        " WHERE name = $1 AND holder = $2 AND fence = $3 AND until > ",
        now_ms!(sqlite),
        " RETURNING name"
    ),
    postgres: concat!(
        "UPDATE lease SET until = $4 + ",
        now_ms!(postgres),
        " WHERE name = $1 AND holder = $2 AND fence = $3 AND until > ",
        now_ms!(postgres),
        " RETURNING name"
    ),
};

/// Changes that a machine has to carry on, the longest untouched first: those in these states, and
/// those whose time to be approved is over (`$3` is the time of the caller for that).
macro_rules! claim {
    ($now:expr, $lock:literal) => {
        concat!(
            "WITH now AS (SELECT ", $now, " AS ms), due AS (SELECT id FROM change, now \
             WHERE (state IN ('requested', 'executing', 'verifying', 'rolling-back') \
                 OR (state = 'awaiting-approval' AND expires_at <= $3)) \
             AND NOT EXISTS (SELECT 1 FROM lease \
                 WHERE lease.name = 'change/' || change.id AND lease.until > now.ms) \
             ORDER BY updated_at, id LIMIT $4 ", $lock, ") \
             INSERT INTO lease AS held (name, holder, fence, until) \
             SELECT 'change/' || due.id, CAST($1 AS TEXT), 1, now.ms + CAST($2 AS BIGINT) FROM due, now \
             WHERE true ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, \
             fence = held.fence + 1, until = excluded.until \
             WHERE held.until <= excluded.until - CAST($2 AS BIGINT) RETURNING name, fence"
        )
    };
}

const CLAIM: Sql = Sql::Both {
    sqlite: claim!(now_ms!(sqlite), ""),
    // Rows that another replica is claiming or moving right now are left to it.
    postgres: claim!(now_ms!(postgres), "FOR UPDATE OF change SKIP LOCKED"),
};

/// Gives back every lease of a file that no other process can have open: whoever held one is dead.
pub(crate) async fn free_all(db: &Db) -> Result<(), DbError> {
    db.write("UPDATE lease SET until = 0 WHERE until > 0", &[]).await.map(drop)
}

impl Store {
    /// Takes a lease, if nobody holds it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn acquire(
        &self,
        name: &str,
        holder: &str,
        ttl_ms: u32,
    ) -> Result<Option<Lease>, StoreError> {
        let rows = self.inner.db.write(ACQUIRE, &args![name, holder, ttl_ms]).await?;
        rows.into_iter().next().map(|row| lease(holder, Reader::new("lease", row))).transpose()
    }

    /// Holds a lease for longer. `false`: it is lost, and the work under it has to stop.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn renew(&self, lease: &Lease, ttl_ms: u32) -> Result<bool, StoreError> {
        let given = args![&lease.name, &lease.holder, lease.fence, ttl_ms];
        Ok(!self.inner.db.write(RENEW, &given).await?.is_empty())
    }

    /// Gives a lease back, if it is still held.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        let free = "UPDATE lease SET until = 0 WHERE name = $1 AND holder = $2 AND fence = $3";
        self.inner.db.write(free, &args![&lease.name, &lease.holder, lease.fence]).await?;
        Ok(())
    }

    /// Claims changes that a machine has to carry on and nobody else has claimed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn claim_changes(
        &self,
        holder: &str,
        ttl_ms: u32,
        limit: u32,
    ) -> Result<Vec<Claim>, StoreError> {
        let given = args![holder, ttl_ms, self.now(), limit];
        let rows = self.inner.db.write(CLAIM, &given).await?;
        rows.into_iter()
            .map(|row| {
                let row = Reader::new("lease", row);
                let lease = lease(holder, row)?;
                let id = lease.name.strip_prefix(CHANGE).unwrap_or_default();
                let change = ChangeId::parse(id).map_err(|why| {
                    Reader::new("lease", Vec::new()).damaged(format!("`{}`: {why}", lease.name))
                })?;
                Ok(Claim { change, lease })
            })
            .collect()
    }
}

fn lease(holder: &str, mut row: Reader) -> Result<Lease, StoreError> {
    Ok(Lease { name: row.text()?, holder: holder.to_owned(), fence: row.int()? })
}
