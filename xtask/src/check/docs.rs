//! What the documents say about tests is true: each test they name exists.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

pub(super) const MEND: &str = "name the test that proves it now, or write one";

/// The documents that name tests, as `` `path/to/file.rs::test` `` or `` `path/to/file.rs` ``.
const DOCUMENTS: [&str; 4] = [
    "docs/guarantees.md",
    "docs/from-go.md",
    "docs/jetstream.md",
    "docs/postgres.md",
];

/// Looks every test up.
pub(super) fn check(root: &Path) -> Result<()> {
    let mut named = 0;
    let mut missing = Vec::new();
    for document in DOCUMENTS {
        let path = root.join(document);
        let text = std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
        for (file, test) in tests_named(&text) {
            named += 1;
            let source = std::fs::read_to_string(root.join(file)).unwrap_or_default();
            if source.is_empty() || test.is_some_and(|test| !source.contains(&format!("fn {test}("))) {
                missing.push(format!(
                    "{document} names {file}{}",
                    test.map(|test| format!("::{test}")).unwrap_or_default()
                ));
            }
        }
    }
    if !missing.is_empty() {
        bail!("tests that do not exist:\n{}", missing.join("\n"));
    }
    println!("{named} tests are named");
    Ok(())
}

fn tests_named(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    text.split('`').skip(1).step_by(2).filter_map(|code| {
        let (file, test) = match code.split_once("::") {
            Some((file, test)) => (file, Some(test)),
            None => (code, None),
        };
        (file.ends_with(".rs") && file.contains("/tests/")).then_some((file, test))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_found_in_code_spans() {
        let text = "as `a/tests/b.rs::c` says, not `Error::D`, `a/src/lib.rs` but `a/tests/e.rs`";
        let named: Vec<_> = tests_named(text).collect();
        assert_eq!(named, [("a/tests/b.rs", Some("c")), ("a/tests/e.rs", None)]);
    }
}
