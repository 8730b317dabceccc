//! One HTTP/1.1 GET to an address that was checked before it was connected to.
//!
//! No client library chooses the address here: what the fence saw is what is connected to. There is
//! no cookie, no proxy, no compression, and nothing is kept between two requests.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body as _, Incoming};
use hyper::{Request, Response, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Limits;
use super::any_certificate::AnyCertificate;

/// Octets of headers; hyper's smallest allowed buffer is 8 KiB.
const HEADER_OCTETS_MAX: usize = 16 * 1024;
/// Header fields of an answer.
const HEADERS_MAX: usize = 64;
/// Octets of a body; a key authorization has about ninety.
const BODY_OCTETS_MAX: usize = 64 * 1024;

/// How to talk to the address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Scheme {
    /// In the clear.
    Http,
    /// Under TLS, with whatever certificate: the client is asking for its first one.
    Https,
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Get<'a> {
    /// Where to connect.
    pub to: SocketAddr,
    /// How.
    pub scheme: Scheme,
    /// The host for TLS.
    pub host: &'a str,
    /// The `Host` field.
    pub authority: &'a str,
    /// Path and query.
    pub path: &'a str,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The `Location` field, where there is one that is text.
    pub location: Option<String>,
    /// The body; empty for a redirect, which is not read further.
    pub body: Vec<u8>,
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAnswer {
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

/// Asks once.
pub(super) async fn get(get: &Get<'_>, limits: &Limits) -> Result<Answer, NoAnswer> {
    let stream = timeout(limits.connect_timeout, TcpStream::connect(get.to))
        .await
        .map_err(|_| NoAnswer::ConnectTimeout(limits.connect_timeout))?
        .map_err(|cause| NoAnswer::Connect(cause.kind()))?;
    let talk = async {
        match get.scheme {
            Scheme::Http => ask(stream, get).await,
            Scheme::Https => ask(under_tls(stream, get.host).await?, get).await,
        }
    };
    timeout(limits.answer_timeout, talk)
        .await
        .map_err(|_| NoAnswer::AnswerTimeout(limits.answer_timeout))?
}

async fn under_tls(
    stream: TcpStream,
    host: &str,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, NoAnswer> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|cause| NoAnswer::Tls(cause.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate::new(provider)))
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| NoAnswer::Tls("the host is not a name".to_owned()))?;
    tokio_rustls::TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .map_err(|cause| NoAnswer::Tls(cause.to_string()))
}

async fn ask(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    get: &Get<'_>,
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
    let uri: Uri = get.path.parse().map_err(|_| NoAnswer::Http("no path".to_owned()))?;
    let request = Request::get(uri)
        .header(header::HOST, get.authority)
        .header(header::USER_AGENT, "bailiwick (domain control validation, RFC 8555)")
        .header(header::ACCEPT, "*/*")
        .header(header::CONNECTION, "close")
        .body(String::new())
        .map_err(|cause| NoAnswer::Http(cause.to_string()))?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(http)?;
        read(response).await
    };
    tokio::select! {
        biased;
        answer = exchange => answer,
        cause = connection => Err(http(cause)),
    }
}

async fn read(response: Response<Incoming>) -> Result<Answer, NoAnswer> {
    let status = response.status();
    let location = response
        .headers()
        .get(header::LOCATION)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let mut body = Vec::new();
    if status.is_success() {
        let mut incoming = response.into_body();
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
    Ok(Answer { status, location, body })
}
