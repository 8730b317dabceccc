//! Which fields the RDATA of each type has, in their order: one table for reading it off the wire,
//! for writing it as text and for reading that text.

use bailiwick_core::records::RecordType;

use super::reader::{NotMessage, Reader};

/// One field of RDATA.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Field {
    /// A number of one octet.
    U8,
    /// A number of two octets.
    U16,
    /// A number of four octets.
    U32,
    /// An IPv4 address.
    V4,
    /// An IPv6 address.
    V6,
    /// A domain name.
    Name,
    /// A character-string (RFC 1035, section 3.3).
    String,
    /// One character-string or more, to the end.
    Strings,
    /// The tag of a CAA property (RFC 8659, section 4.1).
    Tag,
    /// Octets to the end, as text without a length (RFC 8659, section 4.1.1).
    Value,
    /// Octets to the end, as hexadecimal digits.
    Hex,
    /// Octets to the end, as Base64.
    Base64,
    /// Service parameters, to the end (RFC 9460, section 2.2).
    Params,
}

use Field::{Base64, Hex, Name, Params, String, Strings, Tag, U8, U16, U32, V4, V6, Value};

/// The fields of a type; `None` for one that is written as RFC 3597 says.
pub(super) const fn fields_of(kind: RecordType) -> Option<&'static [Field]> {
    Some(match kind {
        RecordType::A => &[V4],
        RecordType::AAAA => &[V6],
        RecordType::NS | RecordType::CNAME | RecordType::PTR | RecordType::DNAME => &[Name],
        RecordType::SOA => &[Name, Name, U32, U32, U32, U32, U32],
        RecordType::HINFO => &[String, String],
        RecordType::MX | RecordType::AFSDB => &[U16, Name],
        RecordType::TXT => &[Strings],
        RecordType::RP => &[Name, Name],
        RecordType::SRV => &[U16, U16, U16, Name],
        RecordType::NAPTR => &[U16, U16, String, String, String, Name],
        RecordType::DS | RecordType::CDS => &[U16, U8, U8, Hex],
        RecordType::SSHFP => &[U8, U8, Hex],
        RecordType::DNSKEY | RecordType::CDNSKEY => &[U16, U8, U8, Base64],
        RecordType::TLSA | RecordType::SMIMEA => &[U8, U8, U8, Hex],
        RecordType::OPENPGPKEY => &[Base64],
        RecordType::SVCB | RecordType::HTTPS => &[U16, Name, Params],
        RecordType::CAA => &[U8, Tag, Value],
        _ => return None,
    })
}

/// RDATA of a message with its names written out, in lower case (RFC 4034, section 6.2; RFC 3597,
/// section 7): the form in which two records are compared and in which one is sent.
///
/// What holds no name is kept octet for octet, whether or not it breaks its type's format.
pub(super) fn expand(
    message: &mut Reader<'_>,
    kind: RecordType,
    length: usize,
) -> Result<Vec<u8>, NotMessage> {
    let end = message.at.checked_add(length).ok_or(NotMessage)?;
    let mut rdata = Vec::with_capacity(length);
    let fields = fields_of(kind).filter(|fields| fields.contains(&Name));
    for field in fields.unwrap_or_default() {
        match field {
            Name => message.name()?.write(&mut rdata),
            U16 => rdata.extend(message.take(2)?),
            U32 => rdata.extend(message.take(4)?),
            String => {
                let length = message.u8()?;
                rdata.push(length);
                rdata.extend(message.take(usize::from(length))?);
            }
            Params => break,
            // No type that holds a name has one of these.
            U8 | V4 | V6 | Strings | Tag | Value | Hex | Base64 => return Err(NotMessage),
        }
    }
    let rest = end.checked_sub(message.at).ok_or(NotMessage)?;
    let is_whole = fields.is_some_and(|fields| !fields.contains(&Params));
    if is_whole && rest > 0 {
        return Err(NotMessage);
    }
    rdata.extend(message.take(rest)?);
    Ok(rdata)
}
