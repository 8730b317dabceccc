//! Where a request goes: a URL that was read once, and what it may not be.

use std::fmt;
use std::net::IpAddr;

use bailiwick_core::names::{AcmeIdentifier, DnsName};
use url::Url;

/// Octets of a URL that somebody supplied.
const URL_OCTETS_MAX: usize = 2_048;

/// How to talk to the host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Under TLS.
    Https,
}

/// Who is talked to. However an address was spelled (decimal, octal, hexadecimal, with a dot at its
/// end), it is an address here, and the fence is asked about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Host {
    /// A name, to be resolved each time.
    Name(DnsName),
    /// An address.
    Address(IpAddr),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Address(IpAddr::V4(four)) => four.fmt(f),
            Self::Address(IpAddr::V6(six)) => write!(f, "[{six}]"),
        }
    }
}

/// An `http` or `https` URL without user, password and fragment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    scheme: Scheme,
    host: Host,
    port: u16,
    path: String,
}

/// A text is not a URL that is followed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadTarget {
    /// Nobody needs so long a one.
    #[error("the target is too long")]
    TooLong,
    /// Not a URL at all.
    #[error("the target is no URL")]
    NoUrl,
    /// Another scheme.
    #[error("only http and https are followed")]
    Scheme,
    /// With a user name or a password.
    #[error("a target with a user name is not followed")]
    User,
    /// The host is neither a name nor an address.
    #[error("the host is not a DNS name")]
    Host,
}

impl Target {
    /// Reads a whole URL.
    ///
    /// # Errors
    /// [`BadTarget`].
    pub fn parse(text: &str) -> Result<Self, BadTarget> {
        if text.len() > URL_OCTETS_MAX {
            return Err(BadTarget::TooLong);
        }
        Self::of_url(&Url::parse(text).map_err(|_| BadTarget::NoUrl)?)
    }

    /// Reads a URL that may be relative to this one, such as a redirect's (RFC 3986, section 5).
    ///
    /// # Errors
    /// [`BadTarget`].
    pub fn join(&self, text: &str) -> Result<Self, BadTarget> {
        if text.len() > URL_OCTETS_MAX {
            return Err(BadTarget::TooLong);
        }
        let base = Url::parse(&self.to_string()).map_err(|_| BadTarget::NoUrl)?;
        Self::of_url(&base.join(text).map_err(|_| BadTarget::NoUrl)?)
    }

    /// A place of a name or an address.
    #[must_use]
    pub fn of(scheme: Scheme, whose: &AcmeIdentifier, port: u16, path: String) -> Self {
        let host = match whose {
            AcmeIdentifier::Dns(name) => Host::Name(name.clone()),
            AcmeIdentifier::Ip(address) => Host::Address(*address),
        };
        Self { scheme, host, port, path }
    }

    fn of_url(url: &Url) -> Result<Self, BadTarget> {
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(BadTarget::Scheme),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadTarget::User);
        }
        let host = match url.host().ok_or(BadTarget::Host)? {
            url::Host::Domain(name) => {
                Host::Name(DnsName::parse(name).map_err(|_| BadTarget::Host)?)
            }
            url::Host::Ipv4(four) => Host::Address(four.into()),
            url::Host::Ipv6(six) => Host::Address(six.into()),
        };
        let mut path = url.path().to_owned();
        if let Some(query) = url.query() {
            path = format!("{path}?{query}");
        }
        Ok(Self { scheme, host, port: url.port_or_known_default().unwrap_or(0), path })
    }

    /// How it is talked to.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Who is talked to.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// At which port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Path and query.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The `Host` field: the port only where it is not the scheme's own (RFC 9110, section 7.2).
    #[must_use]
    pub fn authority(&self) -> String {
        match (self.scheme, self.port) {
            (Scheme::Http, 80) | (Scheme::Https, 443) => self.host.to_string(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}
