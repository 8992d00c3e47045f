//! Where the sources of the kit assert.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A line and a column of a file, as the compiler tells them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// What the names of trials and of what asserts for them end with.
const RECEIVERS: [&str; 9] = [
    "trial", "self", "one", "other", "reader", "writer", "taken_by", "witness", "followed",
];

/// Those by which helpers are made: their callers assert.
const MAKERS: [&str; 4] = ["asks", "asked", "asserts", "asserted"];

/// Each call in these files of what asserts. What asserts is known by `#[track_caller]`; that everything that can tell of
/// a broken law has it is checked as well.
pub(crate) fn of(files: &[&str]) -> BTreeMap<Place, String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| {
        let text = std::fs::read_to_string(manifest.join(file));
        text.unwrap_or_else(|error| panic!("{file} cannot be read: {error}"))
    };
    let texts: Vec<(&str, String)> = files.iter().map(|file| (*file, read(file))).collect();
    let mut asserting: BTreeSet<(String, bool)> = BTreeSet::new();
    for (file, text) in &texts {
        asserting.extend(tracked(file, text));
    }
    let mut places = BTreeMap::new();
    for (file, text) in &texts {
        let text = code(text);
        for (name, is_method) in asserting.iter().filter(|(name, _)| !MAKERS.contains(&name.as_str())) {
            for at in calls(&text, name, *is_method) {
                let before = &text[..at];
                let line = before.matches('\n').count() + 1;
                let column = at - before.rfind('\n').map_or(0, |end| end + 1) + 1;
                let place = Place {
                    file: (*file).to_owned(),
                    line: u32::try_from(line).expect("a file is short"),
                    column: u32::try_from(column).expect("a line is short"),
                };
                places.insert(place, name.clone());
            }
        }
    }
    places
}

/// What asserts in a file, and whether it is a method.
fn tracked(file: &str, text: &str) -> Vec<(String, bool)> {
    let mut names = Vec::new();
    let mut is_tracked = false;
    for (at, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        if trimmed == "#[track_caller]" {
            is_tracked = true;
            continue;
        }
        let Some((before, after)) = trimmed.split_once("fn ") else {
            is_tracked &= trimmed.starts_with("#[");
            continue;
        };
        let mut words = before.split_whitespace();
        let is_item = line.len() - trimmed.len() <= 4
            && words.all(|word| word.starts_with("pub") || ["async", "const"].contains(&word));
        let name: String = after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let signature: String = text.lines().skip(at).take_while(|line| !line.ends_with('{')).collect();
        let signature = signature + line;
        if is_tracked {
            names.push((name, signature.contains("self")));
        } else if is_item {
            let tells = signature.contains("-> Kept") || signature.contains("Output = Kept");
            let is_check = before == "pub async " && name.chars().nth(1).is_some_and(|c| c.is_ascii_digit());
            let makes = ["run", "run_audited", "try_on", "in_time", "needless", "needed"].contains(&name.as_str());
            assert!(
                !tells || is_check || makes || MAKERS.contains(&name.as_str()),
                "{file}:{}: {name} tells of broken laws, so it must be #[track_caller]",
                at + 1
            );
        }
        is_tracked = false;
    }
    names
}

/// The text, with what is no code blanked, and with what helpers assert in the name of their callers.
fn code(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let (mut tracked, mut passed_on) = (false, None);
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
        if trimmed.starts_with("#[track_caller]") {
            tracked = true;
        } else if tracked && trimmed.contains("fn ") {
            (tracked, passed_on) = (false, Some(indent));
        }
        let is_comment = trimmed.starts_with("//");
        match (
            is_comment || passed_on.is_some(),
            line.find("async move {").or(line.find("= |")),
        ) {
            (true, Some(begin)) if !is_comment => {
                passed_on = None;
                code.push_str(&" ".repeat(begin));
                code.push_str(&line[begin..]);
            }
            (true, _) => {
                code.push_str(&" ".repeat(line.trim_end_matches('\n').chars().count()));
                code.push('\n');
                if passed_on.is_some_and(|fn_indent| indent == fn_indent && trimmed.starts_with('}')) {
                    passed_on = None;
                }
            }
            (false, _) => code.push_str(line),
        }
    }
    // Columns are counted in characters, so there may be no other ones.
    code.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect()
}

/// Where this is called.
fn calls(code: &str, name: &str, is_method: bool) -> Vec<usize> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(name) {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        if !(after.starts_with('(') || after.starts_with("::<")) {
            continue;
        }
        let in_word = |c: char| c.is_alphanumeric() || c == '_';
        if before.ends_with(in_word) || before.ends_with("fn ") || before.ends_with('"') {
            continue;
        }
        match before.strip_suffix('.') {
            Some(receiver) if is_method => {
                let receiver = receiver.trim_end();
                let word = receiver.rsplit(|c: char| !in_word(c)).next().unwrap_or_default();
                if RECEIVERS.contains(&word) || receiver.ends_with("Followed::default()") {
                    found.push(at);
                }
            }
            None if !is_method => {
                let path: usize = before.chars().rev().take_while(|c| in_word(*c) || *c == ':').count();
                found.push(at - path);
            }
            _ => {}
        }
    }
    found
}
