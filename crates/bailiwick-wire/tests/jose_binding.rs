//! External account binding: the five steps of RFC 8555, section 7.3.4.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]
#![expect(dead_code, reason = "each test binary uses its part of the client")]

mod jose_client;

use aws_lc_rs::hmac::{HMAC_SHA256, HMAC_SHA384, HMAC_SHA512};
use bailiwick_wire::jose::{
    BadBinding, BadJwk, ExternalBinding, Jwk, JwsError, JwsProblem, MacAlgorithm, VerifiedBinding,
};
use jose_client::{ClientKey, flattened, mac};
use serde_json::{Map, Value, json};

const URL: &str = "https://ca.shop.example/acme/new-account";
const SECRET: [u8; 64] = [0x5a; 64];

fn header() -> Value {
    json!({"alg": "HS256", "kid": "team-shop", "url": URL})
}

fn verify(binding: Map<String, Value>, key: &Jwk) -> Result<VerifiedBinding, BadBinding> {
    ExternalBinding::parse(&Value::Object(binding))?.verify(&SECRET, URL, key)
}

fn bind(header: &Value, payload: &str) -> Map<String, Value> {
    flattened(&header.to_string(), payload, mac(HMAC_SHA256, &SECRET))
}

#[test]
fn each_mac_binds_each_kind_of_key() {
    for key in ClientKey::one_of_each() {
        let (payload, own) = (key.jwk().to_string(), Jwk::parse(&key.jwk().to_string()).unwrap());
        for (name, algorithm) in
            [("HS256", HMAC_SHA256), ("HS384", HMAC_SHA384), ("HS512", HMAC_SHA512)]
        {
            let mut header = header();
            header["alg"] = json!(name);
            let binding = flattened(&header.to_string(), &payload, mac(algorithm, &SECRET));
            let verified = verify(binding, &own).unwrap();
            assert_eq!(verified.kid(), "team-shop");
            assert_eq!(verified.account_key(), own.thumbprint());
        }
    }
}

#[test]
fn the_mac_of_rfc7515_a_1_is_a_mac() {
    // Only the MAC verifies: its payload is a claim set, not a key.
    let secret = [
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T",
        "-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    ]
    .concat();
    use base64::Engine as _;
    let secret = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(secret).unwrap();
    let input = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let expected = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    assert_eq!(jose_client::encode(mac(HMAC_SHA256, &secret)(input)), expected);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn every_step_can_fail() {
    let keys = ClientKey::one_of_each();
    let key = keys.first().unwrap();
    let own = Jwk::parse(&key.jwk().to_string()).unwrap();
    let payload = key.jwk().to_string();
    let with = |name: &str, value: Value| {
        let mut header = header();
        header[name] = value;
        bind(&header, &payload)
    };
    let without = |name: &str| {
        let mut header = header();
        header.as_object_mut().unwrap().remove(name);
        bind(&header, &payload)
    };
    let check =
        |what: &str, binding: Map<String, Value>, expected: BadBinding, problem: JwsProblem| {
            assert_eq!(verify(binding, &own), Err(expected), "{what}");
            assert_eq!(expected.problem(), problem, "{what}");
        };
    use JwsProblem::{Malformed, Unauthorized};
    for algorithm in ["none", "ES256", "RS256", "HS1", "hs256"] {
        check(algorithm, with("alg", json!(algorithm)), BadBinding::Algorithm, Malformed);
    }
    check(
        "nonce",
        with("nonce", json!("bm9u")),
        BadBinding::RefusedParameter { parameter: "nonce" },
        Malformed,
    );
    check(
        "jwk",
        with("jwk", key.jwk()),
        BadBinding::RefusedParameter { parameter: "jwk" },
        Malformed,
    );
    for name in ["alg", "kid", "url"] {
        let expected = BadBinding::Jws(JwsError::Parameter { parameter: name });
        check(name, without(name), expected, Malformed);
    }
    check(
        "another url",
        with("url", json!("https://ca.shop.example/acme/new-acct")),
        BadBinding::OtherUrl,
        Unauthorized,
    );
    let mut unprotected = bind(&header(), &payload);
    unprotected.insert("header".to_owned(), json!({"kid": "other"}));
    check("unprotected", unprotected, BadBinding::Jws(JwsError::UnprotectedHeader), Malformed);

    let other_secret = flattened(&header().to_string(), &payload, mac(HMAC_SHA256, &[1; 64]));
    check("another secret", other_secret, BadBinding::Mac, Unauthorized);
    let mut hs512 = header();
    hs512["alg"] = json!("HS512");
    check(
        "another mac than the header says",
        bind(&hs512, &payload),
        BadBinding::Mac,
        Unauthorized,
    );
    check(
        "no mac",
        flattened(&header().to_string(), &payload, |_| Vec::new()),
        BadBinding::Mac,
        Unauthorized,
    );

    let other_key = keys.last().unwrap().jwk().to_string();
    check("another account key", bind(&header(), &other_key), BadBinding::OtherKey, Unauthorized);
    check(
        "no key",
        bind(&header(), "{}"),
        BadBinding::Payload(BadJwk::Missing { member: "kty" }),
        Malformed,
    );
    check("no json", bind(&header(), "x"), BadBinding::Payload(BadJwk::NoObject), Malformed);
    assert_eq!(ExternalBinding::parse(&json!("x")).err(), Some(BadBinding::NoObject));
}

#[test]
fn a_secret_shorter_than_the_hash_is_refused() {
    let keys = ClientKey::one_of_each();
    let key = keys.first().unwrap();
    let own = Jwk::parse(&key.jwk().to_string()).unwrap();
    let short = [7_u8; 32];
    let mut header = header();
    header["alg"] = json!("HS384");
    let binding = flattened(&header.to_string(), &key.jwk().to_string(), mac(HMAC_SHA384, &short));
    let read = ExternalBinding::parse(&Value::Object(binding)).unwrap();
    assert_eq!(read.kid(), "team-shop");
    assert_eq!(
        read.verify(&short, URL, &own),
        Err(BadBinding::KeyTooShort { algorithm: MacAlgorithm::Hs384 })
    );
}
