//! Nobody makes Bailiwick connect where it must not (promise P16, threat T10): every spelling of every kind
//! of forbidden address, in every place where a URL comes from somebody else, behind every number of
//! redirects. The forbidden place is a real server that counts who connects; the permitted one, beside it
//! on the same port, has to be reached through each of the same places.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod forms;
mod rebinding;
mod sources;
mod table;
mod world;

use sources::Source;
use world::{Kind, World};

/// Fewer cases than this, and somebody took something out.
const CASES_MIN: usize = 600;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_url_from_anywhere_leads_to_a_forbidden_place() {
    let world = World::start().await;
    let mut cases = 0;
    for source in Source::ALL {
        for form in forms::all() {
            let said = source.try_with(&world, &form.host(world.port())).await;
            cases += 1;
            assert!(said.is_err(), "{source:?} with {form:?} was let through");
            assert_eq!(world.reached(Kind::Forbidden), 0, "{source:?} with {form:?}: {said:?}");
        }
    }
    for (form, hops, secure) in redirects() {
        let said = sources::redirected(&world, &form.host(world.port()), hops, secure).await;
        cases += 1;
        assert!(said.is_err(), "{hops} redirects to {form:?} were followed");
        assert_eq!(world.reached(Kind::Forbidden), 0, "{hops} redirects to {form:?}: {said:?}");
    }
    assert!(cases >= CASES_MIN, "{cases} cases");
    // The counter counts: somebody who is not fenced gets there.
    world.knock().await;
    assert_eq!(world.reached(Kind::Forbidden), 1);
}

/// Each form behind one redirect, behind several, and under another scheme than the question's.
fn redirects() -> impl Iterator<Item = (forms::Form, usize, bool)> {
    let ways = [(1, false), (1, true), (3, false), (3, true)];
    forms::all().into_iter().flat_map(move |form| ways.map(|(hops, tls)| (form, hops, tls)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_permitted_place_is_reached_from_each_of_them() {
    let world = World::start().await;
    for source in Source::ALL {
        let before = world.reached(Kind::Permitted);
        let host = format!("{}:{}", world::PERMITTED, world.port());
        let said = source.try_with(&world, &host).await;
        assert!(world.reached(Kind::Permitted) > before, "{source:?}: {said:?}");
        // A handshake has no path; that somebody came is all there is to see.
        let handshake = matches!(source, Source::TlsAlpn01 | Source::Probe);
        let asked = handshake || world.asked_for(source.path());
        assert!(asked, "{source:?} was not asked for: {said:?}");
    }
    assert_eq!(world.reached(Kind::Forbidden), 0);
}

/// A redirect that a CA or a provider answers is not followed, wherever it leads: what it supplies stands
/// in its answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_http01_follows_redirects() {
    let world = World::start().await;
    for source in Source::ALL.into_iter().filter(|source| !source.is_validation()) {
        for place in ["127.0.0.1", world::PERMITTED] {
            world.redirects(source.path(), format!("https://{place}:{}/away", world.port()));
            let host = format!("{}:{}", world::PERMITTED, world.port());
            let said = source.try_with(&world, &host).await;
            assert!(world.asked_for(source.path()), "{source:?} was not asked for: {said:?}");
            assert!(!world.asked_for("/away"), "{source:?} followed to {place}: {said:?}");
            assert_eq!(world.reached(Kind::Forbidden), 0, "{source:?} followed: {said:?}");
        }
    }
}
