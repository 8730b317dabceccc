//! Full ACME orders a second against a server process of its own, over HTTPS and http-01.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bailiwick_connect::lab_dns::LabDns;
use bailiwick_core::names::ZoneName;
use bailiwick_core::time::{SECOND_MS, Time};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::client::{self, Account, Acme, Binding};
use super::estates;
use super::fault::NotMeasured;
use super::figure::Figure;
use super::folder::Folder;
use super::order::order;
use super::process::{Cpu, Process};
use super::responder::Responder;
use super::samples::Samples;
use super::server::Server;
use crate::world::World;

/// Clients at once, and each has an account.
const CLIENTS: [u32; 2] = [16, 64];
const CLIENTS_MAX: usize = 64;
/// Orders before counting begins, and orders counted at most.
const WARM_UP: u32 = 64;
const ORDERS_MAX: u32 = 4_000;
/// How long orders are placed at most.
const EACH: Duration = Duration::from_secs(20);
/// Clients of the long run; its stretches at least, and the orders of one at most.
const CLIENTS_LONG: u32 = 16;
const STRETCHES_MIN: u32 = 20;
const STRETCH_ORDERS_MAX: u32 = 10_000;
/// How long one stretch may take.
const STRETCH_MAX: Duration = Duration::from_secs(4 * 3_600);
/// How much longer the last of them may take.
const LAST_WITHIN: Duration = Duration::from_secs(40);
/// The ownership of the service is confirmed so long after now: the policy counts a confirmation
/// only by the owners in force, and they are in force once the server has started.
const CONFIRMED_AFTER_MS: i64 = 8 * SECOND_MS;

/// Everything that orders need beside their accounts.
struct Bench {
    server: Server,
    _dns: LabDns,
    responder: Responder,
    next: AtomicU32,
}

/// Every figure about orders.
pub(super) async fn measure(folder: &Folder, world: &World) -> Result<Vec<Figure>, NotMeasured> {
    let (bench, mut accounts) = start(folder, world).await?;
    let mut figures = Vec::new();
    for clients in CLIENTS {
        let count = usize::try_from(clients).unwrap_or(usize::MAX);
        let rest = accounts.split_off(count.min(accounts.len()));
        let (of, back) = load(&bench, clients, accounts).await?;
        figures.extend(of);
        accounts = back;
        accounts.extend(rest);
    }
    let peak = bench.server.process().memory_peak_mib().unwrap_or(f64::NAN);
    figures.push(
        Figure::new("memory, most under that load", peak, "MiB")
            .how("resident, of the server alone"),
    );
    Ok(figures)
}

/// Very many orders on one server, in stretches: whether its memory, and what an order costs, stay as
/// they were when it had few.
pub(super) async fn measure_long(
    folder: &Folder,
    world: &World,
    orders: u32,
) -> Result<Vec<Figure>, NotMeasured> {
    let (bench, mut accounts) = start(folder, world).await?;
    let clients = usize::try_from(CLIENTS_LONG).unwrap_or(usize::MAX);
    accounts.truncate(clients);
    let (mut figures, mut placed) = (Vec::new(), 0_u32);
    let stretch = orders.div_ceil(STRETCHES_MIN).clamp(1, STRETCH_ORDERS_MAX);
    while placed < orders {
        let bound = Bound { orders: stretch.min(orders - placed), within: STRETCH_MAX };
        let server = bench.server.process();
        let (cpu, disk) = (server.cpu_seconds(), server.written_kib());
        let ran = run(&bench, accounts, bound).await?;
        placed = placed.saturating_add(bound.orders);
        accounts = ran.accounts;
        let samples = ran.samples;
        let spent = |before: Option<f64>, now: Option<f64>| {
            before.zip(now).map_or(f64::NAN, |(before, now)| samples.each(now - before))
        };
        let written = spent(disk, server.written_kib());
        let stored = folder.stored_kib("orders")?;
        let figure = Figure::new(
            format!("memory after {placed} orders"),
            server.memory_mib().unwrap_or(f64::NAN),
            "MiB",
        )
        .took(samples.percentile(50), samples.percentile(99))
        .cpu(spent(cpu, server.cpu_seconds()) * 1e6)
        .how(format!(
            "{:.0} orders a second, {written:.1} KiB written for each; the store has {:.1} MiB, {:.1} KiB for each order",
            samples.per_second(),
            stored / 1_024.0,
            stored / f64::from(placed.saturating_add(WARM_UP)),
        ));
        figure.tell();
        figures.push(figure);
    }
    bench.server_stops().await?;
    Ok(figures)
}

impl Bench {
    /// Stops the server; the rest is dropped.
    async fn server_stops(self: Arc<Self>) -> Result<(), NotMeasured> {
        match Arc::into_inner(self) {
            Some(bench) => bench.server.stop().await,
            None => Ok(()),
        }
    }
}

/// A server of the measure, and the DNS of its zone.
pub(super) struct Served {
    /// The server.
    pub(super) server: Server,
    /// Serves as long as this lives.
    pub(super) dns: LabDns,
}

/// Starts a server for orders of names that answer http-01 on this port. From the moment that comes with it
/// on, the owner of its service counts as confirmed.
pub(super) async fn begin(
    folder: &Folder,
    world: &World,
    http01_port: u16,
) -> Result<(Served, Time), NotMeasured> {
    let zone = ZoneName::parse(estates::ZONE).map_err(|_| NotMeasured::Constant(estates::ZONE))?;
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let dns = LabDns::start(any, &[(zone, estates::RECORDS.to_owned())]).await?;
    let estate = folder.at("estate");
    let confirmed = world.now().plus_ms(CONFIRMED_AFTER_MS);
    estates::write_orders(&estate, dns.address(), confirmed)?;
    let args = [
        "--estate".to_owned(),
        estate.display().to_string(),
        "--http01-port".to_owned(),
        http01_port.to_string(),
    ];
    let server = Server::start(&folder.at("orders"), &args).await?;
    Ok((Served { server, dns }, confirmed))
}

/// Waits until the owner counts as confirmed.
pub(super) async fn wait_for_owner(world: &World, confirmed: Time) {
    let early = confirmed.ms_since(world.now());
    tokio::time::sleep(Duration::from_millis(u64::try_from(early).unwrap_or(0))).await;
}

/// Starts a server with an account for each client, and places orders until it is warm.
async fn start(folder: &Folder, world: &World) -> Result<(Arc<Bench>, Vec<Account>), NotMeasured> {
    let responder = Responder::start().await?;
    let (Served { server, dns }, confirmed) = begin(folder, world, responder.port()).await?;
    let accounts = register(&server).await?;
    wait_for_owner(world, confirmed).await;
    let bench = Arc::new(Bench { server, _dns: dns, responder, next: AtomicU32::new(0) });
    let warm = run(&bench, accounts, Bound { orders: WARM_UP, within: EACH }).await?;
    Ok((bench, warm.accounts))
}

/// A client that reaches the server, and trusts it.
fn reach(server: &Server) -> Result<reqwest::Client, NotMeasured> {
    let address = server.announced("https_address")?.parse();
    let address = address.map_err(|_| NotMeasured::Constant("the server's address"))?;
    client::http(&read(server.announced("trust")?.as_ref())?, address)
}

fn read(path: &Path) -> Result<Vec<u8>, NotMeasured> {
    std::fs::read(path).map_err(NotMeasured::system("a file of the server cannot be read"))
}

/// Fresh credentials, each for one account.
pub(super) async fn credentials<const N: usize>(
    server: &Server,
) -> Result<[Binding; N], NotMeasured> {
    let http = reach(server)?;
    let data = Path::new(server.announced("data")?);
    let token = read(&data.join("lab").join(format!("{}.token", estates::PERSON)))?;
    let token = String::from_utf8_lossy(&token).trim().to_owned();
    let place = format!("{}/api/v1/credentials", server.announced("https")?);
    let mut all = Vec::with_capacity(N);
    for _ in 0..N {
        let wish = json!({ "service": estates::SERVICE });
        let request = http.post(&place).bearer_auth(&token).json(&wish);
        let answer = client::read("a credential", request).await?;
        let body = answer.json()?;
        let text = |field: &str| body.get(field).and_then(Value::as_str).map(str::to_owned);
        let binding = text("kid").zip(text("hmac_key"));
        let (kid, hmac_key) = binding.ok_or_else(|| answer.unexpected())?;
        all.push(Binding { kid, hmac_key });
    }
    all.try_into().map_err(|_| NotMeasured::Constant("the number of credentials"))
}

/// Registers an account for each client, each with a credential of its own.
async fn register(server: &Server) -> Result<Vec<Account>, NotMeasured> {
    let acme = Acme::open(reach(server)?, server.announced("directory")?).await?;
    let mut accounts = Vec::new();
    for binding in credentials::<CLIENTS_MAX>(server).await? {
        accounts.push(Account::register(acme.clone(), &binding).await?);
    }
    Ok(accounts)
}

/// How many orders, and for how long they are placed.
#[derive(Clone, Copy)]
struct Bound {
    orders: u32,
    within: Duration,
}

/// What came of a run.
struct Ran {
    samples: Samples,
    early: u32,
    accounts: Vec<Account>,
}

/// Each account orders one certificate after the other.
async fn run(bench: &Arc<Bench>, accounts: Vec<Account>, bound: Bound) -> Result<Ran, NotMeasured> {
    let began = Instant::now();
    let last = bench.next.load(Ordering::Relaxed).saturating_add(bound.orders);
    let mut clients = JoinSet::new();
    for mut account in accounts {
        let bench = Arc::clone(bench);
        clients.spawn(async move {
            let (mut each, mut early) = (Vec::new(), 0_u32);
            while began.elapsed() < bound.within {
                let number = bench.next.fetch_add(1, Ordering::Relaxed);
                if number >= last {
                    break;
                }
                let name = format!("n{number}.{}", estates::ZONE);
                let at = Instant::now();
                early = early.saturating_add(order(&mut account, &bench.responder, &name).await?);
                each.push(at.elapsed());
            }
            Ok::<_, NotMeasured>((each, early, account))
        });
    }
    let (mut all, mut early, mut accounts) = (Vec::new(), 0_u32, Vec::new());
    let gather = async {
        while let Some(ended) = clients.join_next().await {
            let ended = ended.map_err(|_| NotMeasured::TooLong { what: "a client" })?;
            let (each, too_early, account) = ended?;
            all.extend(each);
            early = early.saturating_add(too_early);
            accounts.push(account);
        }
        Ok::<_, NotMeasured>(())
    };
    timeout(bound.within.saturating_add(LAST_WITHIN), gather)
        .await
        .map_err(|_| NotMeasured::TooLong { what: "an order" })??;
    let samples = Samples::new(all, began.elapsed());
    Ok(Ran { samples, early, accounts })
}

/// One load, with what the server used for it.
async fn load(
    bench: &Arc<Bench>,
    clients: u32,
    accounts: Vec<Account>,
) -> Result<(Vec<Figure>, Vec<Account>), NotMeasured> {
    let server = bench.server.process();
    let used = |process: Process| process.cpu_seconds().unwrap_or(f64::NAN);
    let written = |process: Process| process.written_kib().unwrap_or(f64::NAN);
    let (cpu, disk, own) = (used(server), written(server), Cpu::of_this_process());
    let ran = run(bench, accounts, Bound { orders: ORDERS_MAX, within: EACH }).await?;
    let (cpu, disk, own) = (used(server) - cpu, written(server) - disk, own.spent_us());
    let samples = ran.samples;
    let how = format!(
        "{} orders of fresh names, new key each: newOrder, authorization, http-01, CAA, finalize, certificate, \
         each certificate's name and key checked; policy, ledger and fsync on; {} times an order was not ready right after its authorization was valid; \
         the client used {:.0} µs of CPU each on the same cores",
        samples.count(),
        ran.early,
        samples.each(own),
    );
    let figures = vec![
        samples
            .figure(format!("ACME orders, {clients} clients"), "/s")
            .cpu(samples.each(cpu * 1e6))
            .how(how),
        Figure::new(
            format!("written to disk per order, {clients} clients"),
            samples.each(disk),
            "KiB",
        )
        .how("by the server, as the kernel counts it: database, write-ahead log and checkpoints"),
    ];
    Ok((figures, ran.accounts))
}
