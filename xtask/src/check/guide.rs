//! The guide is whole: each chapter is in the book and in rustdoc, and the shop that it shows is the one that is compiled.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

pub(super) const MEND: &str = "list the page in docs/SUMMARY.md, a chapter in asynx/src/guide.rs too";

/// Pages of the book, as `docs/SUMMARY.md` lists them, without itself.
const FOLDERS: [&str; 2] = ["", "guide/"];
const SUMMARY: &str = "SUMMARY.md";

pub(super) fn check(root: &Path) -> Result<()> {
    let docs = root.join("docs");
    let summary = read(&docs.join(SUMMARY))?;
    let rustdoc = read(&root.join("asynx/src/guide.rs"))?;
    let mut found = Vec::new();
    let mut pages = 0;
    for folder in FOLDERS {
        for name in markdown_in(&docs.join(folder))? {
            pages += 1;
            if name != SUMMARY && !summary.contains(&format!("]({folder}{name})")) {
                found.push(format!("docs/{folder}{name} is not in docs/SUMMARY.md"));
            }
            if folder == "guide/" && !rustdoc.contains(&format!("include_str!(\"../guide/{name}\")")) {
                found.push(format!("docs/guide/{name} is not in asynx/src/guide.rs"));
            }
        }
    }
    let shop = read(&docs.join("guide/shop.rs"))?;
    if !read(&docs.join("guide/quick-start.md"))?.contains(&format!("```rust\n{shop}```\n")) {
        found.push("docs/guide/quick-start.md does not show docs/guide/shop.rs as it is".to_owned());
    }
    if !found.is_empty() {
        bail!("{}", found.join("\n"));
    }
    println!("{pages} pages are in the book");
    Ok(())
}

fn markdown_in(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("failed to read {}", folder.display()))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository of one chapter.
    fn repository(name: &str, change: impl FnOnce(&Path)) -> Result<()> {
        let root = std::env::temp_dir().join(format!("asynx-guide-check-{}-{name}", std::process::id()));
        std::fs::create_dir_all(root.join("docs/guide")).unwrap();
        std::fs::create_dir_all(root.join("asynx/src")).unwrap();
        let write = |path: &str, text: &str| std::fs::write(root.join(path), text).unwrap();
        write("docs/SUMMARY.md", "- [Quick start](guide/quick-start.md)");
        write("docs/guide/shop.rs", "struct Order;\n");
        write("docs/guide/quick-start.md", "```rust\nstruct Order;\n```\n");
        write(
            "asynx/src/guide.rs",
            "#[doc = include_str!(\"../guide/quick-start.md\")]",
        );
        change(&root);
        let checked = check(&root);
        std::fs::remove_dir_all(&root).unwrap();
        checked
    }

    #[test]
    fn what_is_whole_passes() {
        repository("whole", |_| {}).unwrap();
    }

    #[test]
    fn a_page_that_is_listed_nowhere_is_named() {
        let error = repository("page", |root| {
            std::fs::write(root.join("docs/new.md"), "").unwrap();
            std::fs::write(root.join("docs/guide/chapter.md"), "").unwrap();
        });
        let error = error.unwrap_err().to_string();
        assert!(error.contains("docs/new.md is not in docs/SUMMARY.md"), "{error}");
        assert!(
            error.contains("docs/guide/chapter.md is not in asynx/src/guide.rs"),
            "{error}"
        );
    }

    #[test]
    fn a_shop_that_is_shown_otherwise_is_named() {
        let error = repository("shop", |root| {
            std::fs::write(root.join("docs/guide/shop.rs"), "struct Other;\n").unwrap();
        });
        assert!(error.unwrap_err().to_string().contains("does not show"));
    }
}
