use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use asynx::{Asynx, Error};
use asynx_core::store::{LogFilter, LogQuery};
use asynx_core::{EventId, Position, Record, Store, Version};
use futures::TryStreamExt as _;

use super::ledger::{Known, Ledger};
use super::open::open;
use super::verdict::Verdict;
use super::words::Stored;
use crate::bank::Account;
use crate::database::Database;

/// Holds what is stored against what clients were answered. Nothing may be under way any more.
pub(super) async fn verify(database: &Database, ledger: &Ledger) -> Result<Verdict> {
    let mut check = Check {
        store: database.open().await?,
        bank: open(database, None).await?,
        stored: HashMap::new(),
        positions: HashMap::new(),
        verdict: Verdict::default(),
    };
    for account in ledger.accounts() {
        check.account(account, ledger).await?;
    }
    for (token, known) in ledger.payments() {
        check.payment(token, known);
    }
    check.log().await?;
    Ok(check.verdict)
}

struct Check {
    store: Arc<dyn Store>,
    bank: Asynx<Account>,
    /// What each payment left.
    stored: HashMap<String, Vec<Stored>>,
    /// Where each event is.
    positions: HashMap<EventId, Option<Position>>,
    verdict: Verdict,
}

impl Check {
    fn broken(&mut self, what: String) {
        self.verdict.broken += 1;
        self.verdict.example(|| what);
    }

    /// One stream: as it is stored, and as it replays.
    async fn account(&mut self, account: &str, ledger: &Ledger) -> Result<()> {
        let rows = self.store.read_from(&Account::stream(account), Version::FIRST).await?;
        let states: Vec<_> = match self.bank.history(account).try_collect().await {
            Err(Error::NotFound { .. }) if rows.is_empty() => return Ok(()),
            states => states.with_context(|| format!("{account} does not replay"))?,
        };
        if rows.len() != states.len() {
            self.broken(format!(
                "{account}: {} events, {} in its history",
                rows.len(),
                states.len()
            ));
        }
        let mut balance = 0;
        for ((row, event), turn) in rows.iter().zip(&states).zip(1..) {
            let record = Record::decode(&row.record).with_context(|| format!("{account} at {turn}"))?;
            let state = &event.aggregate;
            let (ids, versions) = (
                [record.event_id, event.id],
                [row.version, record.version, event.version],
            );
            if ids[0] != ids[1] || versions.iter().any(|version| version.get() != turn) || state.turn != turn {
                self.broken(format!(
                    "{account} at {turn}: versions {versions:?}, ids {ids:?}, {state:?}"
                ));
            }
            match ledger.payments().get(&state.token) {
                Some(known) if known.call.payment.account == account => {
                    balance += known.call.payment.amount;
                    let keyed = EventId::from_key(&Account::stream(account), &state.token);
                    if state.balance != balance || known.call.keyed != (event.id == keyed) {
                        self.broken(format!(
                            "{account} at {turn}: {} was not carried out so: {state:?}",
                            state.token
                        ));
                    }
                }
                _ => self.broken(format!("{account} at {turn}: nobody sent {}", state.token)),
            }
            balance = state.balance;
            if self.positions.insert(event.id, row.position).is_some() {
                self.verdict.twice += 1;
                self.verdict
                    .example(|| format!("twice: event {} of {account}", event.id));
            }
            self.stored.entry(state.token.clone()).or_default().push(Stored {
                version: row.version,
                event_id: event.id,
                balance: state.balance,
                position: row.position,
            });
        }
        let newest = self.bank.get(account).await?;
        if states.last().is_some_and(|last| last.aggregate != newest) {
            self.broken(format!("{account}: its newest state is another: {newest:?}"));
        }
        Ok(())
    }

    /// One payment: there as it was acknowledged, and once.
    fn payment(&mut self, token: &str, known: &Known) {
        let there = self.stored.get(token).map_or(&[][..], |stored| stored);
        let account = &known.call.payment.account;
        let verdict = &mut self.verdict;
        if there.len() > 1 {
            verdict.twice += 1;
            verdict.example(|| format!("twice: payment {token} to {account}: {there:?}"));
        }
        let is_there = |answered: &Stored| there.iter().any(|there| answered.is(there));
        if known.stored.is_empty() {
            if !there.is_empty() && !known.in_doubt {
                verdict.broken += 1;
                verdict.example(|| format!("payment {token} to {account} was refused, and is stored: {there:?}"));
            }
            return;
        }
        verdict.acknowledged += 1;
        if known.stored.iter().all(is_there) {
            verdict.found += 1;
        } else {
            verdict.lost += 1;
            let answered = &known.stored;
            verdict.example(|| format!("lost: payment {token} to {account}: {answered:?}, found {there:?}"));
        }
    }

    /// The log has each event once, where it was said to be.
    async fn log(&mut self) -> Result<()> {
        let store = Arc::clone(&self.store);
        let log = store.log().context("the store has no log")?;
        let mut seen = HashSet::new();
        let (mut after, mut last) = (None, None);
        loop {
            let query = LogQuery {
                after,
                filter: LogFilter::default(),
                max_events: 1_000,
                max_bytes: usize::MAX,
            };
            let page = log.read(&query).await?;
            for event in &page.events {
                let there = self.positions.get(&event.event_id).copied().flatten();
                if there != Some(event.position) || !seen.insert(event.event_id) || last >= Some(event.position) {
                    self.broken(format!("{}: the log gave it at {}", event.event_id, event.position));
                }
                last = Some(event.position);
            }
            after = page.next;
            if page.at_end {
                break;
            }
        }
        if seen.len() != self.positions.len() {
            self.broken(format!("the log has {} of {} events", seen.len(), self.positions.len()));
        }
        Ok(())
    }
}
