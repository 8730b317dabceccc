//! Where http-01 finds key authorizations (RFC 8555, section 8.3).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::fault::NotMeasured;

/// A request has at most so many octets.
const REQUEST_MAX: usize = 4_096;
/// And is there within this time.
const REQUEST_WITHIN: Duration = Duration::from_secs(10);
const PATH: &str = "/.well-known/acme-challenge/";

type Known = Arc<Mutex<BTreeMap<String, String>>>;

/// A web server that knows nothing but key authorizations; stops when it is dropped.
pub(super) struct Responder {
    address: SocketAddr,
    known: Known,
    task: JoinHandle<()>,
}

impl Responder {
    /// Listens on a free port.
    pub(super) async fn start() -> Result<Self, NotMeasured> {
        let failed = || NotMeasured::system("no port for http-01 can be listened on");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed())?;
        let address = listener.local_addr().map_err(failed())?;
        let known = Known::default();
        let task = tokio::spawn(serve(listener, Arc::clone(&known)));
        Ok(Self { address, known, task })
    }

    /// The port.
    pub(super) const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Answers `token` with `key_authorization` from now on.
    pub(super) fn put(&self, token: &str, key_authorization: String) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(token.to_owned(), key_authorization);
    }

    /// Forgets a token.
    pub(super) fn take(&self, token: &str) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(token);
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, known: Known) {
    // Not accepting any more shows: validations fail, and the measure with them.
    while let Ok((stream, _)) = listener.accept().await {
        let known = Arc::clone(&known);
        tokio::spawn(async move {
            // A client that goes away or is slow does not matter to anybody else.
            drop(tokio::time::timeout(REQUEST_WITHIN, answer(stream, &known)).await);
        });
    }
}

async fn answer(mut stream: TcpStream, known: &Known) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|four| four == b"\r\n\r\n") && request.len() < REQUEST_MAX {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let found = token(&request)
        .and_then(|token| known.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned());
    let (status, body) = match found {
        Some(found) => ("200 OK", found),
        None => ("404 Not Found", String::new()),
    };
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/octet-stream\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

/// The token of a request line.
fn token(request: &[u8]) -> Option<&str> {
    let line = std::str::from_utf8(request).ok()?.lines().next()?;
    line.strip_prefix("GET ")?.split(' ').next()?.strip_prefix(PATH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_challenges_are_asked_for() {
        let of = |text: &'static str| token(text.as_bytes());
        assert_eq!(
            of("GET /.well-known/acme-challenge/abc HTTP/1.1\r\nHost: x\r\n\r\n"),
            Some("abc")
        );
        assert_eq!(of("GET / HTTP/1.1\r\n\r\n"), None);
        assert_eq!(of("POST /.well-known/acme-challenge/abc HTTP/1.1\r\n\r\n"), None);
    }
}
