//! The key of an account at the simulated CA (RFC 8555, section 7.3.5).

use std::sync::Arc;

use bailiwick_connect::keys::SecretBytes;
use bailiwick_connect::upstream::AccountKey;
use bailiwick_core::change::{HeldKey, KeyMark};
use bailiwick_core::names::{Digest, SpkiHash};
use bailiwick_wire::jose::{JwsKind, UnverifiedJws};
use serde_json::{Value, json};

use super::acme::{Ca, Reply};
use super::net::Way;
use super::scene::{Scene, public};
use super::state::State;
use crate::app::App;
use crate::drive::faults::keys::{Case, Side, strike};

impl Ca {
    /// keyChange: the inner request is signed by the new key, and names account and old key.
    pub(super) fn key_change(&self, state: &mut State, payload: &[u8]) -> Reply {
        let bad = |cause: &dyn std::fmt::Display| Reply::no(400, "malformed", &cause.to_string());
        let url = format!("{}/key-change", self.base);
        let inner = match UnverifiedJws::parse(payload, JwsKind::KeyChange)
            .and_then(|inner| inner.verify_embedded(&url))
        {
            Ok(inner) => inner,
            Err(cause) => return bad(&cause),
        };
        let said: Value = serde_json::from_slice(inner.payload()).unwrap_or_default();
        let old = state.account.as_ref().map(|key| key.canonical()).unwrap_or_default();
        let old: Value = serde_json::from_str(&old).unwrap_or_default();
        if said["account"] != format!("{}/account/1", self.base) || said["oldKey"] != old {
            return bad(&"another account, or another key");
        }
        state.account = Some(inner.key().clone());
        Reply::json(200, &json!({ "status": "valid" }))
    }
}

struct AtCa {
    scene: Scene,
    first: KeyMark,
}

fn mark(scene: &Scene, key: &SpkiHash) -> KeyMark {
    let name = format!("{}/account/1", scene.ca.base);
    KeyMark { name, digest: Digest::from_bytes(*key.as_bytes()) }
}

impl Side for AtCa {
    fn app(&self) -> &Arc<App> {
        &self.scene.app
    }

    fn of(&self) -> HeldKey {
        HeldKey::CaAccount(public())
    }

    fn first(&self) -> KeyMark {
        self.first.clone()
    }

    fn fresh(&self) -> (KeyMark, SecretBytes) {
        let secret = AccountKey::fresh().unwrap();
        (mark(&self.scene, &AccountKey::open(&secret).unwrap().hash()), secret)
    }

    fn takes(&self, wanted: &KeyMark) -> bool {
        let state = self.scene.ca.state();
        state.account.as_ref().is_some_and(|key| mark(&self.scene, &key.spki_hash()) == *wanted)
    }

    /// A CA needs nobody.
    fn people(&self, _: &Case, _: bool) {
        self.scene.clock.goes_on(1_000);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trw_7_faults_at_rotating_an_account_key_leave_one_that_the_ca_takes() {
    let scene = Scene::new("https://127.0.0.1:14000", |ca| Way::Memory(Arc::clone(ca))).await;
    let first = scene.app.store.upstream_account(&public()).await.unwrap().unwrap();
    let side = AtCa { first: mark(&scene, &first.key), scene };
    strike(&side).await;
    // What the ledger says of the account follows.
    let account = side.scene.app.store.upstream_account(&public()).await.unwrap().unwrap();
    assert!(side.takes(&mark(&side.scene, &account.key)), "{account:?}");
    assert_ne!(account.key, first.key);
    assert_eq!(account.uri, first.uri);
}
