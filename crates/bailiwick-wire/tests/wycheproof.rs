//! Wycheproof's signature vectors, all that speak about what we verify: certificates, requests and CRLs
//! (X.509), and ACME requests and tokens (JWS).
//!
//! What the vectors call valid passes, what they call invalid never does, and where they leave the
//! choice we refuse. Two decisions of ours show in the counts:
//!
//! - An ECDSA signature is taken with either of its two values of s. Neither X.509 (RFC 5758) nor JWS
//!   (RFC 7518, section 3.4) asks for the smaller one, and hardware makes both. It harms nothing
//!   because no signature names anything here: a request is spent by its nonce, a token by its `jti` or
//!   by the octets that were signed, a certificate of ours by issuer and serial.
//! - RSA keys of more than 4,096 bits, or with an exponent below 65,537, are no keys here.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failing test panics; the vectors are a fixed set"
)]

use bailiwick_wire::jose::Jwk;
use bailiwick_wire::x509::{PublicKey, SignatureAlgorithm};
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify};

/// How a set went.
#[derive(Debug, Default, Eq, PartialEq)]
struct Count {
    /// Signatures that are the key's.
    taken: usize,
    /// Signatures that are not, or that we need not take.
    refused: usize,
    /// Vectors whose key is none here.
    no_key: usize,
    /// Taken with the larger of the two values of s.
    high_s: usize,
}

/// One vector: the verdict has to be the expected one.
fn check(count: &mut Count, what: &str, expected: TestResult, taken: bool) {
    match (expected, taken) {
        (TestResult::Valid, true) => count.taken += 1,
        (TestResult::Invalid | TestResult::Acceptable, false) => count.refused += 1,
        (expected, _) => panic!("{what}: {expected:?}, and taken is {taken}"),
    }
}

fn by_x509(algorithm: SignatureAlgorithm) -> impl Fn(&PublicKey, &[u8], &[u8]) -> bool {
    move |key, message, signature| algorithm.verify(key, message, signature).is_ok()
}

fn by_jws(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    Jwk::from(key.clone()).has_signed(message, signature)
}

type Verify<'a> = &'a dyn Fn(&PublicKey, &[u8], &[u8]) -> bool;

fn ecdsa_set(name: ecdsa::TestName, verify: Verify<'_>) -> Count {
    let mut count = Count::default();
    for group in ecdsa::TestSet::load(name).unwrap().test_groups {
        let Ok(key) = PublicKey::from_spki(&group.der) else {
            count.no_key += group.tests.len();
            continue;
        };
        for test in group.tests {
            let taken = verify(&key, &test.msg, &test.sig);
            check(
                &mut count,
                &format!("{name:?} {}: {}", test.tc_id, test.comment),
                test.result,
                taken,
            );
            count.high_s += usize::from(taken && is_high(&test.sig, key.octets().len() / 2));
        }
    }
    count
}

/// Whether s has its highest bit set: then it is the larger of the two on both curves, whose orders
/// begin with 32 ones. Fixed length or DER, s comes last.
fn is_high(signature: &[u8], field: usize) -> bool {
    let s = match signature.len() == 2 * field {
        true => signature.get(field..).unwrap(),
        // A zero in front says that the number's highest bit is set.
        false => signature.get(signature.len().saturating_sub(field)..).unwrap_or_default(),
    };
    s.len() == field && s.first().is_some_and(|octet| *octet >= 0x80)
}

#[test]
fn ecdsa_signatures_in_certificates() {
    use SignatureAlgorithm::{EcdsaSha256, EcdsaSha384, EcdsaSha512};
    use ecdsa::TestName;
    for (name, algorithm) in [
        (TestName::EcdsaSecp256r1Sha256, EcdsaSha256),
        (TestName::EcdsaSecp256r1Sha512, EcdsaSha512),
        (TestName::EcdsaSecp384r1Sha256, EcdsaSha256),
        (TestName::EcdsaSecp384r1Sha384, EcdsaSha384),
        (TestName::EcdsaSecp384r1Sha512, EcdsaSha512),
    ] {
        let count = ecdsa_set(name, &by_x509(algorithm));
        assert_eq!(count.no_key, 0, "{name:?}");
        assert!(count.taken > 100 && count.refused > 100, "{name:?}: {count:?}");
        assert!(count.high_s > 10, "either s is taken: {name:?}: {count:?}");
    }
}

#[test]
fn ecdsa_signatures_in_requests_and_tokens() {
    use ecdsa::TestName;
    for name in [TestName::EcdsaSecp256r1Sha256P1363, TestName::EcdsaSecp384r1Sha384P1363] {
        let count = ecdsa_set(name, &by_jws);
        assert_eq!(count.no_key, 0, "{name:?}");
        assert!(count.taken > 100 && count.refused > 50, "{name:?}: {count:?}");
        assert!(count.high_s > 10, "either s is taken: {name:?}: {count:?}");
    }
}

#[test]
fn ed25519_signatures_everywhere() {
    for verify in [&by_x509(SignatureAlgorithm::Ed25519) as Verify<'_>, &by_jws] {
        let mut count = Count::default();
        for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
            let key = PublicKey::from_spki(&group.der).unwrap();
            for test in group.tests {
                let taken = verify(&key, &test.msg, &test.sig);
                check(&mut count, &format!("{}: {}", test.tc_id, test.comment), test.result, taken);
            }
        }
        assert!(count.taken > 50 && count.refused > 50, "{count:?}");
    }
}

fn rsa_set(name: rsa_pkcs1_verify::TestName, verify: Verify<'_>) -> Count {
    let mut count = Count::default();
    for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
        let Ok(key) = PublicKey::from_spki(&group.der) else {
            count.no_key += group.tests.len();
            continue;
        };
        for test in group.tests {
            let taken = verify(&key, &test.msg, &test.sig);
            check(
                &mut count,
                &format!("{name:?} {}: {}", test.tc_id, test.comment),
                test.result,
                taken,
            );
        }
    }
    count
}

#[test]
fn rsa_signatures_everywhere() {
    use SignatureAlgorithm::{RsaSha256, RsaSha384, RsaSha512};
    use rsa_pkcs1_verify::TestName;
    for (name, algorithm) in [
        (TestName::Rsa2048Sha256, RsaSha256),
        (TestName::Rsa2048Sha384, RsaSha384),
        (TestName::Rsa2048Sha512, RsaSha512),
        (TestName::Rsa3072Sha256, RsaSha256),
        (TestName::Rsa3072Sha384, RsaSha384),
        (TestName::Rsa3072Sha512, RsaSha512),
        (TestName::Rsa4096Sha256, RsaSha256),
        (TestName::Rsa4096Sha384, RsaSha384),
        (TestName::Rsa4096Sha512, RsaSha512),
    ] {
        let count = rsa_set(name, &by_x509(algorithm));
        assert!(count.taken > 5 && count.refused > 100, "{name:?}: {count:?}");
        if algorithm == RsaSha256 {
            assert_eq!(rsa_set(name, &by_jws), count, "{name:?}");
        }
    }
    for name in [TestName::Rsa8192Sha256, TestName::Rsa8192Sha384, TestName::Rsa8192Sha512] {
        let count = rsa_set(name, &by_x509(RsaSha256));
        assert_eq!((count.taken, count.refused), (0, 0), "too large for us: {count:?}");
        assert!(count.no_key > 100);
    }
}

/// A signature by an algorithm for another kind of key, or with another digest, is never taken.
#[test]
fn the_algorithm_belongs_to_the_key() {
    let all = [
        SignatureAlgorithm::EcdsaSha256,
        SignatureAlgorithm::EcdsaSha384,
        SignatureAlgorithm::EcdsaSha512,
        SignatureAlgorithm::Ed25519,
        SignatureAlgorithm::RsaSha256,
        SignatureAlgorithm::RsaSha384,
        SignatureAlgorithm::RsaSha512,
    ];
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256).unwrap();
    let mut tried = 0;
    for group in set.test_groups {
        let key = PublicKey::from_spki(&group.der).unwrap();
        let valid = group.tests.iter().filter(|test| test.result == TestResult::Valid);
        for test in valid.filter(|test| !test.msg.is_empty()) {
            for other in all.into_iter().filter(|it| *it != SignatureAlgorithm::EcdsaSha256) {
                assert!(other.verify(&key, &test.msg, &test.sig).is_err(), "{}", test.tc_id);
                tried += 1;
            }
        }
    }
    assert!(tried > 500);
}
