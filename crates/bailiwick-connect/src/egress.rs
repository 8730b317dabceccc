//! The one way out: every outgoing connection is opened here (promise P16, threat T10).
//!
//! A connection needs a [`Permit`], and there are two ways to one: the [`Fence`] looked at the very
//! address that is connected to, or the operator named the address (a zone's servers, a resolver).
//! A name, a redirect, and every URL that a server or a certificate supplies go through the fence
//! after resolution, each time anew. Nothing here follows a redirect by itself, keeps a cookie, uses
//! a proxy or keeps a connection; size and time of every answer are bounded.
//! `cargo xtask tidy` checks that no other module opens a connection.

mod any_certificate;
mod batch;
mod dial;
mod fence;
mod handshake;
mod http;
mod over_https;
mod stream;
mod target;
mod trust;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::dns::{DnsClient, View};

pub(crate) use batch::{Batch, Received, Sent, wait_for_any};
pub(crate) use dial::{datagram, dial, dial_tls};
pub use fence::{BadNetwork, Fence, Fenced, Network, Permit};
pub(crate) use handshake::{Shown, handshake};
pub use http::{Answer, NoAnswer};
pub(crate) use http::{Exchange, exchange};
pub(crate) use over_https::over_https;
pub(crate) use stream::Talk;
pub use target::{BadTarget, Host, Scheme, Target};
pub use trust::{BadTrust, Identity, Trust};

/// Addresses of one name that are tried.
pub(crate) const ADDRESSES_MAX: usize = 4;

/// How long and how much other people's servers may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// For one address to accept a connection.
    pub connect_timeout: Duration,
    /// For a whole answer after that, TLS included.
    pub answer_timeout: Duration,
    /// For everything that one look needs, with all its redirects and addresses.
    pub whole_timeout: Duration,
}

impl Default for Limits {
    /// Ten seconds is what public CAs give; clients wait a minute for the whole.
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(10),
            whole_timeout: Duration::from_secs(40),
        }
    }
}

/// How something is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Method {
    /// Look at it.
    Get,
    /// Look at its header fields alone.
    Head,
    /// Send something there.
    Post,
    /// Alter a part of it.
    Patch,
}

impl Method {
    /// Whether asking twice does what asking once does (RFC 9110, section 9.2.1): it only looks.
    const fn only_looks(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }
}

/// One request to a place that somebody else may have named.
#[derive(Clone, Debug)]
pub struct Call {
    /// How.
    pub method: Method,
    /// Where.
    pub target: Target,
    /// `Content-Type` and octets of the body, where there is one.
    pub body: Option<(&'static str, Vec<u8>)>,
    /// A secret that opens the door there, as a field of the request; never printed.
    pub credential: Option<Credential>,
    /// What is taken, as in `Accept`.
    pub accept: &'static str,
    /// Whose certificate is believed, where TLS is spoken.
    pub trust: Trust,
}

/// A field of a request that holds a secret.
#[derive(Clone)]
pub struct Credential {
    /// Its name, in lower case.
    pub field: &'static str,
    /// What it holds.
    pub value: Zeroizing<String>,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credential({})", self.field)
    }
}

/// What can be called: the network, or a test's idea of one.
pub trait Web: Send + Sync {
    /// Asks once; redirects are the caller's to follow or not.
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Answer, NoAnswer>>;
}

/// The network, behind the fence.
#[derive(Clone, Debug)]
pub struct Egress {
    dns: DnsClient,
    view: View,
    fence: Fence,
    limits: Limits,
}

impl Egress {
    /// Resolves names with `dns` as `view` sees them, and connects within `fence`.
    #[must_use]
    pub const fn new(dns: DnsClient, view: View, fence: Fence, limits: Limits) -> Self {
        Self { dns, view, fence, limits }
    }

    /// Where a host may be connected to, in the order in which to try; a fenced address is an error
    /// only if no other is left.
    async fn permits(&self, target: &Target) -> Result<Vec<Permit>, NoAnswer> {
        let addresses: Vec<IpAddr> = match target.host() {
            Host::Address(address) => vec![*address],
            Host::Name(name) => self
                .dns
                .addresses(&self.view, name)
                .await
                .map_err(|cause| NoAnswer::Dns(cause.to_string()))?,
        };
        let mut permits = Vec::new();
        let mut fenced = None;
        for address in addresses {
            match self.fence.permit(SocketAddr::new(address, target.port())) {
                Ok(permit) => permits.push(permit),
                Err(cause) => fenced = fenced.or(Some(cause)),
            }
        }
        permits.truncate(ADDRESSES_MAX);
        match (permits.is_empty(), fenced) {
            (false, _) => Ok(permits),
            (true, Some(cause)) => Err(NoAnswer::Fenced(cause)),
            (true, None) => Err(NoAnswer::NoAddress),
        }
    }

    async fn ask(&self, call: &Call) -> Result<Answer, NoAnswer> {
        let mut last = NoAnswer::NoAddress;
        for permit in self.permits(&call.target).await? {
            let one = Exchange {
                permit,
                method: call.method,
                target: &call.target,
                body: call.body.as_ref().map(|(kind, octets)| (*kind, octets.as_slice())),
                credential: call.credential.as_ref(),
                accept: call.accept,
                trust: &call.trust,
                failures_read: true,
            };
            match exchange(&one, &self.limits).await {
                Ok(answer) => return Ok(answer),
                // What was sent may have arrived: another address would be a second request.
                Err(cause) if cause.may_have_arrived() && !call.method.only_looks() => {
                    return Err(cause);
                }
                Err(cause) => last = cause,
            }
        }
        Err(last)
    }
}

impl Web for Egress {
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Answer, NoAnswer>> {
        Box::pin(async move {
            timeout(self.limits.whole_timeout, self.ask(&call))
                .await
                .unwrap_or(Err(NoAnswer::AnswerTimeout(self.limits.whole_timeout)))
        })
    }
}
