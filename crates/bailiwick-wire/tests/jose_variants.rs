//! More than three hundred ways to write a JWS wrongly, for each kind of key, and the near misses that
//! are right (RFC 7515, RFC 7517, RFC 7518, RFC 8555 §6.2; threat T12).
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops at the first surprise"
)]

mod jose_client;

use aws_lc_rs::hmac::HMAC_SHA256;
use bailiwick_wire::jose::{Jwk, JwsError, JwsKind, KeyRef, UnverifiedJws, VerifiedJws};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use jose_client::{ClientKey, encode, flattened, mac};
use serde_json::{Map, Value, json};

const URL: &str = "https://ca.shop.example/acme/new-order";
const ACCOUNT: &str = "https://ca.shop.example/acme/acct/1";
/// 19 octets: in base64url with and without padding and with spare bits, these differ.
const PAYLOAD: &str = r#"{"identifiers":[] }"#;

/// What an account's server makes of it; nobody else has an account here.
fn receive(body: &[u8], key: &ClientKey) -> Result<VerifiedJws, String> {
    let jws = UnverifiedJws::parse(body, JwsKind::Request).map_err(told)?;
    match jws.key() {
        KeyRef::Embedded(_) => jws.verify_embedded(URL).map_err(told),
        KeyRef::Account(url) if url == ACCOUNT => {
            jws.verify(&Jwk::parse(&key.jwk().to_string()).unwrap(), URL).map_err(told)
        }
        KeyRef::Account(_) => Err("there is no such account".to_owned()),
    }
}

fn told(error: JwsError) -> String {
    error.to_string()
}

/// Bodies by name.
#[derive(Default)]
struct Variants(Vec<(String, Vec<u8>)>);

impl Variants {
    fn body(&mut self, name: impl Into<String>, body: impl Into<Vec<u8>>) {
        self.0.push((name.into(), body.into()));
    }

    /// A header as it is written, signed as it should be.
    fn header(&mut self, name: impl Into<String>, header: &str, key: &ClientKey) {
        let body = flattened(header, PAYLOAD, |input| key.sign(input));
        self.body(name, Value::Object(body).to_string());
    }

    /// A good header with another value of one parameter.
    fn parameter(&mut self, name: &str, value: &Value, key: &ClientKey) {
        for base in [with_kid(key), with_jwk(key)] {
            let mut header = base;
            header[name] = value.clone();
            self.header(format!("{name} {value}"), &header.to_string(), key);
        }
    }
}

fn with_kid(key: &ClientKey) -> Value {
    json!({"alg": key.algorithm(), "kid": ACCOUNT, "nonce": "bm9uY2U", "url": URL})
}

fn with_jwk(key: &ClientKey) -> Value {
    json!({"alg": key.algorithm(), "jwk": key.jwk(), "nonce": "bm9uY2U", "url": URL})
}

fn good(key: &ClientKey) -> Map<String, Value> {
    flattened(&with_kid(key).to_string(), PAYLOAD, |input| key.sign(input))
}

fn without(header: &Value, name: &str) -> String {
    let mut header = header.clone();
    header.as_object_mut().unwrap().remove(name);
    header.to_string()
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn parameters(all: &mut Variants, key: &ClientKey) {
    let algorithms = [
        "none",
        "None",
        "NONE",
        "nOnE",
        "",
        " ",
        "HS256",
        "HS384",
        "HS512",
        "PS256",
        "PS384",
        "PS512",
        "RS1",
        "RS384",
        "RS512",
        "ES512",
        "ES256K",
        "Ed25519",
        "Ed448",
        "EDDSA",
        "eddsa",
        "es256",
        "rs256",
        "ES256 ",
        "RS256\u{0}",
        "A128KW",
        "dir",
        "ES256",
        "ES384",
        "EdDSA",
        "RS256",
    ];
    for algorithm in algorithms.iter().filter(|name| **name != key.algorithm()) {
        all.parameter("alg", &json!(algorithm), key);
    }
    for value in [json!(null), json!(0), json!(["ES256"]), json!({}), json!(true)] {
        for name in ["alg", "url", "nonce", "kid", "jwk"] {
            all.parameter(name, &value, key);
        }
    }
    for name in ["alg", "url", "nonce"] {
        for base in [with_kid(key), with_jwk(key)] {
            all.header(format!("no {name}"), &without(&base, name), key);
        }
    }
    all.header("neither kid nor jwk", &without(&with_kid(key), "kid"), key);
    all.parameter("crit", &json!([]), key);
    for (name, value) in [
        ("crit", json!(["b64"])),
        ("crit", json!(["alg"])),
        ("crit", json!("exp")),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["MIIB"])),
        ("x5t", json!("AAAA")),
        ("x5t#S256", json!("AAAA")),
        ("url", json!("")),
        ("url", json!("https://ca.shop.example/acme/new-order/")),
        ("url", json!("https://ca.shop.example/acme/new-order?")),
        ("url", json!("https://ca.shop.example/acme/new-order#")),
        ("url", json!("https://ca.shop.example/acme/new%2dorder")),
        ("url", json!("https://ca.shop.example/acme/./new-order")),
        ("url", json!("https://ca.shop.example:443/acme/new-order")),
        ("url", json!("https://CA.shop.example/acme/new-order")),
        ("url", json!("http://ca.shop.example/acme/new-order")),
        ("url", json!("https://ca.shop.example@evil.example/acme/new-order")),
        ("url", json!(" https://ca.shop.example/acme/new-order")),
        ("nonce", json!("")),
        ("nonce", json!("bm9uY2U=")),
        ("nonce", json!("bm9u+2U")),
        ("nonce", json!("bm9u Y2U")),
        ("nonce", json!("bm9u\u{0}")),
        ("nonce", json!("n".repeat(2_000))),
        ("kid", json!("")),
        ("kid", json!(format!("{ACCOUNT}/"))),
        ("kid", json!(ACCOUNT.to_uppercase())),
        ("kid", json!("1")),
        ("kid", json!("x".repeat(5_000))),
    ] {
        all.parameter(name, &value, key);
    }
    let both = {
        let mut header = with_jwk(key);
        header["kid"] = json!(ACCOUNT);
        header
    };
    all.header("both kid and jwk", &both.to_string(), key);
}

/// JSON that says two things, and serialisations that ACME does not have.
#[expect(clippy::too_many_lines, reason = "a table")]
fn serialisations(all: &mut Variants, key: &ClientKey) {
    let header = with_kid(key).to_string();
    let good = good(key);
    let text = Value::Object(good.clone()).to_string();
    for (name, value) in
        [("alg", key.algorithm()), ("kid", ACCOUNT), ("nonce", "bm9uY2U"), ("url", URL)]
    {
        let escaped = format!("\\u{:04x}{}", u32::from(name.as_bytes()[0]), &name[1..]);
        for twice in [name, &escaped] {
            let front = header.replacen('{', &format!("{{\"{twice}\":\"x\","), 1);
            all.header(format!("{twice} twice, ours last"), &front, key);
            let back = header.replacen('}', &format!(",\"{twice}\":\"{value}\"}}"), 1);
            all.header(format!("{twice} twice, the same"), &back, key);
        }
    }
    for member in ["protected", "payload", "signature"] {
        let own = good[member].as_str().unwrap();
        all.body(
            format!("{member} twice"),
            text.replacen('{', &format!("{{\"{member}\":\"{own}\","), 1),
        );
        let spellings = [
            ("padding", format!("{own}=")),
            ("two paddings", format!("{own}==")),
            ("a space", format!("{own} ")),
            ("a line end", format!("{own}\n")),
            ("a NUL", format!("{own}\u{0}")),
            ("an octet too few", own[..own.len() - 1].to_owned()),
            ("a character more", format!("{own}A")),
            ("a stop", format!("{own}.")),
            ("a space in front", format!(" {own}")),
            ("the other alphabet", format!("+/{own}")),
        ];
        for (what, spelled) in spellings {
            let mut body = good.clone();
            body[member] = json!(spelled);
            all.body(format!("{member} with {what}"), Value::Object(body).to_string());
        }
        for value in [json!(null), json!(1), json!([own]), json!({}), json!(false)] {
            let mut body = good.clone();
            body[member] = value.clone();
            all.body(format!("{member} {value}"), Value::Object(body).to_string());
        }
        let mut body = good.clone();
        body.remove(member);
        all.body(format!("no {member}"), Value::Object(body).to_string());
    }
    let spare = spare_bits(good["payload"].as_str().unwrap());
    let mut body = good.clone();
    body["payload"] = json!(spare);
    all.body("spare bits in the payload", Value::Object(body).to_string());
    let part = |name: &str| good[name].as_str().unwrap().to_owned();
    let compact = [part("protected"), part("payload"), part("signature")].join(".");
    all.body("compact", compact.clone());
    all.body("compact as JSON", json!(compact).to_string());
    all.body("in an array", format!("[{text}]"));
    all.body("two of them", format!("{text}{text}"));
    all.body("something behind", format!("{text} x"));
    all.body("half of it", &text.as_bytes()[..text.len() / 2]);
    let one = json!({"protected": part("protected"), "signature": part("signature")});
    let general = json!({"payload": part("payload"), "signatures": [one]});
    all.body("general", general.to_string());
    for more in [
        json!({"signatures": []}),
        json!({"signatures": [{"signature": ""}]}),
        json!({"header": {}}),
        json!({"header": {"alg": key.algorithm()}}),
        json!({"header": {"kid": ACCOUNT}}),
    ] {
        let mut body = good.clone();
        body.extend(more.as_object().unwrap().clone());
        all.body(format!("with {more}"), Value::Object(body).to_string());
    }
    for (what, engine) in
        [("padded", &URL_SAFE), ("other", &STANDARD), ("other unpadded", &STANDARD_NO_PAD)]
    {
        // Signed as written: only the spelling is wrong.
        let (header, payload) =
            (engine.encode(&header), engine.encode("{\"a\":\"\u{fb}\u{ff}?~\"}"));
        let signature = encode(key.sign(&format!("{header}.{payload}")));
        let body = json!({"protected": header, "payload": payload, "signature": signature});
        if [&header, &payload].iter().any(|text| text.contains(['=', '+', '/'])) {
            all.body(format!("{what} base64 that is signed"), body.to_string());
        }
    }
}

/// The same octets with a spare bit set.
fn spare_bits(text: &str) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = *text.as_bytes().last().unwrap();
    let place = alphabet.iter().position(|one| *one == last).unwrap();
    let other = char::from(alphabet[place | 1]);
    assert_ne!(char::from(last), other, "the payload has no spare bits; make it longer");
    format!("{}{other}", &text[..text.len() - 1])
}

fn signatures(all: &mut Variants, key: &ClientKey, other: &ClientKey) {
    let good = good(key);
    let signature = URL_SAFE_NO_PAD.decode(good["signature"].as_str().unwrap()).unwrap();
    let half = signature.len() / 2;
    let (r, s) = signature.split_at(half);
    let mut forged: Vec<(String, Vec<u8>)> = vec![
        ("nothing".into(), vec![]),
        ("one octet".into(), vec![0]),
        ("zeros".into(), vec![0; signature.len()]),
        ("ones".into(), vec![0xff; signature.len()]),
        ("an octet more".into(), [&signature[..], &[0]].concat()),
        ("an octet in front".into(), [&[0], &signature[..]].concat()),
        ("without the last octet".into(), signature[..signature.len() - 1].to_vec()),
        ("half".into(), r.to_vec()),
        ("twice".into(), signature.repeat(2)),
        ("halves in the other order".into(), [s, r].concat()),
        ("r is zero".into(), [&vec![0; half][..], s].concat()),
        ("s is zero".into(), [r, &vec![0; half]].concat()),
        ("r is all ones".into(), [&vec![0xff; half][..], s].concat()),
        ("s is all ones".into(), [r, &vec![0xff; half]].concat()),
        ("DER".into(), der(r, s)),
        ("halves with a zero more each".into(), [&[0], r, &[0], s].concat()),
        (
            "a MAC with the public key".into(),
            mac(HMAC_SHA256, key.jwk().to_string().as_bytes())("x"),
        ),
    ];
    for bit in [0, 7, 8 * half - 1, 8 * half, 8 * signature.len() - 1] {
        let mut flipped = signature.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        forged.push((format!("bit {bit} flipped"), flipped));
    }
    for (name, forged) in forged {
        let mut body = good.clone();
        body["signature"] = json!(encode(forged));
        all.body(format!("signature: {name}"), Value::Object(body).to_string());
    }
    let by_other = flattened(&with_kid(key).to_string(), PAYLOAD, |input| other.sign(input));
    all.body("signed by another", Value::Object(by_other).to_string());
    for (name, alter) in [
        ("payload", encode("{}")),
        ("payload", String::new()),
        ("protected", encode(with_jwk(key).to_string())),
    ] {
        let mut body = good.clone();
        body[name] = json!(alter);
        all.body(format!("another {name} than was signed"), Value::Object(body).to_string());
    }
    // Signed over something that is not the input (RFC 7515 §5.1).
    let header = with_kid(key).to_string();
    for (name, over) in [
        ("the decoded payload", PAYLOAD.to_owned()),
        ("decoded parts", format!("{header}.{PAYLOAD}")),
        ("no stop", format!("{}{}", encode(&header), encode(PAYLOAD))),
        ("an empty payload", format!("{}.", encode(&header))),
    ] {
        let body = flattened(&header, PAYLOAD, |_| key.sign(&over));
        all.body(format!("signed over {name}"), Value::Object(body).to_string());
    }
}

/// ECDSA-Sig-Value, which JWS does not use (RFC 7518 §3.4).
fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |half: &[u8]| {
        let half = [&[0], half].concat();
        [&[2, u8::try_from(half.len()).unwrap_or(0x7f)][..], &half].concat()
    };
    let both = [integer(r), integer(s)].concat();
    [&[0x30, u8::try_from(both.len()).unwrap_or(0x7f)][..], &both].concat()
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn keys(all: &mut Variants, key: &ClientKey) {
    let jwk = key.jwk();
    let octets = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let mut bad: Vec<Value> = Vec::new();
    let mut with = |name: &str, value: Value| {
        let mut altered = jwk.clone();
        altered[name] = value;
        bad.push(altered);
    };
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        with(name, json!(encode([1; 32])));
    }
    with("use", json!("enc"));
    with("use", json!(1));
    with("key_ops", json!(["sign"]));
    with("key_ops", json!("verify"));
    with("key_ops", json!([]));
    with("alg", json!("HS256"));
    with("alg", json!("none"));
    for kty in ["ec", "oct", "", "EC ", "RSA1"] {
        with("kty", json!(kty));
    }
    let numbers: Vec<&str> =
        ["x", "y", "n", "e"].into_iter().filter(|name| jwk.get(name).is_some()).collect();
    for name in numbers {
        let own = octets(name);
        with(name, json!(encode(&own[1..])));
        with(name, json!(encode([&[0], &own[..]].concat())));
        with(name, json!(encode([&own[..], &[0]].concat())));
        with(name, json!(format!("{}=", encode(&own))));
        with(name, json!(""));
        with(name, json!(1));
        with(name, json!(null));
        with(name, json!(encode([0])));
        with(name, json!(encode(vec![0; own.len()])));
        with(name, json!(encode(vec![0xff; own.len() + 600])));
    }
    match key {
        ClientKey::Ec(..) => {
            with("x", jwk["y"].clone());
            let mut swapped = jwk.clone();
            (swapped["x"], swapped["y"]) = (jwk["y"].clone(), jwk["x"].clone());
            bad.push(swapped);
            let mut other = jwk.clone();
            for curve in ["P-256", "P-384", "P-521", "secp256k1", "p-256", "Ed25519", ""] {
                if jwk["crv"] != curve {
                    other["crv"] = json!(curve);
                    bad.push(other.clone());
                }
            }
        }
        ClientKey::Ed25519(_) => {
            // Points of small order verify signatures that nobody made (RFC 8032 §5.1.7).
            let mut one = [0_u8; 32];
            one[0] = 1;
            let mut minus_one = [0xff_u8; 32];
            (minus_one[0], minus_one[31]) = (0xec, 0x7f);
            for point in [[0; 32], one, minus_one] {
                let mut weak = jwk.clone();
                weak["x"] = json!(encode(point));
                bad.push(weak);
            }
            for curve in ["Ed448", "X25519", "ed25519", "P-256"] {
                let mut other = jwk.clone();
                other["crv"] = json!(curve);
                bad.push(other);
            }
        }
        ClientKey::Rsa(_) => {
            // Exponents 1, 2, 65,536 and one that is longer than the modulus; moduli that are short or even.
            for exponent in [&[1][..], &[2], &[1, 0, 0], &[0xff; 300]] {
                let mut weak = jwk.clone();
                weak["e"] = json!(encode(exponent));
                bad.push(weak);
            }
            for octets in [64, 96, 128, 192] {
                let mut weak = jwk.clone();
                weak["n"] = json!(encode(vec![0xc5; octets]));
                bad.push(weak);
            }
            let mut even = octets("n");
            *even.last_mut().unwrap() &= 0xfe;
            let mut weak = jwk.clone();
            weak["n"] = json!(encode(even));
            bad.push(weak);
        }
    }
    for jwk in bad {
        let mut header = with_jwk(key);
        header["jwk"] = jwk.clone();
        let text = jwk.to_string().chars().take(150).collect::<String>();
        all.header(format!("jwk {text}"), &header.to_string(), key);
    }
}

#[test]
fn of_more_than_three_hundred_variants_none_passes() {
    let (all, others) = (ClientKey::one_of_each(), ClientKey::one_of_each());
    let mut passed = Vec::new();
    for (key, other) in all.iter().zip(&others) {
        let mut variants = Variants::default();
        parameters(&mut variants, key);
        serialisations(&mut variants, key);
        signatures(&mut variants, key, other);
        keys(&mut variants, key);
        // None of them twice, so that the count is one.
        let count = variants.0.len();
        let mut distinct: Vec<&Vec<u8>> = variants.0.iter().map(|(_, body)| body).collect();
        distinct.sort();
        distinct.dedup();
        assert!(distinct.len() > 300, "only {} of {count} for {}", distinct.len(), key.algorithm());
        for (name, body) in &variants.0 {
            if receive(body, key).is_ok() {
                passed.push(format!("{}: {name}", key.algorithm()));
            }
        }
    }
    assert!(passed.is_empty(), "{}", passed.join("\n"));
}

/// What clients may write otherwise and what means the same.
#[test]
fn near_misses_that_are_right_pass() {
    for key in ClientKey::one_of_each() {
        let (kid, jwk) = (with_kid(&key), with_jwk(&key));
        let mut known = jwk.clone();
        known["jwk"]["kid"] = json!("my key");
        known["jwk"]["use"] = json!("sig");
        known["jwk"]["alg"] = json!(key.algorithm());
        known["jwk"]["key_ops"] = json!(["verify"]);
        let mut typed = kid.clone();
        typed["typ"] = json!("JOSE+json");
        typed["unknown"] = json!({"a": [1]});
        let spaced = serde_json::to_string_pretty(&kid).unwrap();
        let escaped = kid.to_string().replace("\"alg\"", "\"\\u0061lg\"");
        for header in [
            kid.to_string(),
            jwk.to_string(),
            known.to_string(),
            typed.to_string(),
            spaced,
            escaped,
        ] {
            for payload in [PAYLOAD, "", "{}"] {
                let body = flattened(&header, payload, |input| key.sign(input));
                let text = Value::Object(body.clone()).to_string();
                let mut more = body;
                more.insert("unknown".to_owned(), json!(1));
                for text in [text.clone(), format!(" {text}\r\n"), Value::Object(more).to_string()]
                {
                    let read = receive(text.as_bytes(), &key);
                    let read = read.map_err(|why| format!("{header}: {why}")).unwrap();
                    assert_eq!(read.payload(), payload.as_bytes(), "{header}");
                }
            }
        }
    }
}
