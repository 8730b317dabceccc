//! What `/metrics` shows (OpenMetrics text).

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Result_ {
    result: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    route: String,
    status: u16,
}

/// The measures of this process.
pub(crate) struct Metrics {
    registry: Registry,
    orders: Family<Result_, Counter>,
    requests: Family<Request, Counter>,
    request_seconds: Histogram,
    ledger_size: Gauge<i64>,
    waiting_changes: Gauge<i64>,
    seconds_to_expiry_min: Gauge<f64, AtomicU64>,
    crl_seconds_left: Gauge<i64>,
}

impl Metrics {
    /// Registers every measure.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("bailiwick");
        let (orders, requests) = (Family::default(), Family::default());
        // From a tenth of a millisecond to 3 seconds: what a client waits for.
        let request_seconds = Histogram::new(exponential_buckets(0.0001, 2.0, 16));
        let (ledger_size, waiting_changes) = (Gauge::default(), Gauge::default());
        let seconds_to_expiry_min = Gauge::default();
        registry.register("orders", "ACME orders by result", orders.clone());
        registry.register("requests", "HTTP requests by route and status", requests.clone());
        registry.register_with_unit(
            "request_duration",
            "Time to answer an HTTP request",
            Unit::Seconds,
            request_seconds.clone(),
        );
        registry.register("ledger_entries", "Entries in the ledger", ledger_size.clone());
        registry.register(
            "changes_waiting",
            "Changes that wait for somebody's approval",
            waiting_changes.clone(),
        );
        registry.register_with_unit(
            "certificate_next_expiry",
            "Time until the next certificate in date expires",
            Unit::Seconds,
            seconds_to_expiry_min.clone(),
        );
        let crl_seconds_left = Gauge::default();
        registry.register_with_unit(
            "crl_next_expiry",
            "Time until the first published CRL can no longer be relied on; they are made anew each day and last seven",
            Unit::Seconds,
            crl_seconds_left.clone(),
        );
        Self {
            registry,
            orders,
            requests,
            request_seconds,
            ledger_size,
            waiting_changes,
            seconds_to_expiry_min,
            crl_seconds_left,
        }
    }

    /// Counts an order by how it went.
    pub(crate) fn order(&self, result: &str) {
        self.orders.get_or_create(&Result_ { result: result.to_owned() }).inc();
    }

    /// Counts a request.
    pub(crate) fn request(&self, route: &str, status: u16, seconds: f64) {
        self.requests.get_or_create(&Request { route: route.to_owned(), status }).inc();
        self.request_seconds.observe(seconds);
    }

    /// Sets what is read from the store at each scrape.
    pub(crate) fn set_seen(&self, ledger: i64, waiting: i64, next_expiry_seconds: f64) {
        self.ledger_size.set(ledger);
        self.waiting_changes.set(waiting);
        self.seconds_to_expiry_min.set(next_expiry_seconds);
    }

    /// Sets how long the CRLs that are published last.
    pub(crate) fn set_crl_seconds_left(&self, left: Option<i64>) {
        self.crl_seconds_left.set(left.unwrap_or(0));
    }

    /// The text of `/metrics`.
    pub(crate) fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
