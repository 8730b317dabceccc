//! Listeners: accept, TLS, serve, and a graceful stop that lets requests in flight finish.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

/// A TLS handshake takes at most this long; a peer that is slower is cut off.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// Request headers have to be there within this time (threats T15: slow clients).
const HEADERS_MAX: Duration = Duration::from_secs(15);
/// Connections at once; more wait in the listen queue.
const CONNECTIONS_MAX: usize = 4_096;
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

/// Serves until `stop` turns true, then drains.
pub(crate) async fn serve(
    listener: TcpListener,
    security: Security,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let (serving, mut served) = tokio::sync::mpsc::channel::<(Stream, SocketAddr)>(64);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
                    let (security, serving) = (security.clone(), serving.clone());
                    tokio::spawn(async move {
                        if let Some(stream) = secure(stream, security).await {
                            // The receiver is gone only when the server stops.
                            let _gone = serving.send((stream, peer)).await;
                        }
                        drop(place);
                    });
                }
                Err(cause) => {
                    // Out of file descriptors or the peer went away: not a reason to stop.
                    tracing::warn!(error = %cause, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some((stream, peer)) = served.recv() => {
                let router = router.clone();
                let service = tower::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
                    request.extensions_mut().insert(ConnectInfo(peer));
                    router.clone().oneshot(request)
                });
                let mut builder = Builder::new(TokioExecutor::new());
                builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_MAX);
                builder.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS_MAX);
                let connection = builder
                    .serve_connection(stream, TowerToHyperService::new(service))
                    .into_owned();
                let watched = graceful.watch(connection);
                tokio::spawn(async move {
                    if let Err(cause) = watched.await {
                        tracing::debug!(error = %cause, peer = %peer, "a connection ended early");
                    }
                });
            },
            _ = stop.changed() => break,
        }
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_MAX, graceful.shutdown()).await.is_err() {
        tracing::warn!(seconds = DRAIN_MAX.as_secs(), "requests still ran when the server stopped");
    }
}

/// A connection, with or without TLS, behind one type.
type Stream = TokioIo<Box<dyn Io>>;

/// What a connection can do.
trait Io: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin {}
impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin> Io for T {}

async fn secure(stream: TcpStream, security: Security) -> Option<Stream> {
    if let Err(cause) = stream.set_nodelay(true) {
        tracing::debug!(error = %cause, "no-delay could not be set");
    }
    match security {
        Security::Plain => Some(TokioIo::new(Box::new(stream))),
        Security::Tls(config) => {
            let acceptor = TlsAcceptor::from(Arc::clone(&config.borrow()));
            match tokio::time::timeout(HANDSHAKE_MAX, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => Some(TokioIo::new(Box::new(stream))),
                Ok(Err(cause)) => {
                    tracing::debug!(error = %cause, "a TLS handshake failed");
                    None
                }
                Err(_) => None,
            }
        }
    }
}
