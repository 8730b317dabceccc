//! Listeners: accept, TLS, serve, and a graceful stop that lets requests in flight finish.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use doing::{Counted, Doing, Io};
use places::Places;

mod doing;
mod places;

/// HTTP/2 streams of one connection at once.
const STREAMS_MAX: u32 = 64;
/// How long requests in flight may take once the server stops.
const DRAIN_MAX: Duration = Duration::from_secs(20);

/// How one listener is secured.
#[derive(Clone)]
pub(crate) enum Security {
    /// TLS with the server's certificate, which may be swapped while running.
    Tls(watch::Receiver<Arc<rustls::ServerConfig>>),
    /// None: what is served here is public and signed by itself.
    Plain,
}

/// What clients may take of one listener.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Connections at once.
    places: u32,
    /// How long a TLS handshake takes at most; a peer that is slower is cut off.
    handshake: Duration,
    /// Within this time the first request, and the headers of each, have to be there (threats T15: slow clients).
    headers: Duration,
    /// A connection without a request, and to which nothing is written for so long, ends.
    idle: Duration,
    /// How long a connection that is to end, with no request in flight, gets to do so by itself.
    farewell: Duration,
}

impl Bounds {
    /// What this process can bear.
    pub(crate) fn of_this_process() -> Self {
        Self {
            places: places::of_this_process(),
            handshake: Duration::from_secs(10),
            headers: Duration::from_secs(15),
            // Longer than the pauses of a stream of events.
            idle: Duration::from_secs(60),
            farewell: Duration::from_secs(2),
        }
    }
}

/// Serves until `stop` turns true, then drains. A connection has its place from its first octet to its end,
/// and nothing that it does or leaves undone holds up this loop.
pub(crate) async fn serve(
    listener: TcpListener,
    security: Security,
    router: Router,
    bounds: Bounds,
    mut stop: watch::Receiver<bool>,
) {
    let places = Places::new(bounds.places);
    loop {
        let free = tokio::select! {
            free = places.free() => free,
            _ = stop.changed() => break,
        };
        let Some(free) = free else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let Some(place) = places.give(free, peer.ip()) else {
                    tracing::debug!(%peer, "a client has half of all connections; no more for it");
                    continue;
                };
                let (security, router, stop) = (security.clone(), router.clone(), stop.clone());
                tokio::spawn(async move {
                    attend((stream, peer), security, router, bounds, stop).await;
                    drop(place);
                });
            }
            Err(cause) => {
                // Out of file descriptors or the peer went away: not a reason to stop.
                tracing::warn!(error = %cause, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_MAX, places.all_free()).await.is_err() {
        tracing::warn!(seconds = DRAIN_MAX.as_secs(), "requests still ran when the server stopped");
    }
}

/// One connection, from its handshake to its end.
async fn attend(
    (stream, peer): (TcpStream, SocketAddr),
    security: Security,
    router: Router,
    bounds: Bounds,
    mut stop: watch::Receiver<bool>,
) {
    let io = tokio::select! {
        io = secure(stream, security, bounds.handshake) => io,
        _ = stop.changed() => None,
    };
    let Some(io) = io else { return };
    let doing = Arc::new(Doing::default());
    let counted = TokioIo::new(Counted { io, doing: Arc::clone(&doing) });
    let asked = Arc::clone(&doing);
    let service = tower::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let in_flight = asked.begin();
        let answer = router.clone().oneshot(request);
        async move {
            let answer = answer.await;
            drop(in_flight);
            answer
        }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(bounds.headers);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS_MAX);
    let mut connection = pin!(builder.serve_connection(counted, TowerToHyperService::new(service)));
    let mut tick = pin!(tokio::time::sleep(bounds.headers));
    let (mut ending, mut seen) = (false, 0);
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(cause) = ended {
                    tracing::debug!(error = %cause, %peer, "a connection ended early");
                }
                return;
            }
            _ = stop.changed(), if !ending => {
                connection.as_mut().graceful_shutdown();
                ending = true;
            }
            () = tick.as_mut() => {
                let is_idle = doing.is_idle(&mut seen);
                if !doing.has_asked() || (ending && is_idle) {
                    return;
                }
                if is_idle {
                    connection.as_mut().graceful_shutdown();
                    ending = true;
                }
            }
        }
        tick.set(tokio::time::sleep(if ending { bounds.farewell } else { bounds.idle }));
    }
}

async fn secure(stream: TcpStream, security: Security, handshake: Duration) -> Option<Box<dyn Io>> {
    if let Err(cause) = stream.set_nodelay(true) {
        tracing::debug!(error = %cause, "no-delay could not be set");
    }
    match security {
        Security::Plain => Some(Box::new(stream)),
        Security::Tls(config) => {
            let acceptor = TlsAcceptor::from(Arc::clone(&config.borrow()));
            match tokio::time::timeout(handshake, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => Some(Box::new(stream)),
                Ok(Err(cause)) => {
                    tracing::debug!(error = %cause, "a TLS handshake failed");
                    None
                }
                Err(_) => None,
            }
        }
    }
}

#[cfg(test)]
mod tests;
