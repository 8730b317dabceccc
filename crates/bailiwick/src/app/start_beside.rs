//! What commands that run beside a server, or instead of one, share with it.

use std::path::Path;

use super::start::NotStarted;
use crate::world::World;

/// The sealer of a data folder, for commands that work beside the server.
pub(crate) fn helper_sealer(
    data: &Path,
    world: &World,
) -> Result<bailiwick_connect::keys::Sealer, NotStarted> {
    super::start_keys::sealer(data, world)
}

/// Ends when the process is told to stop.
pub(crate) async fn stopped_by_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be caught; stop the server with SIGKILL, it survives that");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
