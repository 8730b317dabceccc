//! One HTTP/1.1 request to an address that was checked before it was connected to.
//!
//! No client library chooses the address here: what the permit names is what is connected to. There
//! is no cookie, no proxy, no compression, and nothing is kept between two requests.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use hyper::body::{Body as _, Incoming};
use hyper::{HeaderMap, Request, Response, Uri, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::fence::{Fenced, Permit};
use super::target::{Host, Scheme, Target};
use super::trust::Trust;
use super::{Credential, Limits, Method, dial};

/// Octets of headers; hyper's smallest allowed buffer is 8 KiB.
pub(super) const HEADER_OCTETS_MAX: usize = 16 * 1024;
/// Header fields of an answer.
pub(super) const HEADERS_MAX: usize = 64;
/// Octets of a body: a key authorization has about ninety, a certificate chain a few thousand.
const BODY_OCTETS_MAX: usize = 64 * 1024;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Exchange<'a> {
    /// Where to connect.
    pub permit: Permit,
    /// How it is asked for.
    pub method: Method,
    /// The host for TLS and the `Host` field, and the path.
    pub target: &'a Target,
    /// `Content-Type` and octets.
    pub body: Option<(&'static str, &'a [u8])>,
    /// A secret among the fields.
    pub credential: Option<&'a Credential>,
    /// What is taken.
    pub accept: &'static str,
    /// Whose certificate is believed.
    pub trust: &'a Trust,
    /// Whether the body of an answer that is no success is read.
    pub failures_read: bool,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    headers: HeaderMap,
    /// The body; empty where it was not read.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer that nobody sent over a wire.
    #[must_use]
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: HeaderMap::new(), body: body.into() }
    }

    /// The same with one more field; one that cannot be spelled is left out.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = value.parse() {
            self.headers.append(name, value);
        }
        self
    }

    /// Every value of a field that is text.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
    }

    /// The first value of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Whether it is a success.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }
}

/// Why nothing came back.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoAnswer {
    /// The name could not be resolved.
    #[error("its address is not known: {0}")]
    Dns(String),
    /// The name has no address.
    #[error("it has no address; publish an A or AAAA record")]
    NoAddress,
    /// The address lies outside the fence; nothing was connected to.
    #[error(transparent)]
    Fenced(#[from] Fenced),
    /// No connection.
    #[error("no connection within {0:?}")]
    ConnectTimeout(Duration),
    /// The system said no.
    #[error("no connection: {0}")]
    Connect(std::io::ErrorKind),
    /// TLS did not come about.
    #[error("no TLS: {0}")]
    Tls(String),
    /// No whole answer in time.
    #[error("no answer within {0:?}")]
    AnswerTimeout(Duration),
    /// What came is not HTTP/1.1.
    #[error("not an HTTP answer: {0}")]
    Http(String),
    /// More than we read.
    #[error("an answer of more than {BODY_OCTETS_MAX} octets")]
    TooLong,
}

impl NoAnswer {
    /// Whether the other side may have read the request all the same.
    #[must_use]
    pub const fn may_have_arrived(&self) -> bool {
        match self {
            Self::Dns(_)
            | Self::NoAddress
            | Self::Fenced(_)
            | Self::ConnectTimeout(_)
            | Self::Connect(_)
            | Self::Tls(_) => false,
            Self::AnswerTimeout(_) | Self::Http(_) | Self::TooLong => true,
        }
    }
}

/// Asks once.
pub(crate) async fn exchange(one: &Exchange<'_>, limits: &Limits) -> Result<Answer, NoAnswer> {
    let stream = timeout(limits.connect_timeout, dial(one.permit))
        .await
        .map_err(|_| NoAnswer::ConnectTimeout(limits.connect_timeout))?
        .map_err(|cause| NoAnswer::Connect(cause.kind()))?;
    let talk = async {
        match one.target.scheme() {
            Scheme::Http => ask(stream, one).await,
            Scheme::Https => ask(under_tls(stream, one).await?, one).await,
        }
    };
    timeout(limits.answer_timeout, talk)
        .await
        .map_err(|_| NoAnswer::AnswerTimeout(limits.answer_timeout))?
}

async fn under_tls(
    stream: TcpStream,
    one: &Exchange<'_>,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, NoAnswer> {
    let name = match one.target.host() {
        Host::Address(address) => ServerName::from(*address),
        Host::Name(name) => ServerName::try_from(name.to_string())
            .map_err(|_| NoAnswer::Tls("the host is not a name".to_owned()))?,
    };
    tokio_rustls::TlsConnector::from(one.trust.config())
        .connect(name, stream)
        .await
        .map_err(|cause| NoAnswer::Tls(cause.to_string()))
}

async fn ask(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    one: &Exchange<'_>,
) -> Result<Answer, NoAnswer> {
    let http = |cause: hyper::Error| NoAnswer::Http(cause.to_string());
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(HEADER_OCTETS_MAX)
        .max_headers(HEADERS_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(http)?;
    // Dropped with this future: then the connection ends, whatever the other side still sends.
    let connection = async {
        match connection.await {
            Ok(()) => std::future::pending().await,
            Err(cause) => cause,
        }
    };
    let request = request(one)?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(http)?;
        read(response, one.failures_read).await
    };
    tokio::select! {
        biased;
        answer = exchange => answer,
        cause = connection => Err(http(cause)),
    }
}

fn request(one: &Exchange<'_>) -> Result<Request<String>, NoAnswer> {
    let uri: Uri = one.target.path().parse().map_err(|_| NoAnswer::Http("no path".to_owned()))?;
    let method = match one.method {
        Method::Get => hyper::Method::GET,
        Method::Head => hyper::Method::HEAD,
        Method::Post => hyper::Method::POST,
        Method::Patch => hyper::Method::PATCH,
    };
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .header(header::HOST, one.target.authority())
        .header(header::USER_AGENT, "bailiwick (RFC 8555)")
        .header(header::ACCEPT, one.accept)
        .header(header::CONNECTION, "close");
    if let Some(Credential { field, value }) = one.credential {
        let mut value = header::HeaderValue::from_str(value)
            .map_err(|_| NoAnswer::Http("the secret is no header field".to_owned()))?;
        value.set_sensitive(true);
        request = request.header(*field, value);
    }
    let mut body = String::new();
    if let Some((kind, octets)) = one.body {
        request = request.header(header::CONTENT_TYPE, kind);
        body = String::from_utf8(octets.to_vec())
            .map_err(|_| NoAnswer::Http("the request is no text".to_owned()))?;
    }
    request.body(body).map_err(|cause| NoAnswer::Http(cause.to_string()))
}

pub(super) async fn read(
    response: Response<Incoming>,
    failures_read: bool,
) -> Result<Answer, NoAnswer> {
    let (head, mut incoming) = response.into_parts();
    let mut body = Vec::new();
    if head.status.is_success() || failures_read {
        while let Some(frame) = poll_fn(|context| Pin::new(&mut incoming).poll_frame(context)).await
        {
            let frame = frame.map_err(|cause| NoAnswer::Http(cause.to_string()))?;
            // Trailers say nothing to us.
            let Ok(data) = frame.into_data() else { continue };
            if body.len().saturating_add(data.len()) > BODY_OCTETS_MAX {
                return Err(NoAnswer::TooLong);
            }
            body.extend_from_slice(&data);
        }
    }
    Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
}
