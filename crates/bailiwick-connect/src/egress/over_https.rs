//! One DNS message over HTTPS (RFC 8484), on a connection that is open already.

use std::pin::Pin;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::{Request, Response, body::Incoming, header};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::NoAnswer;
use super::http::{HEADER_OCTETS_MAX, HEADERS_MAX, read};

const MESSAGE: &str = "application/dns-message";

/// Asks once: a GET, which any cache on the way may answer (RFC 8484, section 5.1). HTTP/2 where the
/// other side agreed on it, else HTTP/1.1.
pub(crate) async fn over_https(
    stream: TlsStream<TcpStream>,
    authority: &str,
    path: &str,
    question: &[u8],
) -> Result<Vec<u8>, NoAnswer> {
    let bad = |cause: &dyn std::fmt::Display| NoAnswer::Http(cause.to_string());
    let is_two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let place = format!("{path}?dns={}", URL_SAFE_NO_PAD.encode(question));
    // HTTP/2 names scheme and host in the address itself (RFC 9113, section 8.3.1).
    let uri = if is_two { format!("https://{authority}{place}") } else { place };
    let request = Request::get(uri)
        .header(header::HOST, authority)
        .header(header::ACCEPT, MESSAGE)
        .body(String::new())
        .map_err(|cause| bad(&cause))?;
    let io = TokioIo::new(stream);
    let response = if is_two {
        let (mut sender, connection) =
            hyper::client::conn::http2::Builder::new(TokioExecutor::new())
                .max_header_list_size(16 * 1_024)
                .handshake(io)
                .await
                .map_err(|cause| bad(&cause))?;
        with_connection(connection, async move {
            let response = sender.send_request(request).await.map_err(|cause| bad(&cause))?;
            message_of(response).await
        })
        .await?
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
            .max_buf_size(HEADER_OCTETS_MAX)
            .max_headers(HEADERS_MAX)
            .handshake(io)
            .await
            .map_err(|cause| bad(&cause))?;
        with_connection(connection, async move {
            let response = sender.send_request(request).await.map_err(|cause| bad(&cause))?;
            message_of(response).await
        })
        .await?
    };
    Ok(response)
}

/// The connection is driven while the answer is awaited, and dropped with it.
async fn with_connection(
    connection: impl Future<Output = hyper::Result<()>>,
    answer: impl Future<Output = Result<Vec<u8>, NoAnswer>>,
) -> Result<Vec<u8>, NoAnswer> {
    let connection: Pin<Box<_>> = Box::pin(async {
        match connection.await {
            Ok(()) => std::future::pending().await,
            Err(cause) => cause,
        }
    });
    tokio::select! {
        biased;
        answer = answer => answer,
        cause = connection => Err(NoAnswer::Http(cause.to_string())),
    }
}

async fn message_of(response: Response<Incoming>) -> Result<Vec<u8>, NoAnswer> {
    let answer = read(response, false).await?;
    if !answer.is_success() {
        return Err(NoAnswer::Http(format!("status {}", answer.status)));
    }
    if answer.field("content-type") != Some(MESSAGE) {
        return Err(NoAnswer::Http("the answer is no DNS message".to_owned()));
    }
    Ok(answer.body)
}
