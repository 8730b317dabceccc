//! tls-alpn-01 against real sockets: which certificate shows control, and which does not.

use std::net::SocketAddr;
use std::sync::Arc;

use bailiwick_connect::validate::FailureKind;
use rcgen::{CertificateParams, CustomExtension, KeyPair, SanType};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::scene::{Scene, text, whose};

const DIGEST: [u8; 32] = [7; 32];
const NAME: &str = "www.shop.example";

/// What a server shows in its handshakes.
struct Shown {
    names: &'static [&'static str],
    extension: Option<(Vec<u8>, bool)>,
    protocols: &'static [&'static [u8]],
    version: &'static SupportedProtocolVersion,
    /// Whether the handshake is signed by the certificate's key, or by somebody else's.
    own_key: bool,
}

/// The right one.
fn right() -> Shown {
    Shown {
        names: &[NAME],
        extension: Some((octet_string(&DIGEST), true)),
        protocols: &[b"acme-tls/1"],
        version: &TLS13,
        own_key: true,
    }
}

fn octet_string(octets: &[u8]) -> Vec<u8> {
    [&[4, u8::try_from(octets.len()).unwrap()], octets].concat()
}

/// A server that shows it, for as long as the test runs.
async fn serve(shown: Shown) -> SocketAddr {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.subject_alt_names = shown
        .names
        .iter()
        .map(|text| match text.parse() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName((*text).try_into().unwrap()),
        })
        .collect();
    if let Some((content, critical)) = shown.extension {
        let id = [1, 3, 6, 1, 5, 5, 7, 1, 31];
        let mut extension = CustomExtension::from_oid_content(&id, content);
        extension.set_criticality(critical);
        params.custom_extensions = vec![extension];
    }
    let certificate = CertificateDer::from(params.self_signed(&key).unwrap().der().to_vec());
    let signs = if shown.own_key { key } else { KeyPair::generate().unwrap() };
    let key = PrivateKeyDer::try_from(signs.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = provider.key_provider.load_private_key(key).unwrap();
    // Not `with_single_cert`: that reads the certificate, and knows no acmeIdentifier.
    let certified = SingleCertAndKey::from(CertifiedKey::new(vec![certificate], key));
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[shown.version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(certified));
    config.alpn_protocols = shown.protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Whoever looks leaves after the handshake.
            let _left = acceptor.accept(stream).await;
        }
    });
    address
}

async fn check(what: &str, shown: Shown, expected: Result<(), (FailureKind, &str)>) {
    check_at(NAME, what, shown, expected).await;
}

async fn check_at(at: &str, what: &str, shown: Shown, expected: Result<(), (FailureKind, &str)>) {
    let scene = Scene::start(|_| text("")).await;
    let port = serve(shown).await.port();
    let validator = scene.validator_with(&["127.0.0.0/8"]).with_tls_port(port);
    let given = validator.tls_alpn01(&whose(at), &DIGEST).await;
    match (&given, expected) {
        (Ok(seen), Ok(())) => assert_eq!(seen.at, [format!("TLS {at} at 127.0.0.1:{port}")]),
        (Err(failed), Err((kind, word))) => {
            assert_eq!(failed.kind, kind, "{what}: {}", failed.saw);
            assert!(failed.saw.contains(word), "{what}: `{word}` is not in: {}", failed.saw);
        }
        _ => panic!("{what}: {given:?} instead of {expected:?}"),
    }
}

#[tokio::test]
async fn only_the_certificate_of_rfc_8737_shows_control() {
    check("the right one", right(), Ok(())).await;
    check("over TLS 1.2", Shown { version: &TLS12, ..right() }, Ok(())).await;
    let wrong = |word| Err((FailureKind::IncorrectResponse, word));
    let names = |names| Shown { names, ..right() };
    check("another name", names(&["other.shop.example"]), wrong("exactly this name")).await;
    check("a name more", names(&[NAME, "x.shop.example"]), wrong("exactly this name")).await;
    check("a wildcard", names(&["*.shop.example"]), wrong("exactly this name")).await;
    check("an address", names(&["127.0.0.1"]), wrong("exactly this name")).await;
    check("no name", names(&[]), wrong("exactly this name")).await;
    let with = |extension| Shown { extension, ..right() };
    check("an everyday certificate", with(None), wrong("no critical acmeIdentifier")).await;
    let digest = octet_string(&DIGEST);
    check("not critical", with(Some((digest.clone(), false))), wrong("no critical")).await;
    let other = octet_string(&[8; 32]);
    check("another digest", with(Some((other, true))), wrong("another token or account")).await;
    let short = octet_string(&[7; 31]);
    check("a shorter digest", with(Some((short, true))), wrong("another token or account")).await;
    check("no octet string", with(Some((DIGEST.to_vec(), true))), wrong("not der")).await;
    let longer = [digest, vec![0]].concat();
    check("something behind it", with(Some((longer, true))), wrong("not der")).await;
}

/// RFC 8738, section 6: one iPAddress, and the reverse name as server name.
#[tokio::test]
async fn an_address_is_shown_by_its_own_certificate() {
    let wrong = Err((FailureKind::IncorrectResponse, "exactly this name"));
    let names = |names| Shown { names, ..right() };
    check_at("127.0.0.1", "the right one", names(&["127.0.0.1"]), Ok(())).await;
    check_at("127.0.0.1", "another address", names(&["127.0.0.2"]), wrong).await;
    check_at("127.0.0.1", "the reverse name", names(&["1.0.0.127.in-addr.arpa"]), wrong).await;
    check_at("127.0.0.1", "an address more", names(&["127.0.0.1", "127.0.0.2"]), wrong).await;
}

#[tokio::test]
async fn a_server_that_speaks_something_else_shows_nothing() {
    let tls = |word| Err((FailureKind::Tls, word));
    let speaks = |protocols| Shown { protocols, ..right() };
    check("a web server", speaks(&[b"h2", b"http/1.1"]), tls("no TLS")).await;
    for version in [&TLS12, &TLS13] {
        let copied = Shown { own_key: false, version, ..right() };
        check("a certificate copied from somebody", copied, tls("no TLS")).await;
    }
    check("one without protocols", speaks(&[]), tls("does not speak `acme-tls/1`")).await;
}

#[tokio::test]
async fn a_handshake_never_goes_beyond_the_fence() {
    let scene = Scene::start(|_| text("")).await;
    let port = serve(right()).await.port();
    for (at, networks, word) in [
        ("www.shop.example", &[][..], "loopback"),
        ("private.fenced.example", &["127.0.0.0/8"][..], "private"),
        ("metadata.fenced.example", &["127.0.0.0/8"][..], "link-local"),
        ("translated.fenced.example", &["127.0.0.0/8"][..], "loopback"),
    ] {
        let validator = scene.validator_with(networks).with_tls_port(port);
        let failed = validator.tls_alpn01(&whose(at), &DIGEST).await.unwrap_err();
        assert_eq!(failed.kind, FailureKind::Connection, "{at}: {}", failed.saw);
        assert!(failed.saw.contains(word), "{at}: {}", failed.saw);
        assert!(failed.seen_at.is_empty(), "{at}: nothing was connected to");
    }
}
