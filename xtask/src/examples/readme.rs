//! The output that a README promises.

use anyhow::{Result, bail};

const OPENING: &str = "```text output";
/// In a README of several, the block says whose output it is.
const OPENING_OF: &str = "```text output of ";
const CLOSING: &str = "```";

/// The lines between ```` ```text output ```` and ```` ``` ````.
///
/// # Errors
///
/// If there is no such block, more than one, or one that does not end.
pub(crate) fn output(readme: &str) -> Result<String> {
    let mut blocks = Vec::new();
    let mut lines = readme.lines().map(str::trim_end);
    while lines.any(|line| line == OPENING) {
        let mut block = String::new();
        loop {
            match lines.next() {
                Some(CLOSING) => break,
                Some(line) => block.extend([line, "\n"]),
                None => bail!("the block `{OPENING}` does not end"),
            }
        }
        blocks.push(block);
    }
    match (blocks.pop(), blocks.len()) {
        (Some(block), 0) => Ok(block),
        (Some(_), _) => bail!("more than one block `{OPENING}`"),
        (None, _) => bail!("no block `{OPENING}`"),
    }
}

/// The block ```` ```text output of NAME ````, where there is one.
///
/// # Errors
///
/// If there is more than one, or one that does not end.
pub(crate) fn output_of(name: &str, readme: &str) -> Result<Option<String>> {
    let opening = format!("{OPENING_OF}{name}");
    if !readme.lines().any(|line| line.trim_end() == opening) {
        return Ok(None);
    }
    let alone = readme
        .replace(OPENING, "```text")
        .replace(&opening.replace(OPENING, "```text"), OPENING);
    output(&alone).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_is_found_among_others() {
        let readme = "# Orders\n\n```rust\nfn main() {}\n```\n\n```text output  \none\n\n  two\n```\nrest\n```text\nthree\n```\n";
        assert_eq!(output(readme).unwrap(), "one\n\n  two\n");
    }

    #[test]
    fn a_block_of_one_of_several_is_found() {
        let readme = "```text output of orders\none\n```\n```text output of bank\ntwo\n```\n";
        assert_eq!(output_of("orders", readme).unwrap().unwrap(), "one\n");
        assert_eq!(output_of("bank", readme).unwrap().unwrap(), "two\n");
        assert_eq!(output_of("web", readme).unwrap(), None);
    }

    #[test]
    fn an_empty_block_promises_silence() {
        assert_eq!(output("```text output\n```").unwrap(), "");
    }

    #[test]
    fn exactly_one_whole_block_is_wanted() {
        let error = |readme| output(readme).unwrap_err().to_string();
        assert!(error("```text\none\n```\n").contains("no block"));
        assert!(error("```text output\none\n").contains("does not end"));
        assert!(error("```text output\n```\n```text output\n```\n").contains("more than one"));
    }
}
