//! Signed dynamic updates (RFC 2136, RFC 8945): the server compares and writes in one step.

use std::net::SocketAddr;

use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType, SoaSerial};
use bailiwick_wire::dns::{NotSigned, TsigKey, Update, UpdateCode};
use futures::future::{BoxFuture, try_join_all};

use super::door::{
    Applied, Cause, Compared, How, Manner, NotApplied, Refused, Shown, Stands, There, ZoneDoor,
};
use super::edits::{check, others};
use super::look::Authorities;
use crate::dns::{Unanswered, send_once};

/// How often is looked again when somebody else altered the zone between looking and writing.
const LOOKS_MAX: u32 = 8;

/// A zone's primary server, and the key that it takes updates with.
#[derive(Clone, Debug)]
pub struct UpdatePlace {
    /// Where it listens.
    pub primary: SocketAddr,
    /// The shared key.
    pub key: TsigKey,
}

/// Writes into one zone at its primary server.
///
/// Always: every edit's pre-image is a condition in the message that carries it out, and so is the
/// SOA record that was seen before the pre-image was read, so that not even a TTL that somebody
/// alters in between is overwritten. Where the primary shows another SOA than the one it compares
/// with (it signs the zone apart), the pre-images alone are the conditions.
#[derive(Clone, Debug)]
pub struct UpdateDoor {
    place: UpdatePlace,
    authorities: Authorities,
}

/// What stands at the primary, read after the SOA that goes with it.
struct Standing {
    soa: RRset,
    serial: SoaSerial,
    sets: Vec<Option<RRset>>,
}

/// What came of one message.
enum Sent {
    Code(UpdateCode),
    NotKnown(String),
}

impl UpdateDoor {
    /// A door at a primary; it counts as one of the zone's servers.
    #[must_use]
    pub fn new(authorities: &Authorities, place: UpdatePlace) -> Self {
        let mut servers = authorities.servers().to_vec();
        servers.push(place.primary);
        let (dns, zone) = (authorities.dns().clone(), authorities.zone().clone());
        Self { place, authorities: Authorities::new(dns, zone, &servers) }
    }

    fn place(&self) -> String {
        self.place.primary.to_string()
    }

    /// The set as the primary holds it. What a `*` may have made is asked for with a condition alone,
    /// which looks at the zone and not through the `*` (RFC 2136, section 2.4.1).
    async fn set(&self, owner: &OwnerName, kind: RecordType) -> Result<Option<RRset>, Refused> {
        let shown = self.authorities.shown(self.place.primary, owner, kind).await;
        let cause = match shown {
            Ok(Shown::Nothing) => return Ok(None),
            Ok(Shown::Set(set)) => return Ok(Some(set)),
            Ok(Shown::Star(set)) => {
                let mut update = Update::of(self.zone());
                update.require_some(owner, kind);
                match self.send(&update).await? {
                    Sent::Code(UpdateCode::Done) => return Ok(Some(set)),
                    Sent::Code(UpdateCode::OtherBefore) => return Ok(None),
                    Sent::Code(code) => code.to_string(),
                    Sent::NotKnown(why) => why,
                }
            }
            Err(cause) => cause.to_string(),
        };
        Err(Refused::NotRead { owner: owner.clone(), place: self.place(), cause })
    }

    async fn standing_of(&self, edits: &[RecordEdit]) -> Result<Standing, Refused> {
        let soa = self.authorities.dns().soa_at(self.place.primary, self.zone()).await;
        let (soa, serial) = soa.map_err(|cause| Refused::NotRead {
            owner: OwnerName::from(self.zone().apex().clone()),
            place: self.place(),
            cause: cause.to_string(),
        })?;
        let sets = try_join_all(edits.iter().map(|it| self.set(it.owner(), it.kind()))).await?;
        Ok(Standing { soa, serial, sets })
    }

    /// Sends one message. An error is certain: nothing happened.
    async fn send(&self, update: &Update) -> Result<Sent, Refused> {
        let dns = self.authorities.dns();
        let id = dns.id().ok_or(Refused::Unreachable { place: self.place() })?;
        let signed = self.place.key.sign(&update.octets(id)?, dns.now());
        let answer = match send_once(self.place.primary, &dns.limits, &signed.octets).await {
            Ok(answer) => answer,
            Err(Unanswered::NotSent) => {
                return Err(Refused::Unreachable { place: self.place() });
            }
            Err(Unanswered::NotKnown) => {
                return Ok(Sent::NotKnown(format!("{} did not answer", self.place())));
            }
        };
        match self.place.key.read_answer(&signed, &answer) {
            Ok(code) => Ok(Sent::Code(code)),
            Err(
                cause @ (NotSigned::BadSignature
                | NotSigned::BadKey
                | NotSigned::BadTime
                | NotSigned::Other(_)),
            ) => Err(Refused::Signature { place: self.place(), cause }),
            Err(cause @ (NotSigned::NotOurs | NotSigned::Unsigned | NotSigned::Forged)) => {
                Ok(Sent::NotKnown(cause.to_string()))
            }
        }
    }

    async fn carry_out(&self, edits: &[RecordEdit]) -> Result<How, NotApplied> {
        check(self.zone(), edits)?;
        let mut with_soa = true;
        let mut last: Option<Standing> = None;
        for look in 0..LOOKS_MAX {
            let now = self.standing_of(edits).await?;
            let stands =
                |(edit, set): (&RecordEdit, &Option<RRset>)| Stands::of(edit, set.as_ref());
            let all: Vec<Stands> = edits.iter().zip(&now.sets).map(stands).collect();
            if all.iter().all(|one| *one == Stands::After) {
                return Ok(How::Already);
            }
            if all.contains(&Stands::Other) {
                return Err(NotApplied::OtherBefore { there: others(edits, &now.sets) });
            }
            if let Some(last) = &last
                && last.sets == now.sets
            {
                // The zone is as it was, and still a condition failed: something beside an alias, or
                // a SOA that is not the one compared with.
                let beside = self.beside(edits).await?;
                if !beside.is_empty() {
                    return Err(NotApplied::OtherBefore { there: beside });
                }
                with_soa &= last.serial != now.serial;
            }
            // The last time without, so that a busy zone is written into at all.
            let soa = (with_soa && look.saturating_add(1) < LOOKS_MAX).then_some(&now.soa);
            match self.send(&self.update(edits, &all, soa)).await? {
                Sent::Code(UpdateCode::Done) => return Ok(How::Written),
                Sent::Code(UpdateCode::OtherBefore) => last = Some(now),
                Sent::Code(code) => {
                    return Err(Refused::Code { place: self.place(), code }.into());
                }
                Sent::NotKnown(why) => return self.after_silence(edits, why).await,
            }
        }
        let code = UpdateCode::OtherBefore;
        Err(Refused::Code { place: self.place(), code }.into())
    }

    /// What has to stand stands as condition; what is as wanted already is not written again.
    fn update(&self, edits: &[RecordEdit], all: &[Stands], soa: Option<&RRset>) -> Update {
        let is = |wanted: Stands| edits.iter().zip(all).filter(move |(_, it)| **it == wanted);
        let open: Vec<RecordEdit> = is(Stands::Before).map(|(edit, _)| edit.clone()).collect();
        let mut update = Update::of_edits(self.zone(), &open);
        for (edit, _) in is(Stands::After) {
            update.require(edit.owner(), edit.kind(), edit.after());
        }
        if let Some(soa) = soa {
            let apex = OwnerName::from(self.zone().apex().clone());
            update.require(&apex, RecordType::SOA, Some(soa));
        }
        update
    }

    /// Sets beside which an alias must not come, or an alias beside which nothing must come.
    async fn beside(&self, edits: &[RecordEdit]) -> Result<Vec<There>, Refused> {
        let mut found = Vec::new();
        for edit in edits.iter().filter(|edit| edit.after().is_some() && edit.before().is_none()) {
            let kinds: &[RecordType] = match edit.kind() {
                RecordType::CNAME => Update::beside_alias(),
                _ => &[RecordType::CNAME],
            };
            let edited =
                |kind| edits.iter().any(|it| it.owner() == edit.owner() && it.kind() == kind);
            for kind in kinds.iter().filter(|kind| !edited(**kind)) {
                if let Some(set) = self.set(edit.owner(), *kind).await? {
                    let owner = edit.owner().clone();
                    found.push(There { owner, kind: *kind, set: Some(set) });
                }
            }
        }
        Ok(found)
    }

    async fn after_silence(&self, edits: &[RecordEdit], why: String) -> Result<How, NotApplied> {
        let now = self.standing_of(edits).await;
        let is_after = now.is_ok_and(|now| others(edits, &now.sets).is_empty());
        if is_after {
            return Ok(How::AnswerLost);
        }
        Err(NotApplied::Unknown { why, seen: self.authorities.seen(edits).await })
    }

    async fn write_only(&self, edits: &[RecordEdit]) -> Result<How, NotApplied> {
        let how = self.carry_out(edits).await?;
        match self.left(edits, how).await {
            Ok(there) if there.is_empty() => Ok(how),
            Ok(there) => Err(NotApplied::Differs { there, seen: Vec::new() }),
            Err(why) => Err(NotApplied::Unknown { why: why.to_string(), seen: Vec::new() }),
        }
    }

    /// What is not as wanted after a write: a server may say done and leave something out (RFC 2136,
    /// section 3.4.2), so it is asked.
    async fn left(&self, edits: &[RecordEdit], how: How) -> Result<Vec<There>, Refused> {
        match how {
            How::Already | How::AnswerLost => Ok(Vec::new()),
            How::Written => self.standing_of(edits).await.map(|it| others(edits, &it.sets)),
        }
    }

    async fn read_back(&self, edits: &[RecordEdit], how: How) -> Result<Applied, NotApplied> {
        let left = self.left(edits, how).await;
        let seen = self.authorities.seen(edits).await;
        match left {
            Ok(there) if there.is_empty() => Ok(Applied { how, seen }),
            Ok(there) => Err(NotApplied::Differs { there, seen }),
            Err(why) => Err(NotApplied::Unknown { why: why.to_string(), seen }),
        }
    }
}

impl ZoneDoor for UpdateDoor {
    fn servers(&self) -> &Authorities {
        &self.authorities
    }

    fn manner(&self) -> Manner {
        Manner { whole: true, compared: Compared::AtTheServer }
    }

    fn standing<'a>(
        &'a self,
        owner: &'a OwnerName,
        kind: RecordType,
    ) -> BoxFuture<'a, Result<Option<RRset>, Refused>> {
        Box::pin(self.set(owner, kind))
    }

    fn apply<'a>(
        &'a self,
        edits: &'a [RecordEdit],
        _: Cause<'a>,
    ) -> BoxFuture<'a, Result<Applied, NotApplied>> {
        Box::pin(async move {
            let how = self.carry_out(edits).await?;
            self.read_back(edits, how).await
        })
    }

    fn write<'a>(
        &'a self,
        edits: &'a [RecordEdit],
        _: Cause<'a>,
    ) -> BoxFuture<'a, Result<How, NotApplied>> {
        Box::pin(self.write_only(edits))
    }

    /// An update with a condition that holds, and nothing else: signed, taken, and nothing altered.
    fn tried(&self) -> BoxFuture<'_, Result<&'static str, Refused>> {
        Box::pin(async move {
            let mut update = Update::of(self.zone());
            update.require_some(&OwnerName::from(self.zone().apex().clone()), RecordType::SOA);
            match self.send(&update).await? {
                Sent::Code(UpdateCode::Done) => Ok("a signed update that alters nothing was taken"),
                Sent::Code(code) => Err(Refused::Code { place: self.place(), code }),
                Sent::NotKnown(why) => Err(Refused::Said(why)),
            }
        })
    }
}
