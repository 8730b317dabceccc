//! Bounds on policy text, looked at before the parser is: it recurses, and the stack is ours.

/// Characters of one policy file at most; a person has to review it.
pub(super) const FILE_CHARS_MAX: usize = 1_048_576;
/// Brackets inside brackets at most.
const DEPTH_MAX: usize = 32;
/// Operators, accesses and keywords of one policy at most: each may add one level to its tree. The
/// largest default policy has about forty.
const OPERATORS_MAX: usize = 300;

/// Whether the parser may see `text`.
pub(super) fn fits(text: &str) -> bool {
    text.len() <= FILE_CHARS_MAX && {
        let most = measure(text);
        most.depth <= DEPTH_MAX && most.operators <= OPERATORS_MAX
    }
}

/// The most of each in any one policy of a text.
#[derive(Clone, Copy, Debug, Default)]
struct Measure {
    depth: usize,
    operators: usize,
}

/// Measures policy by policy; strings and comments do not nest and are skipped.
fn measure(text: &str) -> Measure {
    let (mut most, mut operators, mut depth) = (Measure::default(), 0_usize, 0_usize);
    let mut octets = text.bytes().peekable();
    let mut previous = b' ';
    while let Some(octet) = octets.next() {
        match octet {
            b'"' => {
                while let Some(inside) = octets.next() {
                    match inside {
                        b'\\' => drop(octets.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            b'/' if octets.peek() == Some(&b'/') => {
                octets.by_ref().find(|inside| *inside == b'\n');
            }
            b';' => operators = 0,
            b'(' | b'[' | b'{' => depth = depth.saturating_add(1),
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'&' | b'|' | b'+' | b'-' | b'*' | b'!' | b'.' | b'<' | b'>' | b'=' => {
                operators = operators.saturating_add(1);
            }
            // The first letter of `if`, `has`, `in`, `like`, `is`: a word after something else.
            b'i' | b'h' | b'l' if !is_word(previous) => operators = operators.saturating_add(1),
            _ => {}
        }
        previous = octet;
        most.depth = most.depth.max(depth);
        most.operators = most.operators.max(operators);
    }
    most
}

const fn is_word(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || octet == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_parser_would_nest_is_counted() {
        let check = |text: &str, depth, operators| {
            let most = measure(text);
            assert_eq!((most.depth, most.operators), (depth, operators), "{text}");
        };
        check("", 0, 0);
        check("a && b", 0, 2);
        check("((a)) . b", 2, 1);
        check("\"((((&&&&\\\"((((\" // ((((\n(x)", 1, 0);
        check("a.b; c.d.e; f", 0, 2);
        check("if has_x then hash else like", 0, 4);
    }
}
