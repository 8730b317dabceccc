//! Octets of a message one after another, and names in them that point back.

use super::name::WireName;

/// Pointers followed in one name. A name has at most 127 labels, so more lead nowhere.
const POINTERS_MAX: usize = 128;

/// The octets are not a DNS message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct NotMessage;

/// Where the next octet of a message is read. Names may point back, so it holds the whole.
pub(super) struct Reader<'a> {
    pub(super) octets: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], NotMessage> {
        let end = self.at.checked_add(count).ok_or(NotMessage)?;
        let taken = self.octets.get(self.at..end).ok_or(NotMessage)?;
        self.at = end;
        Ok(taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, NotMessage> {
        self.take(1)?.first().copied().ok_or(NotMessage)
    }

    pub(super) fn u16(&mut self) -> Result<u16, NotMessage> {
        self.take(2)?.try_into().map(u16::from_be_bytes).map_err(|_| NotMessage)
    }

    pub(super) fn u32(&mut self) -> Result<u32, NotMessage> {
        self.take(4)?.try_into().map(u32::from_be_bytes).map_err(|_| NotMessage)
    }

    /// A name, with compression (RFC 1035, section 4.1.4). A pointer must point before the piece of
    /// the name it ends, so every jump goes back and none can come round again.
    pub(super) fn name(&mut self) -> Result<WireName, NotMessage> {
        let mut name = WireName::default();
        let mut pieces = Reader { octets: self.octets, at: self.at };
        let mut piece_starts = self.at;
        let mut end = None;
        for _ in 0..=POINTERS_MAX {
            loop {
                let length = pieces.u8()?;
                match length >> 6 {
                    0b00 if length == 0 => {
                        self.at = end.unwrap_or(pieces.at);
                        return Ok(name);
                    }
                    0b00 => {
                        let label = pieces.take(usize::from(length))?;
                        name.push(label).ok_or(NotMessage)?;
                    }
                    0b11 => {
                        let low = pieces.u8()?;
                        let target = usize::from(u16::from_be_bytes([length & 0x3f, low]));
                        if target >= piece_starts {
                            return Err(NotMessage);
                        }
                        end = end.or(Some(pieces.at));
                        (piece_starts, pieces.at) = (target, target);
                        break;
                    }
                    _ => return Err(NotMessage),
                }
            }
        }
        Err(NotMessage)
    }
}
