//! Zone transfers: whole (AXFR, RFC 5936) and by steps (IXFR, RFC 1995), message by message.

use bailiwick_core::names::ZoneName;
use bailiwick_core::records::{
    RecordOwner, RecordType, SoaSerial, ZoneRecord, ZoneSnapshot, ZoneStep,
};

use super::name::WireName;
use super::query::CLASS_IN;
use super::sections::{Held, Sections};
use super::set::serial_of;

const TYPE_IXFR: u16 = 251;
const TYPE_AXFR: u16 = 252;
/// Octets before the data of a record, its name not counted: used to weigh what is held.
const RECORD_OCTETS: usize = 64;

/// How much a transfer may bring.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TransferBounds {
    /// Records, over all messages.
    pub records_max: usize,
    /// Octets of memory they need, about.
    pub octets_max: usize,
}

impl Default for TransferBounds {
    /// Two million records: more than the zone of a large organisation, less than a large TLD.
    fn default() -> Self {
        Self { records_max: 2_000_000, octets_max: 512 * 1_024 * 1_024 }
    }
}

/// A question for a transfer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TransferQuery {
    zone: WireName,
    /// The serial that is held.
    since: Option<SoaSerial>,
}

impl TransferQuery {
    /// For the whole zone, or for the steps since a serial.
    #[must_use]
    pub fn new(zone: &ZoneName, since: Option<SoaSerial>) -> Self {
        Self { zone: WireName::from(zone), since }
    }

    /// The message, not signed yet. An IXFR holds a SOA of which the serial alone is read (RFC 1995,
    /// section 3).
    #[must_use]
    pub fn octets(&self, id: u16) -> Vec<u8> {
        let (kind, authority) = match self.since {
            None => (TYPE_AXFR, 0),
            Some(_) => (TYPE_IXFR, 1),
        };
        let mut octets = Vec::with_capacity(300);
        for field in [id, 0, 1, 0, authority, 0] {
            octets.extend(field.to_be_bytes());
        }
        self.zone.write(&mut octets);
        for field in [kind, CLASS_IN] {
            octets.extend(field.to_be_bytes());
        }
        if let Some(serial) = self.since {
            self.zone.write(&mut octets);
            for field in [RecordType::SOA.number(), CLASS_IN, 0, 0, 22] {
                octets.extend(field.to_be_bytes());
            }
            // Both names are the root; the timers are not read.
            octets.extend([0, 0]);
            octets.extend(serial.number().to_be_bytes());
            octets.extend([0; 16]);
        }
        octets
    }
}

/// What a transfer brought.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Transferred {
    /// Nothing newer than what is held.
    UpToDate(SoaSerial),
    /// The whole zone.
    Whole(ZoneSnapshot),
    /// The steps from what is held.
    Steps(Vec<ZoneStep>),
}

/// Why a transfer cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadTransfer {
    /// Not a message of this transfer.
    #[error("an answer that is not one to our transfer")]
    NotOurs,
    /// The server says no.
    #[error("the server answers with code {0}; let its `allow-transfer` name our key")]
    Code(u16),
    /// Records in an order that is no transfer.
    #[error("the records do not come in the order of a transfer")]
    Order,
    /// A record outside the zone.
    #[error("a record outside the zone")]
    Outside,
    /// A record that cannot be read.
    #[error("a SOA record that cannot be read")]
    BadRecord,
    /// More than is taken.
    #[error("the zone has more records than are read")]
    TooMuch,
    /// More after its end.
    #[error("records after the end of the transfer")]
    AfterEnd,
}

/// Reads the messages of one transfer.
#[derive(Debug)]
pub struct TransferReader {
    query: TransferQuery,
    id: u16,
    bounds: TransferBounds,
    records: usize,
    octets: usize,
    /// The SOA that began it: what the zone is at its end.
    newest: Option<(Vec<u8>, SoaSerial)>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing, or the first SOA alone.
    Beginning,
    Whole(Vec<ZoneRecord>),
    Gone(Vec<ZoneStep>, ZoneStep),
    Come(Vec<ZoneStep>, ZoneStep),
    Ended(Transferred),
}

impl TransferReader {
    /// For the answers to a question with this identifier.
    #[must_use]
    pub const fn new(query: TransferQuery, id: u16, bounds: TransferBounds) -> Self {
        Self { query, id, bounds, records: 0, octets: 0, newest: None, state: State::Beginning }
    }

    /// Reads one more message; what the transfer brought when it was the last one.
    ///
    /// # Errors
    /// [`BadTransfer`]; nothing of it can be used then.
    pub fn read(&mut self, octets: &[u8]) -> Result<Option<Transferred>, BadTransfer> {
        let message = Sections::read(octets).map_err(|_| BadTransfer::NotOurs)?;
        let is_reply = message.flags.response() && message.flags.is_standard_query();
        let asked = message.question.as_ref().is_none_or(|it| it.name == self.query.zone);
        if !is_reply || message.id != self.id || message.flags.truncated() || !asked {
            return Err(BadTransfer::NotOurs);
        }
        if message.code != 0 {
            return Err(BadTransfer::Code(message.code));
        }
        if message.answers.is_empty() {
            return Err(BadTransfer::Order);
        }
        for record in message.answers {
            self.record(record)?;
        }
        self.end_if_up_to_date();
        match std::mem::replace(&mut self.state, State::Beginning) {
            State::Ended(transferred) => Ok(Some(transferred)),
            state @ (State::Beginning | State::Whole(_) | State::Gone(..) | State::Come(..)) => {
                self.state = state;
                Ok(None)
            }
        }
    }

    /// One SOA that is not newer than what is held is the whole answer (RFC 1995, section 4).
    fn end_if_up_to_date(&mut self) {
        if let (State::Beginning, Some((_, newest)), Some(since)) =
            (&self.state, &self.newest, self.query.since)
            && !newest.is_after(since)
        {
            self.state = State::Ended(Transferred::UpToDate(*newest));
        }
    }

    fn record(&mut self, held: Held) -> Result<(), BadTransfer> {
        if held.class != CLASS_IN || !held.owner.is_at_or_below(&self.query.zone) {
            return Err(BadTransfer::Outside);
        }
        self.records = self.records.saturating_add(1);
        let weight = held.rdata.len().saturating_add(RECORD_OCTETS);
        self.octets = self.octets.saturating_add(weight);
        if self.records > self.bounds.records_max || self.octets > self.bounds.octets_max {
            return Err(BadTransfer::TooMuch);
        }
        let Some((newest, _)) = &self.newest else {
            let serial = serial_of_record(&held)?.ok_or(BadTransfer::Order)?;
            self.newest = Some((held.rdata, serial));
            return Ok(());
        };
        let is_last = held.rdata == *newest;
        let newest = self.newest.as_ref().map_or(SoaSerial::of(0), |(_, serial)| *serial);
        let state = std::mem::replace(&mut self.state, State::Beginning);
        self.state = advance(state, held, self.query.since, newest, is_last)?;
        Ok(())
    }
}

/// The serial, where it is a SOA record.
fn serial_of_record(held: &Held) -> Result<Option<SoaSerial>, BadTransfer> {
    if held.kind != RecordType::SOA {
        return Ok(None);
    }
    serial_of(&held.rdata).map(Some).ok_or(BadTransfer::BadRecord)
}

fn advance(
    state: State,
    held: Held,
    since: Option<SoaSerial>,
    newest: SoaSerial,
    is_last: bool,
) -> Result<State, BadTransfer> {
    let soa = serial_of_record(&held)?;
    let step = |from| ZoneStep { from, to: from, gone: Vec::new(), come: Vec::new() };
    Ok(match (state, soa) {
        (State::Beginning, Some(serial)) if since == Some(serial) && serial != newest => {
            State::Gone(Vec::new(), step(serial))
        }
        // A zone that has nothing but its SOA cannot be (it has no NS), but a server may say so.
        (State::Beginning, Some(_)) if is_last => {
            State::Ended(Transferred::Whole(ZoneSnapshot::new(newest, [])))
        }
        (State::Beginning, None) => State::Whole(vec![record_of(held)]),
        (State::Whole(records), Some(_)) if is_last => {
            State::Ended(Transferred::Whole(ZoneSnapshot::new(newest, records)))
        }
        (State::Whole(mut records), None) => {
            records.push(record_of(held));
            State::Whole(records)
        }
        (State::Gone(steps, mut open), None) => {
            open.gone.push(record_of(held));
            State::Gone(steps, open)
        }
        (State::Gone(steps, mut open), Some(serial)) => {
            open.to = serial;
            State::Come(steps, open)
        }
        (State::Come(steps, mut open), None) => {
            open.come.push(record_of(held));
            State::Come(steps, open)
        }
        (State::Come(mut steps, open), Some(serial)) => {
            let reached = open.to;
            steps.push(open);
            if reached == newest && is_last {
                State::Ended(Transferred::Steps(steps))
            } else if serial == reached {
                State::Gone(steps, step(serial))
            } else {
                return Err(BadTransfer::Order);
            }
        }
        (State::Ended(_), _) => return Err(BadTransfer::AfterEnd),
        (State::Beginning | State::Whole(_), Some(_)) => return Err(BadTransfer::Order),
    })
}

fn record_of(held: Held) -> ZoneRecord {
    let owner = held.owner.to_owner();
    let owner = owner.map_or_else(|| RecordOwner::Odd(held.owner.to_string()), RecordOwner::Plain);
    // A TTL with its top bit set counts as zero (RFC 2181, section 8).
    let ttl_seconds = if i32::try_from(held.ttl_seconds).is_ok() { held.ttl_seconds } else { 0 };
    ZoneRecord { owner, kind: held.kind, ttl_seconds, rdata: held.rdata }
}
