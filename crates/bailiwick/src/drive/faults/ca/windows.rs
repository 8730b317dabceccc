//! When to renew: what the CA of a certificate suggests is what our own clients hear, as long as that
//! leaves them time.

use std::sync::Arc;

use bailiwick_core::change::Change;
use bailiwick_core::gate::RenewalWindow;
use bailiwick_core::time::{DAY_MS, HOUR_MS};
use bailiwick_wire::x509::{AriId, read_certificate};

use super::mischief::Mischief;
use super::net::Way;
use super::scene::Scene;
use super::seeded::Seeded;
use super::state::Plan;
use crate::drive::changes::drive;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_renewal_window_of_the_ca_is_the_one_that_clients_hear() {
    let scene = Scene::new("https://127.0.0.1:14000", |ca| Way::Memory(Arc::clone(ca))).await;
    let mut chance = Seeded::new(7);
    let (id, _) = scene.ordered(&mut chance).await;
    scene.ca.begin(Plan { mischief: Mischief::Nothing, skip: 0, times: 0 }, chance);
    scene.net.begin(&id, Vec::new());
    let loaded = scene.app.load_change(&id).await.unwrap();
    let change = drive(&scene.app, loaded).await.unwrap();
    assert!(matches!(change, Change::Closed { .. }), "{change:?}");
    let certificate = scene.app.store.certificates_of_change(&id).await.unwrap().remove(0);
    let certificate = certificate.certificate;
    let key_id = read_certificate(&certificate.der).unwrap().issuer_key_id.unwrap();
    let name = AriId::new(&key_id, certificate.serial.clone()).unwrap();
    let heard = async || {
        let info = scene.app.renewal_info(&name).await.unwrap().unwrap();
        (info.window.start, info.window.end)
    };
    let ours = RenewalWindow::of(certificate.not_before, certificate.not_after, None);
    let (start, end) = (scene.now().plus_ms(DAY_MS), scene.now().plus_ms(2 * DAY_MS));
    let second = |time: bailiwick_core::time::Time| {
        bailiwick_core::time::Time::from_unix_seconds(time.unix_seconds())
    };
    let (start, end) = (second(start), second(end));

    scene.ca.state().window = Some((start, end));
    let asked = scene.net.acts();
    assert_eq!(heard().await, (start, end));
    assert_eq!(heard().await, (start, end));
    assert_eq!(scene.net.acts() - asked, 2, "the directory and the window, once");
    // The CA wants it sooner: heard as soon as it is asked again.
    let sooner = (second(scene.now().plus_ms(-2 * DAY_MS)), second(scene.now()));
    scene.ca.state().window = Some(sooner);
    assert_eq!(heard().await, (start, end));
    scene.clock.goes_on(u64::try_from(6 * HOUR_MS).unwrap());
    assert_eq!(heard().await, sooner);
    // A window that ends after the certificate does would leave our clients without one.
    scene.ca.state().window = Some((start, certificate.not_after.plus_ms(DAY_MS)));
    scene.clock.goes_on(u64::try_from(6 * HOUR_MS).unwrap());
    assert_eq!(heard().await, (ours.start, ours.end));
    scene.ca.state().window = None;
    scene.clock.goes_on(u64::try_from(HOUR_MS).unwrap());
    assert_eq!(heard().await, (ours.start, ours.end));
}
