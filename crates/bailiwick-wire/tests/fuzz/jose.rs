//! JSON, keys, signed requests and bindings (threats T12 and T15).

use aws_lc_rs::hmac;
use aws_lc_rs::signature::KeyPair as _;
use bailiwick_wire::jose::{
    ExternalBinding, Jwk, JwsKind, KeyAuthorization, KeyRef, Thumbprint, UnverifiedJws, read_object,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::authority::key;
use crate::fuzzing::refusal::No;
use crate::fuzzing::{Read, Shape, Target};

pub(crate) const URL: &str = "https://ca.shop.example/acme/new-order";
const ACCOUNT: &str = "https://ca.shop.example/acme/account/1";
const OCTETS_MAX: usize = 128 * 1_024;

/// One key of each kind. The EC and RSA keys are the examples of RFC 7515, appendix A.
pub(crate) const JWKS: [&str; 3] = [
    r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
    r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB","alg":"RS256"}"#,
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","use":"sig","key_ops":["verify"]}"#,
];

const WORDS: [&str; 24] = [
    "\"alg\"",
    "\"jwk\"",
    "\"kid\"",
    "\"nonce\"",
    "\"url\"",
    "\"crit\"",
    "\"b64\"",
    "\"jku\"",
    "\"x5c\"",
    "\"EdDSA\"",
    "\"ES256\"",
    "\"RS256\"",
    "\"HS256\"",
    "\"none\"",
    "\"header\"",
    "\"signatures\"",
    "\"protected\"",
    "\"payload\"",
    "\"kty\"",
    "\"d\"",
    "\"use\"",
    "\"oct\"",
    "\"P-384\"",
    ",\"alg\":\"none\"",
];

pub(crate) fn encode(octets: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

fn own_jwk() -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "x": encode(key(5).public_key())})
}

fn header(by: (&str, Value)) -> String {
    json!({"alg": "EdDSA", by.0: by.1, "nonce": "bm9uY2U", "url": URL}).to_string()
}

fn headers() -> [String; 2] {
    [header(("jwk", own_jwk())), header(("kid", json!(ACCOUNT)))]
}

/// A flattened JWS by the one key of these tests.
fn flattened(header: &[u8], payload: &[u8]) -> String {
    let (protected, payload) = (encode(header), encode(payload));
    let signature = encode(key(5).sign(format!("{protected}.{payload}").as_bytes()));
    json!({"protected": protected, "payload": payload, "signature": signature}).to_string()
}

fn jws_seeds() -> Vec<String> {
    let payloads = [r#"{"identifiers":[{"type":"dns","value":"www.shop.example"}]}"#, ""];
    let pair =
        |header: &String| payloads.map(|payload| flattened(header.as_bytes(), payload.as_bytes()));
    headers().iter().flat_map(pair).collect()
}

fn verify(body: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let jws = UnverifiedJws::parse(body, JwsKind::Request)?;
    let own = Jwk::parse(&own_jwk().to_string()).unwrap();
    let verified = match jws.key() {
        KeyRef::Embedded(_) => jws.verify_embedded(URL)?,
        KeyRef::Account(url) if url == ACCOUNT => jws.verify(&own, URL)?,
        KeyRef::Account(_) => return Err(No.into()),
    };
    assert_eq!(verified.key(), &own, "nobody else signed anything");
    Ok(verified.payload().to_vec())
}

/// Whether it holds no number with a fraction or beyond 64 bits: those are rounded, and nothing of
/// ours has one.
fn is_exact(value: &Value) -> bool {
    match value {
        Value::Number(number) => !number.is_f64(),
        Value::Array(all) => all.iter().all(is_exact),
        Value::Object(all) => all.values().all(is_exact),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

#[test]
fn fuzz_json() {
    let nested = format!("{}{{}}{}", "{\"a\":".repeat(31), "}".repeat(31));
    Target::new("fuzz_json", Shape::Text)
        .seeds(JWKS)
        .seeds([r#"{"a":[1,-2,3.5e7,null,true,"x\u00fc\n"],"b":{"c":{}}}"#.to_owned(), nested])
        .refused([r#"{"a":1,"\u0061":1}"#.to_owned(), "[".repeat(100_000)])
        .words(["\"a\"", ",\"a\":1", "\"\\u0061\""])
        .run(|octets| {
            let object = read_object(octets, OCTETS_MAX)?;
            let value = Value::Object(object);
            let other: Value = serde_json::from_slice(octets).unwrap();
            assert_eq!(value, other, "another reader believes something else");
            if is_exact(&value) {
                let again = read_object(value.to_string().as_bytes(), 4 * OCTETS_MAX).unwrap();
                assert_eq!(Value::Object(again), value);
            }
            Ok(())
        });
}

#[test]
fn fuzz_jwk() {
    let private = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"AA"}"#;
    let read = |octets: &[u8]| -> Read {
        let jwk = Jwk::parse(std::str::from_utf8(octets)?)?;
        let canonical = jwk.canonical();
        assert_eq!(Jwk::parse(&canonical).unwrap(), jwk);
        assert_eq!(Jwk::from(jwk.key().clone()), jwk);
        let thumbprint = jwk.thumbprint();
        assert_eq!(Thumbprint::parse(&thumbprint.to_string()), Some(thumbprint));
        assert!(!jwk.has_signed(b"input", &[0; 64]));
        Ok(())
    };
    Target::new("fuzz_jwk", Shape::Text).seeds(JWKS).refused([private]).words(WORDS).run(read);
}

/// Whatever happens to a signed request, only what was signed is ever believed.
#[test]
fn fuzz_jws() {
    let seeds = jws_seeds();
    let signed: Vec<Vec<u8>> = seeds.iter().map(|seed| verify(seed.as_bytes()).unwrap()).collect();
    let protected = headers().map(encode);
    Target::new("fuzz_jws", Shape::Text).seeds(seeds).words(WORDS).run(|body| {
        let payload = verify(body)?;
        assert!(signed.contains(&payload), "a payload that nobody signed");
        let object: Value = serde_json::from_slice(body).unwrap();
        let header = object["protected"].as_str().unwrap();
        assert!(protected.iter().any(|known| known == header), "a header that nobody signed");
        Ok(())
    });
}

/// A changed header signed anew by its owner: the rules alone can refuse it.
#[test]
fn fuzz_jws_header() {
    let refused = [
        json!({"alg": "EdDSA", "kid": ACCOUNT, "nonce": "bm9uY2U", "url": URL, "crit": ["b64"]}),
        json!({"alg": "none", "kid": ACCOUNT, "nonce": "bm9uY2U", "url": URL}),
    ];
    Target::new("fuzz_jws_header", Shape::Text)
        .seeds(headers())
        .refused(refused.map(|header| header.to_string()))
        .words(WORDS)
        .run(|header| {
            verify(flattened(header, b"{}").as_bytes())?;
            let header: Value = serde_json::from_slice(header).unwrap();
            assert_eq!((&header["alg"], &header["url"]), (&json!("EdDSA"), &json!(URL)));
            assert!(header["jwk"].is_object() != header["kid"].is_string());
            for refused in ["crit", "b64", "zip", "jku", "x5u", "x5c", "x5t", "x5t#S256"] {
                assert!(header.get(refused).is_none(), "{refused}");
            }
            Ok(())
        });
}

/// The payload of a key change is a JWS again.
#[test]
fn fuzz_key_change() {
    let seed = json!({"alg": "EdDSA", "jwk": own_jwk(), "url": URL}).to_string();
    Target::new("fuzz_key_change", Shape::Text).seeds([seed]).words(WORDS).run(|header| {
        let body = flattened(header, br#"{"account":"x","oldKey":{}}"#);
        let jws = UnverifiedJws::parse(body.as_bytes(), JwsKind::KeyChange)?;
        assert_eq!(jws.nonce(), None);
        assert!(jws.account().is_err());
        jws.verify_embedded(URL)?;
        Ok(())
    });
}

/// A binding holds for its own header, for the key in its payload, and under its secret.
#[test]
fn fuzz_binding() {
    let secret = [7_u8; 64];
    let own = Jwk::parse(&own_jwk().to_string()).unwrap();
    let mac_key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
    let header = json!({"alg": "HS256", "kid": "team-shop", "url": URL}).to_string();
    let seeds = [header, json!({"url": URL, "kid": "b", "alg": "HS256"}).to_string()];
    Target::new("fuzz_binding", Shape::Text).seeds(seeds).words(WORDS).run(|header| {
        let payload = encode(own_jwk().to_string());
        let protected = encode(header);
        let mac = hmac::sign(&mac_key, format!("{protected}.{payload}").as_bytes());
        let value = json!({"protected": protected, "payload": payload, "signature": encode(mac)});
        let binding = ExternalBinding::parse(&value)?;
        assert!(binding.verify(&[8; 64], URL, &own).is_err(), "another secret");
        let verified = binding.verify(&secret, URL, &own)?;
        assert_eq!(verified.account_key(), own.thumbprint());
        assert_eq!(verified.kid(), binding.kid());
        Ok(())
    });
}

/// The key in a binding's payload, under a good MAC.
#[test]
fn fuzz_binding_key() {
    let secret = [7_u8; 64];
    let own = Jwk::parse(&own_jwk().to_string()).unwrap();
    let mac_key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
    let protected = encode(json!({"alg": "HS256", "kid": "team-shop", "url": URL}).to_string());
    let seeds = [own_jwk().to_string()];
    Target::new("fuzz_binding_key", Shape::Text).seeds(seeds).words(WORDS).run(|payload| {
        let payload = encode(payload);
        let mac = hmac::sign(&mac_key, format!("{protected}.{payload}").as_bytes());
        let value = json!({"protected": protected, "payload": payload, "signature": encode(mac)});
        let verified = ExternalBinding::parse(&value)?.verify(&secret, URL, &own)?;
        assert_eq!(verified.account_key(), own.thumbprint());
        Ok(())
    });
}

#[test]
fn fuzz_token() {
    let thumbprint = Jwk::parse(JWKS[0]).unwrap().thumbprint();
    let seeds = ["evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA", "AAAAAAAAAAAAAAAAAAAAAA"];
    Target::new("fuzz_token", Shape::Text).seeds(seeds).run(|octets| {
        let text = std::str::from_utf8(octets)?;
        let shown = KeyAuthorization::new(text, thumbprint)?;
        assert_eq!(shown.as_str().split_once('.').unwrap().0, text);
        assert!(shown.is_shown_by(shown.as_str().as_bytes()));
        assert!(!shown.is_shown_by(text.as_bytes()));
        Ok(())
    });
}

#[test]
fn fuzz_thumbprint() {
    let seeds = JWKS.map(|jwk| Jwk::parse(jwk).unwrap().thumbprint().to_string());
    Target::new("fuzz_thumbprint", Shape::Text).seeds(seeds).run(|octets| {
        let text = std::str::from_utf8(octets)?;
        assert_eq!(Thumbprint::parse(text).ok_or(No)?.to_string(), text);
        Ok(())
    });
}
