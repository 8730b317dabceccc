//! Every place in the program that takes a URL or a host and goes there, and the rows of the matrix that
//! stand for it. A place that is not in the table fails here: give it a `Source` first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::sources::Source;

/// A file, how many ways out it has, and the sources that try them.
const PLACES: &[(&str, usize, &[Source])] = &[
    ("bailiwick-connect/src/upstream/client.rs", 2, &[Source::Directory, Source::NewNonce]),
    (
        "bailiwick-connect/src/upstream/order.rs",
        5,
        &[Source::NewOrder, Source::Order, Source::Finalize, Source::Certificate],
    ),
    ("bailiwick-connect/src/upstream/prove.rs", 2, &[Source::Authorization, Source::Challenge]),
    // The same order's URL again, to see what became of it.
    ("bailiwick-connect/src/upstream/settle.rs", 1, &[Source::Order]),
    ("bailiwick-connect/src/upstream/renewal.rs", 1, &[Source::RenewalInfo]),
    (
        "bailiwick-connect/src/upstream/register.rs",
        5,
        &[Source::NewAccount, Source::Account, Source::RevokeCert, Source::KeyChange],
    ),
    (
        "bailiwick-connect/src/attestation/key_sets.rs",
        2,
        &[Source::Keys, Source::Discovery, Source::DiscoveredKeys],
    ),
    ("bailiwick-connect/src/zones/http.rs", 2, &[Source::ZoneApi]),
    // The URL of the estate, read once more than it is called.
    ("bailiwick/src/app/zone_door.rs", 1, &[Source::ZoneApi]),
    // The URL of the estate, called as notices are.
    ("bailiwick/src/app/doors.rs", 1, &[Source::Webhook]),
    ("bailiwick-connect/src/served.rs", 1, &[Source::Probe]),
    ("bailiwick-connect/src/mta_sts.rs", 3, &[Source::MtaSts]),
    // The same body, of the host that a record names.
    ("bailiwick/src/app/joint/mail.rs", 1, &[Source::MtaSts]),
    ("bailiwick-connect/src/validate/http.rs", 3, &[Source::Http01]),
    ("bailiwick-connect/src/validate/tls_alpn.rs", 1, &[Source::TlsAlpn01]),
    ("bailiwick-connect/src/rdap.rs", 2, &[Source::Rdap]),
    ("bailiwick-connect/src/notify/webhook.rs", 1, &[Source::Webhook]),
    ("bailiwick-connect/src/notify/smtp.rs", 1, &[Source::Webhook]),
];

/// What goes somewhere, as it is written.
const WAYS: [&str; 10] = [
    "Target::parse(",
    "Target::of(",
    ".join(target)",
    "web.call(",
    "exchange(&",
    "handshake(permit",
    "client.get(",
    "client.post(",
    "client.look(",
    "egress.call(",
];

/// Where the ways out themselves are made, where our own server is asked by its own client, and the
/// simulated world of the unit tests.
const NOT_LOOKED_AT: [&str; 5] = [
    "bailiwick/src/drive/faults",
    "bailiwick-connect/src/egress",
    "bailiwick/src/cli/",
    "bailiwick/src/bench/",
    "bailiwick-connect/src/lab_dns.rs",
];

#[test]
fn every_place_that_goes_to_a_url_has_its_rows() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("crates lie together");
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for file in rust_files(crates) {
        let name = file.strip_prefix(crates).expect("it lies there").to_string_lossy().into_owned();
        let elsewhere = !name.contains("/src/") || name.starts_with("xtask/");
        if elsewhere || NOT_LOOKED_AT.iter().any(|place| name.starts_with(place)) {
            continue;
        }
        let text = std::fs::read_to_string(&file).expect("sources are text");
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with("//"));
        let ways = lines.map(|line| WAYS.iter().filter(|way| line.contains(*way)).count()).sum();
        if ways > 0 {
            found.insert(name, ways);
        }
    }
    let known: BTreeMap<String, usize> =
        PLACES.iter().map(|(file, ways, _)| ((*file).to_owned(), *ways)).collect();
    assert_eq!(found, known, "a place goes somewhere and has no row: add a `Source` and name it");
    let tried: Vec<Source> = PLACES.iter().flat_map(|(_, _, all)| all.iter().copied()).collect();
    for source in Source::ALL {
        assert!(tried.contains(&source), "{source:?} stands for no place");
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder can be read").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files
}
