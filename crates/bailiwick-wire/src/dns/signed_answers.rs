//! Several answers to one signed question (RFC 8945, section 5.3.1): the first signature covers the
//! question's, each further one the one before it and every message since.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

use super::message::{Raw, before_signature};
use super::reader::NotMessage;
use super::tsig::{BADKEY, BADSIG, BADTIME, NotSigned, Signed, Stamp, TYPE_TSIG, Tsig, TsigKey};

/// Messages in a row that may lack a signature (RFC 8945, section 5.3.1).
const UNSIGNED_MAX: u32 = 99;

/// Checks the answers to one signed question, in their order.
pub struct SignedAnswers {
    key: TsigKey,
    id: u16,
    covered: hmac::Context,
    unsigned: u32,
    is_first: bool,
}

impl core::fmt::Debug for SignedAnswers {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SignedAnswers")
    }
}

/// What a message's signature says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Covered {
    /// It and everything before it came from whoever has the key.
    Signed,
    /// Not known before a later message says so.
    NotYet,
}

impl SignedAnswers {
    /// For the answers to this question.
    #[must_use]
    pub fn new(key: &TsigKey, sent: &Signed) -> Self {
        let covered = begun(key, &sent.mac);
        Self { key: key.clone(), id: sent.id, covered, unsigned: 0, is_first: true }
    }

    /// Checks one more message.
    ///
    /// # Errors
    /// [`NotSigned`]; nothing of the transfer can be used then.
    pub fn check(&mut self, octets: &[u8]) -> Result<Covered, NotSigned> {
        let answer = Raw::read(octets).map_err(|NotMessage| NotSigned::NotOurs)?;
        if answer.id != self.id || answer.flags & 0x8000 == 0 {
            return Err(NotSigned::NotOurs);
        }
        let Some(last) = answer.last.filter(|last| last.kind == TYPE_TSIG) else {
            // A refusal may come without one; what it says is not used as data.
            if self.is_first && answer.flags & 0x000f != 0 {
                return Ok(Covered::NotYet);
            }
            self.unsigned = self.unsigned.saturating_add(1);
            if self.is_first || self.unsigned > UNSIGNED_MAX {
                return Err(NotSigned::Unsigned);
            }
            self.covered.update(octets);
            return Ok(Covered::NotYet);
        };
        let rdata = Tsig::read(last.rdata).ok_or(NotSigned::Forged)?;
        match rdata.error {
            0 => {}
            BADSIG => return Err(NotSigned::BadSignature),
            BADKEY => return Err(NotSigned::BadKey),
            BADTIME => return Err(NotSigned::BadTime),
            other => return Err(NotSigned::Other(other)),
        }
        if last.owner != *self.key.name() {
            return Err(NotSigned::Forged);
        }
        let body = before_signature(octets, last.starts, answer.additional, rdata.original_id);
        let mut covered = std::mem::replace(&mut self.covered, begun(&self.key, rdata.mac));
        covered.update(&body.ok_or(NotSigned::Forged)?);
        let stamp =
            Stamp { seconds: rdata.seconds, fudge: rdata.fudge, error: 0, other: rdata.other };
        let mut variables = Vec::with_capacity(96);
        if self.is_first {
            self.key.variables(&mut variables, &stamp);
        } else {
            stamp.write_time(&mut variables);
        }
        covered.update(&variables);
        verify_slices_are_equal(covered.sign().as_ref(), rdata.mac)
            .map_err(|_| NotSigned::Forged)?;
        (self.is_first, self.unsigned) = (false, 0);
        Ok(Covered::Signed)
    }
}

/// A digest that begins with the signature before it.
fn begun(key: &TsigKey, mac: &[u8]) -> hmac::Context {
    let mut covered = hmac::Context::with_key(key.hmac());
    covered.update(&u16::try_from(mac.len()).unwrap_or(0).to_be_bytes());
    covered.update(mac);
    covered
}
