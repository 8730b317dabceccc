//! One zone on a primary that takes edits, and on two secondaries that transfer it.

use std::net::SocketAddr;
use std::time::Duration;

use crate::harness::bind::Bind;
use crate::harness::dig;
use crate::harness::knot::Knot;
use crate::harness::place::Port;
use crate::harness::powerdns::{API_KEY, PowerDns};
use crate::harness::secondary::Secondary;
use crate::harness::zone::Zone;

/// Which software the primary is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Bind,
    Knot,
    PowerDns,
}

enum Primary {
    Bind(Bind),
    Knot(Knot),
    PowerDns(PowerDns),
}

/// Fields are dropped in order.
pub(super) struct Servers {
    secondaries: [Secondary; 2],
    primary: Primary,
}

impl Servers {
    /// Serves `zone` with this text at the primary; returns when all three do.
    pub(super) fn start(kind: Kind, zone: &str, text: &str) -> Self {
        let zones = [Zone::verbatim(zone, text).updatable()];
        let ports = [Port::free(), Port::free()];
        let tells = ports.each_ref().map(Port::address);
        let primary = match kind {
            Kind::Bind => Primary::Bind(Bind::with_secondaries(&zones, 0, &tells).0),
            Kind::Knot => Primary::Knot(Knot::telling(&zones, &tells)),
            Kind::PowerDns => Primary::PowerDns(PowerDns::start(&zones)),
        };
        let (at, key) = match &primary {
            Primary::Bind(bind) => (bind.address(), Some(bind.key())),
            Primary::Knot(knot) => (knot.address(), Some(knot.key())),
            Primary::PowerDns(powerdns) => (powerdns.address(), None),
        };
        let secondaries = ports.map(|port| Secondary::start_on(port, at, key.cloned(), zone));
        Self { secondaries, primary }
    }

    /// The way in, as it stands in the zone's file.
    pub(super) fn connector(&self) -> String {
        let update = |server: SocketAddr, key: &str| {
            format!("kind = \"rfc2136\"\nserver = \"{server}\"\nkey = \"{key}\"")
        };
        match &self.primary {
            Primary::Bind(bind) => update(bind.address(), &bind.key().name),
            Primary::Knot(knot) => update(knot.address(), &knot.key().name),
            Primary::PowerDns(it) => format!("kind = \"powerdns\"\nurl = \"{}\"", it.url()),
        }
    }

    /// What opens it.
    pub(super) fn secret(&self) -> &str {
        match &self.primary {
            Primary::Bind(bind) => &bind.key().secret,
            Primary::Knot(knot) => &knot.key().secret,
            Primary::PowerDns(_) => API_KEY,
        }
    }

    /// Where the three listen, the primary first.
    pub(super) fn addresses(&self) -> [SocketAddr; 3] {
        let primary = match &self.primary {
            Primary::Bind(bind) => bind.address(),
            Primary::Knot(knot) => knot.address(),
            Primary::PowerDns(powerdns) => powerdns.address(),
        };
        let [one, other] = self.secondaries.each_ref().map(Secondary::address);
        [primary, one, other]
    }

    /// Somebody edits the zone past us (BIND).
    pub(super) fn edited(&self, zone: &str, commands: &str) {
        let Primary::Bind(bind) = &self.primary else { panic!("a story of BIND") };
        bind.update(zone, commands).expect_success();
    }

    /// The serial of the primary.
    pub(super) fn serial(&self, zone: &str) -> String {
        let [primary, ..] = self.addresses();
        dig::ask(primary, zone, "SOA").expect("an answer").data("SOA").join("")
    }

    /// The second secondary takes questions and answers none.
    pub(super) fn silence_last(&self) {
        if let Some(last) = self.secondaries.last() {
            last.fall_silent();
        }
    }

    /// What every server answers, sorted; they have to agree within ten seconds.
    pub(super) fn agreed(&self, kind: &str, name: &str) -> Vec<String> {
        let end = std::time::Instant::now() + Duration::from_secs(10);
        loop {
            let all: Vec<Vec<String>> = self
                .addresses()
                .into_iter()
                .map(|at| {
                    let mut data =
                        dig::ask(at, name, kind).map_or_else(Vec::new, |it| it.data(kind));
                    data.sort();
                    data
                })
                .collect();
            if all.iter().all(|one| Some(one) == all.first()) {
                return all.into_iter().next().unwrap_or_default();
            }
            assert!(std::time::Instant::now() < end, "{name} {kind}: they differ: {all:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
