//! Keys at rest: any octet that changed, any file that is gone or laid elsewhere is told by name.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]
#![expect(dead_code, reason = "each test binary uses its part of the world")]

mod issuer_world;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bailiwick_connect::issuer::{BuiltinIssuer, IssuerFault};
use bailiwick_connect::keys::{KeyFault, KeyFiles, SealSecret, Sealer};
use bailiwick_core::actor::SignedIn;
use bailiwick_core::change::{Chore, GRANT_MS, Warrant};
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::gate::SealedSecret;
use bailiwick_core::names::PersonId;
use bailiwick_core::time::Time;
use issuer_world::{Counted, is_key_fault, local, open, plan, random, start};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

const WORDS: &str = "correct horse battery";

fn made() -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    start(local(), data.path()).unwrap();
    data
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut octets = std::fs::read(path).unwrap();
    change(&mut octets);
    std::fs::write(path, octets).unwrap();
}

/// The fault of a start, and that its text names the file and what to do.
fn fault(data: &Path, file: &str) -> IssuerFault {
    let fault = start(local(), data).unwrap_err();
    let text = fault.to_string();
    assert!(text.contains(file), "{text}");
    assert!(text.contains("restore") || text.contains("chmod"), "{text}");
    fault
}

#[test]
fn every_bit_of_the_sealed_files_counts() {
    let data = made();
    for file in ["ca/intermediate.sealed", "data.key", "seal.key"] {
        let path = data.path().join(file);
        let whole = std::fs::read(&path).unwrap();
        for index in 0..whole.len() {
            for bit in 0..8 {
                change(&path, |octets| octets[index] ^= 1 << bit);
                let fault = fault(data.path(), file.rsplit('/').next().unwrap());
                let is_told = is_key_fault(&fault, |fault| {
                    matches!(fault, KeyFault::Damaged { .. } | KeyFault::OtherSecret { .. })
                });
                assert!(is_told, "{file} octet {index} bit {bit}: {fault}");
                std::fs::write(&path, &whole).unwrap();
            }
        }
        for length in 0..whole.len() {
            change(&path, |octets| octets.truncate(length));
            fault(data.path(), file.rsplit('/').next().unwrap());
            std::fs::write(&path, &whole).unwrap();
        }
        change(&path, |octets| octets.push(0));
        fault(data.path(), file.rsplit('/').next().unwrap());
        std::fs::write(&path, &whole).unwrap();
    }
    assert!(start(local(), data.path()).is_ok());
}

#[test]
fn a_complete_ca_that_lost_a_file_is_not_made_anew() {
    for file in
        ["data.key", "seal.key", "ca/intermediate.sealed", "ca/intermediate.pem", "ca/root.pem"]
    {
        let data = made();
        std::fs::remove_file(data.path().join(file)).unwrap();
        let name = file.rsplit('/').next().unwrap();
        let fault = fault(data.path(), name);
        let is_lost = matches!(fault, IssuerFault::Lost { .. })
            || is_key_fault(&fault, |fault| matches!(fault, KeyFault::Lost { .. }));
        assert!(is_lost, "{file}: {fault}");
        assert!(!data.path().join(file).exists());
    }
}

#[test]
fn the_root_key_can_be_taken_offline() {
    let data = made();
    std::fs::remove_file(data.path().join("ca/root.sealed")).unwrap();
    assert!(start(local(), data.path()).is_ok());
}

#[test]
fn certificates_of_another_ca_are_refused() {
    let (data, other) = (made(), made());
    let take = |files: &[&str]| {
        let kept: Vec<Vec<u8>> =
            files.iter().map(|file| std::fs::read(data.path().join(file)).unwrap()).collect();
        for file in files {
            std::fs::copy(other.path().join(file), data.path().join(file)).unwrap();
        }
        let fault = start(local(), data.path()).unwrap_err();
        for (file, octets) in files.iter().zip(kept) {
            std::fs::write(data.path().join(file), octets).unwrap();
        }
        fault
    };
    assert!(matches!(take(&["ca/intermediate.pem"]), IssuerFault::OtherKey { .. }));
    assert!(matches!(take(&["ca/root.pem"]), IssuerFault::Authority { .. }));
    assert!(matches!(take(&["ca/complete"]), IssuerFault::Changed { .. }));
    let fault = take(&["ca/intermediate.pem", "ca/intermediate.sealed"]);
    assert!(is_key_fault(&fault, |fault| matches!(fault, KeyFault::Damaged { .. })), "{fault}");
    assert!(start(local(), data.path()).is_ok());
}

#[test]
fn a_sealed_secret_is_good_for_its_own_purpose_and_name_only() {
    let data = tempfile::tempdir().unwrap();
    let sealer = Sealer::open(data.path(), random).unwrap();
    let zone = |text: &str| ZoneKey::parse(text).unwrap();
    let by = SignedIn::alone(PersonId::parse("ada").unwrap());
    let now = Time::from_unix_ms(1);
    let to_try =
        |text: &str| Warrant::to_do(Chore::TryDoor { zone: zone(text), by: by.clone() }, now);
    let shop = SealedSecret::Tsig(zone("shop.example"));
    let sealed = sealer.seal_secret(&shop, b"secret").unwrap();
    let open = |warrant: &Warrant, what: &SealedSecret, at| {
        sealer.open_secret(warrant, what, &sealed, at).map(|secret| secret.to_vec())
    };
    let ours = to_try("shop.example");
    assert_eq!(open(&ours, &shop, now).unwrap(), b"secret");
    // The same octets under another name, or for something else, with the right to that.
    let pay = SealedSecret::Tsig(zone("pay.example"));
    let fault = open(&to_try("pay.example"), &pay, now).unwrap_err();
    assert!(matches!(fault, KeyFault::Damaged { .. }), "{fault}");
    let api = SealedSecret::ApiKey(zone("shop.example"));
    let fault = open(&ours, &api, now).unwrap_err();
    assert!(matches!(fault, KeyFault::Damaged { .. }), "{fault}");
    // Without the right to it, or after its end.
    let read = Chore::ReadZone { zone: zone("shop.example"), by: None };
    for (warrant, at) in [
        (to_try("pay.example"), now),
        (Warrant::to_do(read, now), now),
        (Warrant::to_do(Chore::Notify, now), now),
        (to_try("shop.example"), now.plus_ms(GRANT_MS)),
    ] {
        let fault = open(&warrant, &shop, at).unwrap_err();
        assert!(matches!(fault, KeyFault::NoWarrant { .. }), "{warrant:?}: {fault}");
    }
    let again = sealer.seal_secret(&shop, b"secret").unwrap();
    assert_ne!(sealed, again, "each has a nonce of its own");
    let files = KeyFiles::new(data.path().join("x"), &sealer);
    files.put("a", "one", b"1").unwrap();
    std::fs::rename(files.path("one"), files.path("two")).unwrap();
    assert!(files.get("a", "two").is_err(), "a file that was renamed is refused");
    assert!(files.get("a", "one").unwrap().is_none());
}

#[test]
fn the_key_of_one_issuer_cannot_serve_another() {
    let data = made();
    let sealer = Sealer::open(data.path(), random).unwrap();
    let mut other = plan();
    other.id = bailiwick_core::names::IssuerId::parse("other").unwrap();
    let fault = BuiltinIssuer::open(
        &data.path().join("ca"),
        &other,
        &sealer,
        &|| Some([1; 16]),
        issuer_world::now(),
    )
    .unwrap_err();
    assert!(is_key_fault(&fault, |fault| matches!(fault, KeyFault::Damaged { .. })), "{fault}");
}

#[test]
fn a_seal_key_that_others_can_read_is_refused() {
    let data = made();
    let path = data.path().join("seal.key");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    for mode in [0o640, 0o604, 0o660, 0o601] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let fault = fault(data.path(), "seal.key");
        assert!(is_key_fault(&fault, |fault| matches!(fault, KeyFault::Exposed { .. })), "{fault}");
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
    assert!(start(local(), data.path()).is_ok());
}

#[test]
fn a_passphrase_opens_what_it_sealed_and_nothing_else_does() {
    let data = tempfile::tempdir().unwrap();
    let with = |words: &str| Sealer::with_passphrase(data.path(), words, random);
    assert!(matches!(with("short").unwrap_err(), KeyFault::ShortPassphrase { .. }));
    let issuer = open(&with(WORDS).unwrap(), data.path()).unwrap();
    let again = open(&with(WORDS).unwrap(), data.path()).unwrap();
    assert_eq!(again.identity(), issuer.identity());
    assert!(!data.path().join("seal.key").exists());
    assert!(matches!(with("another passphrase").unwrap_err(), KeyFault::Damaged { .. }));
    let by_file = Sealer::open(data.path(), random).unwrap_err();
    assert!(matches!(by_file, KeyFault::OtherSecret { .. }), "{by_file}");

    let path = data.path().join("data.key");
    let whole = std::fs::read(&path).unwrap();
    // Salt, nonce and ciphertext each; every octet would take minutes of key derivation.
    for index in [9, 10, 14, 20, 31, 42, 60, whole.len() - 1] {
        change(&path, |octets| octets[index] ^= 1);
        assert!(with(WORDS).is_err(), "octet {index}");
        std::fs::write(&path, &whole).unwrap();
    }
    // A file that asks for 4 billion rounds would hold the start for hours.
    change(&path, |octets| octets[11..15].copy_from_slice(&[0xff; 4]));
    let refused = with(WORDS).unwrap_err();
    assert!(matches!(refused, KeyFault::Damaged { .. }), "{refused}");

    let by_file = made();
    let refused = Sealer::with_passphrase(by_file.path(), WORDS, random).unwrap_err();
    assert!(matches!(refused, KeyFault::OtherSecret { .. }), "{refused}");
}

#[test]
fn no_secret_stands_in_any_file_or_text() {
    let data = tempfile::tempdir().unwrap();
    let counted = Arc::new(Counted(AtomicU64::new(0)));
    let drawn = Arc::clone(&counted);
    let sealer =
        Sealer::open_on(local(), data.path(), SealSecret::File, move |octets| drawn.fill(octets))
            .unwrap();
    let issuer = open(&sealer, data.path()).unwrap();
    let known = Counted(AtomicU64::new(0));
    let mut seal_key = [0; 32];
    let mut data_key = [0; 32];
    known.fill(&mut seal_key);
    known.fill(&mut data_key);
    let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
    for (path, octets) in issuer_world::files(data.path()) {
        let has = |secret: &[u8]| octets.windows(secret.len()).any(|window| window == secret);
        let is_seal_key = path.ends_with("seal.key");
        assert_eq!(has(hex(&seal_key).as_bytes()), is_seal_key, "{}", path.display());
        assert!(!has(&data_key) && !has(hex(&data_key).as_bytes()), "{}", path.display());
        let is_public = path.extension().is_some_and(|extension| extension == "pem")
            || path.ends_with("complete");
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, if is_public { 0o644 } else { 0o600 }, "{}", path.display());
    }
    assert_eq!(format!("{sealer:?}"), "Sealer");
    assert!(!format!("{issuer:?}").contains("key"));
}

#[test]
fn any_octets_as_files_are_refused_without_a_panic() {
    let data = made();
    let files = [
        "data.key",
        "seal.key",
        "ca/root.sealed",
        "ca/root.pem",
        "ca/intermediate.sealed",
        "ca/intermediate.pem",
        "ca/complete",
    ];
    let whole: Vec<Vec<u8>> =
        files.iter().map(|file| std::fs::read(data.path().join(file)).unwrap()).collect();
    let octets = prop::collection::vec(any::<u8>(), 0..300);
    TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() })
        .run(&(0..files.len(), octets), |(file, octets)| {
            std::fs::write(data.path().join(files[file]), octets).unwrap();
            let started = start(local(), data.path());
            // The root's key is not needed once the CA is complete.
            prop_assert!(started.is_err() || files[file] == "ca/root.sealed");
            std::fs::write(data.path().join(files[file]), &whole[file]).unwrap();
            Ok(())
        })
        .unwrap();
    assert!(start(local(), data.path()).is_ok());
}

#[test]
fn without_randomness_nothing_is_made() {
    let data = tempfile::tempdir().unwrap();
    let none = Sealer::open(data.path(), |_: &mut [u8]| false).unwrap_err();
    assert!(matches!(none, KeyFault::NoRandomness));
    assert!(issuer_world::files(data.path()).is_empty());
}
