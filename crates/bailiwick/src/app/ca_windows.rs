//! When the CAs behind ACME want their certificates to be renewed: asked for when a client asks us, and kept
//! for as long as the CA lets us.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bailiwick_connect::upstream::suggested;
use bailiwick_core::change::IssuedCertificate;
use bailiwick_core::gate::RenewalWindow;
use bailiwick_core::names::CertFingerprint;
use bailiwick_core::time::{MINUTE_MS, Time};
use bailiwick_wire::x509::{AriId, read_certificate};

use super::App;

/// Windows that are kept; what is beyond is asked for again.
const KEPT_MAX: usize = 20_000;
/// When a CA is asked again that did not answer.
const NO_ANSWER_MS: i64 = 10 * MINUTE_MS;

/// What CAs suggested.
#[derive(Debug, Default)]
pub(crate) struct CaWindows {
    kept: Mutex<BTreeMap<CertFingerprint, Kept>>,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    window: Option<RenewalWindow>,
    until: Time,
}

impl CaWindows {
    /// What is kept, if it still holds. Otherwise the caller asks, and nobody else meanwhile.
    fn kept_or_mine(&self, of: CertFingerprint, now: Time) -> Option<Option<RenewalWindow>> {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let old = all.get(&of).copied();
        if let Some(kept) = old.filter(|kept| now < kept.until) {
            return Some(kept.window);
        }
        let window = old.and_then(|kept| kept.window);
        insert(&mut all, of, Kept { window, until: now.plus_ms(MINUTE_MS) }, now);
        None
    }

    fn keep(&self, of: CertFingerprint, kept: Kept, now: Time) {
        insert(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner), of, kept, now);
    }
}

fn insert(all: &mut BTreeMap<CertFingerprint, Kept>, of: CertFingerprint, kept: Kept, now: Time) {
    if all.len() >= KEPT_MAX && !all.contains_key(&of) {
        all.retain(|_, kept| now < kept.until);
        if all.len() >= KEPT_MAX {
            all.pop_first();
        }
    }
    all.insert(of, kept);
}

impl App {
    /// The window that the CA of a certificate suggests. One that leaves no time to renew is not passed
    /// on: our clients must not be told to wait until it is too late.
    pub(super) async fn window_of_ca(&self, of: &IssuedCertificate) -> Option<RenewalWindow> {
        let live = self.live.get();
        self.upstream(&live, &of.issuer)?;
        let now = self.now();
        if let Some(known) = self.ca_windows.kept_or_mine(of.fingerprint, now) {
            return known;
        }
        let kept = match self.ask_for_window(of).await {
            Ok(kept) => kept,
            Err(why) => {
                let issuer = &of.issuer;
                tracing::warn!(issuer.id = %issuer, %why, "the CA gave no renewal window; ours is used");
                Kept { window: None, until: now.plus_ms(NO_ANSWER_MS) }
            }
        };
        self.ca_windows.keep(of.fingerprint, kept, now);
        kept.window
    }

    async fn ask_for_window(&self, of: &IssuedCertificate) -> Result<Kept, String> {
        let live = self.live.get();
        let (web, now) = (self.web(&live), self.now());
        let ours = RenewalWindow::of(of.not_before, of.not_after, None);
        let none = Kept { window: None, until: now.plus_ms(NO_ANSWER_MS) };
        let Some(upstream) = self.upstream(&live, &of.issuer) else { return Ok(none) };
        // Anybody may ask (RFC 9773, section 4).
        let key = super::reach::passing_key()?;
        let facts = read_certificate(&of.der).ok().and_then(|facts| facts.issuer_key_id);
        let id = facts.and_then(|key_id| AriId::new(&key_id, of.serial.clone()).ok());
        let Some(id) = id else { return Ok(none) };
        let client = self.open_upstream(web.as_ref(), upstream, &key, None).await;
        let client = client.map_err(|trouble| trouble.to_string())?;
        let found = suggested(&client, &id.to_string()).await;
        let Some(found) = found.map_err(|trouble| trouble.to_string())? else {
            return Ok(none);
        };
        if found.end > of.not_after {
            return Err(format!("its window ends {}, after the certificate", found.end));
        }
        let keeps = i64::try_from(found.keeps.as_millis()).unwrap_or(NO_ANSWER_MS);
        let seconds = u32::try_from(found.keeps.as_secs()).unwrap_or(u32::MAX);
        let retry_after_seconds = seconds.min(ours.retry_after_seconds);
        let window = RenewalWindow { start: found.start, end: found.end, retry_after_seconds };
        Ok(Kept { window: Some(window), until: now.plus_ms(keeps) })
    }
}
