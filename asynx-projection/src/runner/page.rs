use asynx_core::store::{LogEvent, LogPage, ParkedEvent};
use asynx_core::{Error, Position, StoreError, catch_future};

use super::Runner;
use super::attempt::Tried;
use super::post::{Post, Stop};
use crate::decode::Decoded;
use crate::lifecycle::{Moved, Step};
use crate::projection::HandlerError;
use crate::role::Role;
use crate::subscribe::Reader;
use crate::{Decode, Lifecycle, OnPoison};

/// A page that was read while the one before it was handled.
pub(super) struct Ahead {
    pub(super) from: Option<Position>,
    pub(super) page: LogPage,
}

/// Reads what comes after a page. Where that fails it is read again when it is needed.
pub(super) async fn read_ahead(reader: &Reader, page: &LogPage) -> Option<Ahead> {
    if page.at_end {
        return None;
    }
    let from = page.next;
    let page = reader.page(from).await.ok()?;
    Some(Ahead { from, page })
}

impl<L: Lifecycle> Runner<L> {
    /// Whether an earlier version has handled an event.
    fn is_replayed(&self, post: &Post, event: &LogEvent) -> bool {
        matches!(post.role, Role::Rebuild(_)) || post.marks.cover(&event.stream, event.position)
    }

    /// The next page, which may have been read ahead. A version that is rebuilt stays behind the one in use: what that one
    /// never handles is not replayed.
    pub(super) async fn next_page(&self, post: &mut Post, ahead: Option<Ahead>) -> Result<LogPage, StoreError> {
        let from = post.position;
        let ahead = ahead.filter(|ahead| ahead.from == from).map(|ahead| ahead.page);
        let in_use = match post.role {
            Role::Rebuild(in_use) => in_use.built,
            _ => return self.page(from, ahead).await,
        };
        let limit = || in_use.least(&self.reader.store, &self.projection);
        if from >= post.limit {
            post.limit = limit().await?;
        }
        if from >= post.limit {
            return Ok(LogPage {
                events: Vec::new(),
                next: from,
                at_end: true,
            });
        }
        let mut page = self.page(from, ahead).await?;
        if page.next > post.limit {
            post.limit = limit().await?;
        }
        if page.next > post.limit {
            page.events.retain(|event| Some(event.position) <= post.limit);
            page.next = post.limit;
            page.at_end = true;
        }
        Ok(page)
    }

    async fn page(&self, from: Option<Position>, ahead: Option<LogPage>) -> Result<LogPage, StoreError> {
        match ahead {
            Some(page) => Ok(page),
            None => self.reader.page(from).await,
        }
    }

    /// Nothing of the page is for this projection.
    pub(super) async fn pass_by(&self, post: &mut Post, page: &LogPage) -> Result<(), Stop> {
        post.position = page.next;
        self.board.change(|status| status.position = page.next);
        // Not at each look: that would be a write for each event that is not wanted.
        let now = self.runtime.now().as_micros();
        let often = self.options.poll_interval.min(self.options.lease_time);
        let often = i64::try_from(often.as_micros()).unwrap_or(i64::MAX);
        if post.kept == page.next || (page.at_end && now - post.kept_at < often) {
            return Ok(());
        }
        post.kept_at = now;
        self.pass(post, None, page.next).await
    }

    pub(super) async fn handle_page(
        &mut self,
        post: &mut Post,
        page: &LogPage,
        events: Vec<LogEvent>,
        began: i64,
    ) -> Result<(), Stop> {
        let entries = self.decoded(post, &events).await?;
        let (mut start, mut size) = (0, events.len());
        while start < events.len() {
            let replayed = self.is_replayed(post, &events[start]);
            let sound = entries[start..]
                .iter()
                .zip(&events[start..])
                .take(size)
                .take_while(|(entry, event)| entry.is_ok() && self.is_replayed(post, event) == replayed)
                .count();
            if sound == 0 {
                let Err(error) = &entries[start] else { continue };
                let failure = HandlerError::permanent(error.clone());
                self.put_aside(post, &events[start], &failure, 1, after(page, &events, start))
                    .await?;
                start += 1;
                continue;
            }
            let end = start + sound;
            let batch: Vec<_> = entries[start..end]
                .iter()
                .filter_map(|entry| entry.clone().ok())
                .collect();
            let to = after(page, &events, end - 1);
            match self.try_batch(post, &events[start..end], batch, replayed, to).await? {
                Tried::Done => {
                    start = end;
                    // Grows again behind a poison event.
                    size = (size * 2).min(events.len());
                }
                Tried::Failed(..) if sound > 1 => size = sound.div_ceil(2),
                Tried::Failed(failure, attempts) => {
                    self.put_aside(post, &events[start], &failure, attempts, to).await?;
                    start = end;
                }
                Tried::Moved(position) => {
                    // Somebody else's transaction, or an earlier one of ours, did it after all.
                    post.position = position;
                    post.kept = position;
                    return Ok(());
                }
            }
        }
        self.tell_speed(&events, began);
        Ok(())
    }

    async fn decoded(
        &mut self,
        post: &Post,
        events: &[LogEvent],
    ) -> Result<Vec<Decoded<<L::Decode as Decode>::Entry>>, Stop> {
        let mut failures = 0;
        loop {
            let decoded = catch_future(self.decode.decode(&self.reader.store, events)).await;
            let decoded = match decoded {
                Ok(decoded) => decoded,
                Err(panic) => Err(Error::Store {
                    source: StoreError::transient(format!("the decoder {panic}")),
                }),
            };
            match decoded {
                Ok(entries) if entries.len() == events.len() => return Ok(entries),
                Ok(_) => return Err(Stop::Failed("the decoder left events out".to_owned())),
                Err(error @ Error::SchemaNewer { .. }) => return Err(Stop::Newer(error.to_string())),
                Err(error) => {
                    self.say(&HandlerError::from(error).to_string());
                    self.tell_stuck(post, events);
                    failures += 1;
                    self.back_off(failures, post).await;
                    if self.is_over(post) {
                        return Err(Stop::Yield);
                    }
                }
            }
        }
    }

    async fn put_aside(
        &self,
        post: &mut Post,
        event: &LogEvent,
        failure: &HandlerError,
        attempts: u32,
        to: Option<Position>,
    ) -> Result<(), Stop> {
        let LogEvent {
            position, event_name, ..
        } = event;
        if self.options.on_poison == OnPoison::Halt {
            let what = format!("{event_name} of {} at {position}: {failure}", event.stream);
            return Err(Stop::Failed(what));
        }
        let parked = ParkedEvent {
            position: *position,
            stream: event.stream.clone(),
            version: event.version,
            event_id: event.event_id,
            event_name: event_name.clone(),
            error: failure.to_string().chars().take(4_000).collect(),
            attempts,
            parked_at: self.runtime.now(),
        };
        self.pass(post, Some(&parked), to).await?;
        self.board.change(|status| {
            status.parked += 1;
            status.position = to;
        });
        Ok(())
    }

    /// Moves on without the handler.
    async fn pass(&self, post: &mut Post, parked: Option<&ParkedEvent>, to: Option<Position>) -> Result<(), Stop> {
        let step = self.step(post, to);
        let mut failures = 0;
        loop {
            let passing = catch_future(Box::pin(self.lifecycle.pass(parked, &step))).await;
            let passed = passing.unwrap_or_else(|panic| Err(StoreError::transient(format!("the store {panic}"))));
            match passed {
                Ok(Moved::No) => {
                    // By an earlier attempt whose answer was lost, perhaps.
                    let position = self.moved_elsewhere(post, &step).await?;
                    if position != to {
                        return Err(Stop::Yield);
                    }
                    break;
                }
                Ok(_) => break,
                Err(error) => self.say(&error.to_string()),
            }
            failures += 1;
            self.back_off(failures, post).await;
            if self.is_over(post) {
                return Err(Stop::Yield);
            }
        }
        post.position = to;
        post.kept = to;
        Ok(())
    }

    /// Where the checkpoint is, if the projection is still this process's.
    pub(super) async fn moved_elsewhere(&self, post: &Post, step: &Step) -> Result<Option<Position>, Stop> {
        let mut failures = 0;
        loop {
            match step.get().await {
                Ok(Some(checkpoint)) if checkpoint.fence == post.fence => return Ok(checkpoint.position),
                Ok(_) => return Err(Stop::Yield),
                Err(error) => self.say(&error.to_string()),
            }
            failures += 1;
            self.back_off(failures, post).await;
            if self.is_over(post) {
                return Err(Stop::Yield);
            }
        }
    }

    pub(super) fn step(&self, post: &Post, to: Option<Position>) -> Step {
        Step {
            store: self.reader.store.clone(),
            reader: self.name.clone(),
            from: post.kept,
            to,
            fence: post.fence,
            limits: self.limits.clone(),
        }
    }
}

/// Where a reader is behind an event of a page.
fn after(page: &LogPage, events: &[LogEvent], at: usize) -> Option<Position> {
    if at + 1 == events.len() {
        return page.next;
    }
    Some(events[at].position)
}
