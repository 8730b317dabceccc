//! A folder to make a CA in, and a disk on which the power can fail at any step.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bailiwick_connect::issuer::{BuiltinIssuer, IssuerFault, IssuerPlan};
use bailiwick_connect::keys::{Disk, Found, KeyFault, LocalDisk, Readers, SealSecret, Sealer};
use bailiwick_core::certificate::IssuerPlaces;
use bailiwick_core::estate::AuthorityKey;
use bailiwick_core::names::IssuerId;
use bailiwick_core::time::Time;

pub(crate) fn now() -> Time {
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Time::from_unix_seconds(i64::try_from(elapsed.as_secs()).unwrap())
}

pub(crate) fn random(octets: &mut [u8]) -> bool {
    aws_lc_rs::rand::fill(octets).is_ok()
}

pub(crate) fn plan() -> IssuerPlan {
    IssuerPlan {
        token: None,
        id: IssuerId::parse("builtin").unwrap(),
        organisation: "Kaufhaus Beispiel".to_owned(),
        key: AuthorityKey::EcdsaP256,
        permitted: None,
        places: IssuerPlaces {
            crl_url: Some("http://pki.shop.example/crl".to_owned()),
            ca_issuers_url: Some("http://pki.shop.example/cer".to_owned()),
            ..IssuerPlaces::default()
        },
    }
}

/// Opens sealer and CA of a data folder, as a start of the server does.
pub(crate) fn start(disk: Arc<dyn Disk>, data: &Path) -> Result<BuiltinIssuer, IssuerFault> {
    let sealer = Sealer::open_on(disk, data, SealSecret::File, random)?;
    open(&sealer, data)
}

pub(crate) fn open(sealer: &Sealer, data: &Path) -> Result<BuiltinIssuer, IssuerFault> {
    let serials = || {
        let mut octets = [0; 16];
        random(&mut octets).then_some(octets)
    };
    BuiltinIssuer::open(&data.join("ca"), &plan(), sealer, &serials, now())
}

/// The sealer of a data folder.
pub(crate) fn sealer(data: &Path) -> Sealer {
    Sealer::open_on(local(), data, SealSecret::File, random).unwrap()
}

/// A CA made as `plan` says.
pub(crate) fn made(data: &Path, plan: &IssuerPlan) -> BuiltinIssuer {
    let sealer = Sealer::open_on(local(), data, SealSecret::File, random).unwrap();
    let serials = || {
        let mut octets = [0; 16];
        random(&mut octets).then_some(octets)
    };
    BuiltinIssuer::open(&data.join("ca"), plan, &sealer, &serials, now()).unwrap()
}

pub(crate) fn local() -> Arc<dyn Disk> {
    Arc::new(LocalDisk)
}

/// How a step ends at which the power fails (the convention: every fault exists twice).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cut {
    NotDone,
    HalfDone,
    Done,
}

/// The disk of this machine until step `at`; then the power is gone.
pub(crate) struct FailingDisk {
    pub(crate) at: usize,
    pub(crate) cut: Cut,
    pub(crate) steps: AtomicUsize,
}

impl FailingDisk {
    pub(crate) fn new(at: usize, cut: Cut) -> Self {
        Self { at, cut, steps: AtomicUsize::new(0) }
    }

    fn step(&self, done: impl FnOnce() -> io::Result<()>, half: impl FnOnce()) -> io::Result<()> {
        let step = self.steps.fetch_add(1, Ordering::SeqCst);
        if step < self.at {
            return done();
        }
        if step == self.at {
            match self.cut {
                Cut::NotDone => {}
                Cut::HalfDone => half(),
                Cut::Done => done()?,
            }
        }
        Err(io::Error::other("the power is gone"))
    }
}

impl Disk for FailingDisk {
    fn read(&self, path: &Path) -> io::Result<Option<Found>> {
        if self.steps.load(Ordering::SeqCst) > self.at {
            return Err(io::Error::other("the power is gone"));
        }
        LocalDisk.read(path)
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        self.step(|| LocalDisk.make_folder(path), || ())
    }

    fn write(&self, path: &Path, octets: &[u8], readers: Readers) -> io::Result<()> {
        self.step(
            || LocalDisk.write(path, octets, readers),
            || LocalDisk.write(path, &octets[..octets.len() / 2], readers).unwrap(),
        )
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(|| LocalDisk.rename(from, to), || ())
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.step(|| LocalDisk.sync_folder(path), || ())
    }
}

/// Every file under a folder, with what it holds.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.clone(), std::fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

/// Randomness that gives the same octets at every run, and a count of what was drawn.
pub(crate) struct Counted(pub(crate) AtomicU64);

impl Counted {
    pub(crate) fn fill(&self, octets: &mut [u8]) -> bool {
        for octet in octets {
            let count = self.0.fetch_add(1, Ordering::SeqCst);
            *octet = u8::try_from(count.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56).unwrap();
        }
        true
    }
}

pub(crate) fn is_key_fault(fault: &IssuerFault, is: impl Fn(&KeyFault) -> bool) -> bool {
    matches!(fault, IssuerFault::Key(fault) if is(fault))
}
