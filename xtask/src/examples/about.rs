//! Numbers that are another one in each run.

/// A number behind this sign says about how much: `~1.25 s`.
const ABOUT: char = '~';

/// A line of output without such numbers. The sign has to be there.
pub(crate) fn without_numbers(line: &str) -> String {
    let mut parts = line.split(ABOUT);
    let mut left = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let number = part.trim_start_matches(|c: char| c.is_ascii_digit());
        // A fraction, but no full stop.
        let fraction = number
            .strip_prefix('.')
            .map(|digits| digits.trim_start_matches(|c: char| c.is_ascii_digit()))
            .filter(|rest| rest.len() + 1 < number.len());
        left.push(ABOUT);
        left.push_str(fraction.unwrap_or(number));
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_behind_the_sign_do_not_matter() {
        let readme = without_numbers("lost 0, ~12 s, ~0.25 s.");
        assert_eq!(readme, without_numbers("lost 0, ~3 s, ~17 s."));
        assert_eq!(readme, "lost 0, ~ s, ~ s.");
        assert_eq!(without_numbers("took ~5."), "took ~.");
    }

    #[test]
    fn all_else_does() {
        let readme = without_numbers("lost 0, ~12 s");
        for other in ["lost 1, ~12 s", "lost 0, 12 s", "lost 0, ~12 ms", "lost 0, ~12.x s"] {
            assert_ne!(readme, without_numbers(other), "{other}");
        }
    }
}
