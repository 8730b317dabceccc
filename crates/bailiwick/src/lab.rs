//! The lab of `up --lab`: a small fictional organisation with its people, zones and DNS, so that
//! everything can be tried on one machine without touching anything real.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use bailiwick_connect::lab_dns::{LabDns, LabZones};
use bailiwick_core::actor::{Actor, Component, SignedIn};
use bailiwick_core::names::{PersonId, ZoneName};
use bailiwick_core::policy::Access;
use bailiwick_core::time::DAY_MS;

use crate::app::start::{NotStarted, Options};
use crate::app::{App, TokenWish};
use crate::fault::Fault;
use crate::settings::Settings;
use crate::world::World;

/// The lab's estate, as it lies in `estates/lab`.
const ESTATE: &[(&str, &str)] = &[
    ("organisation.toml", include_str!("../../../estates/lab/organisation.toml")),
    ("people.toml", include_str!("../../../estates/lab/people.toml")),
    ("teams.toml", include_str!("../../../estates/lab/teams.toml")),
    ("issuers.toml", include_str!("../../../estates/lab/issuers.toml")),
    ("profiles.toml", include_str!("../../../estates/lab/profiles.toml")),
    ("policies/payments.cedar", include_str!("../../../estates/lab/policies/payments.cedar")),
    ("services/intranet.toml", include_str!("../../../estates/lab/services/intranet.toml")),
    ("services/pay-api.toml", include_str!("../../../estates/lab/services/pay-api.toml")),
    ("services/shop-web.toml", include_str!("../../../estates/lab/services/shop-web.toml")),
    (
        "zones/corp.example.internal.toml",
        include_str!("../../../estates/lab/zones/corp.example.internal.toml"),
    ),
    ("zones/pay.example.toml", include_str!("../../../estates/lab/zones/pay.example.toml")),
    ("zones/shop.example.toml", include_str!("../../../estates/lab/zones/shop.example.toml")),
];

/// The lab's zones as master files; `{caa}` is where the intended CAA set goes.
const ZONES: &[(&str, &str)] = &[
    ("shop.example", include_str!("lab/shop.example.zone")),
    ("pay.example", include_str!("lab/pay.example.zone")),
    ("corp.example", include_str!("lab/corp.example.zone")),
];

/// How long the lab's tokens last.
const TOKEN_MS: i64 = 7 * DAY_MS;

/// A running lab.
pub(crate) struct Lab {
    dns: LabDns,
    people: Vec<LabPerson>,
}

/// One of the lab's people, ready to be played.
struct LabPerson {
    id: PersonId,
    name: String,
    link: String,
}

impl Lab {
    /// Starts the lab's DNS.
    pub(crate) async fn start(options: &Options, _: &World) -> Result<Self, NotStarted> {
        let zones: Vec<(ZoneName, String)> = ZONES
            .iter()
            .filter_map(|(name, text)| {
                ZoneName::parse(name).ok().map(|zone| (zone, (*text).to_owned()))
            })
            .collect();
        let dns = LabDns::start(options.lab_dns, &zones)
            .await
            .map_err(|cause| NotStarted::Keys(cause.to_string()))?;
        Ok(Self { dns, people: Vec::new() })
    }

    /// The lab's estate folder. Its zones are served by the lab's own DNS, wherever that listens.
    pub(crate) fn estate_files(&self) -> Vec<(String, String)> {
        let file = |(path, text): &(&str, &str)| {
            let text = if path.starts_with("zones/") {
                format!("servers = [\"{}\"]\n{text}", self.dns())
            } else {
                (*text).to_owned()
            };
            ((*path).to_owned(), text)
        };
        ESTATE.iter().map(file).collect()
    }

    /// The zones of the lab's DNS, to be edited.
    pub(crate) fn zones(&self) -> LabZones {
        self.dns.zones()
    }

    /// Where the lab's DNS listens.
    pub(crate) const fn dns(&self) -> SocketAddr {
        self.dns.address()
    }

    /// Makes a sign-in link and a token for each person, so that one reader can play them all. Only
    /// the lab does this: elsewhere nobody holds two people's sign-ins.
    pub(crate) async fn people(&mut self, app: &Arc<App>) -> Result<(), NotStarted> {
        let by = Actor::Component(Component::Lab);
        let live = app.live.get();
        let all: BTreeSet<Access> = Access::ALL.iter().copied().collect();
        for (id, person) in &live.estate().people {
            let link = app.make_link(&by, id).await?;
            let holder = SignedIn::alone(id.clone());
            let wish = TokenWish {
                allows: &all,
                services: None,
                lifetime_ms: TOKEN_MS,
                purpose: "the lab, for --as",
                made_with: None,
            };
            let token = app.make_token(&by, &holder, &wish).await?;
            keep(&app.settings, id, &token.secret)?;
            self.people.push(LabPerson {
                id: id.clone(),
                name: person.name.clone(),
                link: link.url,
            });
        }
        Ok(())
    }

    /// For programs.
    pub(crate) fn json(&self) -> serde_json::Value {
        let people: serde_json::Map<String, serde_json::Value> = self
            .people
            .iter()
            .map(|person| (person.id.to_string(), person.link.clone().into()))
            .collect();
        serde_json::json!({ "dns": self.dns().to_string(), "links": people })
    }

    /// For a person.
    pub(crate) fn welcome(&self, settings: &Settings) -> String {
        let mut text = format!(
            "\nThis is the lab: nothing here is real. Its DNS answers at {} and http-01 asks port {}.\n\
             Play its people with `--as NAME` on the command line, or sign in to the console:\n\n",
            self.dns(),
            settings.http01_port
        );
        for person in &self.people {
            text.push_str(&format!(
                "  {:<6} {:<12} {}\n",
                person.id.as_str(),
                person.name,
                person.link
            ));
        }
        text
    }
}

/// Nobody: named where an estate has neither administrator nor control owner, which `estate check`
/// does not let through.
pub(crate) fn nobody() -> PersonId {
    #[expect(clippy::unwrap_used, reason = "a constant that parses; the test below shows it")]
    PersonId::parse("nobody").unwrap()
}

fn keep(settings: &Settings, person: &PersonId, secret: &str) -> Result<(), Fault> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let folder = settings.data.join("lab");
    let file = folder.join(format!("{person}.token"));
    let write = || {
        std::fs::create_dir_all(&folder)?;
        let mut open = std::fs::OpenOptions::new();
        open.create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&file)?
            .write_all(secret.as_bytes())
    };
    write().map_err(|cause: std::io::Error| Fault::Busy {
        message: format!("`{}` cannot be written: {cause}", file.display()),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn nobody_is_a_person_id() {
        assert_eq!(super::nobody().as_str(), "nobody");
    }
}
