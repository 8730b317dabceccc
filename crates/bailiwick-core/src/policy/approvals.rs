//! Which approvals count, and as what.
