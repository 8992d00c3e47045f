//! Clients: they do random things, try again after errors, and give up now and then.

use std::sync::Arc;
use std::time::Duration;

use asynx_core::{Expected, Version};
use asynx_testkit::Random;
use futures::future::FutureExt;

use crate::calls::{Alive, Cut, Sent, within};
use crate::history::{Answer, Caller, Request};
use crate::ledger::{Kind, Op};
use crate::run::Run;

pub(crate) struct Client {
    run: Arc<Run>,
    number: usize,
    random: Random,
    /// Keys that were used, with the ledger.
    keys: Vec<(String, String)>,
    /// The newest version that was seen.
    seen: u64,
}

impl Client {
    pub(crate) fn new(run: &Arc<Run>, number: usize) -> Self {
        Self {
            run: Arc::clone(run),
            number,
            random: Random::seeded(run.machine.entropy()),
            keys: Vec::new(),
            seen: 0,
        }
    }

    pub(crate) async fn work(mut self) {
        for _ in 0..self.run.scenario.steps {
            self.rest().await;
            let ledger = self.run.ledger(&mut self.random);
            match self.random.below(100) {
                0..=69 => self.send(ledger).await,
                70..=77 => self.ask(Request::Get(ledger)).await,
                78..=83 => self.ask(Request::Exists(ledger)).await,
                84..=88 => {
                    let version = (self.seen + 1).saturating_sub(self.random.below(4)).max(1);
                    self.ask(Request::GetAt(ledger, version)).await;
                }
                89..=93 => self.ask(Request::History(ledger)).await,
                _ => self.ask(Request::Forget(ledger)).await,
            }
        }
    }

    async fn rest(&mut self) {
        let most = self.run.scenario.pause.as_micros() as u64;
        let rest = self.random.below(most + 1);
        if self.random.chance(0.8) {
            self.run.machine.sleep(Duration::from_micros(rest)).await;
        }
    }

    async fn ask(&mut self, request: Request) {
        let Some(alive) = self.run.pick(&mut self.random) else {
            return;
        };
        let by = Caller::Client(self.number);
        self.within(&alive.clone(), async move { alive.ask(by, request).await })
            .await;
    }

    async fn send(&mut self, ledger: String) {
        let random = &mut self.random;
        let kind = match random.below(100) {
            0..=14 => Kind::Create,
            15..=49 => Kind::Add(random.below(31) as i64 - 12),
            50..=74 => Kind::Note,
            75..=84 => Kind::Close,
            85..=94 => Kind::Reopen,
            95..=96 => Kind::PanicValidate,
            _ => Kind::PanicEmit,
        };
        let expected = match random.below(20) {
            0 => Expected::NoStream,
            1 => Expected::Exists,
            2..=4 => Version::new(self.seen.saturating_sub(random.below(2))).map_or(Expected::Any, Expected::Exactly),
            _ => Expected::Any,
        };
        let op = self.run.history.next_op();
        let (ledger, key) = match random.below(20) {
            0..=9 => (ledger, None),
            10 if !self.keys.is_empty() => {
                let (ledger, key) = self.keys[random.below(self.keys.len() as u64) as usize].clone();
                (ledger, Some(key))
            }
            _ => (ledger, Some(format!("key-{op}"))),
        };
        if let Some(key) = &key {
            self.keys.push((ledger.clone(), key.clone()));
        }
        let sent = Sent {
            op: Op {
                op,
                ledger,
                kind,
                snapshot: random.chance(0.05),
            },
            expected,
            wait: random.chance(0.25),
            by_handler: false,
            key,
        };
        let tries = if sent.key.is_some() { 4 } else { 1 };
        for _ in 0..tries {
            let Some(alive) = self.run.pick(&mut self.random) else {
                self.rest().await;
                continue;
            };
            let (by, sent) = (Caller::Client(self.number), sent.clone());
            let answer = self
                .within(&alive.clone(), async move { alive.send(by, sent).await })
                .await;
            let again = match answer {
                Some(Answer::Event(seen)) => {
                    self.seen = seen.version;
                    0.15
                }
                Some(Answer::Rejected(_)) => 0.2,
                _ => 0.9,
            };
            if !self.random.chance(again) {
                break;
            }
            self.rest().await;
        }
    }

    /// Makes a call in its process, and sometimes drops it.
    async fn within(&mut self, alive: &Alive, call: impl Future<Output = Answer> + Send + 'static) -> Option<Answer> {
        if !self.random.chance(self.run.scenario.drops) {
            return within(&alive.process, call).await;
        }
        let call = Cut {
            future: Some(call.boxed()),
            polls: 1 + self.random.below(3),
        };
        within(&alive.process, call).await.flatten()
    }
}
