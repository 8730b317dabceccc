//! An audit of CAA over many names: the list, the journal of what was seen, the reports.
//!
//! Every name that was seen is a line of the journal, so a run that was killed at any moment goes on
//! where it was: what stands there is not asked again, what does not is. The reports are made from the
//! journal alone, in the order of the list.

mod journal;
mod names;
mod page;
mod reports;
mod spill;

pub(crate) use journal::{Journal, JournalFault};
pub(crate) use names::{Gathering, NameList, read_names_file, read_zones};
pub(crate) use reports::{About, Format, summarize, write_report};
