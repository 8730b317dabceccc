//! PostgreSQL: the pool, and what must hold of the server before anything is trusted to it.

use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

use super::Db;
use crate::error::DbError;
use crate::open::OpenError;

/// Connections of one replica at most. PostgreSQL allows 100 by default, for all replicas.
const CONNECTIONS_MAX: u32 = 16;

/// How long a connection is waited for.
const ACQUIRE_SECONDS_MAX: u64 = 10;

impl Db {
    /// Connects to a server.
    pub(crate) async fn postgres(url: &str, read_only: bool) -> Result<Self, OpenError> {
        let options: PgConnectOptions = url.parse().map_err(|_| OpenError::BadUrl)?;
        let options = options.disable_statement_logging().application_name("bailiwick").options([
            // An acknowledged commit is on disk, whatever the server's default is.
            ("synchronous_commit", "on"),
            // A replica that stops in the middle must not hold the ledger's head for ever.
            ("idle_in_transaction_session_timeout", "10s"),
            ("lock_timeout", "10s"),
            ("statement_timeout", "60s"),
            ("default_transaction_read_only", if read_only { "on" } else { "off" }),
        ]);
        let pool: PgPool = PgPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(Duration::from_secs(ACQUIRE_SECONDS_MAX))
            .connect_with(options)
            .await
            .map_err(|why| OpenError::Database(DbError::from(why)))?;
        let db = Self::Postgres(pool);
        if !read_only {
            db.check_server().await?;
        }
        Ok(db)
    }

    async fn check_server(&self) -> Result<(), OpenError> {
        let settings = "SELECT name, setting FROM pg_settings \
            WHERE name IN ('fsync', 'full_page_writes', 'server_encoding') ORDER BY name";
        for row in self.all(settings, &[]).await.map_err(OpenError::Database)? {
            let mut cells = row.iter().map(ToString::to_string);
            let (name, setting) =
                (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
            let wanted = if name == "server_encoding" { "UTF8" } else { "on" };
            if setting != wanted {
                return Err(OpenError::Setting { name, setting, wanted });
            }
        }
        Ok(())
    }
}
