//! Signed notes: a text and the lines that sign it (c2sp.org/signed-note, version 1.0.0).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Octets of a note at most: 100 of the largest signatures in use (ML-DSA-44, some 3,300 characters) fit.
pub const NOTE_BYTES_MAX: usize = 512 * 1024;

/// Signature lines of a note at most. The format demands that 16 be accepted.
pub const SIGNATURES_MAX: usize = 100;

/// Octets before the signature proper: the key id.
const KEY_ID_BYTES: usize = 4;

/// Begins a signature line: an em dash and a space.
const MARK: &str = "\u{2014} ";

/// Why bytes are not a signed note.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadNote {
    /// More than [`NOTE_BYTES_MAX`].
    #[error("a note of {bytes} bytes, of {NOTE_BYTES_MAX} allowed; it is not a checkpoint")]
    TooLong {
        /// How many.
        bytes: usize,
    },
    /// Not UTF-8, or a control character other than the line feed.
    #[error("a note is UTF-8 text without control characters; take the file as it was served")]
    Text,
    /// The text does not end with a line feed.
    #[error("the text of a note ends with a line feed; take the file as it was served")]
    Unended,
    /// No blank line, or nothing after it.
    #[error("a note ends with a blank line and signature lines; take the file as it was served")]
    Unsigned,
    /// More than [`SIGNATURES_MAX`] signature lines.
    #[error("a note has at most {SIGNATURES_MAX} signatures; take off those of unknown keys")]
    Signatures,
    /// A line after the blank one is not a signature line.
    #[error("signature line {line} is not `\u{2014} name base64`; take the file as it was served")]
    Line {
        /// Which, counted from 1.
        line: usize,
    },
    /// A key name is empty, or holds a space or a plus.
    #[error("a key name is not empty and holds no space and no plus; choose another")]
    Name,
}

pub(super) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Takes only what [`to_base64`] would have written.
pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// A decimal number without sign or leading zeros.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

/// Who signs, by name. Best a URL without scheme, such as `ledger.example.com/prod`.
///
/// Always: not empty, no Unicode space, no control character, no plus.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// Parses a name.
    ///
    /// # Errors
    /// [`BadNote::Name`].
    pub fn parse(text: &str) -> Result<Self, BadNote> {
        let fits = |c: char| !c.is_whitespace() && c >= ' ' && c != '+';
        if !text.is_empty() && text.chars().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadNote::Name)
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Tells keys of one name apart; with the name it says which key and which kind of signature.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct KeyId([u8; KEY_ID_BYTES]);

impl KeyId {
    /// Takes the four octets.
    #[must_use]
    pub const fn from_bytes(octets: [u8; KEY_ID_BYTES]) -> Self {
        Self(octets)
    }

    /// The four octets.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; KEY_ID_BYTES] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

/// The text of a note: what is signed.
///
/// Always: UTF-8 without control characters but the line feed, and it ends with one.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct NoteText(String);

impl NoteText {
    /// Takes a text that may be signed.
    ///
    /// # Errors
    /// [`BadNote`] says what a note's text may not be.
    pub fn new(text: String) -> Result<Self, BadNote> {
        match text {
            text if text.len() > NOTE_BYTES_MAX => Err(BadNote::TooLong { bytes: text.len() }),
            text if !is_plain(&text) => Err(BadNote::Text),
            text if !text.ends_with('\n') => Err(BadNote::Unended),
            text => Ok(Self(text)),
        }
    }

    /// Takes a text that is made of lines checked before.
    pub(super) const fn plain(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NoteText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| b == b'\n' || b >= 0x20)
}

/// One signature under a note.
///
/// Always: the signature proper is not empty.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignatureLine {
    name: KeyName,
    id: KeyId,
    signature: Vec<u8>,
}

impl SignatureLine {
    /// Takes the parts of a line; nothing when the signature is empty.
    #[must_use]
    pub fn new(name: KeyName, id: KeyId, signature: Vec<u8>) -> Option<Self> {
        if signature.is_empty() { None } else { Some(Self { name, id, signature }) }
    }

    /// Whose it claims to be.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// Which key of that name.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// What follows the key id; its form is the signature type's.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    fn parse(line: &str) -> Option<Self> {
        let (name, signature) = line.strip_prefix(MARK)?.split_once(' ')?;
        let bytes = from_base64(signature)?;
        let (id, signature) = bytes.split_first_chunk::<KEY_ID_BYTES>()?;
        Self::new(KeyName::parse(name).ok()?, KeyId(*id), signature.to_vec())
    }
}

impl fmt::Display for SignatureLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.id.as_bytes(), self.signature.as_slice()].concat();
        write!(f, "{MARK}{} {}", self.name, to_base64(&bytes))
    }
}

/// A text with signature lines, none of them checked.
///
/// Always: prints exactly the bytes it was parsed from; one to [`SIGNATURES_MAX`] signatures.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedNote {
    text: NoteText,
    signatures: Vec<SignatureLine>,
}

impl SignedNote {
    /// A note with its first signature.
    #[must_use]
    pub fn new(text: NoteText, signature: SignatureLine) -> Self {
        Self { text, signatures: vec![signature] }
    }

    /// The note with one signature more, such as a witness's.
    ///
    /// # Errors
    /// [`BadNote::Signatures`] when there are enough.
    pub fn with(mut self, signature: SignatureLine) -> Result<Self, BadNote> {
        if self.signatures.len() >= SIGNATURES_MAX {
            return Err(BadNote::Signatures);
        }
        self.signatures.push(signature);
        Ok(self)
    }

    /// Parses a note as it is stored and served.
    ///
    /// # Errors
    /// [`BadNote`] says what is wrong with its form.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadNote> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(BadNote::TooLong { bytes: bytes.len() });
        }
        let whole = std::str::from_utf8(bytes).map_err(|_| BadNote::Text)?;
        if !is_plain(whole) {
            return Err(BadNote::Text);
        }
        let (text, lines) = whole.rsplit_once("\n\n").ok_or(BadNote::Unsigned)?;
        let lines = lines.strip_suffix('\n').ok_or(BadNote::Unsigned)?;
        let mut signatures = Vec::new();
        for (number, line) in (1..).zip(lines.split('\n')) {
            if number > SIGNATURES_MAX {
                return Err(BadNote::Signatures);
            }
            signatures.push(SignatureLine::parse(line).ok_or(BadNote::Line { line: number })?);
        }
        Ok(Self { text: NoteText(format!("{text}\n")), signatures })
    }

    /// The text.
    #[must_use]
    pub const fn text(&self) -> &NoteText {
        &self.text
    }

    /// The signature lines.
    #[must_use]
    pub fn signatures(&self) -> &[SignatureLine] {
        &self.signatures
    }
}

impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
