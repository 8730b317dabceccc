//! What comes out of statements: cells, read one after the other into core types.

use std::fmt;

use bailiwick_core::names::{CertFingerprint, CertSerial, Digest, SpkiHash};
use bailiwick_core::record::Mismatch;
use bailiwick_core::time::Time;

use crate::error::StoreError;

/// One value of a row.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Cell {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("nothing"),
            Self::Int(value) => value.fmt(f),
            Self::Text(text) => f.write_str(text),
            Self::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
        }
    }
}

/// One row of a result.
pub(crate) type Row = Vec<Cell>;

/// Reads the cells of one row in order.
pub(crate) struct Reader {
    table: &'static str,
    key: String,
    column: usize,
    cells: std::vec::IntoIter<Cell>,
}

impl Reader {
    /// Starts at the first cell, which names the row in messages.
    pub(crate) fn new(table: &'static str, row: Row) -> Self {
        let key = row.first().map(ToString::to_string).unwrap_or_default();
        Self { table, key, column: 0, cells: row.into_iter() }
    }

    /// The row holds something that is no value of ours.
    pub(crate) fn damaged(&self, what: impl fmt::Display) -> StoreError {
        StoreError::Damaged(Mismatch {
            table: self.table,
            key: self.key.clone(),
            what: format!("column {}: {what}", self.column),
        })
    }

    fn next(&mut self) -> Result<Cell, StoreError> {
        self.column = self.column.saturating_add(1);
        self.cells.next().ok_or_else(|| self.damaged("it is missing"))
    }

    pub(crate) fn int(&mut self) -> Result<i64, StoreError> {
        match self.next()? {
            Cell::Int(value) => Ok(value),
            other @ (Cell::Null | Cell::Text(_) | Cell::Bytes(_)) => {
                Err(self.damaged(format!("`{other}` is no number")))
            }
        }
    }

    pub(crate) fn int_maybe(&mut self) -> Result<Option<i64>, StoreError> {
        match self.next()? {
            Cell::Null => Ok(None),
            Cell::Int(value) => Ok(Some(value)),
            other @ (Cell::Text(_) | Cell::Bytes(_)) => {
                Err(self.damaged(format!("`{other}` is no number")))
            }
        }
    }

    pub(crate) fn text(&mut self) -> Result<String, StoreError> {
        self.text_maybe()?.ok_or_else(|| self.damaged("there is no text"))
    }

    pub(crate) fn text_maybe(&mut self) -> Result<Option<String>, StoreError> {
        match self.next()? {
            Cell::Null => Ok(None),
            Cell::Text(text) => Ok(Some(text)),
            other @ (Cell::Int(_) | Cell::Bytes(_)) => {
                Err(self.damaged(format!("`{other}` is no text")))
            }
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, StoreError> {
        self.bytes_maybe()?.ok_or_else(|| self.damaged("there are no octets"))
    }

    pub(crate) fn bytes_maybe(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        match self.next()? {
            Cell::Null => Ok(None),
            Cell::Bytes(bytes) => Ok(Some(bytes)),
            other @ (Cell::Int(_) | Cell::Text(_)) => {
                Err(self.damaged(format!("`{other}` are no octets")))
            }
        }
    }

    pub(crate) fn flag(&mut self) -> Result<bool, StoreError> {
        match self.int()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(self.damaged(format!("`{other}` is neither 0 nor 1"))),
        }
    }

    pub(crate) fn time(&mut self) -> Result<Time, StoreError> {
        self.int().map(Time::from_unix_ms)
    }

    pub(crate) fn time_maybe(&mut self) -> Result<Option<Time>, StoreError> {
        Ok(self.int_maybe()?.map(Time::from_unix_ms))
    }

    /// A number that fits another type.
    pub(crate) fn number<T: TryFrom<i64>>(&mut self) -> Result<T, StoreError> {
        let value = self.int()?;
        T::try_from(value).map_err(|_| self.damaged(format!("`{value}` is out of range")))
    }

    pub(crate) fn number_maybe<T: TryFrom<i64>>(&mut self) -> Result<Option<T>, StoreError> {
        self.int_maybe()?
            .map(|value| {
                T::try_from(value).map_err(|_| self.damaged(format!("`{value}` is out of range")))
            })
            .transpose()
    }

    /// A text that parses as `parse` says.
    pub(crate) fn parsed<T, E: fmt::Display>(
        &mut self,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, StoreError> {
        let text = self.text()?;
        parse(&text).map_err(|why| self.damaged(format!("`{text}`: {why}")))
    }

    pub(crate) fn parsed_maybe<T, E: fmt::Display>(
        &mut self,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, StoreError> {
        self.text_maybe()?
            .map(|text| parse(&text).map_err(|why| self.damaged(format!("`{text}`: {why}"))))
            .transpose()
    }

    /// A text that is one word out of a list.
    pub(crate) fn word<T>(
        &mut self,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        self.parsed(|text| parse(text).ok_or("it is no known word"))
    }

    /// A JSON list whose members parse as `parse` says.
    pub(crate) fn list<T, E: fmt::Display>(
        &mut self,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Vec<T>, StoreError> {
        let text = self.text()?;
        let all = bailiwick_wire::rows::decode_list(&text).map_err(|why| self.damaged(why))?;
        all.iter()
            .map(|one| parse(one).map_err(|why| self.damaged(format!("`{one}`: {why}"))))
            .collect()
    }

    /// A JSON list of any texts.
    pub(crate) fn texts(&mut self) -> Result<Vec<String>, StoreError> {
        self.list(|text| Ok::<_, std::convert::Infallible>(text.to_owned()))
    }

    fn hash_of(&self, bytes: Vec<u8>) -> Result<[u8; 32], StoreError> {
        bytes.try_into().map_err(|_| self.damaged("a hash has 32 octets"))
    }

    pub(crate) fn digest(&mut self) -> Result<Digest, StoreError> {
        let bytes = self.bytes()?;
        self.hash_of(bytes).map(Digest::from_bytes)
    }

    pub(crate) fn digest_maybe(&mut self) -> Result<Option<Digest>, StoreError> {
        let octets = self.bytes_maybe()?;
        octets.map(|octets| self.hash_of(octets).map(Digest::from_bytes)).transpose()
    }

    pub(crate) fn spki(&mut self) -> Result<SpkiHash, StoreError> {
        let bytes = self.bytes()?;
        self.hash_of(bytes).map(SpkiHash::from_bytes)
    }

    pub(crate) fn fingerprint(&mut self) -> Result<CertFingerprint, StoreError> {
        let bytes = self.bytes()?;
        self.hash_of(bytes).map(CertFingerprint::from_bytes)
    }

    pub(crate) fn fingerprint_maybe(&mut self) -> Result<Option<CertFingerprint>, StoreError> {
        self.bytes_maybe()?
            .map(|bytes| self.hash_of(bytes).map(CertFingerprint::from_bytes))
            .transpose()
    }

    pub(crate) fn serial(&mut self) -> Result<CertSerial, StoreError> {
        let bytes = self.bytes()?;
        CertSerial::from_bytes(&bytes).map_err(|why| self.damaged(why))
    }
}
