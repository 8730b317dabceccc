//! JWS vectors in Wycheproof's form (`json_web_signature_test.json`, which no package carries):
//! `JWS_VECTORS=FILE cargo test -p bailiwick-wire --test jose_foreign`. Without a file it looks at some of its own.
//!
//! What they call invalid is never taken, what they call valid is, as far as it uses keys and
//! algorithms that are used here: the key comes through the reader of key sets, the parts through the
//! reader of tokens, the verdict from [`Jwk::has_signed`]. Their payloads are no claims and their
//! headers have no URL, so none of them is a request or a token as a whole; that is checked, too.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test panics")]

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use bailiwick_core::estate::AttestorKind;
use bailiwick_wire::attestation::{BadToken, KeySet, UnverifiedToken};
use bailiwick_wire::jose::{Jwk, JwsKind, UnverifiedJws, read_object};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Set to some claims: what a token needs so that only its other parts can be wrong.
const CLAIMS: &str = "e30";

/// The key of a group, where it is one that may verify here.
fn key(group: &Value) -> Option<Jwk> {
    let public = group.get("public")?.as_object()?;
    let set = json!({ "keys": [public] }).to_string();
    let set = KeySet::parse(set.as_bytes(), AttestorKind::Oidc).unwrap();
    let key = Jwk::from_object(public).ok();
    assert_eq!(key.is_some(), !set.is_empty(), "both readers take the same keys: {public:?}");
    key
}

/// Whether a JWS is taken: form by the reader of tokens, with claims in the place of its payload, and
/// its signature by the key.
fn taken(key: &Jwk, jws: &str) -> bool {
    let parts: Vec<&str> = jws.split('.').collect();
    let [header, payload, signature] = parts.as_slice() else { return false };
    if UnverifiedToken::parse(&format!("{header}.{CLAIMS}.{signature}")).is_err() {
        return false;
    }
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
    let (Some(head), Some(_), Some(signature)) =
        (decode(header), decode(payload), decode(signature))
    else {
        return false;
    };
    let head = read_object(&head, 8 * 1024).unwrap();
    head.get("alg").and_then(Value::as_str) == Some(key.algorithm().as_str())
        && key.has_signed(format!("{header}.{payload}").as_bytes(), &signature)
}

/// No vector is a request of ACME or a token of anybody.
fn is_nothing_whole(jws: &str) {
    let token = UnverifiedToken::parse(jws);
    assert!(
        matches!(token, Err(BadToken::Form | BadToken::Algorithm | BadToken::Header(_))),
        "{jws}"
    );
    let mut parts = jws.split('.');
    let mut part = || parts.next().unwrap_or_default();
    let object = json!({ "protected": part(), "payload": part(), "signature": part() });
    for kind in [JwsKind::Request, JwsKind::KeyChange] {
        assert!(UnverifiedJws::from_object(object.as_object().unwrap(), kind).is_err(), "{jws}");
    }
}

/// Some vectors in the same form, with fresh keys: what the test looks at where no file was given.
fn our_own() -> Value {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap();
    let point = pair.public_key().as_ref().to_vec();
    let of = |octets: &[u8]| URL_SAFE_NO_PAD.encode(octets);
    let public =
        json!({ "kty": "EC", "crv": "P-256", "x": of(&point[1..33]), "y": of(&point[33..]) });
    let signed = |header: &str, payload: &str| {
        let input = format!("{}.{}", of(header.as_bytes()), of(payload.as_bytes()));
        let signature = pair.sign(&random, input.as_bytes()).unwrap();
        format!("{input}.{}", of(signature.as_ref()))
    };
    let (header, mut id) = (r#"{"alg":"ES256","kid":"k"}"#, 0);
    let mut test = |jws: String, result: &str| {
        id += 1;
        json!({ "tcId": id, "jws": jws, "result": result })
    };
    let whole = signed(header, "foo");
    let cut = |from: usize| whole.split('.').skip(from).collect::<Vec<_>>().join(".");
    let confused = {
        let input = format!("{}.{}", of(br#"{"alg":"HS256","kid":"k"}"#), of(b"foo"));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &point), input.as_bytes());
        format!("{input}.{}", of(tag.as_ref()))
    };
    let mut tests = vec![test(whole.clone(), "valid"), test(signed(header, ""), "valid")];
    let wrong = [
        signed(r#"{"alg":"none","kid":"k"}"#, "foo"),
        signed(r#"{"alg":"RS256","kid":"k"}"#, "foo"),
        signed(r#"{"alg":"ES256","kid":"k","crit":["exp"]}"#, "foo"),
        whole.replace(&of(b"foo"), &of(b"bar")),
        whole.replace(&of(header.as_bytes()), &of(br#"{"alg":"ES256","kid":"j"}"#)),
        format!("{whole}AA"),
        format!("{whole}="),
        format!("{whole}?"),
        whole.replace('.', ". "),
        confused,
        cut(1),
        cut(2),
        String::new(),
    ];
    tests.extend(wrong.into_iter().map(|jws| test(jws, "invalid")));
    let groups: Vec<Value> = [("use", json!("enc")), ("key_ops", json!(["encrypt"]))]
        .into_iter()
        .map(|(member, says)| {
            let mut public = public.clone();
            public[member] = says;
            json!({ "public": public, "tests": [test(whole.clone(), "invalid")] })
        })
        .chain([json!({ "public": public, "tests": tests })])
        .collect();
    json!({ "testGroups": groups })
}

#[test]
fn vectors_of_others_are_taken_and_refused_as_they_say() {
    let file = std::env::var_os("JWS_VECTORS");
    let vectors: Value = match &file {
        Some(file) => serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap(),
        None => our_own(),
    };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut count = |what| *counts.entry(what).or_default() += 1;
    for group in vectors["testGroups"].as_array().unwrap() {
        let key = key(group);
        for test in group["tests"].as_array().unwrap() {
            let (jws, id) = (test["jws"].as_str().unwrap(), &test["tcId"]);
            is_nothing_whole(jws);
            let taken = key.as_ref().is_some_and(|key| taken(key, jws));
            match (test["result"].as_str(), &key, taken) {
                (Some("valid"), Some(_), true) => count("valid and taken"),
                (Some("valid"), None, false) => count("valid, of a key or algorithm not used here"),
                (Some("invalid"), Some(_), false) => count("invalid and refused"),
                (Some("invalid"), None, false) => count("invalid, and its key is none here"),
                (verdict, ..) => panic!("vector {id}: {verdict:?}, and taken is {taken}"),
            }
        }
    }
    println!("{counts:#?}");
    let (valid, invalid) = (counts["valid and taken"], counts["invalid and refused"]);
    match file {
        Some(_) => assert!(valid > 3 && invalid > 100, "{counts:?}"),
        None => assert_eq!((valid, invalid, counts.values().sum()), (2, 13, 17), "{counts:?}"),
    }
}
