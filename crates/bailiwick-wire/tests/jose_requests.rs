//! Threat T12: every way to confuse a reader of JWS, for each kind of key, with the problem that
//! the client is told.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod jose_client;

use aws_lc_rs::hmac::HMAC_SHA256;
use bailiwick_wire::jose::{
    BODY_OCTETS_MAX, BadJson, Jwk, JwsError, JwsKind, JwsProblem, KeyRef, UnverifiedJws,
    VerifiedJws,
};
use jose_client::{ClientKey, encode, flattened, mac};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

const URL: &str = "https://ca.shop.example/acme/new-order";
const ACCOUNT: &str = "https://ca.shop.example/acme/acct/1";
const PAYLOAD: &str = r#"{"identifiers":[]}"#;

/// Reads and verifies as a request of the account, or with the embedded key.
fn receive(body: &[u8], account_key: &Jwk) -> Result<VerifiedJws, JwsError> {
    let jws = UnverifiedJws::parse(body, JwsKind::Request)?;
    match jws.key() {
        KeyRef::Embedded(_) => jws.verify_embedded(URL),
        KeyRef::Account(url) => {
            assert_eq!(url, ACCOUNT);
            jws.verify(account_key, URL)
        }
    }
}

fn header_with_kid(key: &ClientKey) -> Value {
    json!({"alg": key.algorithm(), "kid": ACCOUNT, "nonce": "bm9uY2U", "url": URL})
}

fn header_with_jwk(key: &ClientKey) -> Value {
    json!({"alg": key.algorithm(), "jwk": key.jwk(), "nonce": "bm9uY2U", "url": URL})
}

fn own_jwk(key: &ClientKey) -> Jwk {
    Jwk::parse(&key.jwk().to_string()).unwrap()
}

fn body(header: &Value, key: &ClientKey) -> Map<String, Value> {
    flattened(&header.to_string(), PAYLOAD, |input| key.sign(input))
}

fn octets(object: &Map<String, Value>) -> Vec<u8> {
    serde_json::to_vec(object).unwrap()
}

use JwsProblem::{BadNonce, BadPublicKey, BadSignatureAlgorithm, Malformed, Unauthorized};

/// Changes of the protected header, made before signing: only the reader's rules can refuse them.
#[expect(clippy::too_many_lines, reason = "a table")]
fn header_variants(key: &ClientKey) -> Vec<(String, Value, JwsProblem)> {
    let mut variants = Vec::new();
    let mut add = |name: &str, base: Value, change: &dyn Fn(&mut Map<String, Value>), problem| {
        let mut header = base;
        change(header.as_object_mut().unwrap());
        variants.push((name.to_owned(), header, problem));
    };
    let kid = || header_with_kid(key);
    let jwk = || header_with_jwk(key);
    let set = |name: &'static str, value: Value| {
        move |header: &mut Map<String, Value>| {
            header.insert(name.to_owned(), value.clone());
        }
    };
    let unset = |name: &'static str| {
        move |header: &mut Map<String, Value>| {
            header.remove(name);
        }
    };
    for algorithm in [
        "none", "NONE", "None", "nOnE", "HS256", "HS384", "HS512", "RS384", "RS512", "PS256",
        "ES512", "ES256K", "RSA1_5", "es256", "ES256 ", "Ed448", "A128GCM",
    ] {
        add(
            &format!("alg {algorithm}"),
            kid(),
            &set("alg", json!(algorithm)),
            BadSignatureAlgorithm,
        );
        add(
            &format!("alg {algorithm} with jwk"),
            jwk(),
            &set("alg", json!(algorithm)),
            BadSignatureAlgorithm,
        );
    }
    for other in ["ES256", "ES384", "EdDSA", "RS256"] {
        if other != key.algorithm() {
            add(
                &format!("alg {other} of another key"),
                kid(),
                &set("alg", json!(other)),
                BadSignatureAlgorithm,
            );
            add(
                &format!("alg {other} of another key, jwk"),
                jwk(),
                &set("alg", json!(other)),
                BadSignatureAlgorithm,
            );
        }
    }
    for (name, value) in [
        ("a number", json!(1)),
        ("null", Value::Null),
        ("a list", json!(["ES256"])),
        ("empty", json!("")),
    ] {
        add(&format!("alg is {name}"), kid(), &set("alg", value.clone()), Malformed);
        add(&format!("url is {name}"), kid(), &set("url", value.clone()), Malformed);
        add(&format!("kid is {name}"), kid(), &set("kid", value.clone()), Malformed);
        add(&format!("nonce is {name}"), kid(), &set("nonce", value.clone()), Malformed);
        add(&format!("jwk is {name}"), jwk(), &set("jwk", value), BadPublicKey);
    }
    add("no alg", kid(), &unset("alg"), Malformed);
    add("no url", kid(), &unset("url"), Malformed);
    add("no nonce", kid(), &unset("nonce"), BadNonce);
    add("no kid and no jwk", kid(), &unset("kid"), Malformed);
    add("kid and jwk", kid(), &set("jwk", key.jwk()), Malformed);
    for nonce in ["bm9u=", "bm9u Y2U", "bm9u+Y2U", "bm9u/Y2U", "bm9uY2U\n", "é"] {
        add(&format!("nonce {nonce:?}"), kid(), &set("nonce", json!(nonce)), Malformed);
    }
    for url in [
        "https://ca.shop.example/acme/new-order/",
        "https://CA.shop.example/acme/new-order",
        "http://ca.shop.example/acme/new-order",
        "https://ca.shop.example/acme/revoke-cert",
        "/acme/new-order",
        "https://ca.shop.example:443/acme/new-order",
        "https://ca.shop.example/acme/new-order?",
    ] {
        add(&format!("url {url}"), kid(), &set("url", json!(url)), Unauthorized);
        add(&format!("url {url}, jwk"), jwk(), &set("url", json!(url)), Unauthorized);
    }
    for (name, value) in [
        ("crit", json!(["b64"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
        ("jku", json!("https://evil.example/")),
        ("x5u", json!("https://evil.example/")),
        ("x5c", json!(["AAAA"])),
        ("x5t", json!("AAAA")),
        ("x5t#S256", json!("AAAA")),
    ] {
        add(&format!("{name} = {value}"), kid(), &set(name, value), Malformed);
    }
    add("a long url", kid(), &set("url", json!("x".repeat(2_000))), Malformed);
    add("a header of 9 KiB", kid(), &set("x", json!("x".repeat(9_000))), Malformed);
    variants
}

/// Changes of the body, made after signing.
fn body_variants(key: &ClientKey) -> Vec<(&'static str, Vec<u8>, JwsError)> {
    let good = body(&header_with_kid(key), key);
    let text = |name: &str| good.get(name).unwrap().as_str().unwrap().to_owned();
    let with = |name: &str, value: Value| {
        let mut changed = good.clone();
        changed.insert(name.to_owned(), value);
        octets(&changed)
    };
    let without = |name: &str| {
        let mut changed = good.clone();
        changed.remove(name);
        octets(&changed)
    };
    let whole = String::from_utf8(octets(&good)).unwrap();
    let header = header_with_kid(key).to_string();
    let twice =
        flattened(&header.replacen('{', "{\"alg\":\"none\",", 1), PAYLOAD, |input| key.sign(input));
    let signature = text("signature");
    // The last character of 64 or 256 octets holds spare bits, which must be zero; of 96 none.
    let has_spare_bits = key.algorithm() != "ES384";
    let spare_bits = {
        let (head, _) = signature.split_at(signature.len() - 1);
        format!("{head}_")
    };
    vec![
        ("no protected", without("protected"), JwsError::Missing { member: "protected" }),
        ("no payload", without("payload"), JwsError::Missing { member: "payload" }),
        ("no signature", without("signature"), JwsError::Missing { member: "signature" }),
        ("protected is an object", with("protected", json!({})), JwsError::Missing { member: "protected" }),
        ("payload is null", with("payload", Value::Null), JwsError::Missing { member: "payload" }),
        ("an empty protected", with("protected", json!("")), JwsError::Header(BadJson::NoObject)),
        ("an empty signature", with("signature", json!("")), JwsError::Signature),
        ("an unprotected header", with("header", json!({"alg": "none"})), JwsError::UnprotectedHeader),
        ("an empty unprotected header", with("header", json!({})), JwsError::UnprotectedHeader),
        ("signatures beside it", with("signatures", json!([])), JwsError::ManySignatures),
        ("the general form", octets(json!({"payload": text("payload"), "signatures": [{"protected": text("protected"), "signature": signature}]}).as_object().unwrap()), JwsError::ManySignatures),
        ("the compact form", format!("{}.{}.{}", text("protected"), text("payload"), signature).into_bytes(), JwsError::Body(BadJson::NoObject)),
        ("padding", with("signature", json!(format!("{signature}="))), JwsError::Base64 { member: "signature" }),
        ("padding of the payload", with("payload", json!(format!("{}==", text("payload")))), JwsError::Base64 { member: "payload" }),
        ("a space", with("payload", json!(format!("{} ", text("payload")))), JwsError::Base64 { member: "payload" }),
        ("a line end", with("protected", json!(format!("{}\n", text("protected")))), JwsError::Base64 { member: "protected" }),
        ("the other alphabet", with("signature", json!(signature.replace('-', "+").replace('_', "/") + "+/+/")), JwsError::Base64 { member: "signature" }),
        ("spare bits", with("signature", json!(spare_bits)), if has_spare_bits { JwsError::Base64 { member: "signature" } } else { JwsError::Signature }),
        ("a longer signature", with("signature", json!(format!("{signature}AAAA"))), JwsError::Signature),
        ("a signature of zeros", with("signature", json!(encode(vec![0; 64]))), JwsError::Signature),
        ("another payload", with("payload", json!(encode("{}"))), JwsError::Signature),
        ("an emptied payload", with("payload", json!("")), JwsError::Signature),
        ("a member twice", whole.replacen('{', "{\"payload\":\"e30\",", 1).into_bytes(), JwsError::Body(BadJson::Twice)),
        ("a header parameter twice", octets(&twice), JwsError::Header(BadJson::Twice)),
        ("text behind", format!("{whole} x").into_bytes(), JwsError::Body(BadJson::NoObject)),
        ("two documents", format!("{whole}{whole}").into_bytes(), JwsError::Body(BadJson::NoObject)),
        ("a list", format!("[{whole}]").into_bytes(), JwsError::Body(BadJson::NoObject)),
        ("nothing", Vec::new(), JwsError::Body(BadJson::NoObject)),
        ("too deep", "{\"a\":".repeat(20_000).into_bytes(), JwsError::Body(BadJson::TooDeep)),
        ("too big", with("x", json!("x".repeat(BODY_OCTETS_MAX))), JwsError::Body(BadJson::TooBig { octets_max: BODY_OCTETS_MAX })),
        ("a protected header that is no object", with("protected", json!(encode("[]"))), JwsError::Header(BadJson::NoObject)),
        ("a protected header that is deep", with("protected", json!(encode("[".repeat(1_000)))), JwsError::Header(BadJson::TooDeep)),
    ]
}

#[test]
fn what_rfc8555_describes_is_accepted() {
    for key in ClientKey::one_of_each() {
        let jwk = own_jwk(&key);
        for header in [header_with_kid(&key), header_with_jwk(&key)] {
            let verified = receive(&octets(&body(&header, &key)), &jwk).unwrap();
            assert_eq!(verified.payload(), PAYLOAD.as_bytes());
            assert_eq!(verified.key(), &jwk);
            assert!(!verified.is_post_as_get());
        }
        let get = flattened(&header_with_kid(&key).to_string(), "", |input| key.sign(input));
        assert!(receive(&octets(&get), &jwk).unwrap().is_post_as_get());
        let mut with_more = header_with_kid(&key);
        with_more["typ"] = json!("jose+json");
        let mut object = body(&with_more, &key);
        object.insert("resource".to_owned(), json!("new-order"));
        assert!(receive(&octets(&object), &jwk).is_ok(), "what is not understood is passed over");
    }
}

#[test]
fn every_variant_is_refused_with_its_problem() {
    let mut count = 0;
    for key in ClientKey::one_of_each() {
        let jwk = own_jwk(&key);
        let mut check = |name: &str, octets: &[u8], problem: JwsProblem| {
            let refused = receive(octets, &jwk).map(|jws| jws.payload().to_vec());
            let told = refused.as_ref().map_err(|error| error.problem());
            assert_eq!(told, Err(problem), "{} {name}: {refused:?}", key.algorithm());
            count += 1;
        };
        for (name, header, problem) in header_variants(&key) {
            check(&name, &octets(&body(&header, &key)), problem);
        }
        for (name, octets, error) in body_variants(&key) {
            assert_eq!(receive(&octets, &jwk).unwrap_err(), error, "{} {name}", key.algorithm());
            check(name, &octets, Malformed);
        }
    }
    assert!(count >= 300, "{count} variants");
}

#[test]
fn a_public_key_is_never_a_mac_key() {
    // The confusion of Lemur's GHSA-r9gp: HS256 with the octets of the public key.
    for key in ClientKey::one_of_each() {
        let jwk = own_jwk(&key);
        let header =
            json!({"alg": "HS256", "kid": ACCOUNT, "nonce": "bm9uY2U", "url": URL}).to_string();
        for secret in
            [jwk.key().to_spki(), jwk.key().octets().to_vec(), jwk.canonical().into_bytes()]
        {
            let forged = flattened(&header, PAYLOAD, mac(HMAC_SHA256, &secret));
            assert_eq!(receive(&octets(&forged), &jwk).unwrap_err(), JwsError::Algorithm);
        }
    }
}

#[test]
fn another_key_of_the_same_kind_is_refused() {
    for (key, other) in ClientKey::one_of_each().iter().zip(ClientKey::one_of_each()) {
        let signed = octets(&body(&header_with_kid(key), key));
        assert_eq!(receive(&signed, &own_jwk(&other)).unwrap_err(), JwsError::Signature);
    }
}

#[test]
fn bad_public_keys_are_refused_before_anything_is_verified() {
    let keys = ClientKey::one_of_each();
    let [p256, p384, ed25519, rsa] = keys.as_slice() else { panic!("four keys") };
    let change = |key: &ClientKey, changes: &[(&str, Value)]| {
        let mut jwk = key.jwk();
        for (name, value) in changes {
            jwk[*name] = value.clone();
        }
        jwk
    };
    let zero = |count: usize| json!(encode(vec![0; count]));
    let coordinate = |name: &str| p256.jwk()[name].as_str().unwrap().to_owned();
    let modulus = rsa.jwk()["n"].as_str().unwrap().to_owned();
    for (what, key, jwk) in [
        ("off the curve", p256, change(p256, &[("y", json!(coordinate("x")))])),
        ("zero point", p256, change(p256, &[("x", zero(32)), ("y", zero(32))])),
        ("a short coordinate", p256, change(p256, &[("x", zero(31))])),
        ("a long coordinate", p256, change(p256, &[("x", zero(33))])),
        ("a padded coordinate", p256, change(p256, &[("x", json!(coordinate("x") + "="))])),
        ("another curve's name", p256, change(p256, &[("crv", json!("P-384"))])),
        ("an unknown curve", p256, change(p256, &[("crv", json!("secp256k1"))])),
        ("another type", p256, change(p256, &[("kty", json!("OKP"))])),
        ("a symmetric key", p256, json!({"kty": "oct", "k": "AAAA"})),
        ("a private key", p256, change(p256, &[("d", zero(32))])),
        ("a key for encryption", p256, change(p256, &[("use", json!("enc"))])),
        ("operations without verify", p256, change(p256, &[("key_ops", json!(["sign"]))])),
        ("another algorithm inside", p256, change(p256, &[("alg", json!("ES384"))])),
        ("no y", p384, json!({"kty": "EC", "crv": "P-384", "x": p384.jwk()["x"]})),
        ("a number for x", p384, change(p384, &[("x", json!(1))])),
        ("small order", ed25519, change(ed25519, &[("x", zero(32))])),
        ("ed25519 of 31 octets", ed25519, change(ed25519, &[("x", zero(31))])),
        ("ed448", ed25519, change(ed25519, &[("crv", json!("Ed448"))])),
        ("x25519", ed25519, change(ed25519, &[("crv", json!("X25519"))])),
        ("exponent 3", rsa, change(rsa, &[("e", json!("Aw"))])),
        ("exponent 1", rsa, change(rsa, &[("e", json!("AQ"))])),
        ("an even exponent", rsa, change(rsa, &[("e", json!("AQAA"))])),
        ("an exponent with a zero in front", rsa, change(rsa, &[("e", json!("AAEAAQ"))])),
        ("an empty exponent", rsa, change(rsa, &[("e", json!(""))])),
        (
            "a modulus with a zero in front",
            rsa,
            change(rsa, &[("n", json!(format!("AAAA{modulus}")))]),
        ),
        ("a modulus of 1024 bits", rsa, change(rsa, &[("n", json!(encode(vec![0xff; 128])))])),
        ("a modulus of 8192 bits", rsa, change(rsa, &[("n", json!(encode(vec![0xff; 1_024])))])),
        (
            "an even modulus",
            rsa,
            change(rsa, &[("n", json!(encode([vec![0xff; 255], vec![0]].concat())))]),
        ),
    ] {
        let header = json!({"alg": key.algorithm(), "jwk": jwk, "nonce": "bm9uY2U", "url": URL});
        let refused = receive(&octets(&body(&header, key)), &own_jwk(key));
        assert_eq!(refused.unwrap_err().problem(), BadPublicKey, "{what}");
    }
}

#[test]
fn the_wrong_form_of_key_is_refused_by_those_who_need_the_other() {
    let keys = ClientKey::one_of_each();
    let key = keys.first().unwrap();
    let parse = |header: &Value, kind| UnverifiedJws::parse(&octets(&body(header, key)), kind);
    let by_kid = parse(&header_with_kid(key), JwsKind::Request).unwrap();
    let by_jwk = parse(&header_with_jwk(key), JwsKind::Request).unwrap();
    assert_eq!(
        by_kid.clone().verify_embedded(URL).unwrap_err(),
        JwsError::OtherKeyForm { wanted: "jwk" }
    );
    assert_eq!(by_jwk.account(), Err(JwsError::OtherKeyForm { wanted: "kid" }));
    assert_eq!(
        by_jwk.verify(&own_jwk(key), URL).unwrap_err(),
        JwsError::OtherKeyForm { wanted: "kid" }
    );
    assert_eq!(by_kid.account(), Ok(ACCOUNT));
    assert_eq!((by_kid.nonce(), by_kid.url()), (Some("bm9uY2U"), URL));

    let inner = json!({"alg": key.algorithm(), "jwk": key.jwk(), "url": URL});
    assert!(parse(&inner, JwsKind::KeyChange).unwrap().verify_embedded(URL).is_ok());
    let refused = |header: &Value| parse(header, JwsKind::KeyChange).unwrap_err();
    assert_eq!(refused(&header_with_jwk(key)), JwsError::RefusedParameter { parameter: "nonce" });
    let inner = json!({"alg": key.algorithm(), "kid": ACCOUNT, "url": URL});
    assert_eq!(refused(&inner), JwsError::OtherKeyForm { wanted: "jwk" });
}

#[test]
fn damaged_requests_are_refused_without_a_panic() {
    let keys = ClientKey::one_of_each();
    let bodies: Vec<Vec<u8>> =
        keys.iter().map(|key| octets(&body(&header_with_jwk(key), key))).collect();
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4);
    let random = prop::collection::vec(any::<u8>(), 0..100);
    TestRunner::new(Config { cases: 10_000, failure_persistence: None, ..Config::default() })
        .run(&(0..5_usize, damage, random), |(key, damage, random)| {
            let whole = bodies.get(key).cloned().unwrap_or(random);
            let mut octets = whole.clone();
            for (index, octet) in damage {
                if !octets.is_empty() {
                    let index = index.index(octets.len());
                    octets[index] = octet;
                }
            }
            let read = UnverifiedJws::parse(&octets, JwsKind::Request)
                .and_then(|jws| jws.verify_embedded(URL));
            // Octets between the members are not signed; what is signed must be unchanged.
            if let Ok(verified) = read {
                prop_assert_eq!(verified.payload(), PAYLOAD.as_bytes());
                prop_assert_eq!(verified.key(), &own_jwk(&keys[key]));
            }
            Ok(())
        })
        .unwrap();
}
