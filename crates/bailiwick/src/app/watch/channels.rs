//! Encrypted ways to vantages, kept from one look to the next.

use std::sync::{Arc, Mutex, PoisonError};

use bailiwick_connect::dns::{Channel, Spoken};
use bailiwick_connect::egress::Identity;
use bailiwick_connect::vantage::VantageAuthority;
use bailiwick_core::estate::{VantagePoint, VantageTransport};

use super::super::App;

/// Channels kept; an organisation has a few dozen vantages at most.
const CHANNELS_MAX: usize = 256;

/// The channel to each vantage, for as long as the estate says the same of it.
#[derive(Default)]
pub(crate) struct Channels(Mutex<Vec<(VantagePoint, Arc<Channel>)>>);

impl Channels {
    /// The channel to a vantage.
    ///
    /// # Errors
    /// Why there can be none, for the log.
    pub(super) fn to(&self, app: &App, point: &VantagePoint) -> Result<Arc<Channel>, String> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, channel)) = all.iter().find(|(known, _)| known == point) {
            return Ok(Arc::clone(channel));
        }
        let identity = match point.transport {
            VantageTransport::Helper => Some(identity(app)?),
            VantageTransport::Udp
            | VantageTransport::Tcp
            | VantageTransport::Tls
            | VantageTransport::Https => None,
        };
        let spoken = match point.transport {
            VantageTransport::Https => Spoken::Https(point.path.clone()),
            VantageTransport::Udp
            | VantageTransport::Tcp
            | VantageTransport::Tls
            | VantageTransport::Helper => Spoken::Messages,
        };
        let (name, roots) = (point.name.as_ref(), point.trust_roots.as_deref());
        let channel = Channel::new(point.server, name, spoken, roots, identity.as_ref())
            .map_err(|cause| cause.to_string())?;
        let channel = Arc::new(channel);
        // What the estate said of it before is not asked any more.
        all.retain(|(known, _)| known.server != point.server);
        if all.len() >= CHANNELS_MAX {
            all.clear();
        }
        all.push((point.clone(), Arc::clone(&channel)));
        Ok(channel)
    }
}

/// What we show to a helper of ours.
fn identity(app: &App) -> Result<Identity, String> {
    let folder = app.settings.data.join("vantage");
    VantageAuthority::open(&folder, &app.sealer, app.now())
        .and_then(|authority| authority.identity())
        .map_err(|cause| cause.to_string())
}
