//! One question to one server: UDP, and TCP where UDP is too small (RFC 7766).

use std::net::SocketAddr;
use std::time::Duration;

use bailiwick_core::caa::LookupFailure;
use bailiwick_wire::dns::Query;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use super::channel::Channel;
use crate::egress::{Permit, datagram, dial};

/// How long and how often is asked.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For one datagram's reply.
    pub try_timeout: Duration,
    /// Datagrams sent before a server counts as silent.
    pub tries: u32,
    /// For one question over TCP, connecting included.
    pub tcp_timeout: Duration,
    /// For everything that one name needs: a whole climb, or one validation's look-up.
    pub whole_timeout: Duration,
    /// Questions that one look-up may cost, over all servers and aliases.
    pub questions_max: u32,
    /// Whether only TCP is spoken, where a network lets no datagrams through.
    pub tcp_only: bool,
}

impl Default for Limits {
    /// A resolver that walks from the root needs a second or two; a person or an ACME client waits
    /// behind it. 50 questions: threat T14.
    fn default() -> Self {
        Self {
            try_timeout: Duration::from_secs(3),
            tries: 2,
            tcp_timeout: Duration::from_secs(5),
            whole_timeout: Duration::from_secs(30),
            questions_max: 50,
            tcp_only: false,
        }
    }
}

/// Datagrams that are not ours and still do not end the wait. Each is one guess of a spoofer, so
/// there must not be many.
const STRAYS_MAX: u32 = 16;

/// Larger than what we ask for; the rest would be cut off and so not be read.
const DATAGRAM_OCTETS_MAX: usize = 4_096;

/// What a message is to whoever asked.
pub(super) enum Heard<T> {
    /// The answer.
    Answer(T),
    /// It did not fit.
    Truncated,
    /// Not a reply to this question.
    NotOurs,
}

/// Asks until there is a reply. Each try has a new identifier (from `query`) and a new source port.
pub(super) async fn exchange<T>(
    server: SocketAddr,
    limits: &Limits,
    channel: Option<&Channel>,
    query: impl Fn() -> Option<Query>,
    read: impl Fn(&[u8], &Query) -> Heard<T>,
) -> Result<T, LookupFailure> {
    let mut last = LookupFailure::Timeout;
    for _ in 0..limits.tries {
        let Some(query) = query() else { return Err(LookupFailure::Unreachable) };
        if let Some(channel) = channel {
            match over_channel(channel, limits, &query, &read).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => last = failure,
            }
            continue;
        }
        if limits.tcp_only {
            match over_tcp(server, limits, &query, &read).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => last = failure,
            }
            continue;
        }
        let reply = match over_udp(server, limits, &query, &read).await {
            Ok(Heard::Truncated) => over_tcp(server, limits, &query, &read).await,
            Ok(Heard::NotOurs) => Err(LookupFailure::Malformed),
            Ok(Heard::Answer(answer)) => Ok(answer),
            Err(failure) => Err(failure),
        };
        match reply {
            Ok(reply) => return Ok(reply),
            Err(failure) => last = failure,
        }
    }
    Err(last)
}

async fn over_udp<T>(
    server: SocketAddr,
    limits: &Limits,
    query: &Query,
    read: impl Fn(&[u8], &Query) -> Heard<T>,
) -> Result<Heard<T>, LookupFailure> {
    let unreachable = |_| LookupFailure::Unreachable;
    // A socket of its own for each try, so that a late answer to the one before cannot be taken.
    let socket = datagram(Permit::named_by_operator(server)).await.map_err(unreachable)?;
    socket.send(&query.octets()).await.map_err(unreachable)?;
    let until = Instant::now() + limits.try_timeout;
    let mut octets = vec![0; DATAGRAM_OCTETS_MAX];
    let mut strays = 0;
    loop {
        let Ok(received) = timeout_at(until, socket.recv(&mut octets)).await else {
            // Somebody answers, but not with anything readable: say that, it is easier to find.
            return Err(if strays > 0 { LookupFailure::Malformed } else { LookupFailure::Timeout });
        };
        let length = received.map_err(unreachable)?;
        match read(octets.get(..length).unwrap_or_default(), query) {
            Heard::NotOurs if strays < STRAYS_MAX => strays += 1,
            heard @ (Heard::Answer(_) | Heard::Truncated | Heard::NotOurs) => return Ok(heard),
        }
    }
}

/// Never in the clear where a channel was named: what cannot be had through it is not had.
async fn over_channel<T>(
    channel: &Channel,
    limits: &Limits,
    query: &Query,
    read: impl Fn(&[u8], &Query) -> Heard<T>,
) -> Result<T, LookupFailure> {
    let asked = timeout(limits.tcp_timeout, channel.ask(&query.octets())).await;
    let octets = asked.map_err(|_| LookupFailure::Timeout)?;
    match read(&octets.map_err(|_| LookupFailure::Unreachable)?, query) {
        Heard::Answer(answer) => Ok(answer),
        Heard::Truncated => Err(LookupFailure::Truncated),
        Heard::NotOurs => Err(LookupFailure::Malformed),
    }
}

pub(super) async fn over_tcp<T>(
    server: SocketAddr,
    limits: &Limits,
    query: &Query,
    read: impl Fn(&[u8], &Query) -> Heard<T>,
) -> Result<T, LookupFailure> {
    let Ok(Ok(octets)) = timeout(limits.tcp_timeout, ask_over_tcp(server, query)).await else {
        return Err(LookupFailure::Truncated);
    };
    match read(&octets, query) {
        Heard::Answer(answer) => Ok(answer),
        Heard::Truncated => Err(LookupFailure::Truncated),
        Heard::NotOurs => Err(LookupFailure::Malformed),
    }
}

async fn ask_over_tcp(server: SocketAddr, query: &Query) -> std::io::Result<Vec<u8>> {
    over_tcp_raw(server, &query.octets()).await
}

/// Two octets of length before each message, both ways (RFC 1035, section 4.2.2).
pub(crate) async fn over_tcp_raw(server: SocketAddr, question: &[u8]) -> std::io::Result<Vec<u8>> {
    let length = u16::try_from(question.len()).map_err(std::io::Error::other)?;
    let mut stream = dial(Permit::named_by_operator(server)).await?;
    // In one segment: some servers do not wait for a second one (RFC 7766, section 8).
    stream.write_all(&[&length.to_be_bytes()[..], question].concat()).await?;
    read_message(&mut stream).await
}

/// One message with its length before it.
pub(crate) async fn read_message(
    stream: &mut (impl AsyncRead + Unpin),
) -> std::io::Result<Vec<u8>> {
    let length = stream.read_u16().await?;
    let mut octets = vec![0; usize::from(length)];
    stream.read_exact(&mut octets).await?;
    Ok(octets)
}

/// Why there is no answer to a message that alters something.
pub(crate) enum Unanswered {
    /// There was no connection: nothing was sent.
    NotSent,
    /// It was sent, or a part of it; nobody knows what came of it.
    NotKnown,
}

/// Sends a message over TCP, so that it arrives once or not at all, and waits for the answer.
pub(crate) async fn send_once(
    server: SocketAddr,
    limits: &Limits,
    message: &[u8],
) -> Result<Vec<u8>, Unanswered> {
    let length = u16::try_from(message.len()).map_err(|_| Unanswered::NotSent)?;
    let connected = timeout(limits.tcp_timeout, dial(Permit::named_by_operator(server))).await;
    let Ok(Ok(mut stream)) = connected else { return Err(Unanswered::NotSent) };
    let talk = async {
        stream.write_all(&[&length.to_be_bytes()[..], message].concat()).await?;
        read_message(&mut stream).await
    };
    match timeout(limits.tcp_timeout, talk).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) | Err(_) => Err(Unanswered::NotKnown),
    }
}
