//! "Did you mean": the nearest of the words that would have been right.

/// Words longer than this are not compared: the cost grows with the product of both lengths.
const WORD_CHARS_MAX: usize = 64;

/// The word among `known` that `word` is most likely a slip of.
pub(super) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let length = word.chars().count();
    if length > WORD_CHARS_MAX {
        return None;
    }
    // A third of the word may be wrong: `patern` is `pattern`, `zone` is not `name`.
    let far = (length / 3).max(1);
    let near = known.into_iter().map(|other| (distance(word, other), other));
    near.filter(|(steps, _)| *steps <= far).min().map(|(_, other)| other)
}

/// `; did you mean …?` or nothing.
pub(super) fn hint<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    nearest(word, known).map(|other| format!("; did you mean `{other}`?")).unwrap_or_default()
}

/// How many characters have to be changed, added, dropped or swapped with their neighbour.
fn distance(one: &str, two: &str) -> usize {
    let two: Vec<char> = two.chars().take(WORD_CHARS_MAX).collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=two.len()).collect();
    let mut previous = None;
    for (row, letter) in one.chars().enumerate() {
        let mut next = vec![row.saturating_add(1)];
        for (column, other) in two.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX);
            let mut best = at(&last, column).saturating_add(usize::from(letter != *other));
            best = best.min(at(&last, column.saturating_add(1)).saturating_add(1));
            best = best.min(at(&next, column).saturating_add(1));
            let swapped = column
                .checked_sub(1)
                .is_some_and(|left| previous == Some(*other) && two.get(left) == Some(&letter));
            if swapped && row > 0 {
                best = best.min(at(&before_last, column.saturating_sub(1)).saturating_add(1));
            }
            next.push(best);
        }
        before_last = std::mem::replace(&mut last, next);
        previous = Some(letter);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let known = ["pattern", "policy_owner", "operator", "name", "mode"];
        let check = |word, expected| assert_eq!(nearest(word, known), expected, "{word}");
        check("patern", Some("pattern"));
        check("policyowner", Some("policy_owner"));
        check("oeprator", Some("operator"));
        check("nmae", Some("name"));
        check("zone", None);
        check("", None);
        check("a-very-long-word-that-nobody-meant-by-anything-else-at-all-really", None);
    }
}
