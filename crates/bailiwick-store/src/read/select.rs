//! Queries put together out of fixed pieces, where filters are optional.

use crate::db::{Arg, Sql};

/// A query that grows. Only fixed texts go into it; values are bound.
pub(super) struct Select<'a> {
    text: String,
    args: Vec<Arg<'a>>,
    wheres: usize,
}

impl<'a> Select<'a> {
    pub(super) fn new(text: &'static str) -> Self {
        Self { text: text.to_owned(), args: Vec::new(), wheres: 0 }
    }

    /// Adds a condition; each `?` in it stands for the next of `args`.
    pub(super) fn and(
        &mut self,
        condition: &'static str,
        args: impl IntoIterator<Item = Arg<'a>>,
    ) -> &mut Self {
        self.text.push_str(if self.wheres == 0 { " WHERE " } else { " AND " });
        self.wheres = self.wheres.saturating_add(1);
        self.push(condition, args)
    }

    /// Adds a piece behind the conditions.
    pub(super) fn push(
        &mut self,
        piece: &'static str,
        args: impl IntoIterator<Item = Arg<'a>>,
    ) -> &mut Self {
        let mut args = args.into_iter();
        for char in piece.chars() {
            if char == '?' {
                self.args.extend(args.next());
                self.text.push('$');
                self.text.push_str(&self.args.len().to_string());
            } else {
                self.text.push(char);
            }
        }
        self
    }

    pub(super) fn done(self) -> (Sql, Vec<Arg<'a>>) {
        (Sql::Built(self.text), self.args)
    }
}
