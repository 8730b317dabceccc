//! dns-01 against a real name server.

use crate::scene::{Scene, name, text};
use bailiwick_connect::validate::FailureKind;

const DIGEST: &str = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0";

async fn check(scene: &Scene, at: &str, expected: Result<(), (FailureKind, &str)>) {
    let given = scene.validator_with(&[]).dns01(&name(at), DIGEST).await;
    match (&given, expected) {
        (Ok(seen), Ok(())) => assert_eq!(seen.at, [format!("TXT _acme-challenge.{at}")]),
        (Err(failed), Err((kind, word))) => {
            assert_eq!(failed.kind, kind, "{at}: {}", failed.saw);
            assert!(failed.saw.contains(word), "{at}: `{word}` is not in: {}", failed.saw);
        }
        _ => panic!("{at}: {given:?} instead of {expected:?}"),
    }
}

#[tokio::test]
async fn the_digest_at_the_challenge_name_shows_control() {
    let scene = Scene::start(|_| text("")).await;
    check(&scene, "one.other.example", Ok(())).await;
    // Another order of the same name may have its record beside ours.
    check(&scene, "several.other.example", Ok(())).await;
    check(&scene, "alias.other.example", Ok(())).await;
    let wrong = FailureKind::IncorrectResponse;
    check(&scene, "none.other.example", Err((wrong, "there is no TXT record at"))).await;
    check(&scene, "wrong.other.example", Err((wrong, "holds `something else`"))).await;
    check(&scene, "padded.other.example", Err((wrong, "and not `"))).await;
    check(&scene, "dangling.other.example", Err((wrong, "there is no TXT record at"))).await;
    // The record at the name itself is no answer.
    check(&scene, "txt-only.other.example", Err((wrong, "there is no TXT record at"))).await;
    assert!(scene.asked().is_empty(), "no web server is asked");
}

#[tokio::test]
async fn doubt_is_no() {
    let scene = Scene::start(|_| text("")).await;
    let dns = FailureKind::Dns;
    check(&scene, "www.elsewhere.example", Err((dns, "no server is configured"))).await;
    check(&scene, "loop.other.example", Err((dns, "alias"))).await;
    let label = "a".repeat(60);
    let long = format!("{label}.{label}.{label}.{}.other.example", "b".repeat(45));
    check(&scene, &long, Err((dns, "too long"))).await;
    let dead = scene.stopped().await;
    check(&dead, "one.other.example", Err((dns, "TXT `_acme-challenge.one.other.example`"))).await;
}
