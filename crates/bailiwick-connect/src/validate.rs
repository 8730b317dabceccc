//! Whether a client controls a name: the looks of http-01 and dns-01 (RFC 8555, section 8),
//! tls-alpn-01 (RFC 8737), dns-account-01 and dns-persist-01.
//!
//! What other people's servers answer is hostile: every address is checked after resolution, every
//! answer is bounded in size and time, and what was seen is escaped before anybody reads it.

mod dns;
mod http;
mod standing;
mod tls_alpn;

use bailiwick_core::gate::ProblemKind;

use crate::dns::{DnsClient, View};

pub use standing::{Stand, StandingSeen};

pub use crate::egress::{BadNetwork, Fence, Fenced, Limits, Network};

/// Characters of somebody else's answer that are shown.
const SHOWN_CHARS_MAX: usize = 200;

/// Looks at names for the issuance gate.
#[derive(Clone, Debug)]
pub struct Validator {
    dns: DnsClient,
    view: View,
    fence: Fence,
    http_port: u16,
    tls_port: u16,
    limits: Limits,
}

impl Validator {
    /// Asks `dns` who the servers of `view` say a name is, connects within `fence`, and asks http-01 on `http_port`: 80, but for
    /// a laboratory (RFC 8555, section 8.3).
    #[must_use]
    pub fn new(dns: DnsClient, view: View, fence: Fence, http_port: u16) -> Self {
        Self { dns, view, fence, http_port, tls_port: 443, limits: Limits::default() }
    }

    /// Asks tls-alpn-01 on this port: 443, but for a laboratory (RFC 8737, section 3).
    #[must_use]
    pub const fn with_tls_port(mut self, port: u16) -> Self {
        self.tls_port = port;
        self
    }

    /// The same with other limits.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

/// Control of a name was seen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Seen {
    /// Where we looked: each URL with its address, or the record's owner.
    pub at: Vec<String>,
    /// The standing record it rests on, where it does.
    pub standing: Option<StandingSeen>,
}

/// Control of a name was not seen.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{saw}")]
pub struct Failed {
    /// What failed.
    pub kind: FailureKind,
    /// What was seen instead and what to do; printable, bounded.
    pub saw: String,
    /// Where we looked.
    pub seen_at: Vec<String>,
}

/// What failed in a look.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FailureKind {
    /// A DNS look-up.
    Dns,
    /// Reaching the host, or talking HTTP with it.
    Connection,
    /// TLS after a redirect.
    Tls,
    /// Something was there, and it was not the key authorization.
    IncorrectResponse,
}

impl FailureKind {
    /// The registered error type (RFC 8555, section 6.7).
    #[must_use]
    pub const fn problem(self) -> ProblemKind {
        match self {
            Self::Dns => ProblemKind::Dns,
            Self::Connection => ProblemKind::Connection,
            Self::Tls => ProblemKind::Tls,
            Self::IncorrectResponse => ProblemKind::IncorrectResponse,
        }
    }
}

/// Somebody else's text as it may be shown: escaped, and cut where it gets long.
pub(crate) fn shown(text: &str) -> String {
    let mut out = String::new();
    for (n, character) in text.chars().enumerate() {
        if n == SHOWN_CHARS_MAX {
            out.push('…');
            break;
        }
        match character {
            ' '..='_' | 'a'..='~' => out.push(character),
            // A backtick would end the quotation that the text stands in.
            _ => out.extend(character.escape_unicode()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_is_shown_without_its_tricks() {
        assert_eq!(shown("plain text"), "plain text");
        assert_eq!(shown("a\u{1b}[31m`b`\n"), "a\\u{1b}[31m\\u{60}b\\u{60}\\u{a}");
        assert_eq!(shown("\u{202e}evil"), "\\u{202e}evil");
        let long = shown(&"x".repeat(1_000));
        assert_eq!((long.chars().count(), long.ends_with('…')), (SHOWN_CHARS_MAX + 1, true));
    }
}
