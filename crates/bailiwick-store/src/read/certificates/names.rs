//! Looking for certificates by a part of a name.
//!
//! A rare name is found through the table of names; certificates with a common one are met soon when
//! walking in the order of the list. Which of the two it is, is asked first.

use super::super::select::Select;
use crate::db::{Arg, Db, Reader};
use crate::error::StoreError;

/// Up to so many names are rare: that many certificates are looked up and sorted at once.
const RARE_MAX: u32 = 2_000;

/// Which part of a name is looked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NamePart {
    /// This name and every name below it, found through an index.
    AtOrBelow(String),
    /// This text anywhere in a name.
    Contains(String),
}

/// A name with its labels from the right: `www.example.com` becomes `com.example.www`.
pub(crate) fn reversed(name: &str) -> String {
    name.rsplit('.').collect::<Vec<_>>().join(".")
}

impl NamePart {
    /// Whether few names match.
    pub(super) async fn is_rare(&self, db: &Db) -> Result<bool, StoreError> {
        let mut select = Select::new("SELECT COUNT(*) FROM (SELECT 1 FROM certificate_name");
        let (condition, args) = self.in_names();
        select.and(condition, args);
        select.push(" LIMIT ?) AS few", [Arg::from(RARE_MAX.saturating_add(1))]);
        let (sql, args) = select.done();
        let row = db.first(sql, &args).await?.unwrap_or_default();
        Ok(Reader::new("certificate_name", row).int()? <= i64::from(RARE_MAX))
    }

    /// Adds the conditions to a query for certificates.
    pub(super) fn narrow_down(&self, select: &mut Select<'_>, rare: bool) {
        if rare {
            let (condition, args) = self.in_names();
            select.and("c.fingerprint IN (SELECT fingerprint FROM certificate_name WHERE ", []);
            select.push(condition, args);
            select.push(")", []);
        }
        // Exact, where the table of names was only asked for candidates: names hold no quotes.
        match self {
            Self::AtOrBelow(_) if rare => {}
            Self::AtOrBelow(name) => {
                let name = like(&name.to_ascii_lowercase());
                select.and(
                    "(c.names LIKE ? ESCAPE '\\' OR c.names LIKE ? ESCAPE '\\')",
                    [Arg::from(format!("%\"{name}\"%")), Arg::from(format!("%.{name}\"%"))],
                );
            }
            Self::Contains(text) => {
                let text = like(&text.to_ascii_lowercase());
                select.and("c.names LIKE ? ESCAPE '\\'", [Arg::from(format!("%{text}%"))]);
            }
        }
    }

    /// What holds of the reversed names that match; some that do not match may be among them.
    fn in_names(&self) -> (&'static str, Vec<Arg<'static>>) {
        match self {
            Self::AtOrBelow(name) => {
                let name = reversed(&name.to_ascii_lowercase());
                // `.` is followed by `/` in ASCII, and no name holds that: names below are a range.
                let (from, to) = (format!("{name}."), format!("{name}/"));
                (
                    "(reversed = ? OR (reversed > ? AND reversed < ?))",
                    vec![Arg::from(name), Arg::from(from), Arg::from(to)],
                )
            }
            Self::Contains(text) => {
                ("reversed LIKE ? ESCAPE '\\'", vec![Arg::from(candidates(text))])
            }
        }
    }
}

/// A pattern for reversed names out of a text in names. `ww.shop.exa` ends a label, is a label, and
/// begins one; reversed that is `exa…shop.…ww`.
fn candidates(text: &str) -> String {
    let labels: Vec<String> = text.to_ascii_lowercase().rsplit('.').map(like).collect();
    match labels.as_slice() {
        [first, between @ .., last] => {
            let between: String = between.iter().map(|label| format!(".{label}")).collect();
            format!("%{first}%{between}.%{last}%")
        }
        [one] => format!("%{one}%"),
        [] => "%".to_owned(),
    }
}

/// A text in a pattern, taken literally.
fn like(text: &str) -> String {
    let mut pattern = String::new();
    for char in text.chars() {
        if matches!(char, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(char);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_turned_around_and_texts_taken_literally() {
        assert_eq!(reversed("*.shop.example.com"), "com.example.shop.*");
        assert_eq!(like("50%_\\"), "50\\%\\_\\\\");
    }

    #[test]
    fn a_text_across_labels_has_a_pattern() {
        assert_eq!(candidates("Shop"), "%shop%");
        assert_eq!(candidates("ww.shop.exa"), "%exa%.shop.%ww%");
        assert_eq!(candidates("a.b"), "%b%.%a%");
    }
}
