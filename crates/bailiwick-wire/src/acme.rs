//! The JSON of ACME: what clients ask, what they are told (RFC 8555, section 7.1).
//!
//! Requests are read into exactly the fields we know; others are ignored and never reflected (RFC
//! 8555, section 7.3). Answers are written from core types and [`Urls`] alone.

mod answer;
mod contact;
mod identifier;
mod problem;
mod request;
mod standing;
mod urls;

pub use answer::{
    DirectoryMeta, account, authorization, challenge, directory, order, orders_list, renewal_info,
};
pub use contact::check_contacts;
pub use problem::{ProblemAnswer, status_of};
pub use request::{
    AccountRequest, AccountUpdate, AuthorizationRequest, BadRequest, CONTACTS_MAX, ChallengeAnswer,
    DatesWanted, Deactivation, FinalizeRequest, IDENTIFIERS_MAX, KeyChange, OrderRequest,
    RevokeRequest,
};
pub use standing::{NotStanding, Standing, Stands, account_label};
pub use urls::Urls;
