//! The estates that are measured: the lab's, and one whose service owns every name below a zone.

use std::net::SocketAddr;
use std::path::Path;

use bailiwick_core::estate::Estate;
use bailiwick_core::time::Time;

use super::fault::NotMeasured;

/// What both hold.
const SHARED: [(&str, &str); 5] = [
    ("organisation.toml", include_str!("../../../../estates/lab/organisation.toml")),
    ("people.toml", include_str!("../../../../estates/lab/people.toml")),
    ("teams.toml", include_str!("../../../../estates/lab/teams.toml")),
    ("issuers.toml", include_str!("../../../../estates/lab/issuers.toml")),
    ("profiles.toml", include_str!("../../../../estates/lab/profiles.toml")),
];

/// What the lab's has for itself.
const LAB: [(&str, &str); 5] = [
    ("policies/payments.cedar", include_str!("../../../../estates/lab/policies/payments.cedar")),
    ("services/pay-api.toml", include_str!("../../../../estates/lab/services/pay-api.toml")),
    ("services/shop-web.toml", include_str!("../../../../estates/lab/services/shop-web.toml")),
    ("zones/pay.example.toml", include_str!("../../../../estates/lab/zones/pay.example.toml")),
    ("zones/shop.example.toml", include_str!("../../../../estates/lab/zones/shop.example.toml")),
];

/// The apex of the zone of orders.
pub(super) const ZONE: &str = "bench.example";
/// Its records: every name below it is here.
pub(super) const RECORDS: &str = include_str!("estate/bench.example.zone");
/// The service of orders.
pub(super) const SERVICE: &str = "bench";
/// Somebody who answers for it.
pub(super) const PERSON: &str = "sam";

/// The lab's estate, but for its internal zone.
pub(super) fn lab() -> Result<Estate, NotMeasured> {
    let owned = |(path, text): (&str, &str)| (path.to_owned(), text.to_owned());
    let files: Vec<(String, String)> = SHARED.into_iter().chain(LAB).map(owned).collect();
    bailiwick_wire::estate::read(&files).map_err(|problems| {
        NotMeasured::Estate(bailiwick_wire::estate::render_problems(&problems, &files))
    })
}

/// Writes the folder of the estate of orders: its zone is served at `dns`, and the ownership of its
/// service was confirmed at `confirmed`.
pub(super) fn write_orders(
    folder: &Path,
    dns: SocketAddr,
    confirmed: Time,
) -> Result<(), NotMeasured> {
    let service = include_str!("estate/service.toml");
    let zone = include_str!("estate/zone.toml");
    let own = [
        (
            "service.toml",
            format!("{service}\n[ownership]\nverified = {confirmed}\nby = \"{PERSON}\"\n"),
        ),
        ("zone.toml", format!("servers = [\"{dns}\"]\n{zone}")),
    ];
    let places = [folder.join("services"), folder.join("zones")];
    let write = || -> std::io::Result<()> {
        for (path, text) in SHARED {
            std::fs::write(folder.join(path), text)?;
        }
        for (place, (path, text)) in places.iter().zip(&own) {
            std::fs::create_dir_all(place)?;
            std::fs::write(place.join(path), text)?;
        }
        Ok(())
    };
    std::fs::create_dir_all(folder)
        .and_then(|()| write())
        .map_err(NotMeasured::system("the estate of the measure cannot be written"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estates_have_no_problem() {
        assert!(lab().unwrap().services.len() == 2);
        let world = crate::world::World::system();
        let folder = super::super::folder::Folder::new(&world).unwrap();
        let dns = SocketAddr::from(([127, 0, 0, 1], 5300));
        write_orders(folder.path(), dns, Time::parse("2026-11-22T10:00:00.250Z").unwrap()).unwrap();
        let files = crate::app::read_folder(folder.path()).unwrap();
        let estate = bailiwick_wire::estate::read(&files)
            .map_err(|problems| bailiwick_wire::estate::render_problems(&problems, &files))
            .unwrap();
        assert_eq!(estate.zones.len(), 1);
        assert!(estate.services.values().all(|service| service.ownership.is_some()));
    }
}
