use std::collections::VecDeque;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use asynx::Asynx;
use asynx_core::{Applied, SendError};
use asynx_testkit::Random;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::open::open;
use super::sabotage::Sabotage;
use super::words::{Answer, Call, Stored, Word};
use crate::arguments::Arguments;
use crate::bank::{Account, Payment};
use crate::database::Database;
use crate::process::{Owner, say};

/// How many send at once.
const CLIENTS: u64 = 16;
/// How many accounts they all share, with the clients of other processes.
const SHARED: u64 = 8;
/// How long a client waits before it asks again what became of a call.
const AGAIN: Duration = Duration::from_millis(20);
/// How long the end may take once all calls are answered.
const SHUTDOWN: Duration = Duration::from_secs(10);

/// A process of clients, until it is killed or told to stop.
pub(crate) async fn client(mut arguments: Arguments) -> Result<ExitCode> {
    let database = Database::told(&mut arguments)?;
    let seed: u64 = arguments.required("--seed")?;
    let process: u64 = arguments.required("--process")?;
    let sabotage = arguments.value("--sabotage")?;
    arguments.end()?;
    let mut owner = Owner::listen();

    let shared = Arc::new(Shared {
        bank: open(&database, sabotage).await?,
        process,
        sabotage,
        made: AtomicU64::new(0),
        again: Mutex::default(),
        stop: AtomicBool::new(false),
    });
    say(&Word::Ready.tell());
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let shared = Arc::clone(&shared);
        let random = Random::seeded(seed ^ (process << 16 | client).wrapping_mul(0x9e37_79b9));
        clients.spawn(
            Client {
                shared,
                random,
                answered: Vec::new(),
            }
            .run(),
        );
    }
    loop {
        tokio::select! {
            line = owner.hear() => match line.split_once(' ') {
                Some(("again", call)) => shared.again().push_back(Call::told(call)?),
                _ => shared.stop.store(true, Ordering::Relaxed),
            },
            ended = clients.join_next() => match ended {
                Some(ended) => ended??,
                None => break,
            },
        }
    }
    shared.bank.shutdown(SHUTDOWN).await?;
    Ok(ExitCode::SUCCESS)
}

struct Shared {
    bank: Asynx<Account>,
    process: u64,
    sabotage: Option<Sabotage>,
    /// How many payments were thought of.
    made: AtomicU64,
    /// What is to be sent again, for clients that died.
    again: Mutex<VecDeque<Call>>,
    stop: AtomicBool,
}

impl Shared {
    fn again(&self) -> std::sync::MutexGuard<'_, VecDeque<Call>> {
        self.again.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Client {
    shared: Arc<Shared>,
    random: Random,
    /// Calls with keys, whose events are known.
    answered: Vec<Call>,
}

impl Client {
    async fn run(mut self) -> Result<()> {
        loop {
            let again = self.shared.again().pop_front();
            if again.is_none() && self.shared.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            let call = again.unwrap_or_else(|| self.think());
            // Who has a key asks until it knows.
            while self.send(&call).await? == Answer::Unknown && call.keyed {
                sleep(AGAIN).await;
            }
        }
    }

    /// A new call, or one that was answered already.
    fn think(&mut self) -> Call {
        if self.random.chance(0.1) && !self.answered.is_empty() {
            let which = self.random.below(self.answered.len() as u64) as usize;
            return self.answered[which].clone();
        }
        let process = self.shared.process;
        let made = self.shared.made.fetch_add(1, Ordering::Relaxed);
        let account = if self.random.chance(0.9) {
            format!("shared-{}", self.random.below(SHARED))
        } else {
            format!("own-{process}-{made}")
        };
        let payment = Payment {
            account,
            token: format!("{process}-{made}"),
            amount: i64::try_from(self.random.below(200)).unwrap_or(0) - 95,
        };
        let keyed = self.random.chance(0.6);
        Call { payment, keyed }
    }

    async fn send(&mut self, call: &Call) -> Result<Answer> {
        say(&Word::Sent(call.clone()).tell());
        let mute = self.shared.sabotage == Some(Sabotage::Mute) && call.payment.token.ends_with("-100");
        if mute {
            std::future::pending::<()>().await;
        }
        let token = call.payment.token.clone();
        let mut sending = self.shared.bank.send(call.payment.clone());
        if call.keyed && self.shared.sabotage != Some(Sabotage::Keyless) {
            sending = sending.idempotency_key(token.clone());
        }
        let answer = match sending.await {
            Ok(event) => Answer::Stored(Stored {
                version: event.version,
                event_id: event.id,
                balance: event.aggregate.balance,
                position: event.position,
            }),
            Err(SendError::Rejected(_)) => Answer::Rejected,
            Err(SendError::Failed(error)) => {
                say(&Word::Note(error.to_string().replace('\n', " ")).tell());
                match error.applied() {
                    Applied::No => Answer::Failed,
                    Applied::Unknown => Answer::Unknown,
                    Applied::Yes => bail!("nothing is forgotten here, yet: {error}"),
                }
            }
        };
        say(&Word::Answered(token, answer).tell());
        if call.keyed && matches!(answer, Answer::Stored(_)) {
            self.answered.push(call.clone());
        }
        Ok(answer)
    }
}
