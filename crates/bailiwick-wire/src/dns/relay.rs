//! A question that is passed on to a resolver: a name and one of a few types, and nothing else of it.

use super::delegation::{Ds, Ns};
use super::message::Question;
use super::query::{CLASS_IN, Query};
use super::rdata::{Caa, RecordKind as _, SoaSerial};
use super::reader::Reader;

/// What may be asked: what a zone is watched by.
const TYPES: [u16; 4] = [Caa::TYPE, SoaSerial::TYPE, Ns::TYPE, Ds::TYPE];

const FLAG_RESPONSE: u16 = 0x8000;
const FLAG_TRUNCATED: u16 = 0x0200;
const FLAG_RECURSION: u16 = 0x0080;
const OPCODE_BITS: u16 = 0x7800;
const SERVFAIL: u16 = 2;
const REFUSED: u16 = 5;

/// A question that may be passed on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Relayed {
    id: u16,
    asked: Question,
}

/// What becomes of a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Relaying {
    /// It is asked.
    Ask(Relayed),
    /// It is a question, and none that is passed on: this is answered.
    Refuse(Vec<u8>),
    /// It is no question at all.
    NoQuestion,
}

impl Relayed {
    /// Reads a message. Only an ordinary question with one name is passed on.
    #[must_use]
    pub fn read(octets: &[u8]) -> Relaying {
        let Some((id, flags, asked)) = head(octets) else { return Relaying::NoQuestion };
        if flags & (FLAG_RESPONSE | OPCODE_BITS) != 0 {
            return Relaying::NoQuestion;
        }
        let question = Self { id, asked };
        if question.asked.class == CLASS_IN && TYPES.contains(&question.asked.kind) {
            Relaying::Ask(question)
        } else {
            Relaying::Refuse(question.failure(REFUSED))
        }
    }

    /// The question as it is asked of the resolver.
    #[must_use]
    pub fn with_id(&self, id: u16) -> Vec<u8> {
        Query::to_resolver(id, self.asked.name.clone(), self.asked.kind).octets()
    }

    /// The resolver's answer as it goes back; `None` when it answers something else.
    #[must_use]
    pub fn answer(&self, mut octets: Vec<u8>, id: u16) -> Option<Vec<u8>> {
        let (its, flags, asked) = head(&octets)?;
        let is_ours = its == id
            && flags & FLAG_RESPONSE != 0
            && asked.name == self.asked.name
            && asked.kind == self.asked.kind
            && asked.class == CLASS_IN;
        let place = octets.first_chunk_mut::<2>().filter(|_| is_ours)?;
        *place = self.id.to_be_bytes();
        Some(octets)
    }

    /// Whether an answer did not fit (RFC 7766, section 5).
    #[must_use]
    pub fn is_truncated(octets: &[u8]) -> bool {
        head(octets).is_some_and(|(_, flags, _)| flags & FLAG_TRUNCATED != 0)
    }

    /// The answer when the resolver gave none.
    #[must_use]
    pub fn no_answer(&self) -> Vec<u8> {
        self.failure(SERVFAIL)
    }

    fn failure(&self, code: u16) -> Vec<u8> {
        let mut octets = Vec::with_capacity(300);
        for field in [self.id, FLAG_RESPONSE | FLAG_RECURSION | code, 1, 0, 0, 0] {
            octets.extend(field.to_be_bytes());
        }
        self.asked.name.write(&mut octets);
        for field in [self.asked.kind, self.asked.class] {
            octets.extend(field.to_be_bytes());
        }
        octets
    }
}

/// Identifier, flags and the one question; what follows is not read.
fn head(octets: &[u8]) -> Option<(u16, u16, Question)> {
    let mut reader = Reader { octets, at: 0 };
    let (id, flags) = (reader.u16().ok()?, reader.u16().ok()?);
    let questions = reader.u16().ok()?;
    for _ in 0..3 {
        reader.u16().ok()?;
    }
    if questions != 1 {
        return None;
    }
    Some((id, flags, reader.question().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::WireName;
    use bailiwick_core::names::DnsName;

    fn asked(kind: u16) -> Vec<u8> {
        let name = DnsName::parse("www.shop.example").unwrap();
        Query::to_resolver(7, WireName::from(&name), kind).octets()
    }

    #[test]
    fn only_what_a_zone_is_watched_by_is_passed_on() {
        for kind in TYPES {
            assert!(matches!(Relayed::read(&asked(kind)), Relaying::Ask(_)), "{kind}");
        }
        // A, AXFR, ANY.
        for kind in [1, 252, 255] {
            let Relaying::Refuse(answer) = Relayed::read(&asked(kind)) else { panic!("{kind}") };
            assert_eq!(&answer[..4], &[0, 7, 0x80, 0x85]);
        }
        let mut update = asked(Caa::TYPE);
        update[2] = 0x28;
        let mut answer = asked(Caa::TYPE);
        answer[2] |= 0x80;
        for other in [update, answer, asked(Caa::TYPE)[..20].to_vec(), Vec::new()] {
            assert_eq!(Relayed::read(&other), Relaying::NoQuestion);
        }
    }

    #[test]
    fn an_answer_is_passed_back_only_to_its_question() {
        let Relaying::Ask(question) = Relayed::read(&asked(Caa::TYPE)) else { panic!() };
        let sent = question.with_id(99);
        let mut answer = sent.clone();
        answer[2] |= 0x80;
        let back = question.answer(answer.clone(), 99).unwrap();
        assert_eq!(back[..2], [0, 7]);
        assert_eq!(question.answer(answer.clone(), 98), None);
        assert_eq!(question.answer(sent, 99), None, "a question is no answer");
        answer[13] = b'x';
        assert_eq!(question.answer(answer, 99), None, "another name");
    }
}
