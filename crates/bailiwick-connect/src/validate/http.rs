//! http-01: a file under the name, fetched on port 80 (RFC 8555, section 8.3).

use std::net::{IpAddr, SocketAddr};

use bailiwick_core::names::DnsName;
use hyper::StatusCode;
use tokio::time::timeout;
use url::{Host, Url};

use super::fetch::{Answer, Get, NoAnswer, Scheme, get};
use super::{Failed, FailureKind, Seen, Validator, shown};

/// Redirects followed (threat T10; browsers follow twenty).
const REDIRECTS_MAX: usize = 10;
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;
/// Octets of a redirect's target.
const LOCATION_OCTETS_MAX: usize = 2_048;

/// One place of the chain.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Place {
    scheme: Scheme,
    host: DnsName,
    port: u16,
    path: String,
}

impl Validator {
    /// Looks for the key authorization at the well-known place of `name`.
    ///
    /// # Errors
    /// [`Failed`] with what was seen instead.
    pub async fn http01(
        &self,
        name: &DnsName,
        token: &str,
        key_authorization: &str,
    ) -> Result<Seen, Failed> {
        let mut seen_at = Vec::new();
        let path = format!("/.well-known/acme-challenge/{token}");
        let chain = self.chain(name, path, key_authorization, &mut seen_at);
        let result = timeout(self.limits.whole_timeout, chain).await.unwrap_or_else(|_| {
            let saw = format!("no whole answer within {:?}", self.limits.whole_timeout);
            Err((FailureKind::Connection, saw))
        });
        match result {
            Ok(()) => Ok(Seen { at: seen_at }),
            Err((kind, saw)) => Err(Failed { kind, saw, seen_at }),
        }
    }

    /// Follows redirects from the well-known place to the key authorization.
    async fn chain(
        &self,
        name: &DnsName,
        path: String,
        key_authorization: &str,
        seen_at: &mut Vec<String>,
    ) -> Result<(), (FailureKind, String)> {
        let mut place =
            Place { scheme: Scheme::Http, host: name.clone(), port: self.http_port, path };
        for _ in 0..=REDIRECTS_MAX {
            let answer = self.visit(&place, seen_at).await?;
            if answer.status == StatusCode::OK {
                return judge(&place, &answer.body, key_authorization)
                    .map_err(|saw| (FailureKind::IncorrectResponse, saw));
            }
            let Some(target) = redirect(&answer) else {
                let saw =
                    format!("{} answered with status {}", place.url(), answer.status.as_u16());
                return Err((FailureKind::IncorrectResponse, saw));
            };
            place = self.follow(&place, target).map_err(|saw| (FailureKind::Connection, saw))?;
        }
        let saw = format!("more than {REDIRECTS_MAX} redirects, the last to {}", place.url());
        Err((FailureKind::Connection, saw))
    }

    /// Asks the addresses of a place, one after the other, until one answers.
    async fn visit(
        &self,
        place: &Place,
        seen_at: &mut Vec<String>,
    ) -> Result<Answer, (FailureKind, String)> {
        let addresses = self.addresses_of(&place.host).await?;
        let mut last = None;
        for address in addresses.into_iter().take(ADDRESSES_MAX) {
            if let Err(fenced) = self.fence.check(address) {
                last.get_or_insert((
                    FailureKind::Connection,
                    format!("`{}`: {fenced}", place.host),
                ));
                continue;
            }
            let to = SocketAddr::new(address, place.port);
            seen_at.push(format!("{} at {to}", place.url()));
            let authority = place.authority();
            let request = Get {
                to,
                scheme: place.scheme,
                host: place.host.as_str(),
                authority: &authority,
                path: &place.path,
            };
            match get(&request, &self.limits).await {
                Ok(answer) => return Ok(answer),
                Err(cause) => {
                    last = Some((kind_of(&cause), format!("{} at {to}: {cause}", place.url())));
                }
            }
        }
        Err(last.unwrap_or_else(|| {
            (
                FailureKind::Dns,
                format!("`{}` has no address; publish an A or AAAA record", place.host),
            )
        }))
    }

    /// Where a redirect leads, if we go there.
    fn follow(&self, from: &Place, target: &str) -> Result<Place, String> {
        let refused = |why: &str| format!("{} redirects to `{}`: {why}", from.url(), shown(target));
        if target.len() > LOCATION_OCTETS_MAX {
            return Err(refused("the target is too long"));
        }
        let base = Url::parse(&from.whole_url()).map_err(|_| refused("the target is no URL"))?;
        let url = base.join(target).map_err(|_| refused("the target is no URL"))?;
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(refused("only http and https are followed")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("a target with a user name is not followed"));
        }
        let Some(Host::Domain(host)) = url.host() else {
            return Err(refused("only a DNS name is followed, not an address"));
        };
        let host = DnsName::parse(host).map_err(|_| refused("the host is not a DNS name"))?;
        let port = url.port_or_known_default().unwrap_or(0);
        if ![80, 443, self.http_port].contains(&port) {
            return Err(refused("only the ports 80 and 443 are followed"));
        }
        let mut path = url.path().to_owned();
        if let Some(query) = url.query() {
            path = format!("{path}?{query}");
        }
        Ok(Place { scheme, host, port, path })
    }

    async fn addresses_of(&self, name: &DnsName) -> Result<Vec<IpAddr>, (FailureKind, String)> {
        self.dns
            .addresses(&self.view, name)
            .await
            .map_err(|cause| (FailureKind::Dns, format!("`{name}`: {cause}")))
    }
}

impl Place {
    /// The `Host` field: the port only where it is not the scheme's own (RFC 9110, section 7.2).
    fn authority(&self) -> String {
        match (self.scheme, self.port) {
            (Scheme::Http, 80) | (Scheme::Https, 443) => self.host.to_string(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }

    /// As people are shown it.
    fn url(&self) -> String {
        shown(&self.whole_url())
    }

    fn whole_url(&self) -> String {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        format!("{scheme}://{}{}", self.authority(), self.path)
    }
}

fn redirect(answer: &Answer) -> Option<&str> {
    matches!(answer.status.as_u16(), 301 | 302 | 303 | 307 | 308)
        .then_some(answer.location.as_deref())
        .flatten()
}

/// Whether the body is the key authorization; white space after it is the file's, not ours (RFC
/// 8555, section 8.3: ignore it).
fn judge(place: &Place, body: &[u8], key_authorization: &str) -> Result<(), String> {
    if body.trim_ascii_end() == key_authorization.as_bytes() {
        return Ok(());
    }
    let found = shown(&String::from_utf8_lossy(body));
    Err(format!(
        "{} holds `{found}` and not the key authorization `{key_authorization}`; let the ACME client that ordered answer there",
        place.url()
    ))
}

const fn kind_of(cause: &NoAnswer) -> FailureKind {
    match cause {
        NoAnswer::Tls(_) => FailureKind::Tls,
        NoAnswer::ConnectTimeout(_)
        | NoAnswer::Connect(_)
        | NoAnswer::AnswerTimeout(_)
        | NoAnswer::Http(_)
        | NoAnswer::TooLong => FailureKind::Connection,
    }
}
