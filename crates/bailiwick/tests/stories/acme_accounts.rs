//! What the holder of an ACME account does with the account itself.

use serde_json::{Value, json};

use super::acme_gate::Gate;
use super::acme_jws::{Account, Answer, Client, Key, binding_of};
use crate::harness::bailiwick::bailiwick;

/// keyChange as it should be: signed by the account, and inside by the new key (RFC 8555 §7.3.5).
fn change_key(client: &Client, account: &Account, key: &Key) -> Answer {
    let url = client.url("keyChange");
    let header = json!({"alg": "ES256", "jwk": key.jwk(), "url": url});
    let payload = json!({"account": account.kid, "oldKey": account.key.jwk()});
    account.post(client, &url, &key.jws(&header, &payload.to_string()))
}

#[test]
fn an_account_gets_another_key_and_the_old_one_is_over_at_once() {
    let mut gate = Gate::start();
    let client = Client::of(&gate.acme());
    let eab = gate.credential();
    let old = client.register(&eab, json!({}));
    let url = client.url("newAccount");
    let bound = binding_of(&eab, &url, &old.key);
    let placed = old.order(&client, &[Gate::NAME]).expect(201).location();
    let before = gate.ledger_entries();
    let key = Key::fresh();
    let changed = change_key(&client, &old, &key).expect(200);
    assert_eq!(changed.location(), old.kid, "the URL that CAA records name stays");
    assert_eq!(changed.json()["externalAccountBinding"], bound);
    let leaves = gate.ledger_since(before);
    assert_eq!(leaves.len(), 1, "{leaves:?}");
    for word in ["account.key-changed", &key.thumbprint()] {
        assert!(leaves.concat().contains(word), "`{word}` is not in {leaves:?}");
    }
    let new = Account { kid: old.kid.clone(), key };
    // Now, and after the server was killed.
    for _ in 0..2 {
        let client = Client::of(&gate.acme());
        assert_eq!(old.get(&client, &old.kid).expect(400).problem(), "malformed");
        assert_eq!(old.order(&client, &[Gate::NAME]).expect(400).problem(), "malformed");
        let existing = json!({"onlyReturnExisting": true});
        let nobody = client.as_key(&old.key, &url, &existing).expect(400);
        assert_eq!(nobody.problem(), "accountDoesNotExist");
        let found = client.as_key(&new.key, &url, &existing).expect(200);
        assert_eq!(found.location(), old.kid);
        // What was begun goes on.
        assert_eq!(new.get(&client, &placed).expect(200).member("/status"), "pending");
        new.order(&client, &[Gate::NAME]).expect(201);
        gate.server.kill9();
        gate.server.restart();
    }
    // Back, and the rows still follow from the leaves.
    let client = Client::of(&gate.acme());
    change_key(&client, &new, &old.key).expect(200);
    old.get(&client, &old.kid).expect(200);
    gate.server.stop();
    let data = gate.server.data().to_string_lossy().into_owned();
    bailiwick(&["ledger", "fsck", "--data", &data]).expect_success();
    bailiwick(&["ledger", "verify", "--data", &data]).expect_success();
}

#[test]
fn of_two_key_changes_at_once_one_wins_and_the_other_is_told() {
    let gate = Gate::start();
    let client = Client::of(&gate.acme());
    let account = client.register(&gate.credential(), json!({}));
    let before = gate.ledger_entries();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..6)
            .map(|_| {
                let (acme, kid, key) = (gate.acme(), &account.kid, &account.key);
                scope.spawn(move || {
                    let client = Client::of(&acme);
                    let url = client.url("keyChange");
                    let new = Key::fresh();
                    let header = json!({"alg": "ES256", "jwk": new.jwk(), "url": url});
                    let payload = json!({"account": kid, "oldKey": key.jwk()});
                    let inner = new.jws(&header, &payload.to_string()).to_string();
                    let outer =
                        json!({"alg": "ES256", "nonce": client.nonce(), "url": url, "kid": kid});
                    client.post_jws(&url, &key.jws(&outer, &inner)).status
                })
            })
            .collect();
        tries.into_iter().filter_map(|one| one.join().ok()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 400, 409].contains(status)), "{statuses:?}");
    assert_eq!(gate.ledger_entries(), before + 1);
    assert_eq!(Value::from(statuses.len()), json!(6));
}
