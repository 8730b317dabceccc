//! Whether the way into a zone works, found out without altering anything.

use bailiwick_connect::zones::transfer::{TransferLimits, transfer};
use bailiwick_core::change::{Chore, Warrant};
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::policy::Access;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::zone_door::NoDoor;
use super::zones::zone_of;
use super::{App, Asking, Live, Scope};
use crate::fault::Fault;

/// What was tried, and how it went.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ZoneTried {
    /// The zone.
    pub zone: String,
    /// Whether all of it went well.
    pub fine: bool,
    /// One by one.
    pub checks: Vec<CheckView>,
}

/// One thing that was tried.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct CheckView {
    /// What.
    pub what: String,
    /// Whether it went well.
    pub fine: bool,
    /// What was seen, or what is missing and what to do.
    pub saw: String,
    /// Who can mend it.
    pub whose: Option<String>,
}

impl ZoneTried {
    fn add(&mut self, what: impl Into<String>, saw: Result<String, String>, whose: &str) {
        let fine = saw.is_ok();
        let saw = saw.unwrap_or_else(|why| why);
        let whose = (!fine).then(|| whose.to_owned());
        self.checks.push(CheckView { what: what.into(), fine, saw, whose });
        self.fine &= fine;
    }
}

impl App {
    /// Tries the way into a zone: every server is asked, the secret is opened, the door is tried with
    /// a message that alters nothing, and a transfer is asked for that brings nothing.
    pub(crate) async fn try_zone(
        &self,
        asking: &Asking,
        key: &ZoneKey,
    ) -> Result<ZoneTried, Fault> {
        self.permit(asking, Access::Administer, &Scope::Organisation)?;
        let live = self.live.get();
        let zone = zone_of(&live, key)?;
        let operator = self.whom(&live, &zone.operator);
        let mut tried = ZoneTried { zone: key.to_string(), fine: true, checks: Vec::new() };
        let servers = self.servers_seen(&self.authorities(key, zone)).await;
        let serial = servers.iter().find_map(|it| it.serial);
        for server in &servers {
            let saw = match (server.serial, &server.problem) {
                (Some(serial), _) => Ok(format!("it answers for the zone with serial {serial}")),
                (None, why) => Err(why.clone().unwrap_or_default()),
            };
            tried.add(format!("server {}", server.server), saw, &operator);
        }
        let in_step = match serial {
            None => Err("no server answers; name them in the zone's `servers`".to_owned()),
            Some(serial) if servers.iter().all(|it| it.serial == Some(serial)) => {
                Ok("all servers show one serial".to_owned())
            }
            Some(_) => Err("the servers show different serials; a transfer is stuck".to_owned()),
        };
        tried.add("servers in step", in_step, &operator);
        let by = asking.by.clone();
        let warrant = Warrant::to_do(Chore::TryDoor { zone: key.clone(), by }, self.now());
        self.try_door(&live, key, &warrant, &operator, &mut tried).await;
        self.try_transfer(&live, key, &warrant, &operator, &mut tried).await;
        Ok(tried)
    }

    async fn try_door(
        &self,
        live: &Live,
        key: &ZoneKey,
        warrant: &Warrant,
        operator: &str,
        tried: &mut ZoneTried,
    ) {
        let administrators = "an administrator of Bailiwick";
        let has_connector = zone_of(live, key).is_ok_and(|zone| zone.connector.is_some());
        if !has_connector {
            let saw = "the zone has no `[connector]`: nothing is written, only looked at";
            tried.add("writing", Ok(saw.to_owned()), operator);
            return;
        }
        let door = match self.zone_door(live, key, warrant).await {
            Ok(door) => door,
            Err(NoDoor(why)) => return tried.add("secret", Err(why), administrators),
        };
        let saw = door.tried().await;
        tried.add("writing", saw.map(str::to_owned).map_err(|why| why.to_string()), operator);
    }

    async fn try_transfer(
        &self,
        live: &Live,
        key: &ZoneKey,
        warrant: &Warrant,
        operator: &str,
        tried: &mut ZoneTried,
    ) {
        let administrators = "an administrator of Bailiwick";
        let source = match self.transfer_source(live, key, warrant).await {
            Ok(Some(source)) => source,
            Ok(None) => {
                let saw = "the zone has no `[transfer]`: edits past us are found by looking at single sets only";
                return tried.add("transfer", Ok(saw.to_owned()), operator);
            }
            Err(NoDoor(why)) => return tried.add("transfer key", Err(why), administrators),
        };
        let held = self.dns.soa_at(source.server, &key.name).await;
        let since = match held {
            Ok((_, serial)) => serial,
            Err(why) => {
                let why = format!("{}: {why}", source.server);
                return tried.add("transfer", Err(why), operator);
            }
        };
        let limits = TransferLimits::default();
        let came = transfer(&self.dns, &key.name, &source, Some(since), &limits).await;
        let saw = came.map(|_| format!("{} lets us transfer the zone", source.server));
        tried.add("transfer", saw.map_err(|why| why.to_string()), operator);
    }
}
