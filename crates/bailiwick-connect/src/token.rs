//! PKCS#11: CA keys that live in a token (an HSM) and never outside it.
//!
//! A key is found by its label. It is made sensitive and not extractable; one that could be taken
//! out is refused, because then it may have been. One session is held, behind a lock; when the
//! token was away (an HSM in the network that was started anew), it is opened once more.

mod fault;
mod key;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use zeroize::Zeroizing;

pub use fault::TokenFault;
pub(crate) use key::TokenKey;

/// Where a token is found, and what opens it.
pub struct TokenPlace {
    /// The PKCS#11 module, a shared library of whoever made the token.
    pub module: PathBuf,
    /// The label that the token was initialised with.
    pub label: String,
    /// The PIN of its user.
    pub pin: Zeroizing<String>,
}

impl fmt::Debug for TokenPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("TokenPlace");
        shown.field("module", &self.module).field("label", &self.label).finish_non_exhaustive()
    }
}

/// An open token.
pub struct Token {
    context: Pkcs11,
    label: String,
    pin: AuthPin,
    open: Mutex<Open>,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("label", &self.label).finish_non_exhaustive()
    }
}

/// A session, and the handles of the keys that were found in it.
struct Open {
    session: Session,
    handles: BTreeMap<String, ObjectHandle>,
}

impl Token {
    /// Loads the module, finds the token and logs in.
    ///
    /// # Errors
    /// [`TokenFault`] says what to mend.
    pub fn open(place: &TokenPlace) -> Result<Arc<Self>, TokenFault> {
        let module = |cause| TokenFault::Module { path: place.module.clone(), cause };
        let context = Pkcs11::new(&place.module).map_err(module)?;
        match context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            // Something else in this process uses the module too.
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(cause) => return Err(module(cause)),
        }
        let pin = AuthPin::new(place.pin.as_str().into());
        let session = enter(&context, &place.label, &pin)?;
        let open = Mutex::new(Open { session, handles: BTreeMap::new() });
        Ok(Arc::new(Self { context, label: place.label.clone(), pin, open }))
    }

    /// Its label.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // A panic elsewhere leaves at worst a session that the next use finds unusable.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something in the session; once more in a new one, should the old one be gone.
    fn with<T>(
        &self,
        what: &'static str,
        mut act: impl FnMut(&mut Open) -> Result<T, Trouble>,
    ) -> Result<T, TokenFault> {
        let mut open = self.lock();
        let first = match act(&mut open) {
            Err(Trouble::Token(cause)) if is_gone(&cause) => {
                tracing::warn!(token = %self.label, %cause, "the token was away; logging in again");
                open.handles.clear();
                open.session = enter(&self.context, &self.label, &self.pin)?;
                act(&mut open)
            }
            answer => answer,
        };
        first.map_err(|trouble| match trouble {
            Trouble::Ours(fault) => fault,
            Trouble::Token(cause) => TokenFault::Failed { token: self.label.clone(), what, cause },
        })
    }
}

/// What went wrong inside a session.
enum Trouble {
    Token(Error),
    Ours(TokenFault),
}

impl From<Error> for Trouble {
    fn from(cause: Error) -> Self {
        Self::Token(cause)
    }
}

impl From<TokenFault> for Trouble {
    fn from(fault: TokenFault) -> Self {
        Self::Ours(fault)
    }
}

/// Whether a new session may help.
const fn is_gone(cause: &Error) -> bool {
    matches!(
        cause,
        Error::Pkcs11(
            RvError::SessionHandleInvalid
                | RvError::SessionClosed
                | RvError::DeviceRemoved
                | RvError::TokenNotPresent
                | RvError::UserNotLoggedIn
                | RvError::KeyHandleInvalid
                | RvError::ObjectHandleInvalid,
            _
        )
    )
}

/// A session of the token's user.
fn enter(context: &Pkcs11, label: &str, pin: &AuthPin) -> Result<Session, TokenFault> {
    let failed = |what| move |cause| TokenFault::Failed { token: label.to_owned(), what, cause };
    let slot = slot_of(context, label)?;
    let session = context.open_rw_session(slot).map_err(failed("opening a session"))?;
    match session.login(UserType::User, Some(pin)) {
        Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
        Err(Error::Pkcs11(
            RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange,
            _,
        )) => Err(TokenFault::Pin { token: label.to_owned() }),
        Err(Error::Pkcs11(RvError::PinLocked, _)) => {
            Err(TokenFault::PinLocked { token: label.to_owned() })
        }
        Err(cause) => Err(failed("logging in")(cause)),
    }
}

fn slot_of(context: &Pkcs11, label: &str) -> Result<Slot, TokenFault> {
    let failed = |cause| TokenFault::Failed {
        token: label.to_owned(),
        what: "looking for the token",
        cause,
    };
    let mut others = Vec::new();
    let mut found = Vec::new();
    for slot in context.get_slots_with_initialized_token().map_err(failed)? {
        let info = context.get_token_info(slot).map_err(failed)?;
        // Labels are padded with spaces (PKCS#11 3.1, section 3.2).
        match info.label().trim_end() {
            same if same == label => found.push(slot),
            other => others.push(other.to_owned()),
        }
    }
    match found.as_slice() {
        [slot] => Ok(*slot),
        [] => Err(TokenFault::NoToken { label: label.to_owned(), others }),
        many => Err(TokenFault::ManyTokens { label: label.to_owned(), count: many.len() }),
    }
}

/// The one object of a class under a label.
fn find(
    session: &Session,
    class: ObjectClass,
    label: &str,
) -> Result<Option<ObjectHandle>, Trouble> {
    let wanted = [Attribute::Class(class), Attribute::Label(label.as_bytes().to_vec())];
    match session.find_objects(&wanted)?.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        many => Err(TokenFault::ManyKeys { label: label.to_owned(), count: many.len() }.into()),
    }
}
