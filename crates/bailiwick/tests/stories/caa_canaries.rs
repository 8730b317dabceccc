//! CAA-2, CAA-6, CAA-7, P9: a CA that ignores CAA is found in one cycle, what it issued is revoked, and
//! somebody answers for the record and somebody for the CA; a CA that obeys is green, and asked again after
//! every change.

mod scene;

use std::time::{Duration, Instant};

use serde_json::Value;

use scene::{NAMES, Scene};

use crate::harness::bailiwick;
use crate::harness::chromium::Chromium;

/// How long a cycle may take here, where every server looks each second.
const CYCLE: Duration = Duration::from_secs(60);

#[test]
fn caa_7_p9_a_ca_that_ignores_caa_turns_the_control_red_and_one_that_obeys_turns_it_green() {
    let mut scene = Scene::start();
    let incident = the_one_that_ignores_caa(&scene);
    the_one_that_obeys(&scene);
    pages(&scene, &incident);
    answered_and_reviewed(&scene, &incident);
    reports_become_incidents(&scene);
    evidence(&scene);
    let left: Vec<String> = NAMES.iter().flat_map(|name| scene.records_left(name)).collect();
    assert_eq!(left, Vec::<String>::new(), "no challenge record of a canary is left");
    scene.is_sound();
}

/// Pebble never looks at CAA.
fn the_one_that_ignores_caa(scene: &Scene) -> Value {
    let enforced = scene.until("the CA that ignores CAA is red", CYCLE, || {
        scene.point("public", "enforced").filter(|point| point["stands"] == "fails")
    });
    let says = enforced["says"].as_str().expect("it says why");
    assert!(says.contains("issued, though forbidden"), "{says}");
    let finding = scene.until("a finding", CYCLE, || {
        let all = scene.json("pia", &["findings", "--zone", "shop.example"]);
        let all = all.as_array().expect("a list").clone();
        all.into_iter().find(|one| one["kind"] == "caa-enforcement-failed")
    });
    assert!(finding["subject"] == "public" && finding["assignee"] == "pia", "{finding}");
    let all = scene.json("pia", &["incident", "list"]);
    assert_eq!(all.as_array().map(Vec::len), Some(1), "one incident, however often: {all}");
    let id = all[0]["id"].as_str().expect("an id").to_owned();
    let story = scene.until("the revocation", CYCLE, || {
        let canary = scene.canary("public", "no.canary.shop.example")?;
        (canary["revoked"] == true).then(|| scene.json("pia", &["incident", "show", &id]))
    });
    let tracks = story["tracks"].as_array().expect("two tracks");
    let people: Vec<&str> = tracks.iter().filter_map(|one| one["person"].as_str()).collect();
    assert_eq!(people, ["dana", "pia"], "{story}");
    assert_eq!(story["owner"], "sol", "{story}");
    assert_eq!(story["ca"]["report_to"], "mailto:report@public.example", "{story}");
    let report = story["ca"]["report"].as_str().expect("what can be sent");
    assert!(report.contains("no.canary.shop.example") && report.contains("24 hours"), "{report}");
    let serial = report.split("(serial ").nth(1).and_then(|rest| rest.split(')').next());
    let serial = serial.expect("the serial is named");
    assert!(scene.pebble.has_revoked_serial(serial), "the CA itself has revoked {serial}");
    // The permitted one was issued and is worth nothing to anybody either.
    let allowed = scene.until("the permitted canary", CYCLE, || {
        scene.canary("public", "ok.canary.shop.example").filter(|one| one["revoked"] == true)
    });
    assert_eq!(allowed["stands"], "holds", "{allowed}");
    story
}

/// Another Bailiwick, with its own ACME gate: by issuer, by account and by method.
fn the_one_that_obeys(scene: &Scene) {
    let enforced = scene.until("the CA that obeys is green", CYCLE, || {
        scene.point("obeying", "enforced").filter(|point| point["stands"] == "holds")
    });
    assert!(enforced["evidence"].as_array().is_some_and(|all| all.len() == 2), "{enforced}");
    for name in NAMES {
        let canary = scene.canary("obeying", name).expect("it was asked for");
        assert_eq!(canary["stands"], "holds", "{canary}");
        assert_eq!(canary["permitted"], name.starts_with("ok."), "{canary}");
    }
    // After a change of the record it is asked again, and only then counts as tested.
    let before = scene.canary("obeying", NAMES[1]).expect("a canary")["at"].clone();
    scene
        .bind
        .update("shop.example", "add shop.example. 1 CAA 0 iodef \"mailto:caa@shop.example\"")
        .expect_success();
    scene.until("the change is seen, and what was tested counts no more", CYCLE, || {
        scene.point("obeying", "created").filter(|point| point["stands"] == "fails")
    });
    scene.until("it is asked again", CYCLE, || {
        let canary = scene.canary("obeying", NAMES[1])?;
        (canary["at"].as_str() > before.as_str()).then_some(())
    });
    scene.until("it is green again", CYCLE, || {
        scene.point("obeying", "enforced").filter(|point| point["stands"] == "holds")
    });
    let findings = scene.json("pia", &["findings", "--zone", "shop.example"]);
    let one = findings.as_array().expect("a list").iter().find(|one| one["subject"] == "obeying");
    assert!(one.is_none(), "nothing is to be answered for it: {findings}");
}

/// Each track by who it names, and whoever answered does not conclude.
fn answered_and_reviewed(scene: &Scene, incident: &Value) {
    let id = incident["id"].as_str().expect("an id");
    let note = |person: &str, track: &str, says: &str| {
        scene.cli(person, &["incident", "note", id, "--track", track, "--answered", "--says", says])
    };
    let close =
        |person: &str| scene.cli(person, &["incident", "close", id, "--says", "we left that CA"]);
    let early = close("sol");
    assert!(
        early.code != Some(0) && early.output().contains("is not answered"),
        "{}",
        early.output()
    );
    let stranger = note("sam", "dns-record", "it was fine");
    assert!(stranger.output().contains("incident-track"), "{}", stranger.output());
    note("dana", "dns-record", "every server said `issue \";\"` at that moment").expect_success();
    note("pia", "ca-enforcement", "the CA does not look at CAA at all").expect_success();
    let own = close("pia");
    assert!(own.code != Some(0) && own.output().contains("let somebody else"), "{}", own.output());
    let closed = close("sol").expect_success().stdout;
    assert!(closed.contains("we left that CA") && closed.contains("every server said"), "{closed}");
    let again = close("sol");
    assert!(again.output().contains("is over since"), "{}", again.output());
}

/// Whoever saw an issuance tells it at the `iodef` URL (RFC 8659, section 4.4).
fn reports_become_incidents(scene: &Scene) {
    let iodef = "<?xml version=\"1.0\"?><i:IODEF-Document xmlns:i=\"urn:ietf:params:xml:ns:iodef-2.0\">\
        <i:Incident purpose=\"reporting\"><i:IncidentID name=\"ca.example\">4711</i:IncidentID>\
        <i:Description>a request for www.shop.example was refused</i:Description></i:Incident></i:IODEF-Document>";
    let (status, told) = scene.post("/iodef", iodef);
    assert_eq!(status, "202", "{told}");
    let all = scene.json("ada", &["incident", "list"]);
    let open: Vec<&Value> =
        all.as_array().expect("a list").iter().filter(|one| one["reviewed_at"].is_null()).collect();
    assert_eq!(open.len(), 1, "{all}");
    assert_eq!(open[0]["subject"], "www.shop.example", "{all}");
    assert!(open[0]["says"].as_str().is_some_and(|says| says.contains("4711")), "{all}");
    assert_eq!(scene.post("/iodef", iodef).0, "202", "told twice it is one incident");
    let bomb = "<!DOCTYPE a [<!ENTITY b \"cc\">]><a>&b; www.shop.example</a>";
    let large = "www.shop.example ".repeat(5_000);
    for (body, expected) in [(bomb, "400"), ("nothing of yours", "400"), (large.as_str(), "413")] {
        assert_eq!(scene.post("/iodef", body).0, expected);
    }
    let mail = scene.folder.write("mail.txt", "We saw a certificate for api.shop.example");
    let words = ["incident", "report", "--file", &mail.to_string_lossy(), "--from", "a researcher"];
    scene.cli("dana", &words).expect_success();
    let all = scene.json("ada", &["incident", "list"]);
    let open = all.as_array().expect("a list").iter().filter(|one| one["reviewed_at"].is_null());
    assert_eq!(open.count(), 2, "{all}");
}

/// An auditor reads the story without us, and one altered octet is found and named.
fn evidence(scene: &Scene) {
    let file = scene.folder.file("evidence.json");
    let path = file.to_string_lossy().into_owned();
    scene
        .cli("ada", &["control", "evidence", "--zone", "shop.example", "--out", &path])
        .expect_success();
    let first = scene.json("ada", &["ledger", "entry", "0"]);
    let key = first.pointer("/entry/data/verifier_key").and_then(Value::as_str);
    let key = key.unwrap_or_else(|| panic!("leaf 0 names the key: {first}"));
    let verify =
        |path: &str, key: &str| bailiwick::bailiwick(&["control", "verify", path, "--key", key]);
    let sound = verify(&path, key).expect_success().stdout;
    for says in [
        "SOUND",
        "public enforced: fails",
        "obeying enforced: holds",
        "issued, though forbidden",
        "is concluded: we left that CA",
        "pki for the policy, dns for the records, security for the control",
    ] {
        assert!(sound.contains(says), "`{says}` is not in {sound}");
    }
    let whole = std::fs::read(&file).expect("a pack");
    let altered = scene.folder.file("altered.json");
    let path = altered.to_string_lossy().into_owned();
    let text = String::from_utf8(whole.clone()).expect("a pack is text");
    for (old, new, named) in [
        ("issued, though forbidden", "refused, as it should be", "leaf "),
        ("\"dns-record\\\"", "\"cns-record\\\"", "leaf "),
        ("\"until\": \"2", "\"until\": \"3", "summary"),
    ] {
        // The last place is within an entry; the first ones are the summary's.
        let at = if named == "leaf " { text.rfind(old) } else { text.find(old) };
        let at = at.unwrap_or_else(|| panic!("`{old}` is in the pack"));
        let (before, after) = text.split_at(at);
        std::fs::write(&altered, format!("{before}{}", after.replacen(old, new, 1)))
            .expect("written");
        let ran = verify(&path, key);
        assert!(ran.code == Some(1) && ran.stdout.contains(named), "{old}: {}", ran.output());
    }
    let mut found = 0;
    for at in (0..whole.len()).step_by(whole.len() / 40) {
        let mut octets = whole.clone();
        octets[at] ^= 1;
        std::fs::write(&altered, octets).expect("written");
        let ran = verify(&path, key);
        assert!(ran.code != Some(0), "octet {at} was altered and nobody noticed: {}", ran.output());
        found += 1;
    }
    assert!(found >= 40, "{found}");
    let code = |path: &str, key: &str| verify(path, key).code;
    let path = file.to_string_lossy();
    let other = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    assert_eq!(code(&path, other), Some(1), "nobody whom that auditor trusts signed it");
    assert_eq!(code(&path, &key.replace('+', "-")), Some(2), "that is no key");
    assert_eq!(code(&format!("{path}.gone"), key), Some(3), "there is no such file");
    let newer = text.replacen("evidence/v1", "evidence/v2", 1);
    std::fs::write(&altered, newer).expect("written");
    assert_eq!(code(&altered.to_string_lossy(), key), Some(2), "a newer one would have to say");
    // A period in which there was nothing is shown, too.
    let before = ["--from", "2020-01-01", "--to", "2020-01-02", "--out", &*path];
    let words = [&["control", "evidence", "--zone", "shop.example"][..], &before].concat();
    scene.cli("ada", &words).expect_success();
    let nothing = verify(&path, key).expect_success().stdout;
    assert!(nothing.contains("nothing was judged"), "{nothing}");
}

fn pages(scene: &Scene, incident: &Value) {
    let mut chromium = Chromium::start();
    chromium.open(super::authorization::link(&scene.server, "pia"));
    chromium.click("button.primary");
    chromium.wait_until("document.querySelector('#needs')");
    let needs = chromium.evaluate("document.querySelector('#needs').innerText").to_string();
    assert!(needs.contains("Incident: public"), "{needs}");
    let id = incident["id"].as_str().expect("an id");
    for (path, says, shot) in [
        (format!("/incidents/{id}"), "What the CA has to do", "incident"),
        ("/incidents".to_owned(), "public", "incidents"),
        ("/controls".to_owned(), "incident", "controls"),
        ("/controls/shop.example".to_owned(), "If CAA were ignored: grade", "zone"),
        ("/controls/shop.example".to_owned(), "Evidence for an auditor", "evidence"),
    ] {
        chromium.open(&format!("{}{path}", scene.server.https()));
        let text = chromium.text();
        assert!(text.contains(says), "{path} does not say `{says}`: {text}");
        assert_eq!(chromium.complaints(), Vec::<String>::new(), "{path}");
        chromium.screenshot(&scene.server.data().join(format!("canaries-{shot}.png")));
    }
}

/// Asks again until there is an answer.
fn until<T>(
    what: &str,
    within: Duration,
    log: &dyn Fn() -> String,
    ask: impl Fn() -> Option<T>,
) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < within, "{what}: not within {within:?}\n{}", log());
        std::thread::sleep(Duration::from_millis(250));
    }
}
