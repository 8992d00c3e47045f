//! `cargo xtask examples`: every example prints what its README says it prints.

mod about;
mod diff;
mod example;
mod place;
mod programs;
mod provisions;
mod readme;

use std::process::ExitCode;

use anyhow::{Result, bail};

use self::example::Example;
use self::provisions::Provisions;
use crate::stopwatch::Stopwatch;
use crate::workspace::{Workspace, cargo};
use crate::{interrupt, process};

/// The example that is a service: its tests run it.
const SERVICE: &str = "asynx-example-web";
const SERVICE_NAME: &str = "web";

/// Runs the examples that are named, or all.
pub(crate) fn run(names: &[String]) -> Result<ExitCode> {
    let watch = Stopwatch::start();
    let workspace = Workspace::load()?;
    let examples: Vec<Example> = workspace.packages.iter().flat_map(Example::of).collect();
    let known = examples.iter().map(|example| &*example.name).chain([SERVICE_NAME]);
    check_names(names, &known.collect::<Vec<_>>())?;
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);

    let provisions = Provisions::default();
    let mut tally = Tally::default();
    for example in examples.iter().filter(|example| is_wanted(&example.name)) {
        tally.count(
            &example.name,
            example.build().and_then(|()| example.compare(&provisions)),
        );
        interrupt::check()?;
    }
    if is_wanted(SERVICE_NAME) {
        tally.count(SERVICE_NAME, programs::provide().and_then(|()| try_service()));
    }
    provisions.stop()?;
    println!("examples: {} ran, {} failed in {watch}", tally.ran, tally.failed);
    Ok(if tally.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn check_names(names: &[String], known: &[&str]) -> Result<()> {
    match names.iter().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => bail!("there is no example `{unknown}`; there are {}", known.join(", ")),
        None if known.len() == 1 => bail!("there are no examples"),
        None => Ok(()),
    }
}

#[derive(Default)]
struct Tally {
    ran: u32,
    failed: u32,
}

impl Tally {
    fn count(&mut self, name: &str, outcome: Result<()>) {
        self.ran += 1;
        match outcome {
            Ok(()) => println!("{name}: as its README says"),
            Err(error) => {
                self.failed += 1;
                println!("{name}: {error:#}");
            }
        }
    }
}

/// What the service answers, and its page in a browser.
fn try_service() -> Result<()> {
    let arguments = [
        "test",
        "--quiet",
        "--package",
        SERVICE,
        "--test",
        "readme",
        "--test",
        "browser",
    ];
    if !process::run(cargo().args(arguments))?.success() {
        bail!("its tests failed: see above");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        assert!(check_names(&names(&["bank", "web"]), &["bank", "web"]).is_ok());
        assert!(check_names(&[], &["bank", "web"]).is_ok());
        let error = check_names(&names(&["bnak"]), &["bank", "web"])
            .unwrap_err()
            .to_string();
        assert_eq!(error, "there is no example `bnak`; there are bank, web");
        // Or nothing would be proven.
        assert!(check_names(&[], &["web"]).is_err());
    }
}
