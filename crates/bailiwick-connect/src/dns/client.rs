//! One look-up: every responsible server, each alias to its end, all answers.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use bailiwick_core::caa::{
    ALIASES_MAX, Alias, Empty, Found, LookupAnswer, LookupFailure, SourceAnswer, settle,
};
use bailiwick_core::names::DnsName;
use bailiwick_core::time::Time;
use bailiwick_wire::dns::{A, Aaaa, Query, RecordKind, Reply, Txt, Way, WireName, read_reply};
use futures::future::{BoxFuture, join_all, try_join};
use tokio::time::timeout;

use super::channel::Channel;
use super::exchange::{Heard, Limits, exchange, over_tcp};
use super::view::{Party, Standing, View};

/// Asks name servers. Cheap to clone; holds no connection and no cache.
#[derive(Clone)]
pub struct DnsClient {
    pub(crate) limits: Limits,
    channel: Option<Arc<Channel>>,
    clock: Arc<dyn Fn() -> Time + Send + Sync>,
    ids: Arc<dyn Fn() -> Option<u16> + Send + Sync>,
}

impl fmt::Debug for DnsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DnsClient").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Query identifiers that cannot be guessed, out of the system's randomness (RFC 5452, section 9.2).
/// `None` when the system has none to give; nothing is asked then.
#[must_use]
pub fn random_ids() -> Option<u16> {
    let mut octets = [0; 2];
    SystemRandom::new().fill(&mut octets).ok()?;
    Some(u16::from_be_bytes(octets))
}

/// Questions left for one look-up.
struct Budget(AtomicU32);

impl Budget {
    fn spend(&self) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .is_ok()
    }
}

impl DnsClient {
    /// A client with a clock and a source of query identifiers; see [`random_ids`].
    pub fn new(
        limits: Limits,
        clock: impl Fn() -> Time + Send + Sync + 'static,
        ids: impl Fn() -> Option<u16> + Send + Sync + 'static,
    ) -> Self {
        Self { limits, channel: None, clock: Arc::new(clock), ids: Arc::new(ids) }
    }

    /// The same client, whose look-ups all go through a channel, whoever is asked.
    #[must_use]
    pub fn over(&self, channel: Arc<Channel>) -> Self {
        Self { channel: Some(channel), ..self.clone() }
    }

    /// The texts at a name, aliases followed; empty when there are none.
    ///
    /// # Errors
    /// [`LookupFailure`] when any responsible server fails or they do not agree.
    pub async fn txt(&self, view: &View, name: &DnsName) -> Result<Vec<Vec<u8>>, LookupFailure> {
        self.set::<Txt>(view, name).await
    }

    /// The addresses of a name, IPv6 first, aliases followed; empty when there are none.
    ///
    /// # Errors
    /// As [`DnsClient::txt`], for either kind of address.
    pub async fn addresses(
        &self,
        view: &View,
        name: &DnsName,
    ) -> Result<Vec<IpAddr>, LookupFailure> {
        let (six, four) = try_join(self.set::<Aaaa>(view, name), self.set::<A>(view, name)).await?;
        Ok(six.into_iter().map(IpAddr::from).chain(four.into_iter().map(IpAddr::from)).collect())
    }

    pub(super) async fn set<K>(
        &self,
        view: &View,
        name: &DnsName,
    ) -> Result<Vec<K::Value>, LookupFailure>
    where
        K: RecordKind + Send + Sync,
        K::Value: Send + Sync,
    {
        let asked = timeout(self.limits.whole_timeout, self.look_up::<K>(view, name)).await;
        match settle(&asked.map_err(|_| LookupFailure::Timeout)?) {
            LookupAnswer::Records(found) => Ok(found.records),
            LookupAnswer::NoData(_) | LookupAnswer::NxDomain(_) => Ok(Vec::new()),
            LookupAnswer::Failed { failure, .. } => Err(failure),
            LookupAnswer::Delegated { .. } => Err(LookupFailure::NoServer),
        }
    }

    pub(crate) fn id(&self) -> Option<u16> {
        (self.ids)()
    }

    pub(crate) fn now(&self) -> Time {
        (self.clock)()
    }

    /// What every responsible server answers for a name and type.
    pub(super) async fn look_up<K>(
        &self,
        view: &View,
        name: &DnsName,
    ) -> Vec<SourceAnswer<K::Value>>
    where
        K: RecordKind + Send + Sync,
        K::Value: Send + Sync,
    {
        let budget = Budget(AtomicU32::new(self.limits.questions_max));
        self.ask_all::<K>(view, WireName::from(name), &budget, ALIASES_MAX).await
    }

    /// What one server of the view answers, aliases followed; over TCP at once where it is known that
    /// a datagram is too small.
    pub(super) async fn look_up_at<K>(
        &self,
        view: &View,
        party: &Party,
        name: WireName,
        over_tcp_first: bool,
    ) -> LookupAnswer<K::Value>
    where
        K: RecordKind + Send + Sync,
        K::Value: Send + Sync,
    {
        if over_tcp_first {
            let Some(id) = self.id() else { return failed(LookupFailure::Unreachable) };
            let query = question::<K>(party, id, name.clone());
            let read = |octets: &[u8], query: &Query| hear::<K>(octets, query, party);
            let reply = over_tcp(party.source.server, &self.limits, &query, read);
            if let Ok(Reply::Answer(answer)) = reply.await {
                return answer;
            }
        }
        let budget = Budget(AtomicU32::new(self.limits.questions_max));
        self.ask_one::<K>(view, party, name, &budget, ALIASES_MAX).await
    }

    /// Boxed, because an alias that leaves a zone starts over with other servers.
    fn ask_all<'a, K>(
        &'a self,
        view: &'a View,
        name: WireName,
        budget: &'a Budget,
        aliases_left: usize,
    ) -> BoxFuture<'a, Vec<SourceAnswer<K::Value>>>
    where
        K: RecordKind + Send + Sync,
        K::Value: Send + Sync,
    {
        Box::pin(async move {
            let parties = view.parties(&name);
            join_all(parties.iter().map(|party| async {
                let answer =
                    self.ask_one::<K>(view, party, name.clone(), budget, aliases_left).await;
                SourceAnswer { source: party.source, answer }
            }))
            .await
        })
    }

    /// One server's word, along the aliases. Where they lead out of its zone, everybody who is
    /// responsible there is asked, and what they say together ends this server's answer.
    async fn ask_one<K>(
        &self,
        view: &View,
        party: &Party,
        mut name: WireName,
        budget: &Budget,
        aliases_left: usize,
    ) -> LookupAnswer<K::Value>
    where
        K: RecordKind + Send + Sync,
        K::Value: Send + Sync,
    {
        let mut so_far: Option<Way> = None;
        loop {
            let used = so_far.as_ref().map_or(0, |way| way.aliases.len());
            let Some(left) = aliases_left.checked_sub(used) else {
                return ended(so_far, failed(LookupFailure::TooManyAliases));
            };
            if !view.is_responsible(party, &name) {
                let answers = self.ask_all::<K>(view, name, budget, left).await;
                return ended(so_far, settle(&answers));
            }
            if !budget.spend() {
                return ended(so_far, failed(LookupFailure::TooManyQuestions));
            }
            let query = || {
                let id = (self.ids)()?;
                Some(question::<K>(party, id, name.clone()))
            };
            let server = party.source.server;
            let read = |octets: &[u8], query: &Query| hear::<K>(octets, query, party);
            match exchange(server, &self.limits, self.channel.as_deref(), query, read).await {
                Ok(Reply::Answer(answer)) => return ended(so_far, answer),
                Ok(Reply::Follow(way)) => {
                    name = way.target.clone();
                    so_far = Some(continued(so_far, way));
                }
                // `exchange` keeps these two to itself; if it did not, there would be no answer.
                Ok(Reply::Truncated | Reply::NotOurs) => {
                    return ended(so_far, failed(LookupFailure::Malformed));
                }
                Err(failure) => return ended(so_far, failed(failure)),
            }
        }
    }
}

fn hear<K: RecordKind>(octets: &[u8], query: &Query, party: &Party) -> Heard<Reply<K::Value>> {
    match read_reply::<K>(octets, query, party.speaker()) {
        Reply::Truncated => Heard::Truncated,
        Reply::NotOurs => Heard::NotOurs,
        reply @ (Reply::Answer(_) | Reply::Follow(_)) => Heard::Answer(reply),
    }
}

fn question<K: RecordKind>(party: &Party, id: u16, name: WireName) -> Query {
    match party.standing {
        Standing::Resolver(_) => Query::to_resolver(id, name, K::TYPE),
        Standing::Authority(_) => Query::to_authority(id, name, K::TYPE),
    }
}

const fn failed<R>(failure: LookupFailure) -> LookupAnswer<R> {
    LookupAnswer::Failed { failure, aliases: Vec::new() }
}

fn continued(so_far: Option<Way>, next: Way) -> Way {
    match so_far {
        None => next,
        Some(way) => Way {
            target: next.target,
            aliases: joined(way.aliases, next.aliases),
            ttl_seconds: way.ttl_seconds.min(next.ttl_seconds),
            proof: way.proof.min(next.proof),
        },
    }
}

/// An answer at the end of a way: the aliases in front, the lowest TTL, the weakest proof.
fn ended<R>(so_far: Option<Way>, answer: LookupAnswer<R>) -> LookupAnswer<R> {
    let Some(way) = so_far else { return answer };
    let empty = |rest: Empty| Empty {
        ttl_seconds: rest.ttl_seconds.map(|ttl| ttl.min(way.ttl_seconds)),
        proof: rest.proof.min(way.proof),
        aliases: joined(way.aliases.clone(), rest.aliases),
    };
    match answer {
        LookupAnswer::Records(found) => LookupAnswer::Records(Found {
            records: found.records,
            ttl_seconds: found.ttl_seconds.min(way.ttl_seconds),
            proof: found.proof.min(way.proof),
            aliases: joined(way.aliases, found.aliases),
        }),
        LookupAnswer::NoData(rest) => LookupAnswer::NoData(empty(rest)),
        LookupAnswer::NxDomain(rest) => LookupAnswer::NxDomain(empty(rest)),
        LookupAnswer::Failed { failure, aliases } => {
            LookupAnswer::Failed { failure, aliases: joined(way.aliases, aliases) }
        }
        delegated @ LookupAnswer::Delegated { .. } => delegated,
    }
}

fn joined(mut front: Vec<Alias>, back: Vec<Alias>) -> Vec<Alias> {
    front.extend(back);
    front
}
