//! The loops: what goes on without anybody asking. Each owns no state and survives being killed on
//! any line: load, ask the core what is next, do it, append how it went.

pub(crate) mod caa;
mod canary;
pub(crate) mod changes;
mod delegations;
pub(crate) mod effects;
#[cfg(test)]
mod faults;
pub(crate) mod issue;
mod loops;
mod standing;
mod upstream;
mod waiting;
mod watch;

pub(crate) use effects::differs;
pub(crate) use issue::asked_as;
pub(crate) use loops::run;
pub(crate) use upstream::Turns;
pub(crate) use waiting::Waiting;
