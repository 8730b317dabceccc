//! Whose turn it is at a CA: one driver at a time for each order, and no earlier than the CA, or
//! manners, want it.
//!
//! Nothing depends on it after a restart: the journal holds what counts. It keeps two drivers of one
//! process from asking for two orders, and a CA that is slow from being asked every few seconds.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bailiwick_core::names::ChangeId;
use bailiwick_core::time::Time;

/// The orders in flight.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    orders: Mutex<BTreeMap<ChangeId, Order>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Order {
    busy: bool,
    not_before: Option<Time>,
}

/// One driver's turn at one order; over when it is dropped.
pub(in crate::drive) struct Turn<'a> {
    all: &'a Turns,
    change: ChangeId,
    rest: Mutex<Option<Time>>,
}

impl Turns {
    /// Takes the turn; refused, with the reason, while another driver has it or it is too early.
    pub(in crate::drive) fn begin(&self, change: &ChangeId, now: Time) -> Result<Turn<'_>, String> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let order = orders.entry(change.clone()).or_default();
        if order.busy {
            return Err("another driver has its turn at the CA".to_owned());
        }
        if let Some(then) = order.not_before.filter(|then| now < *then) {
            return Err(format!("the CA is asked again at {then}"));
        }
        *order = Order { busy: true, not_before: None };
        Ok(Turn { all: self, change: change.clone(), rest: Mutex::new(None) })
    }
}

impl Turn<'_> {
    /// The next turn begins no earlier.
    pub(in crate::drive) fn rest(&self, until: Time) {
        *self.rest.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let rest = *self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let mut orders = self.all.orders.lock().unwrap_or_else(PoisonError::into_inner);
        match rest {
            Some(until) => {
                orders.insert(self.change.clone(), Order { busy: false, not_before: Some(until) });
            }
            None => {
                orders.remove(&self.change);
            }
        }
    }
}
