//! The door into a zone of the estate, as the steps of a change use it.

use bailiwick_core::estate::ZoneKey;
use bailiwick_core::records::RecordType;

use super::doors::ZoneRecords;
use super::{App, Live};

impl App {
    /// The records of a zone through its connector.
    pub(super) async fn door<'a>(
        &'a self,
        _: &'a Live,
        key: &'a ZoneKey,
    ) -> Result<Box<dyn ZoneRecords + 'a>, String> {
        Err(format!("zone `{key}` has no connector that edits records; add one to the estate"))
    }
}

/// RDATA as a zone file spells it.
pub(crate) fn rdata_text(_: RecordType, rdata: &[u8]) -> String {
    let hex: String = rdata.iter().map(|octet| format!("{octet:02x}")).collect();
    format!("\\# {} {hex}", rdata.len())
}
