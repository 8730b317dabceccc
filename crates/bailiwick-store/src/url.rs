//! Where a store is.

use std::fmt;
use std::path::{Path, PathBuf};

/// The place of a store.
#[derive(Clone, Eq, PartialEq)]
pub enum StoreUrl {
    /// A file of SQLite.
    Sqlite(PathBuf),
    /// A server, as `postgres://user:password@host:port/database`.
    Postgres(String),
}

/// A text says no place of a store.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not the place of a store; write `sqlite:PATH` or `postgres://USER@HOST/DATABASE`")]
pub struct BadStoreUrl;

impl StoreUrl {
    /// A file of SQLite.
    #[must_use]
    pub fn sqlite(path: impl AsRef<Path>) -> Self {
        Self::Sqlite(path.as_ref().to_owned())
    }

    /// Parses `sqlite:PATH`, `sqlite://PATH` or `postgres://…`.
    ///
    /// # Errors
    /// [`BadStoreUrl`] for anything else.
    pub fn parse(text: &str) -> Result<Self, BadStoreUrl> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        let path = text.strip_prefix("sqlite:").ok_or(BadStoreUrl)?;
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() { Err(BadStoreUrl) } else { Ok(Self::sqlite(path)) }
    }
}

impl fmt::Display for StoreUrl {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
                let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
                // Parameters can hold a password too.
                let host = host.split_once('?').map_or(host, |(host, _)| host);
                write!(f, "{scheme}://{host}")
            }
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let url = StoreUrl::parse("postgres://u:secret@h:5432/d?password=other").unwrap();
        assert_eq!(url.to_string(), "postgres://h:5432/d");
        assert_eq!(format!("{url:?}"), "postgres://h:5432/d");
    }

    #[test]
    fn a_file_is_named_in_two_ways() {
        let file = StoreUrl::sqlite("/d/b.db");
        assert_eq!(StoreUrl::parse("sqlite:/d/b.db"), Ok(file.clone()));
        assert_eq!(StoreUrl::parse("sqlite:///d/b.db"), Ok(file));
        for text in ["sqlite:", "mysql://h/d", "/d/b.db", ""] {
            assert_eq!(StoreUrl::parse(text), Err(BadStoreUrl), "{text}");
        }
    }
}
