//! Each assertion about stores is needed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use asynx_core::{Runtime, Store};
use asynx_testkit::PlainStore;
use asynx_testkit::conformance::{
    AnyTransactions, Audit, CHECKS, Capabilities, LeaseLoser, Site, SlowTransactions, StoreFixture,
};
use asynx_testkit::sim::{Sim, SimProcess};

use super::broken::Broken;
use super::liar::Liar;
use super::lying_transactions::LyingTransactions;
use super::mutation::Mutation;
use super::staged::Staged;
use crate::lies::{Ended, Script, Seen, Suite, every_assertion_is_needed};
use crate::proof;

/// What is sound below.
enum Sound {
    /// Can all that there is.
    Whole(Broken),
    /// Can only what every store must.
    Plain(PlainStore),
}

struct Fixture {
    sound: Sound,
    script: Script,
    process: SimProcess,
}

impl Fixture {
    /// What the fixture itself offers, or not.
    fn offers(&self, kind: &'static str) -> bool {
        let made = self.script.made(kind);
        self.script.answer(&made, true)
    }

    fn staged(&self) -> Option<Staged> {
        match &self.sound {
            Sound::Whole(whole) => Some(whole.staged.clone()),
            Sound::Plain(_) => None,
        }
    }
}

impl StoreFixture for Fixture {
    type Guard = ();
    type Store = Liar;

    async fn open(&self) -> ((), Liar) {
        let sound: Arc<dyn Store> = match &self.sound {
            Sound::Whole(whole) => Arc::new(whole.same()),
            Sound::Plain(plain) => Arc::new(plain.clone()),
        };
        let script = self.script.clone();
        ((), Liar { sound, script })
    }

    async fn another(&self, _: &Liar) -> Option<Liar> {
        let sound: Arc<dyn Store> = match &self.sound {
            Sound::Whole(whole) => Arc::new(whole.another()),
            Sound::Plain(plain) => Arc::new(plain.clone()),
        };
        let script = self.script.clone();
        self.offers("another").then_some(Liar { sound, script })
    }

    fn capabilities(&self) -> Capabilities {
        let whole = Capabilities::all_of_a_store()
            .with_slow_transactions()
            .with_lost_leases()
            .with_transactions()
            .with_another_handle();
        match (&self.sound, self.offers("capabilities")) {
            (Sound::Whole(_), true) => whole,
            (Sound::Plain(_), true) => Capabilities::none().with_another_handle(),
            (_, false) => Capabilities::none(),
        }
    }

    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(self.process.clone())
    }

    fn patience(&self) -> Duration {
        Duration::from_millis(500)
    }

    fn slow_transactions(&self, _: &Liar) -> Option<Arc<dyn SlowTransactions>> {
        let staged = self.staged().filter(|_| self.offers("slow_transactions"))?;
        Some(Arc::new(staged))
    }

    fn transactions(&self, _: &Liar) -> Option<Arc<dyn AnyTransactions>> {
        let Sound::Whole(whole) = &self.sound else {
            return None;
        };
        let (sound, script) = (whole.same(), self.script.clone());
        let offered = LyingTransactions { sound, script };
        self.offers("transactions").then(|| Arc::new(offered) as _)
    }

    fn lease_loser(&self, _: &Liar) -> Option<Arc<dyn LeaseLoser>> {
        let staged = self.staged().filter(|_| self.offers("lease_loser"))?;
        Some(Arc::new(staged))
    }
}

/// Twins that are false all the time: what no single lie shows.
const ALWAYS: [Mutation; 2] = [Mutation::LateCommitsComeTwice, Mutation::LogGivesRolledBackAppends];

/// The store of a script.
fn whole(script: &Script, process: &SimProcess) -> Broken {
    let made = script.made("store");
    let named = |mutation: &Mutation| format!("is a twin of {mutation:?}");
    script.could(&made, ALWAYS.iter().map(named));
    let broken = ALWAYS
        .iter()
        .find(|mutation| made.lie.as_ref() == Some(&named(mutation)));
    if broken.is_some() {
        script.tells();
    }
    Broken::new(broken.copied().unwrap_or(Mutation::None), Arc::new(process.clone()))
}

fn run(check: &str, script: &Script, waived: Option<Site>) -> Seen {
    let sim = Sim::seeded(1).max_steps(1_000_000);
    let (sound, check) = match check.strip_prefix("plain ") {
        Some(check) => (Sound::Plain(PlainStore::default()), check),
        None => (Sound::Whole(whole(script, sim.main())), check),
    };
    let fixture = Fixture {
        sound,
        script: script.clone(),
        process: sim.main().clone(),
    };
    let clock = script.clone();
    let audit = Arc::new(Audit::new(waived, move || clock.now()));
    let check = proof::named(CHECKS, check);
    let ran = || sim.block_on(check.run_audited(&fixture, Arc::clone(&audit)));
    let ended = match catch_unwind(AssertUnwindSafe(ran)) {
        Ok(Ok(Ok(()))) => Ended::Content,
        Ok(Ok(Err(broken))) => Ended::Broken(broken.at),
        Ok(Err(stuck)) => panic!("{}: {stuck}", check.name),
        Err(_) => Ended::Panicked,
    };
    Seen {
        ended,
        came_to: audit.came_to(),
    }
}

#[test]
fn every_assertion_about_stores_is_needed() {
    let names = CHECKS.iter().map(|check| check.name);
    let checks = names.clone().map(str::to_owned);
    let plain = names.map(|name| format!("plain {name}"));
    every_assertion_is_needed(&Suite {
        lies: "tests/twins/store/lies.txt",
        sources: vec![
            "src/conformance/append.rs",
            "src/conformance/cancel.rs",
            "src/conformance/checkpoints.rs",
            "src/conformance/checks.rs",
            "src/conformance/delete.rs",
            "src/conformance/erase.rs",
            "src/conformance/grouped.rs",
            "src/conformance/handles.rs",
            "src/conformance/ids.rs",
            "src/conformance/leases.rs",
            "src/conformance/log.rs",
            "src/conformance/log_follow.rs",
            "src/conformance/log_held.rs",
            "src/conformance/names.rs",
            "src/conformance/parking.rs",
            "src/conformance/read.rs",
            "src/conformance/snapshots.rs",
            "src/conformance/transactions.rs",
            "src/conformance/trial.rs",
            "src/conformance/witness.rs",
            "src/conformance/writer.rs",
        ],
        checks: checks.chain(plain).collect(),
        run: &run,
    });
}
