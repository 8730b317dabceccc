//! Every wrong thing a client can send to ACME gets the right answer and leaves nothing behind
//! (RFC 8555 §6 and §7; threats T12, T13 and T15).

use reqwest::Method;
use serde_json::{Value, json};

use super::acme_gate::Gate;
use super::acme_jws::{Account, Answer, Client, Key, base64url, binding, binding_of};
use crate::harness::acme::Eab;

/// Who and what there is before the wrong things are sent.
struct Stage {
    gate: Gate,
    client: Client,
    /// Has an order that waits for its authorization.
    alice: Account,
    /// Another account.
    bob: Account,
    /// Deactivated.
    gone: Account,
    /// Bound bob already.
    spent: Eab,
    /// Never used.
    fresh: Eab,
    order: String,
    authorization: String,
    challenge: String,
    finalize: String,
}

impl Stage {
    fn set() -> Self {
        let gate = Gate::start();
        let client = Client::of(&gate.acme());
        let alice = client.register(&gate.credential(), json!({}));
        let spent = gate.credential();
        let bob = client.register(&spent, json!({}));
        let gone = client.register(&gate.credential(), json!({}));
        gone.post(&client, &gone.kid, &json!({"status": "deactivated"})).expect(200);
        let placed = alice.order(&client, &[Gate::NAME]).expect(201);
        let authorization = placed.member("/authorizations/0");
        let challenge = alice.get(&client, &authorization).expect(200).member("/challenges/0/url");
        let (order, finalize) = (placed.location(), placed.member("/finalize"));
        let fresh = gate.credential();
        Self {
            gate,
            client,
            alice,
            bob,
            gone,
            spent,
            fresh,
            order,
            authorization,
            challenge,
            finalize,
        }
    }

    fn url(&self, name: &str) -> String {
        self.client.url(name)
    }

    /// Alice's newOrder, as it should be but for what `alter` does to its header.
    fn altered_header(&self, alter: impl Fn(&mut serde_json::Map<String, Value>)) -> Answer {
        let url = self.url("newOrder");
        let mut protected = self.alice.protected(&self.client, &url);
        alter(protected.as_object_mut().expect("a header is an object"));
        self.client.post_jws(&url, &self.alice.key.jws(&protected, &good_order()))
    }

    /// Alice's newOrder with another value of one header parameter.
    fn header(&self, name: &str, value: Value) -> Answer {
        self.altered_header(|header| {
            header.insert(name.to_owned(), value.clone());
        })
    }

    fn without_header(&self, name: &str) -> Answer {
        self.altered_header(|header| {
            header.remove(name);
        })
    }

    /// Alice's newOrder, signed, but for what `alter` does to the body.
    fn altered_body(&self, alter: impl Fn(&mut serde_json::Map<String, Value>)) -> Answer {
        let mut jws = self.good_jws();
        alter(jws.as_object_mut().expect("a JWS is an object"));
        self.client.post_jws(&self.url("newOrder"), &jws)
    }

    fn good_jws(&self) -> Value {
        let protected = self.alice.protected(&self.client, &self.url("newOrder"));
        self.alice.key.jws(&protected, &good_order())
    }

    /// Alice's newOrder under other HTTP headers.
    fn posted_with(&self, headers: &[(&str, &str)]) -> Answer {
        self.client.post_raw(
            &self.url("newOrder"),
            headers,
            self.good_jws().to_string().into_bytes(),
        )
    }

    /// A body that is no JWS.
    fn posted(&self, body: impl Into<Vec<u8>>) -> Answer {
        let headers = [("content-type", "application/jose+json")];
        self.client.post_raw(&self.url("newOrder"), &headers, body.into())
    }

    /// newOrder by alice.
    fn ordered(&self, payload: Value) -> Answer {
        self.alice.post(&self.client, &self.url("newOrder"), &payload)
    }

    /// newAccount with a key that has no account.
    fn registered(&self, payload: Value) -> Answer {
        self.client.as_key(&Key::fresh(), &self.url("newAccount"), &payload)
    }

    /// newAccount with a jwk of the test's own making; nobody could sign with it.
    fn with_jwk(&self, jwk: Value) -> Answer {
        let url = self.url("newAccount");
        let protected =
            json!({"alg": "ES256", "nonce": self.client.nonce(), "url": url, "jwk": jwk});
        self.client.post_jws(&url, &Key::fresh().jws(&protected, "{}"))
    }

    /// newAccount with this binding's header, over the key that signs.
    fn bound(&self, eab: &Eab, header: Value) -> Answer {
        let (key, url) = (Key::fresh(), self.url("newAccount"));
        let mut inner = binding_of(eab, &url, &key);
        if !header.is_null() {
            inner = binding(&header, &key.jwk(), &mac_key(eab));
        }
        self.client.as_key(&key, &url, &json!({"externalAccountBinding": inner}))
    }

    /// revokeCert by alice.
    fn revoked(&self, payload: Value) -> Answer {
        self.alice.post(&self.client, &self.url("revokeCert"), &payload)
    }

    /// keyChange by alice to a new key, but for what `alter` does to the inner header and payload.
    fn key_changed(&self, alter: impl Fn(&mut Value, &mut Value)) -> Answer {
        self.key_changed_to(&Key::fresh(), alter)
    }

    fn key_changed_to(&self, key: &Key, alter: impl Fn(&mut Value, &mut Value)) -> Answer {
        let url = self.url("keyChange");
        let mut header = json!({"alg": "ES256", "jwk": key.jwk(), "url": url});
        let mut payload = json!({"account": self.alice.kid, "oldKey": self.alice.key.jwk()});
        alter(&mut header, &mut payload);
        let inner = key.jws(&header, &payload.to_string());
        self.alice.post(&self.client, &url, &inner)
    }
}

fn mac_key(eab: &Eab) -> Vec<u8> {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    engine.decode(&eab.hmac).expect("a credential's key is base64url")
}

fn good_order() -> String {
    json!({"identifiers": [{"type": "dns", "value": Gate::NAME}]}).to_string()
}

fn dns(names: &[&str]) -> Value {
    let all: Vec<Value> = names.iter().map(|name| json!({"type": "dns", "value": name})).collect();
    json!({"identifiers": all})
}

/// The URL with another last part.
fn beside(url: &str, last: &str) -> String {
    let (front, _) = url.rsplit_once('/').expect("a URL has parts");
    format!("{front}/{last}")
}

/// What is done, the status and the problem that answer it.
type Case = (&'static str, u16, &'static str, fn(&Stage) -> Answer);

const ENVELOPE: &[Case] = &[
    ("another content type", 415, "malformed", |s| {
        s.posted_with(&[("content-type", "application/json")])
    }),
    ("no content type", 415, "malformed", |s| s.posted_with(&[])),
    ("a parameter on the content type", 415, "malformed", |s| {
        s.posted_with(&[("content-type", "application/jose+json; charset=utf-8")])
    }),
    ("an encoded body", 415, "malformed", |s| {
        s.posted_with(&[("content-type", "application/jose+json"), ("content-encoding", "gzip")])
    }),
    ("a body that is too large", 413, "malformed", |s| s.posted(vec![b' '; 140_000])),
    ("no body", 400, "malformed", |s| s.posted("")),
    ("no JSON", 400, "malformed", |s| s.posted("protected=x")),
    ("octets that are no text", 400, "malformed", |s| s.posted(vec![0xff, 0xfe, 0])),
    ("a JSON array", 400, "malformed", |s| s.posted(format!("[{}]", s.good_jws()))),
    ("a JWS in compact form", 400, "malformed", |s| s.posted("eyJhbGciOiJFUzI1NiJ9.e30.AAAA")),
    ("something behind the JWS", 400, "malformed", |s| s.posted(format!("{}{{}}", s.good_jws()))),
    ("nesting without end", 400, "malformed", |s| s.posted("{\"a\":".repeat(5_000))),
    ("ten thousand members", 400, "malformed", |s| {
        let many: Vec<String> = (0..10_001).map(|n| format!("\"m{n}\":1")).collect();
        s.posted(format!("{{{}}}", many.join(",")))
    }),
    ("a member twice", 400, "malformed", |s| {
        s.posted(s.good_jws().to_string().replacen('{', "{\"payload\":\"e30\",", 1))
    }),
    ("several signatures", 400, "malformed", |s| {
        s.altered_body(|jws| drop(jws.insert("signatures".to_owned(), json!([]))))
    }),
    ("an unprotected header", 400, "malformed", |s| {
        s.altered_body(|jws| drop(jws.insert("header".to_owned(), json!({"alg": "ES256"}))))
    }),
    ("no signature", 400, "malformed", |s| s.altered_body(|jws| drop(jws.remove("signature")))),
    ("a detached payload", 400, "malformed", |s| s.altered_body(|jws| drop(jws.remove("payload")))),
    ("no protected header", 400, "malformed", |s| {
        s.altered_body(|jws| drop(jws.remove("protected")))
    }),
    ("a payload that is no text", 400, "malformed", |s| {
        s.altered_body(|jws| drop(jws.insert("payload".to_owned(), json!({}))))
    }),
    ("a padded payload", 400, "malformed", |s| {
        s.altered_body(|jws| drop(jws.insert("payload".to_owned(), json!("e30="))))
    }),
    ("another payload than was signed", 400, "malformed", |s| {
        s.altered_body(|jws| drop(jws.insert("payload".to_owned(), json!(base64url("{}")))))
    }),
    ("an empty signature", 400, "malformed", |s| {
        s.altered_body(|jws| drop(jws.insert("signature".to_owned(), json!(""))))
    }),
    ("a signature of zeros", 400, "malformed", |s| {
        s.altered_body(|jws| drop(jws.insert("signature".to_owned(), json!(base64url([0; 64])))))
    }),
    ("a DER signature", 400, "malformed", |s| {
        let der = [&[0x30, 0x44, 0x02, 0x20][..], &[1; 32], &[0x02, 0x20], &[1; 32]].concat();
        s.altered_body(|jws| drop(jws.insert("signature".to_owned(), json!(base64url(&der)))))
    }),
    ("a signature by somebody else", 400, "malformed", |s| {
        let url = s.url("newOrder");
        let protected = s.alice.protected(&s.client, &url);
        s.client.post_jws(&url, &s.bob.key.jws(&protected, &good_order()))
    }),
];

const HEADER: &[Case] = &[
    ("algorithm none", 400, "badSignatureAlgorithm", |s| s.header("alg", json!("none"))),
    ("a MAC", 400, "badSignatureAlgorithm", |s| s.header("alg", json!("HS256"))),
    ("the algorithm of another curve", 400, "badSignatureAlgorithm", |s| {
        s.header("alg", json!("ES384"))
    }),
    ("the algorithm of another key type", 400, "badSignatureAlgorithm", |s| {
        s.header("alg", json!("RS256"))
    }),
    ("an algorithm in small letters", 400, "badSignatureAlgorithm", |s| {
        s.header("alg", json!("es256"))
    }),
    ("no algorithm", 400, "malformed", |s| s.without_header("alg")),
    ("an algorithm that is no text", 400, "malformed", |s| s.header("alg", json!(["ES256"]))),
    ("crit", 400, "malformed", |s| s.header("crit", json!(["exp"]))),
    ("an unencoded payload", 400, "malformed", |s| s.header("b64", json!(false))),
    ("a compressed payload", 400, "malformed", |s| s.header("zip", json!("DEF"))),
    ("a key to be fetched", 400, "malformed", |s| s.header("jku", json!("https://evil.example/"))),
    ("a key in a certificate", 400, "malformed", |s| s.header("x5c", json!(["MIIB"]))),
    ("both jwk and kid", 400, "malformed", |s| s.header("jwk", s.alice.key.jwk())),
    ("neither jwk nor kid", 400, "malformed", |s| s.without_header("kid")),
    ("no nonce", 400, "badNonce", |s| s.without_header("nonce")),
    ("a nonce that is no base64url", 400, "malformed", |s| s.header("nonce", json!("not a nonce"))),
    ("a nonce that nobody gave out", 400, "badNonce", |s| {
        s.header("nonce", json!(base64url([7; 32])))
    }),
    ("an empty nonce", 400, "malformed", |s| s.header("nonce", json!(""))),
    ("no url", 400, "malformed", |s| s.without_header("url")),
    ("the url of another resource", 403, "unauthorized", |s| {
        s.header("url", json!(s.url("newAccount")))
    }),
    ("a url with a slash more", 403, "unauthorized", |s| {
        s.header("url", json!(format!("{}/", s.url("newOrder"))))
    }),
    ("a url with a query", 403, "unauthorized", |s| {
        s.header("url", json!(format!("{}?a=b", s.url("newOrder"))))
    }),
    ("a url in the clear", 403, "unauthorized", |s| {
        s.header("url", json!(s.url("newOrder").replace("https:", "http:")))
    }),
    ("a url of another host", 403, "unauthorized", |s| {
        s.header("url", json!(s.url("newOrder").replace("localhost", "127.0.0.1")))
    }),
    ("a url in capitals", 403, "unauthorized", |s| {
        s.header("url", json!(s.url("newOrder").replace("localhost", "LOCALHOST")))
    }),
    ("a path without a host as url", 403, "unauthorized", |s| {
        s.header("url", json!("/acme/new-order"))
    }),
    ("the kid of nobody", 400, "accountDoesNotExist", |s| {
        s.header("kid", json!(beside(&s.alice.kid, "nobody")))
    }),
    ("a kid of another server", 400, "accountDoesNotExist", |s| {
        s.header("kid", json!("https://acme.example/acme/account/1"))
    }),
    ("an id as kid", 400, "accountDoesNotExist", |s| s.header("kid", json!("1"))),
    ("a kid below an account", 400, "accountDoesNotExist", |s| {
        s.header("kid", json!(format!("{}/orders", s.alice.kid)))
    }),
    ("the kid of somebody else", 400, "malformed", |s| s.header("kid", json!(s.bob.kid))),
    ("the kid of a deactivated account", 401, "unauthorized", |s| {
        s.gone.post(&s.client, &s.url("newOrder"), &dns(&[Gate::NAME]))
    }),
    ("a kid for newAccount", 400, "malformed", |s| {
        s.alice.post(&s.client, &s.url("newAccount"), &json!({"onlyReturnExisting": true}))
    }),
    ("a jwk for newOrder", 400, "malformed", |s| {
        s.client.as_key(&s.alice.key, &s.url("newOrder"), &dns(&[Gate::NAME]))
    }),
    ("a private key", 400, "badPublicKey", |s| {
        let mut jwk = Key::fresh().jwk();
        jwk.as_object_mut().expect("an object").insert("d".to_owned(), json!(base64url([1; 32])));
        s.with_jwk(jwk)
    }),
    ("a point that is not on the curve", 400, "badPublicKey", |s| {
        let one = base64url([1; 32]);
        s.with_jwk(json!({"kty": "EC", "crv": "P-256", "x": one, "y": one}))
    }),
    ("a coordinate without its zeros", 400, "badPublicKey", |s| {
        s.with_jwk(
            json!({"kty": "EC", "crv": "P-256", "x": base64url([1; 31]), "y": base64url([1; 32])}),
        )
    }),
    ("a curve we do not know", 400, "badPublicKey", |s| {
        let one = base64url([1; 66]);
        s.with_jwk(json!({"kty": "EC", "crv": "P-521", "x": one, "y": one}))
    }),
    ("a symmetric key", 400, "badPublicKey", |s| s.with_jwk(json!({"kty": "oct", "k": "AAAA"}))),
    ("RSA with 1,024 bits", 400, "badPublicKey", |s| {
        s.with_jwk(json!({"kty": "RSA", "e": "AQAB", "n": base64url([0xc1; 128])}))
    }),
    ("RSA with exponent 1", 400, "badPublicKey", |s| {
        s.with_jwk(json!({"kty": "RSA", "e": "AQ", "n": base64url([0xc1; 256])}))
    }),
    ("a key as text", 400, "badPublicKey", |s| s.with_jwk(json!("key"))),
];

const RESOURCES: &[Case] = &[
    ("GET of an order", 405, "malformed", |s| s.client.ask(Method::GET, &s.order)),
    ("GET of newOrder", 405, "malformed", |s| s.client.ask(Method::GET, &s.url("newOrder"))),
    ("PUT of newAccount", 405, "malformed", |s| s.client.ask(Method::PUT, &s.url("newAccount"))),
    ("DELETE of an account", 405, "malformed", |s| s.client.ask(Method::DELETE, &s.alice.kid)),
    ("POST of newNonce", 405, "malformed", |s| s.client.ask(Method::POST, &s.url("newNonce"))),
    ("a method of one's own", 405, "malformed", |s| {
        s.client.ask(Method::from_bytes(b"BREW").expect("a method"), &s.order)
    }),
    ("a path that is not there", 404, "malformed", |s| {
        s.alice.get(&s.client, &beside(&s.url("newOrder"), "new-thing"))
    }),
    ("a path above the root", 404, "malformed", |s| {
        s.client.ask(Method::GET, &beside(&s.url("newOrder"), "x%2f..%2fdirectory"))
    }),
    ("POST-as-GET of newOrder", 400, "malformed", |s| s.alice.get(&s.client, &s.url("newOrder"))),
    ("POST-as-GET of finalize", 400, "malformed", |s| s.alice.get(&s.client, &s.finalize)),
    ("a payload for an order", 400, "malformed", |s| s.alice.post(&s.client, &s.order, &json!({}))),
    ("a payload for the list of orders", 400, "malformed", |s| {
        s.alice.post(&s.client, &format!("{}/orders", s.alice.kid), &json!({}))
    }),
    ("an account's URL with somebody else's signature", 403, "unauthorized", |s| {
        s.bob.get(&s.client, &s.alice.kid)
    }),
    ("somebody else's list of orders", 403, "unauthorized", |s| {
        s.bob.get(&s.client, &format!("{}/orders", s.alice.kid))
    }),
    ("a page of orders that we did not offer", 404, "malformed", |s| {
        s.alice.get(&s.client, &format!("{}/orders?page=2", s.alice.kid))
    }),
    ("somebody else's order", 404, "malformed", |s| s.bob.get(&s.client, &s.order)),
    ("an order that is not there", 404, "malformed", |s| {
        s.alice.get(&s.client, &beside(&s.order, "none"))
    }),
    ("an order that could not be", 404, "malformed", |s| {
        s.alice.get(&s.client, &beside(&s.order, "%00'--"))
    }),
    ("finalizing somebody else's order", 404, "malformed", |s| {
        s.bob.post(&s.client, &s.finalize, &json!({"csr": "MAA"}))
    }),
    ("finalizing before it is ready", 403, "orderNotReady", |s| {
        s.alice.post(
            &s.client,
            &s.finalize,
            &json!({"csr": base64url(super::acme_gate::csr(&[Gate::NAME]))}),
        )
    }),
    ("finalizing without a CSR", 400, "malformed", |s| {
        s.alice.post(&s.client, &s.finalize, &json!({}))
    }),
    ("finalizing with padding", 400, "malformed", |s| {
        s.alice.post(&s.client, &s.finalize, &json!({"csr": "MAA="}))
    }),
    ("somebody else's authorization", 404, "malformed", |s| s.bob.get(&s.client, &s.authorization)),
    ("giving up somebody else's authorization", 404, "malformed", |s| {
        s.bob.post(&s.client, &s.authorization, &json!({"status": "deactivated"}))
    }),
    ("making an authorization valid", 400, "malformed", |s| {
        s.alice.post(&s.client, &s.authorization, &json!({"status": "valid"}))
    }),
    ("an authorization that is not there", 404, "malformed", |s| {
        s.alice.get(&s.client, &beside(&s.authorization, "none"))
    }),
    ("somebody else's challenge", 404, "malformed", |s| {
        s.bob.post(&s.client, &s.challenge, &json!({}))
    }),
    ("a challenge of another authorization", 404, "malformed", |s| {
        s.alice.post(&s.client, &beside(&s.challenge, "none"), &json!({}))
    }),
    ("an answer to a challenge that is no object", 400, "malformed", |s| {
        s.alice.post(&s.client, &s.challenge, &json!([]))
    }),
    ("a certificate that is not there", 404, "malformed", |s| {
        s.alice.get(
            &s.client,
            &s.url("newOrder").replace("new-order", &format!("certificate/{}", "0".repeat(64))),
        )
    }),
    ("a certificate that could not be", 404, "malformed", |s| {
        s.alice.get(&s.client, &s.url("newOrder").replace("new-order", "certificate/1"))
    }),
];

const ACCOUNTS: &[Case] = &[
    ("no binding", 403, "externalAccountRequired", |s| {
        s.registered(json!({"termsOfServiceAgreed": true}))
    }),
    ("a binding that is no object", 400, "malformed", |s| {
        s.registered(json!({"externalAccountBinding": "x"}))
    }),
    ("a binding with an unprotected header", 400, "malformed", |s| {
        let (key, url) = (Key::fresh(), s.url("newAccount"));
        let mut inner = binding_of(&s.fresh, &url, &key);
        inner.as_object_mut().expect("an object").insert("header".to_owned(), json!({}));
        s.client.as_key(&key, &url, &json!({"externalAccountBinding": inner}))
    }),
    ("a binding of nobody", 403, "unauthorized", |s| {
        let eab = Eab { kid: "nobody".to_owned(), ..s.fresh.clone() };
        s.bound(&eab, Value::Null)
    }),
    ("a binding with another kid's key", 403, "unauthorized", |s| {
        let eab = Eab { kid: s.fresh.kid.clone(), hmac: s.spent.hmac.clone() };
        s.bound(&eab, Value::Null)
    }),
    ("a binding with a nonce", 400, "malformed", |s| {
        s.bound(&s.fresh, json!({"alg": "HS256", "kid": s.fresh.kid, "url": s.url("newAccount"), "nonce": "AAAA"}))
    }),
    ("a binding for another url", 403, "unauthorized", |s| {
        s.bound(&s.fresh, json!({"alg": "HS256", "kid": s.fresh.kid, "url": s.url("newOrder")}))
    }),
    ("a binding without a MAC", 400, "malformed", |s| {
        s.bound(&s.fresh, json!({"alg": "none", "kid": s.fresh.kid, "url": s.url("newAccount")}))
    }),
    ("a binding with a signature's algorithm", 400, "malformed", |s| {
        s.bound(&s.fresh, json!({"alg": "ES256", "kid": s.fresh.kid, "url": s.url("newAccount")}))
    }),
    ("a binding for another key", 403, "unauthorized", |s| {
        let url = s.url("newAccount");
        let inner = binding_of(&s.fresh, &url, &Key::fresh());
        s.client.as_key(&Key::fresh(), &url, &json!({"externalAccountBinding": inner}))
    }),
    ("a binding that was used", 403, "unauthorized", |s| s.bound(&s.spent, Value::Null)),
    ("looking for an account that is not there", 400, "accountDoesNotExist", |s| {
        s.registered(json!({"onlyReturnExisting": true}))
    }),
    ("the key of a deactivated account", 401, "unauthorized", |s| {
        s.client.as_key(&s.gone.key, &s.url("newAccount"), &json!({"onlyReturnExisting": true}))
    }),
    ("a contact by telephone", 400, "unsupportedContact", |s| {
        s.registered(json!({"contact": ["tel:+1"]}))
    }),
    ("a contact with two addresses", 400, "invalidContact", |s| {
        s.registered(json!({"contact": ["mailto:a@shop.example,b@shop.example"]}))
    }),
    ("a contact with a subject", 400, "invalidContact", |s| {
        s.alice.post(
            &s.client,
            &s.alice.kid,
            &json!({"contact": ["mailto:a@shop.example?subject=x"]}),
        )
    }),
    ("eleven contacts", 400, "malformed", |s| {
        s.registered(json!({"contact": vec!["mailto:a@shop.example"; 11]}))
    }),
    ("a contact that is no text", 400, "malformed", |s| s.registered(json!({"contact": [1]}))),
    ("a payload that is no object", 400, "malformed", |s| s.registered(json!(["x"]))),
];

const ORDERS: &[Case] = &[
    ("no identifiers", 400, "malformed", |s| s.ordered(json!({}))),
    ("an empty list of identifiers", 400, "malformed", |s| s.ordered(json!({"identifiers": []}))),
    ("identifiers as text", 400, "malformed", |s| {
        s.ordered(json!({"identifiers": "a.shop.example"}))
    }),
    ("an identifier without a type", 400, "malformed", |s| {
        s.ordered(json!({"identifiers": [{"value": "a.shop.example"}]}))
    }),
    ("a member twice in the payload", 400, "malformed", |s| {
        let twice = "{\"identifiers\":[],\"identifiers\":[]}";
        s.alice.post_text(&s.client, &s.url("newOrder"), twice)
    }),
    ("101 identifiers", 400, "malformed", |s| {
        let names: Vec<String> = (0..101).map(|n| format!("n{n}.shop.example")).collect();
        s.ordered(dns(&names.iter().map(String::as_str).collect::<Vec<_>>()))
    }),
    ("a mailbox", 400, "unsupportedIdentifier", |s| {
        s.ordered(json!({"identifiers": [{"type": "email", "value": "a@shop.example"}]}))
    }),
    ("an address as a name", 400, "rejectedIdentifier", |s| s.ordered(dns(&["192.0.2.1"]))),
    ("a name of one label", 400, "rejectedIdentifier", |s| s.ordered(dns(&["localhost"]))),
    ("an underscore", 400, "rejectedIdentifier", |s| s.ordered(dns(&["_dmarc.shop.example"]))),
    ("a dot at the end", 400, "rejectedIdentifier", |s| s.ordered(dns(&["www.shop.example."]))),
    ("a star inside", 400, "rejectedIdentifier", |s| s.ordered(dns(&["w*.shop.example"]))),
    ("two stars", 400, "rejectedIdentifier", |s| s.ordered(dns(&["*.*.shop.example"]))),
    ("a NUL", 400, "rejectedIdentifier", |s| s.ordered(dns(&["www.shop.example\0.evil.example"]))),
    ("letters beyond ASCII", 400, "rejectedIdentifier", |s| {
        s.ordered(dns(&["bücher.shop.example"]))
    }),
    ("an A-label of ASCII", 400, "rejectedIdentifier", |s| {
        s.ordered(dns(&["xn--www-.shop.example"]))
    }),
    ("two kinds of wrong", 403, "compound", |s| {
        s.ordered(json!({"identifiers": [
            {"type": "dns", "value": "_a.shop.example"},
            {"type": "email", "value": "a@shop.example"}
        ]}))
    }),
    ("a date of one's own", 400, "malformed", |s| {
        let mut order = dns(&[Gate::NAME]);
        order
            .as_object_mut()
            .expect("an object")
            .insert("notAfter".to_owned(), json!("2030-01-01T00:00:00Z"));
        s.ordered(order)
    }),
    ("a profile that is not there", 400, "invalidProfile", |s| {
        s.ordered(json!({"identifiers": dns(&[Gate::NAME])["identifiers"], "profile": "none"}))
    }),
    ("a profile that could not be", 400, "invalidProfile", |s| {
        s.ordered(
            json!({"identifiers": dns(&[Gate::NAME])["identifiers"], "profile": "\u{1b}[31m"}),
        )
    }),
    ("revoking no certificate", 400, "malformed", |s| s.revoked(json!({"certificate": "MAA"}))),
    ("revoking without a certificate", 400, "malformed", |s| s.revoked(json!({"reason": 1}))),
    ("revoking with padding", 400, "malformed", |s| s.revoked(json!({"certificate": "MAA="}))),
    ("a reason that only a CA may give", 400, "badRevocationReason", |s| {
        s.revoked(json!({"certificate": "MAA", "reason": 2}))
    }),
    ("a reason that does not exist", 400, "badRevocationReason", |s| {
        s.revoked(json!({"certificate": "MAA", "reason": 7}))
    }),
    ("a reason below zero", 400, "badRevocationReason", |s| {
        s.revoked(json!({"certificate": "MAA", "reason": -1}))
    }),
    ("a reason in words", 400, "malformed", |s| {
        s.revoked(json!({"certificate": "MAA", "reason": "keyCompromise"}))
    }),
    ("a key change for another url", 403, "unauthorized", |s| {
        s.key_changed(|header, _| header["url"] = json!("https://acme.example/acme/key-change"))
    }),
    ("a key change with a nonce inside", 400, "malformed", |s| {
        s.key_changed(|header, _| header["nonce"] = json!("AAAA"))
    }),
    ("a key change with a kid inside", 400, "malformed", |s| {
        s.key_changed(|header, _| {
            *header = json!({"alg": "ES256", "kid": "x", "url": header["url"]})
        })
    }),
    ("a key change signed by another key", 400, "malformed", |s| {
        s.key_changed(|header, _| header["jwk"] = Key::fresh().jwk())
    }),
    ("a key change for another account", 400, "malformed", |s| {
        s.key_changed(|_, payload| payload["account"] = json!(s.bob.kid))
    }),
    ("a key change from another key", 400, "malformed", |s| {
        s.key_changed(|_, payload| payload["oldKey"] = s.bob.key.jwk())
    }),
    ("a key change without the old key", 400, "malformed", |s| {
        s.key_changed(|_, payload| *payload = json!({"account": s.alice.kid}))
    }),
    ("a key change to the key it has", 409, "malformed", |s| {
        s.key_changed_to(&s.alice.key, |_, _| {})
    }),
    ("a key change to the key of another account", 409, "malformed", |s| {
        let answer = s.key_changed_to(&s.bob.key, |_, _| {});
        assert_eq!(answer.location(), s.bob.kid);
        answer
    }),
    ("a key change that is no JWS", 400, "malformed", |s| {
        s.alice.post(&s.client, &s.url("keyChange"), &json!({"account": s.alice.kid}))
    }),
];

#[test]
fn wrong_requests_are_told_so_and_leave_nothing_behind() {
    let stage = Stage::set();
    let all = [ENVELOPE, HEADER, RESOURCES, ACCOUNTS, ORDERS];
    let mut wrong = Vec::new();
    for (name, status, problem, act) in all.into_iter().flatten() {
        let before = stage.gate.ledger_entries();
        let answer = act(&stage);
        let found = (answer.status, answer.problem());
        if found != (*status, (*problem).to_owned()) {
            wrong.push(format!("{name}: {found:?} instead of {status} {problem}: {}", answer.text));
        }
        wrong.extend(form(&answer).into_iter().map(|what| format!("{name}: {what}")));
        if stage.gate.ledger_entries() != before {
            wrong.push(format!("{name}: something was stored"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(all.iter().map(|part| part.len()).sum::<usize>() >= 100);
    // Alice's order stands as it stood.
    stage.alice.get(&stage.client, &stage.order).expect(200);
    assert_eq!(stage.alice.get(&stage.client, &stage.order).member("/status"), "pending");
    // And the credential that was only ever misused still binds.
    stage.client.register(&stage.fresh, json!({}));
}

/// What every refusal has in common.
pub(super) fn form(answer: &Answer) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut want = |holds: bool, what: &str| {
        if !holds {
            wrong.push(format!("{what}: {:?}", answer.headers));
        }
    };
    want(answer.header("content-type") == Some("application/problem+json"), "content type");
    want(answer.header("cache-control") == Some("no-store"), "no-store");
    want(answer.header("replay-nonce").is_some_and(|nonce| nonce.len() >= 22), "a fresh nonce");
    want(answer.links("index").len() == 1, "a link to the directory");
    let json = answer.json();
    want(json["status"] == json!(answer.status), "its own status in the document");
    let detail = json["detail"].as_str().unwrap_or_default();
    want(detail.len() > 10 && detail.len() < 600, "one or two sentences of detail");
    want(detail.chars().all(|c| !c.is_control()), "detail without control characters");
    let listed = json["algorithms"].as_array().is_some_and(|all| all.contains(&json!("ES256")));
    let about_keys = ["badSignatureAlgorithm", "badPublicKey"].contains(&answer.problem().as_str());
    want(listed == about_keys, "algorithms are listed where keys are refused");
    want((answer.status == 405) == answer.header("allow").is_some(), "the right method");
    wrong
}

#[test]
fn a_revoked_credential_binds_nobody() {
    let gate = Gate::start();
    let client = Client::of(&gate.acme());
    let (eab, key, url) = (gate.credential(), Key::fresh(), client.url("newAccount"));
    gate.cli(&["credential", "revoke", &eab.kid]).expect_success();
    let before = gate.ledger_entries();
    let bound = json!({"externalAccountBinding": binding_of(&eab, &url, &key)});
    let refused = client.as_key(&key, &url, &bound).expect(403);
    assert_eq!(refused.problem(), "unauthorized");
    assert!(refused.member("/detail").contains("revoked"), "{refused:?}");
    assert_eq!(gate.ledger_entries(), before);
}

#[test]
fn a_request_is_good_once() {
    let stage = Stage::set();
    let jws = stage.good_jws();
    let url = stage.url("newOrder");
    stage.client.post_jws(&url, &jws).expect(201);
    let before = stage.gate.ledger_entries();
    let again = stage.client.post_jws(&url, &jws).expect(400);
    assert_eq!(again.problem(), "badNonce");
    assert_eq!(stage.gate.ledger_entries(), before);
    // The nonce of the refusal is good.
    let mut protected = stage.alice.protected(&stage.client, &url);
    protected["nonce"] = json!(again.header("replay-nonce"));
    stage.client.post_jws(&url, &stage.alice.key.jws(&protected, &good_order())).expect(201);
}

#[test]
fn the_directory_and_nonces_are_as_clients_expect() {
    let gate = Gate::start();
    let client = Client::of(&gate.acme());
    let directory = client.ask(Method::GET, &gate.acme().directory).expect(200);
    assert_eq!(directory.header("content-type"), Some("application/json"));
    assert!(directory.links("index").is_empty(), "the directory does not point to itself");
    assert_eq!(client.directory()["meta"]["externalAccountRequired"], json!(true));
    assert!(
        client.directory()["meta"]["caaIdentities"].as_array().is_some_and(|all| !all.is_empty())
    );
    assert!(client.directory()["meta"]["profiles"].as_object().is_some_and(|all| !all.is_empty()));
    for name in ["newAuthz", "renewalInfo", "keyChange", "revokeCert"] {
        assert!(client.url(name).starts_with("https://"), "{name}");
    }
    assert_eq!(client.directory()["meta"].get("termsOfService"), None, "none were set");
    let url = client.url("newNonce");
    let head = client.ask(Method::HEAD, &url).expect(200);
    let get = client.ask(Method::GET, &url).expect(204);
    for answer in [&head, &get] {
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.links("index"), [gate.acme().directory]);
        assert!(answer.header("replay-nonce").is_some_and(|nonce| nonce.len() >= 22));
    }
    assert_ne!(head.header("replay-nonce"), get.header("replay-nonce"));
}

#[test]
fn an_account_is_found_changed_and_ended_by_its_key() {
    let gate = Gate::start();
    let client = Client::of(&gate.acme());
    let eab = gate.credential();
    let contact = "mailto:web@shop.example";
    let account = client.register(&eab, json!({"contact": [contact], "unknown": {"x": 1}}));
    let url = client.url("newAccount");
    let existing = json!({"onlyReturnExisting": true});
    let found = client.as_key(&account.key, &url, &existing).expect(200);
    assert_eq!(found.location(), account.kid);
    assert_eq!(found.json()["contact"], json!([contact]));
    assert_eq!(found.json().get("unknown"), None, "what we do not know is not reflected");
    let bound = binding_of(&eab, &url, &account.key);
    assert_eq!(found.json()["externalAccountBinding"], bound);
    // The same key again: its account, and nothing else of the request counts.
    let before = gate.ledger_entries();
    let again = client.as_key(&account.key, &url, &json!({"contact": ["tel:1"]})).expect(200);
    assert_eq!(again.location(), account.kid);
    assert_eq!(again.json()["contact"], json!([contact]));
    assert_eq!(gate.ledger_entries(), before);
    // Changed.
    let other = json!({"contact": ["mailto:ops@shop.example"], "status": "valid"});
    assert_eq!(
        account.post(&client, &account.kid, &other).expect(200).json()["contact"],
        other["contact"]
    );
    assert_eq!(account.get(&client, &account.kid).expect(200).json()["contact"], other["contact"]);
    // Ended.
    let ended = account.post(&client, &account.kid, &json!({"status": "deactivated"})).expect(200);
    assert_eq!(ended.member("/status"), "deactivated");
    assert_eq!(account.get(&client, &account.kid).expect(401).problem(), "unauthorized");
    assert_eq!(client.as_key(&account.key, &url, &existing).expect(401).problem(), "unauthorized");
}

#[test]
fn orders_are_listed_page_by_page() {
    let gate = Gate::start();
    let client = Client::of(&gate.acme());
    let account = client.register(&gate.credential(), json!({}));
    let placed: Vec<String> =
        (0..101).map(|_| account.order(&client, &[Gate::NAME]).expect(201).location()).collect();
    let url = account.get(&client, &account.kid).expect(200).member("/orders");
    let mut listed = Vec::new();
    let mut next = Some(url);
    while let Some(page) = next {
        let answer = account.get(&client, &page).expect(200);
        let json = answer.json();
        let orders = json["orders"].as_array().expect("a list").iter();
        listed.extend(orders.filter_map(|order| order.as_str().map(str::to_owned)));
        next = answer.links("next").pop();
    }
    assert_eq!(listed, placed);
}
