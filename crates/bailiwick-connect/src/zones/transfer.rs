//! Reading a whole zone from a server of it, or what came since (AXFR, RFC 5936; IXFR, RFC 1995;
//! always over TCP, signed where there is a key).

use std::net::SocketAddr;
use std::time::Duration;

use bailiwick_core::names::ZoneName;
use bailiwick_core::records::{DoesNotFollow, SoaSerial, ZoneSnapshot};
use bailiwick_wire::dns::{
    BadTransfer, Covered, NotSigned, SignedAnswers, TransferBounds, TransferQuery, TransferReader,
    Transferred, TsigKey,
};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::dns::{DnsClient, read_message};
use crate::egress::{Permit, dial};

/// Where a zone is read from.
#[derive(Clone, Debug)]
pub struct TransferSource {
    /// A server of the zone that lets us.
    pub server: SocketAddr,
    /// The key that the question is signed with. With it the answers must be signed too.
    pub key: Option<TsigKey>,
}

/// How much a transfer may bring and take.
#[derive(Clone, Copy, Debug)]
pub struct TransferLimits {
    /// Records and octets.
    pub bounds: TransferBounds,
    /// For the whole of it.
    pub whole_timeout: Duration,
    /// For one more message.
    pub message_timeout: Duration,
}

impl Default for TransferLimits {
    /// A million records come in a few seconds; a server that pauses for ten has stopped.
    fn default() -> Self {
        Self {
            bounds: TransferBounds::default(),
            whole_timeout: Duration::from_secs(120),
            message_timeout: Duration::from_secs(10),
        }
    }
}

/// What a transfer brought.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Read {
    /// Nothing newer than what is held.
    UpToDate(SoaSerial),
    /// The zone as it is now.
    New(ZoneSnapshot),
}

/// Why a zone could not be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotTransferred {
    /// No connection.
    #[error("{0} cannot be reached over TCP")]
    Unreachable(SocketAddr),
    /// It stopped, or took too long.
    #[error("the transfer from {0} did not come to its end in time")]
    Stopped(SocketAddr),
    /// What came is no transfer, or a refusal.
    #[error("{server}: {cause}")]
    Bad {
        /// From whom.
        server: SocketAddr,
        /// Why.
        cause: BadTransfer,
    },
    /// A signature is not right.
    #[error("{server}: {cause}")]
    Signature {
        /// From whom.
        server: SocketAddr,
        /// Why.
        cause: NotSigned,
    },
}

/// Reads what is newer than `held`, by steps where the server has them, else the whole zone.
///
/// # Errors
/// [`NotTransferred`]; nothing of what came is used then.
pub async fn read_zone(
    dns: &DnsClient,
    zone: &ZoneName,
    source: &TransferSource,
    held: Option<&ZoneSnapshot>,
    limits: &TransferLimits,
) -> Result<Read, NotTransferred> {
    let since = held.map(ZoneSnapshot::serial);
    let came = transfer(dns, zone, source, since, limits).await?;
    let steps = match came {
        Transferred::UpToDate(serial) => return Ok(Read::UpToDate(serial)),
        Transferred::Whole(snapshot) => return Ok(Read::New(snapshot)),
        Transferred::Steps(steps) => steps,
    };
    let stepped = held.cloned().ok_or(DoesNotFollow).and_then(|held| held.after(steps));
    if let Ok(snapshot) = stepped {
        return Ok(Read::New(snapshot));
    }
    // The steps are not from what we hold: read it whole (RFC 1995, section 4).
    match transfer(dns, zone, source, None, limits).await? {
        Transferred::Whole(snapshot) => Ok(Read::New(snapshot)),
        Transferred::UpToDate(_) | Transferred::Steps(_) => {
            Err(NotTransferred::Bad { server: source.server, cause: BadTransfer::Order })
        }
    }
}

/// One transfer: whole, or the steps since a serial.
///
/// # Errors
/// [`NotTransferred`].
pub async fn transfer(
    dns: &DnsClient,
    zone: &ZoneName,
    source: &TransferSource,
    since: Option<SoaSerial>,
    limits: &TransferLimits,
) -> Result<Transferred, NotTransferred> {
    let stopped = NotTransferred::Stopped(source.server);
    timeout(limits.whole_timeout, one(dns, zone, source, since, limits))
        .await
        .unwrap_or(Err(stopped))
}

async fn one(
    dns: &DnsClient,
    zone: &ZoneName,
    source: &TransferSource,
    since: Option<SoaSerial>,
    limits: &TransferLimits,
) -> Result<Transferred, NotTransferred> {
    let server = source.server;
    let unreachable = || NotTransferred::Unreachable(server);
    let id = dns.id().ok_or_else(unreachable)?;
    let query = TransferQuery::new(zone, since);
    let question = query.octets(id);
    let (octets, mut answers) = match &source.key {
        None => (question, None),
        Some(key) => {
            let signed = key.sign(&question, dns.now());
            let answers = SignedAnswers::new(key, &signed);
            (signed.octets, Some(answers))
        }
    };
    let dialled = timeout(dns.limits.tcp_timeout, dial(Permit::named_by_operator(server))).await;
    let mut stream = dialled.ok().and_then(Result::ok).ok_or_else(unreachable)?;
    let length = u16::try_from(octets.len()).map_err(|_| unreachable())?;
    let sent = stream.write_all(&[&length.to_be_bytes()[..], &octets].concat()).await;
    sent.map_err(|_| unreachable())?;
    let mut reader = TransferReader::new(query, id, limits.bounds);
    loop {
        let message = next(&mut stream, limits).await.ok_or(NotTransferred::Stopped(server))?;
        let covered = match &mut answers {
            None => Covered::Signed,
            Some(answers) => answers
                .check(&message)
                .map_err(|cause| NotTransferred::Signature { server, cause })?,
        };
        let came = reader.read(&message).map_err(|cause| NotTransferred::Bad { server, cause })?;
        if let Some(transferred) = came {
            // The last message must be signed (RFC 8945, section 5.3.1).
            return match covered {
                Covered::Signed => Ok(transferred),
                Covered::NotYet => {
                    Err(NotTransferred::Signature { server, cause: NotSigned::Unsigned })
                }
            };
        }
    }
}

async fn next(stream: &mut TcpStream, limits: &TransferLimits) -> Option<Vec<u8>> {
    timeout(limits.message_timeout, read_message(stream)).await.ok()?.ok()
}
