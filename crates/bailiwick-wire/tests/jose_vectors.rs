//! Published examples: RFC 7515 (A.1 to A.3), RFC 7638, RFC 8037, RFC 8555 section 8.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use bailiwick_core::certificate::KeyKind;
use bailiwick_wire::jose::{BadToken, Jwk, KeyAuthorization, Thumbprint};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The claims that RFC 7515 signs in all of its examples.
const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const P256: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
const P256_SIGNATURE: &str =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const ED25519: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const ED25519_INPUT: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
const ED25519_SIGNATURE: &str =
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
const RSA_7638: &str = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;

fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

#[test]
fn rfc7515_a_3_es256_verifies() {
    let jwk = Jwk::parse(P256).unwrap();
    let input = format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}");
    assert!(jwk.has_signed(input.as_bytes(), &decode(P256_SIGNATURE)));
    assert!(!jwk.has_signed(format!("{input}A").as_bytes(), &decode(P256_SIGNATURE)));
}

#[test]
fn rfc8037_a_4_ed25519_verifies() {
    let jwk = Jwk::parse(ED25519).unwrap();
    assert!(jwk.has_signed(ED25519_INPUT.as_bytes(), &decode(ED25519_SIGNATURE)));
    assert!(!jwk.has_signed(b"", &decode(ED25519_SIGNATURE)));
}

#[test]
fn thumbprints_are_those_of_rfc7638_and_rfc8037() {
    let of = |text: &str| Jwk::parse(text).unwrap().thumbprint().to_string();
    assert_eq!(of(RSA_7638), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    assert_eq!(of(ED25519), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let known = Jwk::parse(ED25519).unwrap().thumbprint();
    assert_eq!(Thumbprint::parse(&known.to_string()), Some(known));
    assert_eq!(Thumbprint::parse("kPrK"), None);
}

#[test]
fn the_canonical_form_reads_back_to_itself() {
    for text in [P256, ED25519, RSA_7638] {
        let jwk = Jwk::parse(text).unwrap();
        let again = Jwk::parse(&jwk.canonical()).unwrap();
        assert_eq!(again, jwk);
        assert_eq!(again.canonical(), jwk.canonical());
    }
    assert_eq!(
        Jwk::parse(ED25519).unwrap().canonical(),
        r#"{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#
    );
}

#[test]
fn a_jwk_and_a_certificate_key_have_one_hash() {
    let jwk = Jwk::parse(ED25519).unwrap();
    let key = bailiwick_wire::x509::PublicKey::from_spki(&jwk.key().to_spki()).unwrap();
    assert_eq!(key.kind(), KeyKind::Ed25519);
    assert_eq!(jwk.spki_hash(), key.to_subject_key().hash());
}

#[test]
fn key_authorizations_are_those_of_rfc8555() {
    // Section 8.3 gives the token; the rest follows from a known thumbprint.
    let token = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0";
    let thumbprint = Thumbprint::parse("9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI").unwrap();
    let text = KeyAuthorization::new(token, thumbprint).unwrap();
    assert_eq!(
        text.as_str(),
        "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
    );
    assert_eq!(decode(&text.dns_01_value()), text.digest());
    assert!(text.is_shown_by(format!("{text}\r\n").as_bytes()));
    assert!(!text.is_shown_by(format!(" {text}").as_bytes()));
    assert!(!text.is_shown_by(b""));
    for bad in ["", "short", "LoqXcYV8q5ONbJQxbmR7SC.NSSSSSS", &"a".repeat(129)] {
        assert_eq!(KeyAuthorization::new(bad, thumbprint), Err(BadToken));
    }
}
