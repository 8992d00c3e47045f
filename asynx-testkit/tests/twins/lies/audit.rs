//! Holds the lies against the checks, and looks for lies.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use asynx_testkit::conformance::{CameTo, Site};

use super::script::{Call, Script};
use super::sites::{self, Place};

/// The checks of one kind, and how they are tried on a twin.
pub(crate) struct Suite<'a> {
    /// Where the lies are, beside this crate's manifest.
    pub(crate) lies: &'static str,
    /// The sources of the checks.
    pub(crate) sources: Vec<&'static str>,
    /// The names of the checks, each behind the twin that it is tried on where there are several.
    pub(crate) checks: Vec<String>,
    /// Tries a check on a twin that follows a script, with one assertion passed over.
    pub(crate) run: &'a dyn Fn(&str, &Script, Option<Site>) -> Seen,
}

/// What came of a check.
pub(crate) struct Seen {
    pub(crate) ended: Ended,
    pub(crate) came_to: Vec<CameTo>,
}

pub(crate) enum Ended {
    Content,
    /// By these assertions, one inside of the other.
    Broken(Vec<Site>),
    Panicked,
}

/// A check, a call, and how it lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    check: String,
    call: String,
    how: String,
}

impl Told {
    fn parse(line: &str) -> Option<Self> {
        let (check, lie) = line.split_once(": ")?;
        let (call, how) = lie.split_once(' ')?;
        Some(Self {
            check: check.to_owned(),
            call: call.to_owned(),
            how: how.to_owned(),
        })
    }
}

fn place(site: Site) -> Place {
    let file = site.file().rsplit_once("src/").map_or(site.file(), |(_, file)| file);
    Place {
        file: format!("src/{file}"),
        line: site.line(),
        column: site.column(),
    }
}

/// Each lie of the file is found, and each assertion finds one that no other does.
pub(crate) fn every_assertion_is_needed(suite: &Suite<'_>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(suite.lies);
    let mut proof = Proof::of(suite);
    if std::env::var_os("LOOK_FOR_LIES").is_some() {
        let mut text = String::new();
        for Told { check, call, how } in proof.look() {
            writeln!(text, "{check}: {call} {how}").expect("text takes text");
        }
        std::fs::write(&path, text).expect("the lies can be written");
    }
    let mut proof = Proof::of(suite);
    let text = std::fs::read_to_string(&path).expect("there is a file of lies");
    let mut passed = Vec::new();
    for line in text.lines() {
        let told = Told::parse(line).unwrap_or_else(|| panic!("{line:?} is no lie"));
        if !proof.tell(&told) {
            passed.push(line);
        }
    }
    assert!(
        passed.is_empty(),
        "these lies are not found any more; if a check was changed and asserts as much as before, run \
         `LOOK_FOR_LIES=1 cargo test -p asynx-testkit --test twins needed`: {passed:#?}"
    );
    let unproven = proof.unproven();
    assert!(
        unproven.is_empty(),
        "nothing shows that these assertions are needed; run `LOOK_FOR_LIES=1 cargo test -p asynx-testkit --test twins \
         needed`, and if they stay, remove them or add lies: {unproven:#?}"
    );
}

struct Proof<'a> {
    suite: &'a Suite<'a>,
    written: BTreeMap<Place, String>,
    proven: BTreeSet<Place>,
    /// Those that could be left out.
    needless: BTreeSet<Place>,
    came_to: BTreeSet<Place>,
}

impl<'a> Proof<'a> {
    fn of(suite: &'a Suite<'a>) -> Self {
        Self {
            suite,
            written: sites::of(&suite.sources),
            proven: BTreeSet::new(),
            needless: BTreeSet::new(),
            came_to: BTreeSet::new(),
        }
    }

    fn run(&mut self, check: &str, script: &Script, waived: Option<Site>) -> Seen {
        let seen = (self.suite.run)(check, script, waived);
        for came in &seen.came_to {
            if came.can_be_waived {
                self.needless.insert(place(came.site));
            }
            self.came_to.insert(place(came.site));
        }
        seen
    }

    /// Whether the check finds the lie, and if so, by which assertions alone.
    fn tell(&mut self, told: &Told) -> bool {
        let script = Script::lying(&told.call, &told.how);
        let seen = self.run(&told.check, &script, None);
        let Ended::Broken(broken) = seen.ended else {
            return false;
        };
        if !script.told() {
            return false;
        }
        for site in broken {
            if self.proven.contains(&place(site)) {
                continue;
            }
            let alone = !self.needless.contains(&place(site)) || {
                let script = Script::lying(&told.call, &told.how);
                matches!(self.run(&told.check, &script, Some(site)).ended, Ended::Content)
            };
            if alone {
                self.proven.insert(place(site));
            }
        }
        true
    }

    /// What is written or was come to without proof.
    fn unproven(&self) -> Vec<String> {
        let unproven = self.written.iter().filter(|(place, _)| !self.proven.contains(*place));
        let unproven = unproven.map(|(place, name)| {
            let reached = if self.came_to.contains(place) {
                ""
            } else {
                ", never come to"
            };
            format!("{place} {name}{reached}")
        });
        let unwritten = self.came_to.iter().filter(|place| !self.written.contains_key(*place));
        unproven
            .chain(unwritten.map(|place| format!("{place} is come to, but not known from the sources")))
            .collect()
    }

    /// Lies for all assertions for which there are some.
    fn look(&mut self) -> Vec<Told> {
        let mut kept = Vec::new();
        for nearest in [true, false] {
            for check in self.suite.checks.clone() {
                let script = Script::truth();
                let seen = self.run(&check, &script, None);
                let calls = script.calls();
                match nearest {
                    true => self.look_near(&check, &calls, &seen.came_to, &mut kept),
                    false => self.look_everywhere(&check, &calls, &seen.came_to, &mut kept),
                }
            }
        }
        kept.sort();
        kept
    }

    /// The answer that an assertion looks at is one of the last before it.
    fn look_near(&mut self, check: &str, calls: &[Call], came_to: &[CameTo], kept: &mut Vec<Told>) {
        const BACK: usize = 6;
        let mut tried = BTreeSet::new();
        let sites: BTreeSet<Place> = came_to.iter().map(|came| place(came.site)).collect();
        for wanted in sites {
            let times: Vec<usize> = came_to
                .iter()
                .filter(|came| place(came.site) == wanted)
                .map(|came| came.at)
                .collect();
            let some = [0, 1, times.len() / 2, times.len().saturating_sub(1)];
            for at in some.into_iter().filter_map(|n| times.get(n)) {
                for number in (at.saturating_sub(BACK)..*at).rev() {
                    if self.proven.contains(&wanted) {
                        break;
                    }
                    if tried.insert(number) {
                        self.try_all(check, &calls[number], kept);
                    }
                }
            }
        }
    }

    /// What is only come to where something is wrong.
    fn look_everywhere(&mut self, check: &str, calls: &[Call], came_to: &[CameTo], kept: &mut Vec<Told>) {
        let files: BTreeSet<String> = came_to.iter().map(|came| place(came.site).file).collect();
        const OF_A_KIND: usize = 8;
        let mut tried: BTreeMap<&str, usize> = BTreeMap::new();
        for call in calls {
            let kind = call.name.trim_end_matches(|c: char| c.is_ascii_digit());
            let before = tried.entry(kind).or_default();
            *before += 1;
            if *before > OF_A_KIND {
                continue;
            }
            let mut unproven = self.written.keys().filter(|place| !self.proven.contains(*place));
            if !unproven.any(|place| files.contains(&place.file)) {
                return;
            }
            self.try_all(check, call, kept);
        }
    }

    fn try_all(&mut self, check: &str, call: &Call, kept: &mut Vec<Told>) {
        for how in &call.lies {
            let told = Told {
                check: check.to_owned(),
                call: call.name.clone(),
                how: how.clone(),
            };
            let before = self.proven.len();
            self.tell(&told);
            if self.proven.len() > before {
                kept.push(told);
            }
        }
    }
}
