//! Tokens: what is believed, and every way in which somebody may want to be believed who should not.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::collections::BTreeSet;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use bailiwick_core::certificate::KeyKind;
use bailiwick_core::estate::{Attestor, AttestorKeys, AttestorKind};
use bailiwick_core::time::Time;
use bailiwick_wire::attestation::{BadToken, KeySet, UnverifiedToken, VerifiedToken};
use bailiwick_wire::jose::Jwk;
use bailiwick_wire::x509::PublicKey;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

const NOW: i64 = 1_790_000_000;
const ISSUER: &str = "https://forge.example";
const AUDIENCE: &str = "https://bailiwick.shop.example";

struct Signer {
    pair: EcdsaKeyPair,
    jwk: Jwk,
}

impl Signer {
    fn new() -> Self {
        let made =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let der = made.unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref()).unwrap();
        let key = PublicKey::from_point(KeyKind::EcdsaP256, pair.public_key().as_ref()).unwrap();
        Self { pair, jwk: Jwk::from(key) }
    }

    fn member(&self, kid: Option<&str>, purpose: Option<&str>) -> Value {
        let mut jwk: Value = serde_json::from_str(&self.jwk.canonical()).unwrap();
        for (name, value) in [("kid", kid), ("use", purpose)] {
            if let Some(value) = value {
                jwk[name] = json!(value);
            }
        }
        jwk
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let input = input(header, claims);
        let signed = self.pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signed.as_ref()))
    }
}

fn input(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

fn keys(members: &[Value], kind: AttestorKind) -> KeySet {
    let text = json!({ "keys": members }).to_string();
    KeySet::parse(text.as_bytes(), kind).unwrap()
}

fn attestor(kind: AttestorKind, issuer: &str) -> Attestor {
    Attestor {
        kind,
        issuer: issuer.to_owned(),
        audience: AUDIENCE.to_owned(),
        keys: AttestorKeys::Discovered,
        trust_roots: None,
        vouches_for: BTreeSet::new(),
        holds_minutes: 60,
    }
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "repo:shop/pay:ref:refs/heads/main", "aud": AUDIENCE, "jti": "1",
        "iat": NOW - 10, "nbf": NOW - 10, "exp": NOW + 300, "repository": "shop/pay",
        "ref": "refs/heads/main", "run_attempt": 2, "ref_protected": true, "list": ["x"],
    })
}

fn header() -> Value {
    json!({ "alg": "ES256", "typ": "JWT", "kid": "k1", "x5t": "only a name" })
}

fn check(token: &str, by: &Attestor, keys: &KeySet) -> Result<VerifiedToken, BadToken> {
    UnverifiedToken::parse(token)?.verify(by, keys, Time::from_unix_seconds(NOW))
}

#[test]
fn a_token_of_the_attestor_says_what_it_says() {
    let signer = Signer::new();
    let set = keys(&[signer.member(Some("k1"), Some("sig"))], AttestorKind::Oidc);
    let forge = attestor(AttestorKind::Oidc, ISSUER);
    let verified = check(&signer.sign(&header(), &claims()), &forge, &set).unwrap();
    assert_eq!(verified.subject, "repo:shop/pay:ref:refs/heads/main");
    let said = |name: &str| verified.claims.get(name).map(String::as_str);
    assert_eq!(said("repository"), Some("shop/pay"));
    assert_eq!(said("ref_protected"), Some("true"));
    assert_eq!(said("run_attempt"), Some("2"));
    assert_eq!(said("list"), None, "a list is no word");
    let several = json!(["somebody", AUDIENCE]);
    let mut many = claims();
    many["aud"] = several;
    check(&signer.sign(&header(), &many), &forge, &set).unwrap();
}

/// Each with the rule that people are told.
#[test]
fn what_is_not_the_attestors_own_word_for_us_and_for_now_is_not_believed() {
    let signer = Signer::new();
    let set = keys(&[signer.member(Some("k1"), None)], AttestorKind::Oidc);
    let forge = attestor(AttestorKind::Oidc, ISSUER);
    let refused = |what: &str, rule: &str, change: &dyn Fn(&mut Value, &mut Value)| {
        let (mut header, mut claims) = (header(), claims());
        change(&mut header, &mut claims);
        let bad = check(&signer.sign(&header, &claims), &forge, &set).expect_err(what);
        assert_eq!(bad.rule(), rule, "{what}: {bad}");
    };
    refused("over", "token-out-of-date", &|_, c| c["exp"] = json!(NOW));
    refused("over by a second", "token-out-of-date", &|_, c| c["exp"] = json!(NOW - 1));
    refused("not yet", "token-out-of-date", &|_, c| c["nbf"] = json!(NOW + 61));
    refused("made in the future", "token-out-of-date", &|_, c| c["iat"] = json!(NOW + 61));
    refused("good for ever", "token-out-of-date", &|_, c| c["exp"] = json!(NOW + 400 * 86_400));
    refused("no end", "token-malformed", &|_, c| c["exp"] = Value::Null);
    refused("an end in words", "token-malformed", &|_, c| c["exp"] = json!("tomorrow"));
    refused("an end in fractions", "token-malformed", &|_, c| c["exp"] = json!(1e12));
    refused("for somebody else", "token-audience", &|_, c| c["aud"] = json!("sts.cloud.example"));
    refused("for some others", "token-audience", &|_, c| c["aud"] = json!(["a", "b"]));
    refused("for us in part", "token-audience", &|_, c| c["aud"] = json!(format!("{AUDIENCE}/x")));
    refused("for nobody", "token-malformed", &|_, c| c["aud"] = Value::Null);
    refused("by somebody else", "token-issuer", &|_, c| c["iss"] = json!("https://evil.example"));
    refused("by nearly us", "token-issuer", &|_, c| c["iss"] = json!(format!("{ISSUER}/")));
    refused("by nobody", "token-malformed", &|_, c| c["iss"] = Value::Null);
    refused("about nobody", "token-malformed", &|_, c| c["sub"] = Value::Null);
    refused("another key", "token-not-verified", &|h, _| h["kid"] = json!("k2"));
    refused("a kid in a list", "token-malformed", &|h, _| h["kid"] = json!(["k1"]));
    refused("its own key", "token-malformed", &|h, _| h["jwk"] = signer.member(None, None));
    refused("its own chain", "token-malformed", &|h, _| h["x5c"] = json!(["AAAA"]));
    refused("keys elsewhere", "token-malformed", &|h, _| h["jku"] = json!("https://evil.example"));
    refused("a certificate elsewhere", "token-malformed", &|h, _| h["x5u"] = json!("https://e.x"));
    refused("something critical", "token-malformed", &|h, _| h["crit"] = json!(["b64"]));
    for alg in ["none", "None", "HS256", "RS256", "ES384", "PS256", "es256", ""] {
        refused(alg, "token-not-verified", &|h, _| h["alg"] = json!(alg));
    }
}

/// The confusions that libraries have had: the public key as a MAC key, another key's algorithm, a
/// `kid` that two keys have, no `kid` at all.
#[test]
fn no_confusion_of_keys_and_algorithms_is_believed() {
    let (ours, other) = (Signer::new(), Signer::new());
    let forge = attestor(AttestorKind::Oidc, ISSUER);
    let set = keys(&[ours.member(Some("k1"), None)], AttestorKind::Oidc);
    let mac_key = hmac::Key::new(hmac::HMAC_SHA256, ours.jwk.canonical().as_bytes());
    let unsigned = input(&json!({ "alg": "HS256", "kid": "k1" }), &claims());
    let mac = hmac::sign(&mac_key, unsigned.as_bytes());
    let token = format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(mac.as_ref()));
    assert_eq!(check(&token, &forge, &set), Err(BadToken::Algorithm));
    let unsigned = input(&json!({ "alg": "none" }), &claims());
    assert_eq!(check(&format!("{unsigned}."), &forge, &set), Err(BadToken::Algorithm));
    let stolen_name = other.sign(&header(), &claims());
    assert_eq!(check(&stolen_name, &forge, &set), Err(BadToken::Signature));
    // A signature of an RSA key over a header that names the elliptic one.
    let rsa = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let text = input(&json!({ "alg": "RS256", "kid": "k1" }), &claims());
    let mut signature = vec![0; rsa.public_modulus_len()];
    rsa.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    let token = format!("{text}.{}", URL_SAFE_NO_PAD.encode(&signature));
    assert_eq!(check(&token, &forge, &set), Err(BadToken::Key));
    let twice = [ours.member(Some("k1"), None), other.member(Some("k1"), None)];
    let twice = keys(&twice, AttestorKind::Oidc);
    assert_eq!(check(&ours.sign(&header(), &claims()), &forge, &twice), Err(BadToken::Key));
    let nameless = ours.sign(&json!({ "alg": "ES256" }), &claims());
    check(&nameless, &forge, &set).unwrap();
    let two = [ours.member(Some("k1"), None), other.member(Some("k2"), None)];
    let two = keys(&two, AttestorKind::Oidc);
    assert_eq!(check(&nameless, &forge, &two), Err(BadToken::Key), "which of the two is not said");
    let rotated = keys(&[other.member(Some("k2"), None)], AttestorKind::Oidc);
    let withdrawn = ours.sign(&header(), &claims());
    assert_eq!(check(&withdrawn, &forge, &rotated), Err(BadToken::Key), "its key was withdrawn");
}

#[test]
fn a_token_is_named_by_its_id_whatever_its_signature_looks_like() {
    let signer = Signer::new();
    let set = keys(&[signer.member(Some("k1"), None)], AttestorKind::Oidc);
    let forge = attestor(AttestorKind::Oidc, ISSUER);
    let name =
        |claims: &Value| check(&signer.sign(&header(), claims), &forge, &set).unwrap().digest;
    // ECDSA signs anew each time.
    assert_eq!(name(&claims()), name(&claims()));
    let mut later = claims();
    later["iat"] = json!(NOW);
    assert_eq!(name(&claims()), name(&later), "the same `jti`");
    let mut nameless = claims();
    nameless["jti"] = Value::Null;
    assert_eq!(name(&nameless), name(&nameless));
    assert_ne!(name(&nameless), name(&claims()));
}

#[test]
fn texts_that_are_no_tokens_are_refused() {
    for text in ["", ".", "..", "a.b", "a.b.c.d", "e30.e30.", "e30.e30.e30", "{}", "é.é.é"] {
        assert!(UnverifiedToken::parse(text).is_err(), "{text}");
    }
    assert!(UnverifiedToken::parse(&"a".repeat(40_000)).is_err());
    let twice = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","alg":"none"}"#);
    assert!(UnverifiedToken::parse(&format!("{twice}.e30.AAAA")).is_err());
}

#[test]
fn a_service_account_is_known_by_what_kubernetes_says_about_it() {
    let signer = Signer::new();
    let set = keys(&[signer.member(Some("k1"), None)], AttestorKind::Kubernetes);
    let cluster = attestor(AttestorKind::Kubernetes, ISSUER);
    let mut claims = claims();
    claims["sub"] = json!("system:serviceaccount:pay:api");
    // Outside its own place the word is nobody's.
    claims["namespace"] = json!("kube-system");
    claims["kubernetes.io"] = json!({
        "namespace": "pay", "serviceaccount": { "name": "api", "uid": "1" }, "pod": { "name": "p" }
    });
    let verified = check(&signer.sign(&header(), &claims), &cluster, &set).unwrap();
    let said = |name: &str| verified.claims.get(name).map(String::as_str);
    assert_eq!(
        [said("namespace"), said("service_account"), said("pod")],
        [Some("pay"), Some("api"), Some("p")]
    );
    claims["kubernetes.io"] = json!({});
    let verified = check(&signer.sign(&header(), &claims), &cluster, &set).unwrap();
    assert_eq!(verified.claims.get("namespace"), None, "a claim of its own making counts not");
}

#[test]
fn a_jwt_svid_is_one_of_its_trust_domain() {
    let signer = Signer::new();
    let bundle = [signer.member(Some("k1"), Some("jwt-svid"))];
    let set = keys(&bundle, AttestorKind::Spiffe);
    let mesh = attestor(AttestorKind::Spiffe, "shop.example");
    let token = |id: &str| {
        let mut claims = claims();
        claims["sub"] = json!(id);
        claims["spiffe_id"] = json!("spiffe://shop.example/admin");
        signer.sign(&header(), &claims)
    };
    let verified = check(&token("spiffe://shop.example/pay/api"), &mesh, &set).unwrap();
    assert_eq!(verified.claims["spiffe_id"], "spiffe://shop.example/pay/api");
    for id in [
        "spiffe://shop.example.evil.example/pay/api",
        "spiffe://evil.example/pay/api",
        "spiffe://shop.example",
        "spiffe://shop.example/../x",
        "shop.example/pay/api",
    ] {
        assert_eq!(check(&token(id), &mesh, &set).unwrap_err().rule(), "token-issuer", "{id}");
    }
    // A key that signs for another purpose does not sign JWT-SVIDs.
    for purpose in [Some("sig"), Some("x509-svid"), None] {
        let set = keys(&[signer.member(Some("k1"), purpose)], AttestorKind::Spiffe);
        let bad = check(&token("spiffe://shop.example/pay/api"), &mesh, &set);
        assert_eq!(bad, Err(BadToken::Key), "{purpose:?}");
    }
}

struct Domain {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    der: Vec<u8>,
}

impl Domain {
    fn new() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { issuer: rcgen::Issuer::new(params, key), der }
    }

    /// An SVID with these ids over the key of `holder`.
    fn svid(&self, holder: &rcgen::KeyPair, ids: &[&str], is_ca: bool) -> Vec<u8> {
        let mut params = rcgen::CertificateParams::default();
        let uri = |id: &&str| rcgen::SanType::URI((*id).try_into().unwrap());
        params.subject_alt_names = ids.iter().map(uri).collect();
        if is_ca {
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        }
        params.signed_by(holder, &self.issuer).unwrap().der().to_vec()
    }
}

#[test]
fn an_x509_svid_proves_itself_with_its_key() {
    let (ours, theirs) = (Domain::new(), Domain::new());
    let root = json!({ "use": "x509-svid", "kty": "EC", "x5c": [STANDARD.encode(&ours.der)] });
    let set = keys(&[root], AttestorKind::Spiffe);
    let mesh = attestor(AttestorKind::Spiffe, "shop.example");
    let holder = rcgen::KeyPair::generate().unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &holder.serialize_der())
        .unwrap();
    let id = "spiffe://shop.example/pay/api";
    let proof = |leaf: &[u8], change: &dyn Fn(&mut Value)| {
        let mut claims = json!({ "sub": "spiffe://shop.example/admin", "aud": AUDIENCE, "jti": "9",
            "iat": NOW, "exp": NOW + 300 });
        change(&mut claims);
        let header = json!({ "alg": "ES256", "x5c": [STANDARD.encode(leaf)] });
        let text = input(&header, &claims);
        let signed = pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signed.as_ref()))
    };
    let same = |_: &mut Value| {};
    let leaf = ours.svid(&holder, &[id], false);
    let verified = check(&proof(&leaf, &same), &mesh, &set).unwrap();
    assert_eq!(verified.subject, id, "who it is stands in the certificate, not in the proof");
    let refused = |what: &str, leaf: &[u8], rule: &str, change: &dyn Fn(&mut Value)| {
        let bad = check(&proof(leaf, change), &mesh, &set).expect_err(what);
        assert_eq!(bad.rule(), rule, "{what}: {bad}");
    };
    let no = "token-not-verified";
    refused("another domain", &theirs.svid(&holder, &[id], false), no, &same);
    refused(
        "another's key",
        &ours.svid(&rcgen::KeyPair::generate().unwrap(), &[id], false),
        no,
        &same,
    );
    refused("two ids", &ours.svid(&holder, &[id, "spiffe://shop.example/b"], false), no, &same);
    refused("no id", &ours.svid(&holder, &[], false), no, &same);
    refused("a CA", &ours.svid(&holder, &[id], true), no, &same);
    let elsewhere = ours.svid(&holder, &["spiffe://evil.example/pay/api"], false);
    refused("an id elsewhere", &elsewhere, "token-issuer", &same);
    refused("kept", &leaf, "token-out-of-date", &|c| c["exp"] = json!(NOW + 3_600));
    refused("without a name", &leaf, "token-malformed", &|c| c["jti"] = Value::Null);
    refused("for another", &leaf, "token-audience", &|c| c["aud"] = json!("https://x.example"));
}

#[test]
fn a_host_is_its_key() {
    let signer = Signer::new();
    let hosts = attestor(AttestorKind::HostKey, "");
    let claims = json!({ "sub": "anything", "thumbprint": "mine", "aud": AUDIENCE, "jti": "3",
        "iat": NOW, "exp": NOW + 60 });
    let header = json!({ "alg": "ES256", "jwk": signer.member(None, None) });
    let token = signer.sign(&header, &claims);
    let verified = check(&token, &hosts, &KeySet::default()).unwrap();
    let thumbprint = signer.jwk.thumbprint().to_string();
    assert_eq!(
        (verified.subject.as_str(), &verified.claims["thumbprint"]),
        (thumbprint.as_str(), &thumbprint)
    );
    let others = Signer::new().sign(&header, &claims);
    assert_eq!(check(&others, &hosts, &KeySet::default()), Err(BadToken::Signature));
}

#[test]
fn a_set_with_a_private_key_is_refused_and_strange_keys_are_passed_over() {
    let set = |members: Value| {
        let text = json!({ "keys": members }).to_string();
        KeySet::parse(text.as_bytes(), AttestorKind::Oidc)
    };
    let mut private = Signer::new().member(Some("k1"), None);
    private["d"] = json!("AAAA");
    assert!(set(json!([private])).is_err());
    let strange = json!([{ "kty": "oct2" }, 7, { "kty": "EC", "crv": "P-521" }]);
    assert!(set(strange).unwrap().is_empty());
    assert!(KeySet::parse(b"[]", AttestorKind::Oidc).is_err());
    assert!(KeySet::parse(b"{}", AttestorKind::Oidc).is_err());
}
