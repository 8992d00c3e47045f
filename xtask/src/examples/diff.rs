//! A line diff that a person can read.

use super::about::without_numbers;

/// Lines that are the same on both sides and shown around a difference.
const CONTEXT: usize = 2;

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    Same,
    Expected,
    Printed,
}

/// What to change in `expected` to get `printed`; `None` if they are the same but for white space at the ends of lines and of the
/// text, and for numbers [about](super::about) so large.
pub(crate) fn between(expected: &str, printed: &str) -> Option<String> {
    let marked = marked(&lines(expected), &lines(printed));
    if marked.iter().all(|(mark, _)| *mark == Mark::Same) {
        return None;
    }
    let mut diff = String::new();
    let mut skipped = false;
    for (index, (mark, line)) in marked.iter().enumerate() {
        let near = &marked[index.saturating_sub(CONTEXT)..marked.len().min(index + CONTEXT + 1)];
        if near.iter().all(|(mark, _)| *mark == Mark::Same) {
            skipped = true;
            continue;
        }
        if std::mem::take(&mut skipped) {
            diff.push_str("    ...\n");
        }
        let sign = match mark {
            Mark::Same => "    ",
            Mark::Expected => "  - ",
            Mark::Printed => "  + ",
        };
        diff.extend([sign, line, "\n"]);
    }
    Some(diff)
}

fn lines(text: &str) -> Vec<&str> {
    text.trim_end().lines().map(str::trim_end).collect()
}

/// All lines of both sides, along one of the longest common subsequences.
fn marked<'a>(expected: &[&'a str], printed: &[&'a str]) -> Vec<(Mark, &'a str)> {
    let same = same(expected, printed);
    // common[i][j]: how many lines expected[i..] and printed[j..] have in common.
    let mut common = vec![vec![0_usize; printed.len() + 1]; expected.len() + 1];
    for i in (0..expected.len()).rev() {
        for j in (0..printed.len()).rev() {
            common[i][j] = if same(i, j) {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut marked = Vec::new();
    while i < expected.len() || j < printed.len() {
        if i < expected.len() && j < printed.len() && same(i, j) {
            marked.push((Mark::Same, expected[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == printed.len() || (i < expected.len() && common[i + 1][j] >= common[i][j + 1]) {
            marked.push((Mark::Expected, expected[i]));
            i += 1;
        } else {
            marked.push((Mark::Printed, printed[j]));
            j += 1;
        }
    }
    marked
}

/// Tells whether a line of the one is a line of the other.
fn same(expected: &[&str], printed: &[&str]) -> impl Fn(usize, usize) -> bool {
    let plain = |lines: &[&str]| lines.iter().map(|line| without_numbers(line)).collect::<Vec<_>>();
    let (expected, printed) = (plain(expected), plain(printed));
    move |i, j| expected[i] == printed[j]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_at_the_end_is_no_difference() {
        assert_eq!(between("one\ntwo\n", "one  \ntwo\r\n\n\n"), None);
        assert_eq!(between("", "\n"), None);
    }

    #[test]
    fn white_space_elsewhere_is() {
        assert_eq!(between("one", " one").unwrap(), "  - one\n  +  one\n");
        assert_eq!(between("one\ntwo", "one\n\ntwo").unwrap(), "    one\n  + \n    two\n");
    }

    #[test]
    fn changes_are_shown_with_their_surroundings() {
        let expected = "1\n2\n3\n4\n5\n6\n7\n8\n9";
        let printed = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10";
        let shown = "    ...\n    3\n    4\n  - 5\n  + five\n    6\n    7\n    8\n    9\n  + 10\n";
        assert_eq!(between(expected, printed).unwrap(), shown);
    }

    #[test]
    fn a_number_may_be_another_where_the_line_says_about() {
        assert_eq!(between("lost 0\ntook ~2 s", "lost 0\ntook ~3.5 s"), None);
        let shown = "  - lost 0\n  + lost 1\n    took ~2 s\n";
        assert_eq!(between("lost 0\ntook ~2 s", "lost 1\ntook ~3.5 s").unwrap(), shown);
    }

    #[test]
    fn one_side_may_be_empty() {
        assert_eq!(between("", "one\ntwo").unwrap(), "  + one\n  + two\n");
        assert_eq!(between("one", "").unwrap(), "  - one\n");
    }
}
