//! What was answered, held against the store and against what the bus gave.

use asynx_examples::say;

use crate::Result;
use crate::report::{Items, Phase, Report};
use crate::service::INSTANCES;

pub fn show(report: &Report, stored: &Items) -> Result<()> {
    let answered = &report.answered;
    let acknowledged = answered.len();

    say!("Step 3: What is in the store...");
    let (found, lost, twice) = (stored.len(), stored.lacks(answered), stored.twice());
    say!("        acknowledged {acknowledged}, found {found}, lost {lost}, twice {twice}");
    let mut sound = found == acknowledged && lost + twice == 0;

    say!("Step 4: What the bus has given...");
    for (name, seen) in INSTANCES.iter().zip(&report.seen) {
        let (events, lost, twice) = (seen.len(), seen.lacks(answered), seen.twice());
        say!("        to the {name} instance: {events} events, lost {lost}, twice {twice}");
        sound &= events == acknowledged && lost + twice == 0;
    }
    let mailed = &report.mailed;
    let (events, lost, twice) = (mailed.len(), mailed.lacks(answered), mailed.twice());
    // At least once.
    say!("        to the mailer, which they share: {events} events, lost {lost}, twice ~{twice}");
    sound &= events == acknowledged && lost == 0;

    say!("Step 5: How long the longest answer took...");
    for (phase, what) in [
        (Phase::Whole, "with three nodes"),
        (Phase::NodeGone, "while the node was gone"),
        (Phase::NodeBack, "since it was started again"),
    ] {
        say!("        ~{:.2} s {what}", report.longest[phase as usize].as_secs_f64());
    }
    match sound {
        true => Ok(()),
        false => Err("something was lost or happened twice: see above".into()),
    }
}
