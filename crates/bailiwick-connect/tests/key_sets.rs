//! When the keys of an attestor are fetched, and when they are not: rotation, made-up keys, a provider that
//! does not answer, clocks. The network is a list of answers, because minutes have to pass.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::sync::Mutex;

use bailiwick_connect::attestation::KeySets;
use bailiwick_connect::egress::{Answer, Call, NoAnswer, Web};
use bailiwick_core::estate::{Attestor, AttestorKeys, AttestorKind};
use bailiwick_core::time::Time;
use futures::future::BoxFuture;

const START: i64 = 1_800_000_000;

/// A provider with one key of this name at a time; without one it does not answer.
struct Provider {
    kid: Mutex<Option<&'static str>>,
    asked: Mutex<u32>,
}

impl Web for Provider {
    fn call(&self, _: Call) -> BoxFuture<'_, Result<Answer, NoAnswer>> {
        *self.asked.lock().unwrap() += 1;
        let kid = *self.kid.lock().unwrap();
        let set = |kid| {
            format!(
                r#"{{"keys":[{{"kty":"EC","crv":"P-256","kid":"{kid}","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}}]}}"#
            )
        };
        let answer = kid.map(|kid| Answer::new(200, set(kid)));
        Box::pin(async move { answer.ok_or(NoAnswer::NoAddress) })
    }
}

struct Scene {
    provider: Provider,
    sets: KeySets,
    attestor: Attestor,
}

impl Scene {
    fn new() -> Self {
        let root = rcgen::generate_simple_self_signed(vec!["ci.example".to_owned()]).unwrap();
        let attestor = Attestor {
            kind: AttestorKind::Oidc,
            issuer: "https://ci.example".to_owned(),
            audience: "us".to_owned(),
            keys: AttestorKeys::At("https://ci.example/keys".to_owned()),
            trust_roots: Some(root.cert.pem()),
            vouches_for: BTreeSet::new(),
            holds_minutes: 1,
        };
        let provider = Provider { kid: Mutex::new(Some("k1")), asked: Mutex::new(0) };
        Self { provider, sets: KeySets::default(), attestor }
    }

    fn publishes(&self, kid: Option<&'static str>) {
        *self.provider.kid.lock().unwrap() = kid;
    }

    /// Asks for a key so many seconds after the start: whether there is one, and whether the provider
    /// was asked for it.
    async fn check(&self, seconds: i64, kid: &str, expected: (bool, bool)) {
        let before = *self.provider.asked.lock().unwrap();
        let now = Time::from_unix_seconds(START.saturating_add(seconds));
        let set = self.sets.keys(&self.provider, ("ci", &self.attestor), Some(kid), now).await;
        let asked = *self.provider.asked.lock().unwrap() > before;
        let known = set.is_ok_and(|set| set.knows(kid));
        assert_eq!((known, asked), expected, "`{kid}` after {seconds} s");
    }
}

#[tokio::test]
async fn keys_rotate_and_made_up_ones_make_nobody_ask() {
    let scene = Scene::new();
    scene.check(0, "k1", (true, true)).await;
    scene.check(300, "k1", (true, false)).await;
    scene.check(301, "k2", (false, true)).await;
    // Whoever sends made-up keys has the provider asked twice a minute, and no more.
    for second in 302..330 {
        scene.check(second, "made-up", (false, false)).await;
    }
    scene.publishes(Some("k2"));
    scene.check(331, "k2", (true, true)).await;
    // The one that was withdrawn is believed no longer.
    scene.check(332, "k1", (false, false)).await;
    scene.check(931, "k2", (true, true)).await;
    // A clock that went back makes nothing fresh.
    scene.check(900, "k2", (true, true)).await;
}

#[tokio::test]
async fn while_the_provider_does_not_answer_nothing_old_is_believed() {
    let scene = Scene::new();
    scene.check(0, "k1", (true, true)).await;
    scene.publishes(None);
    scene.check(599, "k1", (true, false)).await;
    scene.check(600, "k1", (false, true)).await;
    scene.check(601, "k1", (false, true)).await;
    scene.publishes(Some("k1"));
    scene.check(602, "k1", (true, true)).await;
}

#[tokio::test]
async fn another_place_in_the_estate_is_another_set() {
    let mut scene = Scene::new();
    scene.check(0, "k1", (true, true)).await;
    scene.attestor.keys = AttestorKeys::At("https://ci.example/other".to_owned());
    scene.check(1, "k1", (true, true)).await;
    scene.attestor.keys = AttestorKeys::At("http://ci.example/other".to_owned());
    scene.check(2, "k1", (false, false)).await;
}
