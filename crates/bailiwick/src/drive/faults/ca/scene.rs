//! A lab with the simulated CA as its public CA, an account there, and orders.

use std::path::Path;
use std::sync::{Arc, Mutex};

use bailiwick_core::certificate::SerialSeen;
use bailiwick_core::change::{Change, Command, IssueCertificate, Prepared, RegisterAccount, Step};
use bailiwick_core::gate::SealedSecret;
use bailiwick_core::names::{
    AccountId, CertFingerprint, ChangeId, Digest, IssuerId, ProfileId, SanName, ServiceId, SpkiHash,
};
use bailiwick_core::record::{Batch, Work};
use bailiwick_core::time::Time;
use bailiwick_wire::x509::{AriId, read_certificate, read_csr, write_pem};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use tempfile::TempDir;

use super::acme::{BINDING, Ca};
use super::clock::SimClock;
use super::net::{Net, Simulated, Way, Zone};
use super::seeded::Seeded;
use crate::app::App;
use crate::app::start::Opened;
use crate::drive::changes::{DRIVER, drive};
use crate::drive::faults::scene::{approved, open_in};
use crate::world::{Clock as _, SystemClock, SystemRandom, World};

const LAB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../estates/lab");
/// The longest lifetime that is approved, in seconds.
pub(super) const LIFETIME: u32 = 90 * 86_400;

pub(super) struct Scene {
    pub(super) app: Arc<App>,
    pub(super) ca: Arc<Ca>,
    pub(super) net: Arc<Net>,
    pub(super) clock: Arc<SimClock>,
    /// The certificates that are in use.
    pub(super) adopted: Mutex<Vec<Vec<u8>>>,
    key: KeyPair,
    _opened: Opened,
    _folders: [TempDir; 2],
}

pub(super) fn public() -> IssuerId {
    IssuerId::parse("public").unwrap()
}

impl Scene {
    /// `way` leads to the CA that has this base URL.
    pub(super) async fn new(base: &str, way: impl FnOnce(&Arc<Ca>) -> Way) -> Self {
        let clock = Arc::new(SimClock::new(SystemClock.now()));
        let zone = Arc::new(Zone::default());
        let ca = Arc::new(Ca::new(base, Arc::clone(&zone), Arc::clone(&clock)));
        let net = Arc::new(Net::new(way(&ca), base, zone, Arc::clone(&clock)));
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        estate(folders[0].path(), &ca);
        let world = World {
            clock: Arc::clone(&clock) as _,
            random: Arc::new(SystemRandom),
            outside: Arc::new(Simulated(Arc::clone(&net))),
        };
        let opened = open_in(folders[1].path(), Some(folders[0].path()), world).await;
        let app = Arc::clone(&opened.app);
        net.know(&app);
        let key = KeyPair::generate().unwrap();
        let adopted = Mutex::default();
        let scene = Self { app, ca, net, clock, adopted, key, _opened: opened, _folders: folders };
        scene.register().await;
        scene
    }

    fn id(&self) -> ChangeId {
        ChangeId::parse(&self.app.world.id().unwrap()).unwrap()
    }

    /// Gets the account, with its external account binding.
    async fn register(&self) {
        let secret = self.app.sealed_secret(SealedSecret::BindingKey(public()), BINDING.1).unwrap();
        self.app.commit(Batch { work: vec![secret], ..Batch::default() }).await.unwrap();
        let step = Step::RegisterAccount(RegisterAccount {
            issuer: public(),
            directory: format!("{}/directory", self.ca.base),
            contacts: vec!["mailto:pki@shop.example".to_owned()],
            binding: Some(BINDING.0.to_owned()),
        });
        let id = self.id();
        approved(&self.app, &id, &[step], Vec::new()).await;
        let change = drive(&self.app, self.app.load_change(&id).await.unwrap()).await.unwrap();
        assert!(matches!(change, Change::Closed { .. }), "{change:?}");
    }

    /// An approved change whose intent is stored, as a client's finalize leaves it.
    pub(super) async fn ordered(&self, chance: &mut Seeded) -> (ChangeId, IssueCertificate) {
        let mut names = vec!["api.shop.example".to_owned()];
        if chance.once_in(2) {
            names.push("www.shop.example".to_owned());
        }
        let mut params = CertificateParams::new(names.clone()).unwrap();
        params.distinguished_name = DistinguishedName::new();
        let csr = params.serialize_request(&self.key).unwrap().der().to_vec();
        let spki = read_csr(&csr).unwrap().key().spki_der().to_vec();
        let wanted = IssueCertificate {
            service: ServiceId::parse("shop-web").unwrap(),
            account: Some(AccountId::parse("faults").unwrap()),
            order: None,
            envelope: None,
            issuer: public(),
            profile: ProfileId::parse("tls-server").unwrap(),
            names: names.iter().map(|name| SanName::parse(name).unwrap()).collect(),
            key: SpkiHash::of(&spki),
            spki,
            lifetime_seconds_max: LIFETIME,
            workload: None,
        };
        let id = self.id();
        let step = Step::IssueCertificate(wanted.clone());
        approved(&self.app, &id, &[step], Vec::new()).await;
        let old = self.adopted.lock().unwrap().last().map(|der| CertFingerprint::of(der));
        let replaces = old.filter(|_| chance.once_in(2));
        let prepared = Prepared::Forwarded { csr, caa: Digest::of(b"seen"), replaces };
        let (mut loaded, mut batch) = (self.app.load_change(&id).await.unwrap(), Batch::default());
        let now = self.app.now();
        let events = loaded.change.decide(Command::Start { prepared }, now).unwrap();
        App::add_events(&mut loaded, &mut batch, events, &DRIVER, now).unwrap();
        let (digest, octets) = (Digest::of(b"seen"), b"seen".to_vec());
        batch.work.push(Work::PutEvidence { digest, kind: "caa/v1", octets });
        self.app.commit(batch).await.unwrap();
        (id, wanted)
    }

    /// Whether this names a certificate in use, as renewal information does (RFC 9773).
    pub(super) fn was_adopted(&self, text: &str) -> bool {
        self.adopted.lock().unwrap().iter().any(|der| {
            let facts = read_certificate(der).unwrap();
            let SerialSeen::Regular(serial) = facts.serial else { return false };
            let id = AriId::new(&facts.issuer_key_id.unwrap(), serial).unwrap();
            id.to_string() == text
        })
    }

    pub(super) fn now(&self) -> Time {
        self.clock.now()
    }
}

/// The lab's estate with the simulated CA in it.
fn estate(folder: &Path, ca: &Ca) {
    copy(Path::new(LAB), folder);
    let issuers = folder.join("issuers.toml");
    let house = std::fs::read_to_string(&issuers).unwrap();
    let root = write_pem("CERTIFICATE", &ca.paper.root.der);
    let public = format!(
        "{house}\n[public]\nkind = \"acme\"\ncaa_domains = [\"public.example\"]\n\
         environments = [\"production\"]\nprofiles = [\"tls-server\"]\ndirectory = \"{}/directory\"\n\
         contacts = [\"mailto:pki@shop.example\"]\nbinding = \"{}\"\ntrust_roots = \"\"\"\n{root}\"\"\"\n\
         [public.ca_profiles]\ntls-server = \"classic\"\n",
        ca.base, BINDING.0
    );
    std::fs::write(issuers, public).unwrap();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}
