//! A CI system as far as its tokens go: an OpenID provider of the tests' own, with its keys over HTTPS on
//! loopback.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};

/// A key that signs tokens.
pub(crate) struct SigningKey {
    pair: EcdsaKeyPair,
    kid: String,
}

impl SigningKey {
    pub(crate) fn new(kid: &str) -> Self {
        let made =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let made = made.expect("a key can be made");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.as_ref());
        Self { pair: pair.expect("it is a key"), kid: kid.to_owned() }
    }

    pub(crate) fn jwk(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let (x, y) = (&point[1..33], &point[33..65]);
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid,
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y) })
    }

    /// A token with these claims.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = json!({ "typ": "JWT", "alg": "ES256", "kid": self.kid });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", part(&header), part(claims));
        let signed = self.pair.sign(&SystemRandom::new(), input.as_bytes()).expect("it signs");
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signed.as_ref()))
    }
}

/// The provider. It listens as long as the test runs.
pub(crate) struct Forge {
    pub(crate) url: String,
    /// The root that its server is trusted by, PEM.
    pub(crate) root: String,
    keys: Arc<Mutex<Vec<Value>>>,
    is_down: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    numbers: AtomicUsize,
}

impl Forge {
    pub(crate) fn start(keys: &[&SigningKey]) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]);
        let made = made.expect("a certificate can be made");
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let chain = vec![CertificateDer::from(made.cert.der().to_vec())];
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS has versions")
            .with_no_client_auth()
            .with_single_cert(chain, key.into())
            .expect("the key is the certificate's");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let url = format!("https://{}", listener.local_addr().expect("it is bound"));
        let forge = Self {
            url: url.clone(),
            root: made.cert.pem(),
            keys: Arc::default(),
            is_down: Arc::default(),
            asked: Arc::default(),
            numbers: AtomicUsize::new(0),
        };
        forge.publish(keys);
        let (keys, is_down, asked) =
            (Arc::clone(&forge.keys), Arc::clone(&forge.is_down), Arc::clone(&forge.asked));
        let config = Arc::new(config);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                asked.fetch_add(1, Ordering::SeqCst);
                if is_down.load(Ordering::SeqCst) {
                    continue;
                }
                let set = json!({ "keys": *keys.lock().expect("nobody panicked") });
                let description = json!({ "issuer": url, "jwks_uri": format!("{url}/keys") });
                let _gone = serve(stream, &config, &description, &set);
            }
        });
        forge
    }

    /// Publishes exactly these keys.
    pub(crate) fn publish(&self, keys: &[&SigningKey]) {
        *self.keys.lock().expect("nobody panicked") = keys.iter().map(|key| key.jwk()).collect();
    }

    /// From now on it hangs up.
    pub(crate) fn goes_down(&self) {
        self.is_down.store(true, Ordering::SeqCst);
    }

    /// How often somebody connected.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// What a job of this repository and ref says, for `audience`; good for five minutes, and each its own.
    pub(crate) fn claims(&self, audience: &str, repository: &str, git_ref: &str) -> Value {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
        let now = since.as_secs();
        let number = self.numbers.fetch_add(1, Ordering::SeqCst);
        json!({ "iss": self.url, "aud": audience, "sub": format!("repo:{repository}:ref:{git_ref}"),
            "jti": format!("job-{number}"), "iat": now, "nbf": now, "exp": now + 300,
            "repository": repository, "ref": git_ref, "environment": "production" })
    }
}

fn serve(
    stream: TcpStream,
    config: &Arc<ServerConfig>,
    description: &Value,
    set: &Value,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(std::time::Duration::from_secs(5)))?;
    let session = rustls::ServerConnection::new(Arc::clone(config));
    let mut tls = rustls::StreamOwned::new(session.map_err(std::io::Error::other)?, stream);
    let mut request = [0; 2_048];
    let read = tls.read(&mut request)?;
    let request = String::from_utf8_lossy(&request[..read]).into_owned();
    let (status, body) = match request.split_whitespace().nth(1) {
        Some("/keys") => ("200 OK", set.to_string()),
        Some("/.well-known/openid-configuration") => ("200 OK", description.to_string()),
        _ => ("404 Not Found", "{}".to_owned()),
    };
    write!(
        tls,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )?;
    tls.conn.send_close_notify();
    tls.flush()
}
