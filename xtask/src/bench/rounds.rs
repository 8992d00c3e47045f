use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::figures::Figure;
use super::measurement::Measurement;
use super::options::Options;
use super::programs::Programs;
use super::samples::Samples;
use crate::nats;
use crate::postgres::{self, Cluster};
use crate::process;
use crate::stopwatch::Stopwatch;

/// Ten million events are written in minutes.
const LONGEST: Duration = Duration::from_secs(20 * 60);

/// Runs everything that the figures need, round by round, and returns what was measured and the version of the server.
pub(super) fn measure(programs: &Programs, figures: &[Figure], options: &Options) -> Result<(Samples, String)> {
    let plan = plan(figures);
    let rounds = options.rounds.unwrap_or(if options.quick { 2 } else { 5 });
    let server = if plan.iter().any(Measurement::needs_database) {
        Some(Cluster::start(&postgres::Programs::provide()?)?)
    } else {
        None
    };
    let nats = match plan.iter().any(Measurement::needs_nats) {
        true => Some(nats::find()?),
        false => None,
    };
    let out = out_file()?;
    let mut turn = Turn {
        programs,
        server: server.as_ref(),
        nats: nats.as_deref(),
        out: &out,
        quick: options.quick,
        version: String::new(),
    };
    let mut samples = Samples::default();
    for round in 0..rounds {
        let mut due: Vec<&Measurement> = plan.iter().filter(|one| one.is_due(round, options.quick)).collect();
        // What comes first in one round comes last in the next.
        if round % 2 == 1 {
            due.reverse();
        }
        let all = due.len();
        for (number, measurement) in due.into_iter().enumerate() {
            let watch = Stopwatch::start();
            let seen = turn.take(measurement)?;
            let shown: Vec<String> = seen
                .iter()
                .map(|(figure, value)| format!("{figure} {value:.1}"))
                .collect();
            eprintln!(
                "[{}/{rounds} {:>2}/{all}] {}: {} ({watch})",
                round + 1,
                number + 1,
                measurement.name(),
                shown.join(", "),
            );
            for (figure, value) in seen {
                samples.add(*measurement, &figure, round, value);
            }
        }
    }
    let version = turn.version;
    fs::remove_file(&out).with_context(|| format!("failed to remove {}", out.display()))?;
    if let Some(server) = server {
        server.stop()?;
    }
    Ok((samples, version))
}

/// Each measurement once, those that are compared next to each other.
fn plan(figures: &[Figure]) -> Vec<Measurement> {
    let mut plan = Vec::new();
    for source in figures.iter().flat_map(|figure| figure.formula.sources()) {
        if !plan.contains(&source.measurement) {
            plan.push(source.measurement);
        }
    }
    plan
}

/// What every turn needs.
struct Turn<'a> {
    programs: &'a Programs,
    server: Option<&'a Cluster>,
    nats: Option<&'a Path>,
    out: &'a Path,
    quick: bool,
    version: String,
}

impl Turn<'_> {
    fn take(&mut self, measurement: &Measurement) -> Result<Vec<(String, f64)>> {
        const DATABASE: &str = "bench";
        fs::write(self.out, "").with_context(|| format!("failed to empty {}", self.out.display()))?;
        let mut command = self.programs.command(measurement.program, self.out);
        command.args(measurement.scenario.split_whitespace());
        // The usual length; a scenario that is given another one keeps it.
        if self.quick {
            command.args(["seconds=0.7", "warm_up=0.4"].iter().filter(|word| {
                word.split_once('=')
                    .is_some_and(|(key, _)| !measurement.scenario.contains(&format!("{key}=")))
            }));
        } else if !measurement.scenario.contains("seconds=") {
            command.arg("seconds=3");
        }
        if let Some(program) = self.nats.filter(|_| measurement.needs_nats()) {
            command.env(nats::PROGRAM, program);
        }
        let database = match self.server {
            Some(server) if measurement.needs_database() => {
                self.version = self.programs.create_database(server.url(), DATABASE)?;
                let (base, _) = server
                    .url()
                    .rsplit_once('/')
                    .context("the server's URL has no database")?;
                command.env("ASYNX_BENCH_DATABASE", format!("{base}/{DATABASE}"));
                Some(server.url())
            }
            _ => None,
        };
        let status = process::run_silently(&mut command, LONGEST)?;
        if let Some(server) = database {
            self.programs.remove_database(server, DATABASE)?;
        }
        if !status.success() {
            bail!("`{}` ended with {status}", measurement.name());
        }
        let lines = fs::read_to_string(self.out).with_context(|| format!("failed to read {}", self.out.display()))?;
        lines.lines().map(read).collect()
    }
}

/// `{"figure":"send_per_s","value":1.0}`
fn read(line: &str) -> Result<(String, f64)> {
    let line: Value = serde_json::from_str(line).context("failed to read a figure")?;
    let figure = line["figure"].as_str().context("a figure has no name")?;
    let value = line["value"].as_f64().context("a figure has no value")?;
    Ok((figure.to_owned(), value))
}

fn out_file() -> Result<PathBuf> {
    let path = std::env::temp_dir().join(format!("asynx-bench-{}.jsonl", std::process::id()));
    fs::write(&path, "").with_context(|| format!("failed to write {}", path.display()))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_program_is_read() {
        assert_eq!(read(r#"{"figure":"a","value":2}"#).unwrap(), ("a".to_owned(), 2.0));
        assert!(read(r#"{"figure":"a"}"#).is_err());
        assert!(read("loading: 3 events").is_err());
    }

    #[test]
    fn what_serves_two_figures_is_measured_once() {
        let figures = super::super::figures::wanted(&Options::default()).unwrap();
        let plan = plan(&figures);
        for measurement in &plan {
            assert_eq!(
                plan.iter().filter(|one| *one == measurement).count(),
                1,
                "{}",
                measurement.name()
            );
        }
    }
}
