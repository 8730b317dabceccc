//! Opens an installation as a start does, without listeners.

use std::net::SocketAddr;
use std::path::Path;

use bailiwick_connect::validate::Network;

use crate::app::Ways;
use crate::app::start::{Opened, Options};
use crate::app::start_token::TokenOptions;
use crate::settings::Settings;
use crate::world::World;

/// Opens the data folder as a start does.
pub(in crate::drive::faults) async fn open(data: &Path) -> Opened {
    open_in(data, None, World::system()).await
}

/// The same with another estate folder in another world.
pub(in crate::drive::faults) async fn open_in(
    data: &Path,
    estate: Option<&Path>,
    world: World,
) -> Opened {
    open_at(data, estate, world, "127.0.0.1:0".parse().unwrap()).await
}

/// The same with the lab's DNS at an address.
pub(in crate::drive::faults) async fn open_at(
    data: &Path,
    estate: Option<&Path>,
    world: World,
    lab_dns: SocketAddr,
) -> Opened {
    open_with(data, estate, world, (lab_dns, Vec::new(), Ways::default())).await
}

/// The same from where notices leave.
pub(in crate::drive::faults) async fn open_telling(
    data: &Path,
    world: World,
    ways: Ways,
) -> Opened {
    let (nowhere, loopback) = ("127.0.0.1:0".parse().unwrap(), Network::parse("127.0.0.0/8"));
    open_with(data, None, world, (nowhere, vec![loopback.unwrap()], ways)).await
}

/// The same where a network may be reached although it is private.
pub(in crate::drive::faults) async fn open_allowing(data: &Path, network: &str) -> Opened {
    let network = Network::parse(network).unwrap();
    let nowhere = "127.0.0.1:0".parse().unwrap();
    open_with(data, None, World::system(), (nowhere, vec![network], Ways::default())).await
}

async fn open_with(
    data: &Path,
    estate: Option<&Path>,
    world: World,
    (lab_dns, allowed_networks, ways): (SocketAddr, Vec<Network>, Ways),
) -> Opened {
    let nowhere = "127.0.0.1:0".parse().unwrap();
    let options = Options {
        data: data.to_path_buf(),
        restored: false,
        estate: estate.map(Path::to_path_buf),
        given: None,
        lab: true,
        database: None,
        listen: nowhere,
        listen_http: nowhere,
        listen_notify: None,
        base_url: None,
        http_url: None,
        resolver: None,
        http01_port: None,
        tls_alpn01_port: None,
        terms_of_service: None,
        limit: Vec::new(),
        allow_network: Vec::new(),
        envelope_unused_days: 30,
        watch_seconds: 0,
        rdap: None,
        notices: crate::app::NoticeOptions::default(),
        lab_dns,
        token: TokenOptions::default(),
    };
    let settings = Settings {
        data: data.to_path_buf(),
        base_url: "https://localhost:7443".to_owned(),
        http_url: "http://localhost:7480".to_owned(),
        https: nowhere,
        http: nowhere,
        http01_port: 7402,
        tls_alpn01_port: 7401,
        terms_of_service: None,
        limits: crate::limits::Limits::default(),
        allowed_networks,
        envelope_unused_days: 30,
        watch: None,
        rdap: None,
        ways,
        lab: true,
    };
    Opened::with(&options, settings, world).await.unwrap()
}
