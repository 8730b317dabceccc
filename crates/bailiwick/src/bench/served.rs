//! The server that orders are measured on, for another client: `bailiwick bench --serve`.

use std::io::Read as _;

use serde_json::json;

use super::fault::NotMeasured;
use super::folder::Folder;
use super::orders;
use crate::world::World;

/// Starts it, prints one line of JSON with what a client needs, and stops it when standard input ends.
pub(super) async fn serve(
    folder: &Folder,
    world: &World,
    http01_port: u16,
) -> Result<(), NotMeasured> {
    let (served, confirmed) = orders::begin(folder, world, http01_port).await?;
    let [binding] = orders::credentials(&served.server).await?;
    orders::wait_for_owner(world, confirmed).await;
    let line = json!({
        "directory": served.server.announced("directory")?,
        "pid": served.server.id(),
        "kid": binding.kid,
        "hmac_key": binding.hmac_key,
        "below": super::estates::ZONE,
    });
    println!("{line}");
    let closed = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    if !matches!(closed.await, Ok(Ok(_))) {
        return Err(NotMeasured::Constant("standard input"));
    }
    served.server.stop().await
}
