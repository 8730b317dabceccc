//! Who is asked for which name.

use std::net::{IpAddr, SocketAddr};

use bailiwick_core::caa::{PrivateTlds, Source, SourceRole};
use bailiwick_core::names::ZoneName;
use bailiwick_wire::dns::{Speaker, WireName};

/// One way to look at the DNS: a resolver, or the servers of zones asked directly, or both.
///
/// A name inside a listed zone is asked at every server of the deepest such zone, and at the
/// resolver too if there is one; any other name at the resolver alone. Without one it has no answer.
#[derive(Clone, Debug)]
pub struct View {
    /// Resolves and, if trusted to, validates.
    pub resolver: Option<Resolver>,
    /// Zones whose servers are asked directly. A zone delegated out of a listed one must be listed
    /// itself, or it is the resolver's.
    pub authorities: Vec<(ZoneName, Vec<SocketAddr>)>,
    /// Top-level domains that need not exist.
    pub private_tlds: PrivateTlds,
}

/// A recursive resolver.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Resolver {
    /// Where it listens.
    pub server: SocketAddr,
    /// Whether its word on DNSSEC is believed.
    pub trust: ResolverTrust,
}

/// Whether a resolver's word on DNSSEC is believed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ResolverTrust {
    /// It validates, and nobody between it and us can change its answers (RFC 4035, section 4.9.3).
    Validates,
    /// It does not validate, or it is not known to.
    Unproven,
}

/// The file in which a Unix system names its resolvers.
const RESOLV_CONF: &str = "/etc/resolv.conf";
const DNS_PORT: u16 = 53;

impl Resolver {
    /// The first resolver that the system uses. It counts as validating only if the system says so
    /// itself, with `options trust-ad` (resolv.conf(5)).
    #[must_use]
    pub fn of_system() -> Option<Self> {
        std::fs::read_to_string(RESOLV_CONF).ok().and_then(|text| Self::of_resolv_conf(&text))
    }

    fn of_resolv_conf(text: &str) -> Option<Self> {
        let lines = || text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let server = lines().find_map(|words| match words.as_slice() {
            ["nameserver", address, ..] => address.parse::<IpAddr>().ok(),
            _ => None,
        })?;
        let trusts = lines().any(|words| {
            matches!(words.split_first(), Some((&"options", rest)) if rest.contains(&"trust-ad"))
        });
        let trust = if trusts { ResolverTrust::Validates } else { ResolverTrust::Unproven };
        Some(Self { server: SocketAddr::new(server, DNS_PORT), trust })
    }
}

/// One server to ask, and for what.
#[derive(Clone, Debug)]
pub(super) struct Party {
    pub(super) source: Source,
    /// The zone it serves, or how far a resolver is believed.
    pub(super) standing: Standing,
}

#[derive(Clone, Debug)]
pub(super) enum Standing {
    Resolver(ResolverTrust),
    Authority(WireName),
}

impl Party {
    pub(super) const fn speaker(&self) -> Speaker<'_> {
        match &self.standing {
            Standing::Resolver(ResolverTrust::Validates) => Speaker::Resolver { validates: true },
            Standing::Resolver(ResolverTrust::Unproven) => Speaker::Resolver { validates: false },
            Standing::Authority(zone) => Speaker::Authority { zone },
        }
    }
}

impl View {
    /// A view through one resolver.
    #[must_use]
    pub fn of_resolver(resolver: Resolver) -> Self {
        Self {
            resolver: Some(resolver),
            authorities: Vec::new(),
            private_tlds: PrivateTlds::reserved(),
        }
    }

    /// Everybody who is responsible for a name.
    pub(super) fn parties(&self, name: &WireName) -> Vec<Party> {
        let authorities = self.zone_around(name).into_iter().flat_map(|(zone, servers)| {
            servers.iter().map(move |server| Party {
                source: Source { role: SourceRole::Authority, server: *server },
                standing: Standing::Authority(zone.clone()),
            })
        });
        let resolver = self.resolver.iter().map(|resolver| Party {
            source: Source { role: SourceRole::Resolver, server: resolver.server },
            standing: Standing::Resolver(resolver.trust),
        });
        authorities.chain(resolver).collect()
    }

    /// Whether a party is one of those to ask for a name.
    pub(super) fn is_responsible(&self, party: &Party, name: &WireName) -> bool {
        match &party.standing {
            Standing::Resolver(_) => true,
            Standing::Authority(zone) => {
                self.zone_around(name).is_some_and(|(around, _)| around == *zone)
            }
        }
    }

    /// The deepest listed zone around a name. A zone listed without servers still counts: it has
    /// nobody to ask, so its names have no answer from the zones above it.
    fn zone_around(&self, name: &WireName) -> Option<(WireName, &[SocketAddr])> {
        self.authorities
            .iter()
            .map(|(zone, servers)| (WireName::from(zone), servers.as_slice()))
            .filter(|(zone, _)| name.is_at_or_below(zone))
            .max_by_key(|(zone, _)| zone.labels().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_core::names::DnsName;

    #[test]
    fn the_system_resolver_validates_only_if_the_system_says_so() {
        let read = |text| Resolver::of_resolv_conf(text).map(|r| (r.server.to_string(), r.trust));
        let plain = "# comment\nsearch example\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n";
        assert_eq!(read(plain), Some(("192.0.2.1:53".to_owned(), ResolverTrust::Unproven)));
        let trusted = "nameserver ::1\noptions edns0 trust-ad\n";
        assert_eq!(read(trusted), Some(("[::1]:53".to_owned(), ResolverTrust::Validates)));
        assert_eq!(read("nameserver resolver.example\n"), None);
    }

    #[test]
    fn the_deepest_listed_zone_answers_for_a_name() {
        let zone = |text| ZoneName::parse(text).unwrap();
        let server = |last| SocketAddr::from(([192, 0, 2, last], 53));
        let view = View {
            resolver: None,
            authorities: vec![
                (zone("shop.example"), vec![server(1), server(2)]),
                (zone("dept.shop.example"), vec![server(3)]),
            ],
            private_tlds: PrivateTlds::reserved(),
        };
        let asked = |name| -> Vec<SocketAddr> {
            let name = WireName::from(&DnsName::parse(name).unwrap());
            view.parties(&name).iter().map(|party| party.source.server).collect()
        };
        assert_eq!(asked("www.shop.example"), [server(1), server(2)]);
        assert_eq!(asked("a.dept.shop.example"), [server(3)]);
        assert_eq!(asked("dept.shop.example"), [server(3)]);
        assert_eq!(asked("badshop.example"), []);
        assert_eq!(asked("example"), []);
    }
}
