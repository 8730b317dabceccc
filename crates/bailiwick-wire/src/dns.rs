//! DNS messages: questions to octets, replies to [`LookupAnswer`]s (RFC 1035, RFC 6891, RFC 8914).
//!
//! The reader is our own and small, because every octet of a CAA record is evidence and counts.
//! Of hickory-proto 0.26.3, the library we use elsewhere, reading CAA was measured: it keeps flags,
//! tag and value as they are, but refuses the whole message for a tag longer than 15 octets (legal
//! since RFC 8659) or with an illegal character, and it has no view of bailiwick or of partial alias
//! chains. It serves as the second opinion in the tests.
//!
//! Limits: a message has at most 65,535 octets, a name 255, a pointer points backwards only, one
//! name follows at most 128 pointers, and a message that holds anything after its last record is
//! refused whole. What cannot be read is never skipped.
//!
//! [`LookupAnswer`]: bailiwick_core::caa::LookupAnswer

mod words;

mod name;

mod name_text;

mod reader;

mod layout;

mod params;

mod rdata_text;

mod rdata;

mod delegation;

mod query;

mod message;

mod sections;

mod set;

mod reply;

mod tsig;

mod signed_answers;

mod transfer;

mod notify;

mod relay;

mod update;

mod zone_lines;

mod zone_file;

pub use delegation::{Ds, Ns};
pub use name::WireName;
pub use name_text::{Origin, apex_of, owner_in, stars_over};
pub use notify::{Notify, NotifyAnswer};
pub use query::{Query, UDP_PAYLOAD_OCTETS};
pub use rdata::{A, Aaaa, Caa, RecordKind, SoaSerial, Txt};
pub use rdata_text::{
    RecordLine, rdata_text, read_rdata, read_record, read_ttl, set_lines, txt_rdata,
};
pub use relay::{Relayed, Relaying};
pub use reply::{Reply, Speaker, Way, read_reply};
pub use set::{SetReply, read_set, serial_of};
pub use signed_answers::{Covered, SignedAnswers};
pub use transfer::{BadTransfer, TransferBounds, TransferQuery, TransferReader, Transferred};
pub use tsig::{NotSigned, ShortSecret, Signed, TsigKey};
pub use update::{TooLarge, Update, UpdateCode};
pub use words::BadText;
pub use zone_file::{BadZoneFile, ZoneFile};
