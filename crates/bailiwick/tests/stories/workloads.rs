//! Workloads of a cluster and of a mesh prove what they are to a running server: a pod by the token of its
//! service account, a mesh workload by its JWT-SVID or with its X.509-SVID.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::acme_gate::{Gate, Remembers, certificate_text};
use crate::harness::acme::Eab;
use crate::harness::bailiwick;
use crate::harness::forge::SigningKey;
use crate::harness::lego::Lego;
use crate::harness::place::Folder;
use crate::harness::process::Ran;

const AUDIENCE: &str = "https://bailiwick.shop.example";
const CLUSTER: &str = "https://kubernetes.default.svc.cluster.example";
const WORKLOAD: &str = "spiffe://mesh.example/shop/web";

/// A CA of the mesh.
struct Domain {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    der: Vec<u8>,
}

impl Domain {
    fn new() -> Self {
        let key = rcgen::KeyPair::generate().expect("a key can be made");
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        let der = params.self_signed(&key).expect("it signs itself").der().to_vec();
        Self { issuer: rcgen::Issuer::new(params, key), der }
    }

    /// An SVID and its key, PEM.
    fn svid(&self, id: &str) -> (String, String) {
        let holder = rcgen::KeyPair::generate().expect("a key can be made");
        let mut params = rcgen::CertificateParams::default();
        params.subject_alt_names = vec![rcgen::SanType::URI(id.try_into().expect("a URI"))];
        let leaf = params.signed_by(&holder, &self.issuer).expect("it signs");
        (leaf.pem(), holder.serialize_pem())
    }
}

struct Scene {
    gate: Gate,
    cluster: SigningKey,
    mesh: SigningKey,
    domain: Domain,
    folder: Folder,
}

impl Scene {
    fn start() -> Self {
        let (cluster, mesh) = (SigningKey::new("c1"), SigningKey::new("m1"));
        let domain = Domain::new();
        let mut jwt = mesh.jwk();
        jwt["use"] = json!("jwt-svid");
        let root =
            json!({ "use": "x509-svid", "kty": "EC", "x5c": [STANDARD.encode(&domain.der)] });
        let attestors = format!(
            "[cluster]\nkind = \"kubernetes\"\nissuer = \"{CLUSTER}\"\naudience = \"{AUDIENCE}\"\n\n\
             [mesh]\nkind = \"spiffe\"\nissuer = \"mesh.example\"\naudience = \"{AUDIENCE}\"\n"
        );
        let asked = format!(
            "\n[attested.pod]\nattestor = \"cluster\"\nanswers = \"sam\"\n\n[attested.pod.claims]\n\
             namespace = \"shop\"\nservice_account = \"web\"\n\n\
             [attested.mesh]\nattestor = \"mesh\"\nanswers = \"sue\"\n\n[attested.mesh.claims]\n\
             spiffe_id = \"{WORKLOAD}\"\n"
        );
        let alter = |text: &str| match text.contains("id = \"shop-web\"") {
            true => format!("{text}{asked}"),
            false => text.to_owned(),
        };
        let files = [
            ("attestors.toml", attestors),
            ("attestors/cluster.json", json!({ "keys": [cluster.jwk()] }).to_string()),
            ("attestors/mesh.json", json!({ "keys": [jwt, root] }).to_string()),
        ];
        let gate = Gate::with_estate(Remembers::InSqlite, &alter, &files, &[]);
        Self { gate, cluster, mesh, domain, folder: Folder::new("workloads") }
    }

    fn enroll(&self, words: &[&str]) -> Ran {
        let data = self.gate.server.data().to_string_lossy().into_owned();
        let here = ["enroll", "--service", "shop-web", "--json", "--data", &data];
        let here = [&here[..], &["--server", self.gate.server.https()], words].concat();
        bailiwick::bailiwick(&here)
    }

    fn with_token(&self, token: &str) -> Ran {
        let file = self.folder.write("token", token).to_string_lossy().into_owned();
        self.enroll(&["--token", &file])
    }

    fn with_svid(&self, (svid, key): &(String, String)) -> Ran {
        let svid = self.folder.write("svid.pem", svid).to_string_lossy().into_owned();
        let key = self.folder.write("key.pem", key).to_string_lossy().into_owned();
        self.enroll(&["--svid", &svid, "--key", &key, "--audience", AUDIENCE])
    }

    /// The token of a pod in this namespace and under this service account.
    fn pod(&self, namespace: &str, account: &str) -> String {
        let now = now();
        self.cluster.sign(&json!({
            "iss": CLUSTER, "aud": [AUDIENCE], "iat": now, "nbf": now, "exp": now + 600,
            "sub": format!("system:serviceaccount:{namespace}:{account}"),
            "kubernetes.io": { "namespace": namespace, "pod": { "name": "web-1" },
                "serviceaccount": { "name": account } },
        }))
    }

    fn jwt_svid(&self, id: &str) -> String {
        let now = now();
        self.mesh.sign(&json!({ "sub": id, "aud": [AUDIENCE], "iat": now, "exp": now + 300 }))
    }

    /// It was taken, and an unmodified client goes on from there.
    fn certifies(&self, ran: Ran, attestor: &str) {
        let ran = ran.expect_success();
        let enrolled: Value = serde_json::from_str(&ran.stdout).expect("--json prints JSON");
        assert_eq!(enrolled["attestor"], attestor, "{enrolled}");
        let member = |name: &str| enrolled[name].as_str().expect("it has it").to_owned();
        let eab = Eab { kid: member("kid"), hmac: member("hmac_key") };
        let lego = Lego::new(&self.gate.server.acme(Some(eab)));
        lego.obtain(&[Gate::NAME], self.gate.http01()).expect_success();
        let text = certificate_text(&lego.chain(Gate::NAME));
        assert!(text.contains(&format!("DNS:{}", Gate::NAME)), "{text}");
    }

    fn refused(&self, what: &str, ran: &Ran, rule: &str) {
        assert_ne!(ran.code, Some(0), "{what}: {}", ran.stdout);
        assert!(ran.stderr.contains(&format!("rule `{rule}`")), "{what}: {}", ran.stderr);
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs()
}

#[test]
fn pods_and_mesh_workloads_enrol_and_get_certificates_and_their_neighbours_do_not() {
    let scene = Scene::start();
    scene.certifies(scene.with_token(&scene.pod("shop", "web")), "cluster");
    scene.certifies(scene.with_token(&scene.jwt_svid(WORKLOAD)), "mesh");
    scene.certifies(scene.with_svid(&scene.domain.svid(WORKLOAD)), "mesh");

    let mismatch = "attestation-mismatch";
    for (namespace, account) in [("shop", "default"), ("pay", "web")] {
        let ran = scene.with_token(&scene.pod(namespace, account));
        scene.refused(&format!("{namespace}/{account}"), &ran, mismatch);
    }
    let other = "spiffe://mesh.example/shop/batch";
    scene.refused("a neighbour", &scene.with_token(&scene.jwt_svid(other)), mismatch);
    scene.refused("its SVID", &scene.with_svid(&scene.domain.svid(other)), mismatch);
    let elsewhere = "spiffe://evil.example/shop/web";
    scene.refused("another domain", &scene.with_token(&scene.jwt_svid(elsewhere)), "token-issuer");
    let forged = Domain::new().svid(WORKLOAD);
    scene.refused("another CA", &scene.with_svid(&forged), "token-not-verified");

    let list = scene.gate.cli_as("ada", &["attestor", "list"]).expect_success().stdout;
    for word in ["cluster", "mesh", "shop-web", "service_account", WORKLOAD, "sue"] {
        assert!(list.contains(word), "`{word}` is not in {list}");
    }
}
