//! Garbage that is signed well: what stands inside requests of a client in good standing.

use serde_json::{Value, json};

use super::{Watch, noise, sound};
use crate::stories::acme_gate::{Gate, csr};
use crate::stories::acme_jws::{Account, Client, base64url};
use crate::stories::acme_orders::{Placed, Web, finalized, place, until, validate};
use crate::stories::acme_transport::form;
use crate::stories::authorization::Asker;
use crate::stories::kill9::dice::Dice;

struct Scene {
    gate: Gate,
    client: Client,
    account: Account,
    placed: Placed,
}

/// An account with an order that is ready.
fn scene() -> Scene {
    let gate = Gate::start();
    let client = Client::of(&gate.acme());
    let web = Web::start(gate.http01_port());
    let account = client.register(&gate.credential(), json!({}));
    let placed = place(&client, &account, Gate::NAME);
    validate(&client, &account, &web, &placed);
    Scene { gate, client, account, placed }
}

/// Payloads that are no object of any resource.
fn payloads(dice: &mut Dice) -> Vec<(&'static str, Vec<u8>)> {
    let text = |name, text: &str| (name, text.as_bytes().to_vec());
    vec![
        text("an array", "[]"),
        text("null", "null"),
        text("a number", "-0"),
        text("a number without end", "1e400"),
        text("a text", "\"x\""),
        text("white space", "  "),
        text("an object that breaks off", "{\"identifiers\":["),
        text("two objects", "{}{}"),
        text("something behind it", "{},"),
        text("a member twice", "{\"csr\":\"MAA\",\"csr\":\"MAB\",\"contact\":[],\"contact\":[]}"),
        text("a member twice, written otherwise", "{\"csr\":\"MAA\",\"\\u0063sr\":\"MAB\"}"),
        text("a member without a value", "{\"csr\"}"),
        text("single quotes", "{'csr':'MAA'}"),
        text("a comment", "{/**/}"),
        text("NaN", "{\"reason\":NaN}"),
        text("a control character", "{\"a\":\"\u{1}\"}"),
        text("half a surrogate", "{\"a\":\"\\ud800\"}"),
        text("a number with a zero in front", "{\"reason\":01}"),
        ("a byte order mark", [&b"\xef\xbb\xbf"[..], b"{}"].concat()),
        ("UTF-16", "{}".encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("no UTF-8", b"{\"a\":\"\xff\"}".to_vec()),
        ("a NUL", b"{}\0".to_vec()),
        ("noise", noise(dice, 2_000)),
        ("arrays in arrays", "[".repeat(10_000).into_bytes()),
        ("objects in objects", "{\"a\":".repeat(10_000).into_bytes()),
        ("depth that ends", [b"{\"a\":".repeat(5_000), b"1".to_vec(), b"}".repeat(5_000)].concat()),
    ]
}

#[test]
fn a_good_signature_makes_no_sense_of_garbage() {
    let Scene { gate, client, account, placed } = scene();
    let mut dice = Dice::new(Dice::seed());
    let urls = [
        client.url("newOrder"),
        client.url("newAuthz"),
        client.url("revokeCert"),
        client.url("keyChange"),
        account.kid.clone(),
        placed.order.clone(),
        placed.finalize.clone(),
        placed.authorization.clone(),
        placed.challenge.clone(),
        format!("{}/orders", account.kid),
    ];
    let watch = Watch::begin(&gate);
    let mut wrong = Vec::new();
    let mut sent = 0;
    for (name, payload) in payloads(&mut dice) {
        let new_account = client.url("newAccount");
        for url in urls.iter().chain([&new_account]) {
            let mut protected = account.protected(&client, url);
            if *url == new_account {
                let header = protected.as_object_mut().expect("an object");
                header.remove("kid");
                header.insert("jwk".to_owned(), account.key.jwk());
            }
            let (protected, payload) = (base64url(protected.to_string()), base64url(&payload));
            let signature = base64url(account.key.sign(&format!("{protected}.{payload}")));
            let jws = json!({"protected": protected, "payload": payload, "signature": signature});
            let answer = client.post_jws(url, &jws);
            sent += 1;
            if answer.status != 400 || answer.problem() != "malformed" {
                wrong.push(format!("{name} at {url}: {answer:?}"));
            }
            wrong.extend(form(&answer).into_iter().map(|what| format!("{name} at {url}: {what}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(sent > 250, "{sent}");
    watch.end(&gate, &[]);
    done(gate, &client, &account, &placed);
}

/// Members of the right objects with wrong values.
fn members() -> Vec<(&'static str, Value)> {
    let dns = |value: Value| json!({"identifiers": [{"type": "dns", "value": value}]});
    let deep = |depth: usize| (0..depth).fold(json!(1), |inside, _| json!([inside]));
    let many = |count: usize| -> Vec<Value> {
        (0..count).map(|n| json!({"type": "dns", "value": format!("n{n}.shop.example")})).collect()
    };
    let long = format!("{}.shop.example", "a".repeat(50_000));
    let orders = [
        json!({"identifiers": []}),
        json!({"identifiers": {}}),
        json!({"identifiers": [[]]}),
        json!({"identifiers": deep(60)}),
        json!({"identifiers": many(101)}),
        json!({"identifiers": many(1_500)}),
        json!({"identifiers": [{"type": "dns"}]}),
        json!({"identifiers": [{"type": 1, "value": 1}]}),
        json!({"identifiers": [{"type": "x".repeat(10_000), "value": "x"}]}),
        json!({"identifiers": [{"type": "ip", "value": "999.0.0.1"}]}),
        json!({"identifiers": [{"type": "ip", "value": "::ffff:127.0.0.1%25lo"}]}),
        json!({"identifiers": many(1), "profile": 1}),
        json!({"identifiers": many(1), "profile": "a\u{0}"}),
        json!({"identifiers": many(1), "replaces": "..".repeat(10_000)}),
        json!({"identifiers": many(1), "replaces": "AA.AA.AA"}),
        json!({"identifiers": many(1), "replaces": "AA==.AA=="}),
        json!({"identifiers": many(1), "notBefore": "yesterday"}),
        json!({"identifiers": many(1), "notAfter": "9999999999-01-01T00:00:00Z"}),
        dns(json!("")),
        dns(json!(".")),
        dns(json!("..")),
        dns(json!("*")),
        dns(json!("*.*.shop.example")),
        dns(json!("www.shop.example\u{0}.evil.example")),
        dns(json!("www.shop.example\r\nx: y")),
        dns(json!("www.shop.example/../")),
        dns(json!("http://www.shop.example")),
        dns(json!("www.shop.example:443")),
        dns(json!("w\u{200b}ww.shop.example")),
        dns(json!("wwẃ.shop.example")),
        dns(json!("xn--.shop.example")),
        dns(json!("-.shop.example")),
        dns(json!(long)),
        dns(json!(["www.shop.example"])),
        dns(json!(null)),
    ];
    let accounts = [
        json!({"contact": "mailto:a@shop.example"}),
        json!({"contact": [1]}),
        json!({"contact": ["mailto:"]}),
        json!({"contact": ["mailto:a@b?subject=x"]}),
        json!({"contact": ["mailto:a@b,c@d"]}),
        json!({"contact": ["javascript:alert(1)"]}),
        json!({"contact": ["mailto:a\u{0}@shop.example"]}),
        json!({"contact": [format!("mailto:{}@shop.example", "a".repeat(60_000))]}),
        json!({"contact": vec!["mailto:a@shop.example"; 1_000]}),
    ];
    let revocations = [
        json!({"certificate": ""}),
        json!({"certificate": "MAA=="}),
        json!({"certificate": "M A A"}),
        json!({"certificate": "+/+/"}),
        json!({"certificate": base64url(vec![0x30; 40_000])}),
        json!({"certificate": 1, "reason": 1e300}),
        json!({"certificate": "MAA", "reason": 18_446_744_073_709_551_615_u64}),
        json!({"certificate": "MAA", "reason": 1.5}),
    ];
    let all = [("newOrder", &orders[..]), ("account", &accounts), ("revokeCert", &revocations)];
    all.into_iter().flat_map(|(at, values)| values.iter().map(move |it| (at, it.clone()))).collect()
}

#[test]
fn wrong_values_in_right_places_are_named() {
    let Scene { gate, client, account, placed } = scene();
    let watch = Watch::begin(&gate);
    let mut wrong = Vec::new();
    for (at, payload) in members() {
        let url = if at == "account" { account.kid.clone() } else { client.url(at) };
        let answer = account.post(&client, &url, &payload);
        let shown: String = payload.to_string().chars().take(120).collect();
        if !(400..500).contains(&answer.status) {
            wrong.push(format!("{at} {shown}: {answer:?}"));
        }
        wrong.extend(form(&answer).into_iter().map(|what| format!("{at} {shown}: {what}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    watch.end(&gate, &["order.refused"]);
    done(gate, &client, &account, &placed);
}

/// CSRs that are none, or are somebody else's.
fn csrs(client_key: &[u8], dice: &mut Dice) -> Vec<(String, Vec<u8>)> {
    let good = csr(&[Gate::NAME]);
    let mut all: Vec<(String, Vec<u8>)> = vec![
        ("nothing".to_owned(), Vec::new()),
        ("a text".to_owned(), b"-----BEGIN CERTIFICATE REQUEST-----".to_vec()),
        ("an octet behind it".to_owned(), [&good[..], &[0]].concat()),
        ("itself twice".to_owned(), good.repeat(2)),
        ("a length that is not the shortest".to_owned(), long_form(&good)),
        ("an indefinite length".to_owned(), [&[0x30, 0x80][..], &good[..], &[0, 0]].concat()),
        ("a length beyond memory".to_owned(), vec![0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
        ("sequences in sequences".to_owned(), [0x30, 0x80].repeat(20_000)),
        ("the account's key".to_owned(), client_key.to_vec()),
        ("noise".to_owned(), noise(dice, 40_000)),
    ];
    for part in 1..24 {
        let end = good.len() * part / 24;
        all.push((format!("the first {end} octets"), good.get(..end).unwrap_or(&good).to_vec()));
    }
    // The signature stands last; in front of it every octet is signed.
    for _ in 0..40 {
        let mut altered = good.clone();
        let place =
            usize::try_from(dice.below(u64::try_from(good.len()).unwrap_or(1))).unwrap_or(0);
        if let Some(octet) = altered.get_mut(place) {
            *octet ^= 1 << dice.below(8);
        }
        all.push((format!("octet {place} altered"), altered));
    }
    all
}

/// The same SEQUENCE with a length in more octets than it needs (X.690 §10.1 forbids it).
fn long_form(der: &[u8]) -> Vec<u8> {
    let body = der.get(if der.get(1) == Some(&0x82) { 4 } else { 3 }..).unwrap_or_default();
    let length = u32::try_from(body.len()).unwrap_or(0).to_be_bytes();
    [&[0x30, 0x84][..], &length, body].concat()
}

/// A CSR with the key of the account, which is for accounts only (RFC 8555 §11.1).
fn with_the_accounts_key(account: &Account) -> Vec<u8> {
    let jwk = account.key.jwk();
    let coordinate = |name: &str| {
        use base64::Engine as _;
        let text = jwk[name].as_str().expect("a coordinate");
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).expect("base64url")
    };
    let head = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
        0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ];
    [&head[..], &coordinate("x"), &coordinate("y")].concat()
}

#[test]
fn an_order_waits_for_a_csr_that_is_one() {
    let Scene { gate, client, account, placed } = scene();
    let mut dice = Dice::new(Dice::seed());
    let watch = Watch::begin(&gate);
    let mut wrong = Vec::new();
    for (name, octets) in csrs(&with_the_accounts_key(&account), &mut dice) {
        let answer = finalized(&client, &account, &placed, &octets);
        let refused = answer.status == 400
            && ["badCSR", "malformed", "badPublicKey"].contains(&answer.problem().as_str());
        if !refused {
            wrong.push(format!("{name}: {answer:?}"));
        }
        wrong.extend(
            form(&answer)
                .into_iter()
                .filter(|what| !what.contains("algorithms"))
                .map(|what| format!("{name}: {what}")),
        );
    }
    for text in ["MAA=", "MA A", "M\u{0}AA", "MAA\n", "+/8", "MAB", "\u{fc}"] {
        let answer = account.post(&client, &placed.finalize, &json!({"csr": text}));
        if answer.status != 400 {
            wrong.push(format!("{text}: {answer:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(account.get(&client, &placed.order).expect(200).member("/status"), "ready");
    watch.end(&gate, &[]);
    done(gate, &client, &account, &placed);
}

#[test]
fn an_ocsp_responder_answers_garbage_with_what_rfc_6960_says() {
    let gate = Gate::start();
    let asker = Asker::of(&gate);
    let mut dice = Dice::new(Dice::seed());
    let watch = Watch::begin(&gate);
    let url = format!("{}/ocsp/house", gate.server.http());
    let mut bodies: Vec<Vec<u8>> =
        vec![vec![], vec![0], vec![0x30, 0x80], vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff]];
    bodies.push([0x30, 0x80].repeat(1_000));
    bodies.extend((1..60).map(|count| noise(&mut dice, count)));
    for body in bodies {
        let kind: [(&str, &[u8]); 1] = [("content-type", b"application/ocsp-request")];
        let answer = asker.ask_octets("POST", &url, &kind, &body).expect(200);
        // OCSPResponse { responseStatus malformedRequest (1) } (RFC 6960 §4.2.1).
        assert_eq!(answer.text.as_bytes(), [0x30, 3, 0x0a, 1, 1], "{body:x?}");
    }
    watch.end(&gate, &[]);
    sound(gate, None);
}

/// What is right still works: the order that stood there all the time becomes a certificate.
fn done(gate: Gate, client: &Client, account: &Account, placed: &Placed) {
    finalized(client, account, placed, &csr(&[Gate::NAME])).expect(200);
    let valid = until(client, account, &placed.order, &["valid", "invalid"]);
    let chain = account.get(client, &valid.member("/certificate")).expect(200).text;
    assert!(chain.contains("BEGIN CERTIFICATE"), "{chain}");
    sound(gate, None);
}
