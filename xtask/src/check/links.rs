//! Links between the documents lead to files and headings that are there.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, bail};

pub(super) const MEND: &str = "mend the link, or the heading that it means";

/// Where documents lie; folders are not entered further.
const PLACES: [&str; 7] = [
    "",
    "docs",
    "docs/guide",
    "docs/adr",
    "examples/orders",
    "examples/custom_store",
    "examples/read_model",
];

pub(super) fn check(root: &Path) -> Result<()> {
    let mut links = 0;
    let mut broken = Vec::new();
    for place in PLACES {
        let folder = root.join(place);
        let entries = std::fs::read_dir(&folder).with_context(|| format!("failed to read {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "md") {
                continue;
            }
            let text = std::fs::read_to_string(&path)?;
            for target in targets(&text) {
                links += 1;
                if !leads_somewhere(&path, &text, &target)? {
                    let path = path.strip_prefix(root).unwrap_or(&path);
                    broken.push(format!("{} links to {target}", path.display()));
                }
            }
        }
    }
    if !broken.is_empty() {
        bail!("links that lead nowhere:\n{}", broken.join("\n"));
    }
    println!("{links} links lead somewhere");
    Ok(())
}

/// The targets within the repository, code left out.
fn targets(text: &str) -> BTreeSet<String> {
    let mut targets = BTreeSet::new();
    for line in prose(text) {
        // Code spans hold indexing that looks like links.
        let line: String = line.split('`').step_by(2).collect();
        let inline = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        targets.extend(inline.map(|(target, _)| target.to_owned()));
        if let Some((_, target)) = line.strip_prefix('[').and_then(|line| line.split_once("]: ")) {
            targets.insert(target.trim().to_owned());
        }
    }
    targets.retain(|target| !target.contains("://"));
    targets
}

/// The lines outside of code blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    })
}

fn leads_somewhere(page: &Path, text: &str, target: &str) -> Result<bool> {
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() {
        page.to_owned()
    } else {
        beside(page, file)
    };
    if !path.exists() {
        return Ok(false);
    }
    if heading.is_empty() {
        return Ok(true);
    }
    let text = if file.is_empty() {
        text.to_owned()
    } else {
        std::fs::read_to_string(&path)?
    };
    let found = prose(&text)
        .filter(|line| line.starts_with('#'))
        .any(|line| slug(line) == heading);
    Ok(found)
}

/// `..` by the name of the page, as readers of it see it, not by where a symbolic link leads.
fn beside(page: &Path, file: &str) -> PathBuf {
    let mut path = page.parent().map(Path::to_owned).unwrap_or_default();
    for part in Path::new(file).components() {
        match part {
            Component::ParentDir => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    path
}

/// A heading as the links to it are written.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_in_prose() {
        let text = "see [a](a.md#b) and [b][b], `[c](c.md)`\n```\n[d](d.md)\n```\n[b]: ../b.md\n[e](https://e.example)";
        let found: Vec<_> = targets(text).into_iter().collect();
        assert_eq!(found, ["../b.md", "a.md#b"]);
    }

    #[test]
    fn a_link_leads_to_a_file_and_a_heading() {
        let readme = crate::workspace::root().join("README.md");
        let text = "# The house, and why\n";
        let leads = |target| leads_somewhere(&readme, text, target).unwrap();
        assert!(leads("#the-house-and-why") && leads("docs/adr") && leads("docs/projections.md#inline"));
        assert!(!leads("#elsewhere") && !leads("docs/nothing.md") && !leads("docs/projections.md#nothing"));
    }
}
