//! Signed messages (TSIG, RFC 8945): a key that two parties share, HMAC-SHA256 and nothing older.

use core::fmt;

use aws_lc_rs::hmac;
use bailiwick_core::names::DnsName;
use bailiwick_core::time::Time;

use super::message::{Raw, before_signature};
use super::name::WireName;
use super::reader::NotMessage;
use super::update::{FLAGS_UPDATE, UpdateCode};

pub(super) const TYPE_TSIG: u16 = 250;
const CLASS_ANY: u16 = 255;
/// How far two clocks may differ, in seconds (RFC 8945, section 10: recommended).
const FUDGE_SECONDS: u16 = 300;
/// Octets of a secret at least: half the hash, below which no server should go (RFC 8945, section 10).
const SECRET_OCTETS_MIN: usize = 16;

pub(super) const BADSIG: u16 = 16;
pub(super) const BADKEY: u16 = 17;
pub(super) const BADTIME: u16 = 18;

/// A key that Bailiwick and a name server share. Never printed.
#[derive(Clone)]
pub struct TsigKey {
    name: WireName,
    key: hmac::Key,
}

impl fmt::Debug for TsigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TsigKey")
    }
}

/// A secret is too short.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a TSIG secret has at least {SECRET_OCTETS_MIN} octets; make one with `tsig-keygen`")]
pub struct ShortSecret;

/// A message with its signature, and what its answer is checked with.
#[derive(Clone, Debug)]
pub struct Signed {
    /// What is sent.
    pub octets: Vec<u8>,
    pub(super) id: u16,
    pub(super) mac: Vec<u8>,
}

/// Why an answer to a signed message is not believed, or says that the signature was not.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotSigned {
    /// Not an answer to this message.
    #[error("the answer is not one to our update; ask again")]
    NotOurs,
    /// Without a signature, although it says that the update is done.
    #[error("the answer is not signed; let the server share the connector's key")]
    Unsigned,
    /// The signature is not right.
    #[error("the answer's signature is not of the shared key; somebody may stand in between")]
    Forged,
    /// The server says that ours is not right (BADSIG).
    #[error(
        "the server does not accept our signature; hand in the right secret with `bailiwick connector set-secret`"
    )]
    BadSignature,
    /// The server does not know the key (BADKEY).
    #[error(
        "the server does not know a key of that name; compare the connector's `key` with its configuration"
    )]
    BadKey,
    /// The clocks differ (BADTIME).
    #[error(
        "the server's clock and ours differ by more than {FUDGE_SECONDS} seconds; set them right"
    )]
    BadTime,
    /// Another error about signatures.
    #[error("the server answers with signature error {0}; its log says why")]
    Other(u16),
}

impl TsigKey {
    /// A key with its name as the server knows it.
    ///
    /// # Errors
    /// [`ShortSecret`].
    pub fn new(name: &DnsName, secret: &[u8]) -> Result<Self, ShortSecret> {
        if secret.len() < SECRET_OCTETS_MIN {
            return Err(ShortSecret);
        }
        Ok(Self { name: WireName::from(name), key: hmac::Key::new(hmac::HMAC_SHA256, secret) })
    }

    /// Signs a message that has no additional records yet.
    #[must_use]
    pub fn sign(&self, message: &[u8], now: Time) -> Signed {
        let stamp = Stamp { seconds: seconds(now), fudge: FUDGE_SECONDS, error: 0, other: &[] };
        let mut covered = message.to_vec();
        self.variables(&mut covered, &stamp);
        let mac = hmac::sign(&self.key, &covered).as_ref().to_vec();
        let id = u16::from_be_bytes([octet(message, 0), octet(message, 1)]);
        let mut octets = message.to_vec();
        // The count of additional records: none before, this one now.
        if let Some(count) = octets.get_mut(10..12) {
            count.copy_from_slice(&1_u16.to_be_bytes());
        }
        let mut rdata = Vec::with_capacity(96);
        algorithm().write(&mut rdata);
        stamp.write_time(&mut rdata);
        rdata.extend(u16::try_from(mac.len()).unwrap_or(0).to_be_bytes());
        rdata.extend(&mac);
        for field in [id, 0, 0] {
            rdata.extend(field.to_be_bytes());
        }
        self.name.write(&mut octets);
        for field in [TYPE_TSIG, CLASS_ANY, 0, 0, u16::try_from(rdata.len()).unwrap_or(0)] {
            octets.extend(field.to_be_bytes());
        }
        octets.extend(rdata);
        Signed { octets, id, mac }
    }

    /// What the server said; believed only under its signature.
    ///
    /// # Errors
    /// [`NotSigned`].
    pub fn read_answer(&self, sent: &Signed, octets: &[u8]) -> Result<UpdateCode, NotSigned> {
        let answer = Raw::read(octets).map_err(|NotMessage| NotSigned::NotOurs)?;
        let is_answer = answer.flags & 0x8000 != 0 && answer.flags & 0x7800 == FLAGS_UPDATE;
        if answer.id != sent.id || !is_answer {
            return Err(NotSigned::NotOurs);
        }
        let Some(last) = answer.last.filter(|last| last.kind == TYPE_TSIG) else {
            // A refusal without a signature changes nothing, so it need not be proven to be one.
            return match UpdateCode::of(answer.flags & 0x000f) {
                UpdateCode::Done => Err(NotSigned::Unsigned),
                code @ (UpdateCode::OtherBefore
                | UpdateCode::Refused
                | UpdateCode::NotAuthoritative
                | UpdateCode::OutsideZone
                | UpdateCode::Other(_)) => Ok(code),
            };
        };
        let rdata = Tsig::read(last.rdata).ok_or(NotSigned::Forged)?;
        match rdata.error {
            0 => {}
            // These come without a MAC, because the server has no key to make one with.
            BADSIG => return Err(NotSigned::BadSignature),
            BADKEY => return Err(NotSigned::BadKey),
            BADTIME => return Err(NotSigned::BadTime),
            other => return Err(NotSigned::Other(other)),
        }
        if last.owner != self.name {
            return Err(NotSigned::Forged);
        }
        let mut covered = Vec::with_capacity(octets.len().saturating_add(96));
        covered.extend(u16::try_from(sent.mac.len()).unwrap_or(0).to_be_bytes());
        covered.extend(&sent.mac);
        let body = before_signature(octets, last.starts, answer.additional, rdata.original_id);
        covered.extend(body.ok_or(NotSigned::Forged)?);
        let stamp =
            Stamp { seconds: rdata.seconds, fudge: rdata.fudge, error: 0, other: rdata.other };
        self.variables(&mut covered, &stamp);
        hmac::verify(&self.key, &covered, rdata.mac).map_err(|_| NotSigned::Forged)?;
        Ok(UpdateCode::of(answer.flags & 0x000f))
    }

    pub(super) const fn name(&self) -> &WireName {
        &self.name
    }

    pub(super) const fn hmac(&self) -> &hmac::Key {
        &self.key
    }

    /// The TSIG variables (RFC 8945, section 4.3.3).
    pub(super) fn variables(&self, covered: &mut Vec<u8>, stamp: &Stamp<'_>) {
        self.name.write(covered);
        for field in [CLASS_ANY, 0, 0] {
            covered.extend(field.to_be_bytes());
        }
        algorithm().write(covered);
        stamp.write_time(covered);
        covered.extend(stamp.error.to_be_bytes());
        covered.extend(u16::try_from(stamp.other.len()).unwrap_or(0).to_be_bytes());
        covered.extend(stamp.other);
    }
}

/// When something was signed.
pub(super) struct Stamp<'a> {
    pub(super) seconds: [u8; 6],
    pub(super) fudge: u16,
    pub(super) error: u16,
    pub(super) other: &'a [u8],
}

impl Stamp<'_> {
    pub(super) fn write_time(&self, octets: &mut Vec<u8>) {
        octets.extend(self.seconds);
        octets.extend(self.fudge.to_be_bytes());
    }
}

/// 48 bits of seconds.
fn seconds(now: Time) -> [u8; 6] {
    let whole = u64::try_from(now.unix_seconds()).unwrap_or(0).to_be_bytes();
    let [_, _, seconds @ ..] = whole;
    seconds
}

fn algorithm() -> WireName {
    let mut name = WireName::default();
    let fits = name.push(b"hmac-sha256");
    debug_assert!(fits.is_some());
    name
}

fn octet(octets: &[u8], at: usize) -> u8 {
    octets.get(at).copied().unwrap_or(0)
}

/// The content of a TSIG record (RFC 8945, section 4.2).
pub(super) struct Tsig<'a> {
    pub(super) seconds: [u8; 6],
    pub(super) fudge: u16,
    pub(super) mac: &'a [u8],
    pub(super) original_id: u16,
    pub(super) error: u16,
    pub(super) other: &'a [u8],
}

impl<'a> Tsig<'a> {
    pub(super) fn read(rdata: &'a [u8]) -> Option<Self> {
        let mut name = Vec::new();
        algorithm().write(&mut name);
        let (given, rest) = rdata.split_at_checked(name.len())?;
        if !given.eq_ignore_ascii_case(&name) {
            return None;
        }
        let (seconds, rest) = rest.split_first_chunk::<6>()?;
        let (fudge, rest) = number(rest)?;
        let (length, rest) = number(rest)?;
        let (mac, rest) = rest.split_at_checked(usize::from(length))?;
        let (original_id, rest) = number(rest)?;
        let (error, rest) = number(rest)?;
        let (length, rest) = number(rest)?;
        let (other, rest) = rest.split_at_checked(usize::from(length))?;
        rest.is_empty().then_some(Self { seconds: *seconds, fudge, mac, original_id, error, other })
    }
}

fn number(octets: &[u8]) -> Option<(u16, &[u8])> {
    let (two, rest) = octets.split_first_chunk::<2>()?;
    Some((u16::from_be_bytes(*two), rest))
}
