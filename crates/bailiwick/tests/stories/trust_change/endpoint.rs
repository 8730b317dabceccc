//! A small TLS server that reads its certificate from files when it is told to.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// A server on a port of its own; it ends with the test.
pub(super) struct Endpoint {
    folder: PathBuf,
    state: Arc<State>,
}

struct State {
    loaded: Mutex<Option<Arc<ServerConfig>>>,
    broken: AtomicBool,
    stop: AtomicBool,
}

/// The file whose change tells the server to read its certificate again.
pub(super) const TOLD: &str = "told";

/// What it serves besides a handshake.
const POLICY: &str = "mta-sts.txt";

impl Endpoint {
    pub(super) fn start(at: SocketAddr, folder: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("a folder can be made");
        let listener = TcpListener::bind(at).expect("the port is free");
        listener.set_nonblocking(true).expect("a listener can be set so");
        let state = Arc::new(State {
            loaded: Mutex::new(None),
            broken: AtomicBool::new(false),
            stop: AtomicBool::new(false),
        });
        let (its, place) = (Arc::clone(&state), folder.to_path_buf());
        std::thread::spawn(move || serve(&listener, &its, &place));
        Self { folder: folder.to_path_buf(), state }
    }

    /// From here on it reads nothing any more.
    pub(super) fn breaks(&self) {
        self.state.broken.store(true, Ordering::Relaxed);
    }

    /// From here on it serves this policy for mail.
    pub(super) fn serves(&self, policy: &str) {
        std::fs::write(self.folder.join(POLICY), policy).expect("a file can be written");
    }

    /// The certificate in its files, PEM.
    pub(super) fn file(&self) -> Option<String> {
        std::fs::read_to_string(self.folder.join("fullchain.pem")).ok()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::Relaxed);
    }
}

fn serve(listener: &TcpListener, state: &State, folder: &Path) {
    let mut seen: Option<SystemTime> = None;
    while !state.stop.load(Ordering::Relaxed) {
        let told = std::fs::metadata(folder.join(TOLD)).and_then(|it| it.modified()).ok();
        if told != seen && !state.broken.load(Ordering::Relaxed) {
            seen = told;
            *state.loaded.lock().unwrap_or_else(PoisonError::into_inner) = load(folder);
        }
        match listener.accept() {
            Ok((stream, _)) => {
                let loaded = state.loaded.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let Some(config) = loaded else { continue };
                let policy = folder.join(POLICY);
                std::thread::spawn(move || shake_hands(stream, config, &policy));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

fn load(folder: &Path) -> Option<Arc<ServerConfig>> {
    let chain = CertificateDer::pem_file_iter(folder.join("fullchain.pem")).ok()?;
    let chain: Vec<CertificateDer<'static>> = chain.collect::<Result<_, _>>().ok()?;
    let key = PrivateKeyDer::from_pem_file(folder.join("privkey.pem")).ok()?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .ok()?;
    Some(Arc::new(config))
}

fn shake_hands(mut stream: std::net::TcpStream, config: Arc<ServerConfig>, policy: &Path) {
    let _set = stream.set_nonblocking(false);
    let _bounded = stream.set_read_timeout(Some(Duration::from_secs(2)));
    let Ok(mut session) = rustls::ServerConnection::new(config) else { return };
    let mut tls = rustls::Stream::new(&mut session, &mut stream);
    let mut octets = [0; 2048];
    // Whoever only looks at the certificate leaves at once.
    let asked = tls.read(&mut octets).unwrap_or(0);
    if octets[..asked].starts_with(b"GET /.well-known/mta-sts.txt HTTP/1.1\r\n") {
        let (status, body) = match std::fs::read_to_string(policy) {
            Ok(body) => ("200 OK", body),
            Err(_) => ("404 Not Found", String::new()),
        };
        let _sent = write!(
            tls,
            "HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{body}",
            body.len()
        );
    }
    let _done = tls.flush();
}
