use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use asynx_core::store::{LogEvent, LogPage, ParkedEvent};
use asynx_core::{Error, Position, Runtime, StoreError, catch_future};
use event_listener::Event;
use futures::channel::oneshot;
use futures::future::{Either, abortable, select};

use crate::decode::Decoded;
use crate::lifecycle::{Moved, Step, checkpoints};
use crate::partitions::{Partition, Share};
use crate::projection::{Batch, HandlerError, Kind};
use crate::role::{Role, progress, role};
use crate::status::{Board, State};
use crate::subscribe::Reader;
use crate::tenure::Tenure;
use crate::{Decode, Lifecycle, OnPoison, ProjectionOptions};

/// What a projection is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Run,
    Pause,
    Stop,
}

/// How a runner is told what to do.
#[derive(Debug)]
pub(crate) struct Control {
    wish: Mutex<(Wish, u64)>,
    changed: Event,
}

impl Control {
    pub(crate) fn new() -> Self {
        Self {
            wish: Mutex::new((Wish::Run, 0)),
            changed: Event::new(),
        }
    }

    /// A stopped one stays stopped.
    pub(crate) fn wish(&self, wish: Wish) {
        let mut now = self.wish.lock().unwrap_or_else(PoisonError::into_inner);
        if now.0 != Wish::Stop {
            *now = (wish, now.1 + 1);
        }
        drop(now);
        self.changed.notify(usize::MAX);
    }

    fn get(&self) -> (Wish, u64) {
        *self.wish.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn runs(&self) -> bool {
        self.get().0 == Wish::Run
    }

    /// Ends when something else is wished for, or the same once more.
    async fn changed(&self, since: u64) {
        loop {
            let listener = self.changed.listen();
            if self.get().1 != since {
                return;
            }
            listener.await;
        }
    }
}

/// Why a runner lets go of a projection.
enum Stop {
    /// Somebody asked for it, or the lease is lost: it goes on as it is told.
    Yield,
    /// A newer version is in use.
    Replaced,
    /// An error: it waits to be resumed.
    Failed(String),
    /// A newer program has to read on.
    Newer(String),
}

/// Runs one partition of a projection.
pub(crate) struct Runner<L: Lifecycle> {
    pub(crate) reader: Reader,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) lifecycle: Arc<L>,
    pub(crate) decode: L::Decode,
    pub(crate) name: String,
    pub(crate) holder: String,
    pub(crate) partition: Partition,
    pub(crate) share: Arc<Share>,
    pub(crate) options: ProjectionOptions,
    /// What the projection is called, without version and partition.
    pub(crate) projection: String,
    pub(crate) board: Arc<Board>,
    pub(crate) control: Arc<Control>,
}

/// What a runner knows while the projection is its own.
struct Post {
    tenure: Tenure,
    fence: u64,
    /// Up to where everything is handled, and the checkpoint in the store, which may be a little behind: what is not
    /// wanted is passed without a write.
    position: Option<Position>,
    kept: Option<Position>,
    kept_at: i64,
    /// Nothing is to be done while this was the newest wish.
    wish: u64,
    role: Role,
    role_known_at: i64,
}

impl<L: Lifecycle> Runner<L> {
    pub(crate) async fn run(mut self) {
        loop {
            let (wish, number) = self.control.get();
            match wish {
                Wish::Stop => break,
                Wish::Pause => {
                    self.board.change(|status| status.state = State::Paused);
                    self.control.changed(number).await;
                }
                Wish::Run => self.serve(number).await,
            }
        }
        self.board.change(|status| status.state = State::Stopped);
    }

    /// Waits for the projection, and runs it for as long as it is this process's.
    async fn serve(&mut self, wish: u64) {
        self.board.change(|status| status.state = State::Waiting);
        if !self.share.take() {
            return self.rest(self.options.lease_time / 5, wish).await;
        }
        let stop = match self.take_post(wish).await {
            Ok(Some(mut post)) => {
                let stop = self.work(&mut post).await;
                self.tell_stop(stop.as_ref());
                post.tenure.give_back().await;
                stop
            }
            Ok(None) => {
                self.share.give_back();
                return self.rest(self.options.lease_time / 5, wish).await;
            }
            Err(error) => {
                self.share.give_back();
                self.say(&error.to_string());
                return self
                    .rest(self.options.max_backoff.min(self.options.lease_time), wish)
                    .await;
            }
        };
        match stop {
            // Its place is given back already.
            None => {}
            Some(Stop::Yield) => self.share.give_back(),
            Some(Stop::Replaced) => {
                self.share.give_back();
                self.rest(self.options.lease_time, wish).await;
            }
            Some(Stop::Failed(_)) => {
                self.share.give_back();
                self.control.changed(wish).await;
            }
            Some(Stop::Newer(_)) => {
                self.share.give_back();
                self.rest(self.options.lease_time, wish).await;
            }
        }
    }

    fn tell_stop(&self, stop: Option<&Stop>) {
        self.board.change(|status| match stop {
            None | Some(Stop::Yield) => {}
            Some(Stop::Replaced) => status.state = State::Replaced,
            Some(Stop::Failed(said) | Stop::Newer(said)) => {
                status.state = State::Failed;
                status.last_error = Some(said.clone());
            }
        });
    }

    async fn take_post(&self, wish: u64) -> Result<Option<Post>, StoreError> {
        let store = &self.reader.store;
        let lease = format!("projection:{}", self.name);
        let tenure = Tenure::take(store, &self.runtime, &lease, &self.holder, self.options.lease_time).await?;
        let Some(tenure) = tenure else { return Ok(None) };
        // The role after the claim: a switch that this look misses fences the claim.
        let claim = async {
            let claimed = checkpoints(store)?.claim(&self.name).await?;
            Ok((claimed, self.role().await?))
        };
        match claim.await {
            Ok((claimed, role)) => Ok(Some(Post {
                tenure,
                fence: claimed.fence,
                position: claimed.position,
                kept: claimed.position,
                kept_at: self.runtime.now().as_micros(),
                wish,
                role,
                role_known_at: self.runtime.now().as_micros(),
            })),
            Err(error) => {
                tenure.give_back().await;
                Err(error)
            }
        }
    }

    async fn role(&self) -> Result<Role, StoreError> {
        role(
            &self.reader.store,
            &self.projection,
            self.options.version,
            self.partition.of,
        )
        .await
    }

    /// Looks now and then whether another version is in use by now.
    async fn check_role(&self, post: &mut Post) -> Result<(), Stop> {
        let now = self.runtime.now().as_micros();
        let often = i64::try_from(self.options.lease_time.as_micros() / 5).unwrap_or(i64::MAX);
        if now - post.role_known_at >= often
            && let Ok(role) = self.role().await
        {
            if matches!(role, Role::Rebuild(_)) != matches!(post.role, Role::Rebuild(_)) {
                return Err(Stop::Yield);
            }
            post.role = role;
            post.role_known_at = now;
        }
        match post.role {
            Role::Replaced => Err(Stop::Replaced),
            Role::Misfit { partitions } => Err(Stop::Failed(format!(
                "version {} of {} runs with {partitions} partition(s), not {}: to change their number, raise the version",
                self.options.version, self.projection, self.partition.of,
            ))),
            Role::InUse | Role::Rebuild(_) => Ok(()),
        }
    }

    /// Up to where a version that is rebuilt may come, if there is a limit: what the one in use never handles is not
    /// replayed.
    async fn limit(&self, post: &Post) -> Result<Option<Option<Position>>, StoreError> {
        let Role::Rebuild(in_use) = post.role else {
            return Ok(None);
        };
        let (least, most) = progress(&self.reader.store, &self.projection, in_use).await?;
        Ok(Some(if self.lifecycle.has_effects() { least } else { most }))
    }

    /// The next page, cut at the limit.
    async fn next_page(&self, post: &Post) -> Result<LogPage, StoreError> {
        let limit = self.limit(post).await?;
        let Some(limit) = limit else {
            return self.reader.page(post.position).await;
        };
        if post.position >= limit {
            return Ok(LogPage {
                events: Vec::new(),
                next: post.position,
                at_end: true,
            });
        }
        let mut page = self.reader.page(post.position).await?;
        if page.next > limit {
            page.events.retain(|event| Some(event.position) <= limit);
            page.next = limit;
            page.at_end = true;
        }
        Ok(page)
    }

    /// Counts what is ahead, for who looks.
    async fn count(&self, post: &Post) {
        const MOST: u64 = 10_000_000;
        let Some(log) = self.reader.store.log() else { return };
        if let Ok(count) = log.count(post.position, &self.reader.filter, MOST).await {
            let own = count / self.partition.of as u64;
            self.board.change(|status| status.remaining = Some(own));
        }
    }

    /// Handles page after page. `None`: the partition was given up to another process, and its place with it.
    async fn work(&mut self, post: &mut Post) -> Option<Stop> {
        self.board.change(|status| status.position = post.position);
        self.count(post).await;
        let mut failures = 0;
        loop {
            if self.is_over(post) {
                return Some(Stop::Yield);
            }
            if self.partition.of > 1 && self.share.give_up() {
                return None;
            }
            let began = self.runtime.now().as_micros();
            if let Err(stop) = self.check_role(post).await {
                return Some(stop);
            }
            let page = match self.next_page(post).await {
                Ok(page) => page,
                Err(error) if error.is_transient() => {
                    self.say(&error.to_string());
                    failures += 1;
                    self.back_off(failures, post).await;
                    continue;
                }
                Err(error) => return Some(Stop::Failed(error.to_string())),
            };
            failures = 0;
            let at_end = page.at_end;
            let rebuilding = matches!(post.role, Role::Rebuild(_));
            if !at_end {
                let state = if rebuilding {
                    State::Rebuilding
                } else {
                    State::CatchingUp
                };
                self.board.change(|status| status.state = state);
                if self.board.get().remaining == Some(0) {
                    self.count(post).await;
                }
            }
            let own: Vec<LogEvent> = page
                .events
                .iter()
                .filter(|event| self.partition.has(&event.stream))
                .cloned()
                .collect();
            if own.is_empty() {
                if let Err(stop) = self.pass_by(post, &page).await {
                    return Some(stop);
                }
            } else if let Err(stop) = self.handle_page(post, &page, own, began).await {
                return Some(stop);
            }
            if at_end {
                self.board.change(|status| {
                    status.state = if rebuilding { State::Ready } else { State::Live };
                    status.lag = Some(Duration::ZERO);
                    status.remaining = Some(0);
                });
                self.idle(post).await;
            }
        }
    }

    /// Whether this runner has to let go.
    fn is_over(&self, post: &Post) -> bool {
        self.control.get().1 != post.wish || !post.tenure.is_held()
    }

    /// Nothing of the page is for this projection.
    async fn pass_by(&self, post: &mut Post, page: &LogPage) -> Result<(), Stop> {
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

    async fn handle_page(
        &mut self,
        post: &mut Post,
        page: &LogPage,
        events: Vec<LogEvent>,
        began: i64,
    ) -> Result<(), Stop> {
        let entries = self.decoded(post, &events).await?;
        let (mut start, mut size) = (0, events.len());
        while start < events.len() {
            let sound = entries[start..]
                .iter()
                .take(size)
                .take_while(|entry| entry.is_ok())
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
            match self.try_batch(post, &events[start..end], batch, to).await? {
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

    /// Gives a batch to the projection until it is handled, or it is clear that it will not be.
    async fn try_batch(
        &self,
        post: &mut Post,
        events: &[LogEvent],
        batch: Vec<Arc<<L::Decode as Decode>::Entry>>,
        to: Option<Position>,
    ) -> Result<Tried, Stop> {
        let step = self.step(post, to);
        let batch: Arc<[_]> = batch.into();
        let replayed = matches!(post.role, Role::Rebuild(_));
        let mut attempts = 0;
        loop {
            if self.is_over(post) {
                return Err(Stop::Yield);
            }
            attempts += 1;
            let failure = match self.attempt(batch.clone(), replayed, &step).await {
                Ok(Moved::Yes) => {
                    self.moved(post, to, events);
                    return Ok(Tried::Done);
                }
                Ok(Moved::Handled) => {
                    self.put(post, &step).await?;
                    self.moved(post, to, events);
                    return Ok(Tried::Done);
                }
                Ok(Moved::No) => return self.moved_elsewhere(post, &step).await.map(Tried::Moved),
                Err(failure) => failure,
            };
            self.say(&failure.to_string());
            self.tell_stuck(post, events);
            let single = events.len() == 1;
            let again = match failure.kind {
                Kind::Transient => true,
                Kind::Permanent => false,
                Kind::Unknown => single && attempts < self.options.attempts,
            };
            if !again {
                return Ok(Tried::Failed(failure, attempts));
            }
            self.back_off(attempts, post).await;
        }
    }

    /// One attempt in a task of its own, so that a handler that blocks its thread is seen to be late all the same.
    async fn attempt(
        &self,
        batch: Arc<[Arc<<L::Decode as Decode>::Entry>]>,
        replayed: bool,
        step: &Step,
    ) -> Result<Moved, HandlerError> {
        let (lifecycle, step) = (self.lifecycle.clone(), step.clone());
        let (reply, outcome) = oneshot::channel();
        let handling = async move {
            let handling = Box::pin(async { lifecycle.handle(Batch::new(&batch, replayed), &step).await });
            let outcome = catch_future(handling).await;
            let outcome = outcome.unwrap_or_else(|panic| Err(HandlerError::from(format!("the handler {panic}"))));
            // Nobody waits any more if it was late.
            let _ = reply.send(outcome);
        };
        let (handling, abort) = abortable(handling);
        self.runtime.spawn(Box::pin(async move {
            let _ = handling.await;
        }));
        let timeout = self.options.timeout;
        match select(outcome, self.runtime.sleep(timeout)).await {
            Either::Left((Ok(outcome), _)) => outcome,
            Either::Left((Err(_), _)) => Err(HandlerError::from("the handler's task was dropped")),
            Either::Right(_) => {
                abort.abort();
                Err(HandlerError::from(format!(
                    "the handler was not done within {timeout:?}"
                )))
            }
        }
    }

    /// Moves the checkpoint behind what was handled.
    async fn put(&self, post: &Post, step: &Step) -> Result<(), Stop> {
        let mut failures = 0;
        loop {
            match step.put().await {
                Ok(Moved::No) => return Err(Stop::Yield),
                Ok(_) => return Ok(()),
                Err(error) => self.say(&error.to_string()),
            }
            failures += 1;
            self.back_off(failures, post).await;
            if !post.tenure.is_held() {
                return Err(Stop::Yield);
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
            match self.lifecycle.pass(parked, &step).await {
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
    async fn moved_elsewhere(&self, post: &Post, step: &Step) -> Result<Option<Position>, Stop> {
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

    fn step(&self, post: &Post, to: Option<Position>) -> Step {
        Step {
            store: self.reader.store.clone(),
            reader: self.name.clone(),
            from: post.kept,
            to,
            fence: post.fence,
        }
    }

    fn moved(&self, post: &mut Post, to: Option<Position>, events: &[LogEvent]) {
        post.position = to;
        post.kept = to;
        let until = events.last().map(|last| last.occurred_at);
        let now = self.runtime.now().as_micros();
        self.board.change(|status| {
            status.position = to;
            status.handled += events.len() as u64;
            status.remaining = status
                .remaining
                .map(|remaining| remaining.saturating_sub(events.len() as u64));
            status.handled_until = until;
            status.lag = until.map(|until| Duration::from_micros((now - until.as_micros()).max(0).unsigned_abs()));
        });
    }

    /// The speed of the last pages, the newest counting most.
    fn tell_speed(&self, events: &[LogEvent], began: i64) {
        let took = (self.runtime.now().as_micros() - began).max(1);
        #[expect(clippy::cast_precision_loss, reason = "it is told to people")]
        let speed = events.len() as f64 * 1e6 / took as f64;
        self.board.change(|status| {
            let before = status.events_per_second;
            status.events_per_second = if before > 0.0 {
                before.mul_add(0.8, speed * 0.2)
            } else {
                speed
            };
        });
    }

    /// What went wrong, for who looks.
    fn say(&self, error: &str) {
        self.board.change(|status| {
            status.failures += 1;
            status.last_error = Some(error.to_owned());
        });
    }

    /// It is behind by what it could not handle, also where it was live until then.
    fn tell_stuck(&self, post: &Post, events: &[LogEvent]) {
        let now = self.runtime.now().as_micros();
        let lag = events
            .first()
            .map(|first| Duration::from_micros((now - first.occurred_at.as_micros()).max(0).unsigned_abs()));
        self.board.change(|status| {
            status.state = match post.role {
                Role::Rebuild(_) => State::Rebuilding,
                _ => State::CatchingUp,
            };
            status.lag = lag;
        });
    }

    async fn back_off(&self, failures: u32, post: &Post) {
        let exponent = failures.saturating_sub(1).min(20);
        let longest = self
            .options
            .backoff
            .saturating_mul(1 << exponent)
            .min(self.options.max_backoff);
        let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX).max(2);
        let pause = Duration::from_micros(micros / 2 + self.runtime.entropy() % (micros / 2));
        self.rest(pause, post.wish).await;
    }

    /// Waits for new events, a wish, or the time to look after the lease.
    async fn idle(&self, post: &Post) {
        if matches!(post.role, Role::Rebuild(_)) {
            // It may be waiting for the version in use instead, which nothing tells of.
            let soon = self.options.poll_interval.min(Duration::from_millis(100));
            return self.rest(soon, post.wish).await;
        }
        let waiting = Box::pin(self.reader.wait(post.position));
        let rest = Box::pin(self.rest(self.options.lease_time / 5, post.wish));
        select(waiting, rest).await;
    }

    async fn rest(&self, time: Duration, wish: u64) {
        let changed = Box::pin(self.control.changed(wish));
        select(self.runtime.sleep(time), changed).await;
    }
}

enum Tried<T = Option<Position>> {
    Done,
    Failed(HandlerError, u32),
    Moved(T),
}

/// Where a reader is behind an event of a page.
fn after(page: &LogPage, events: &[LogEvent], at: usize) -> Option<Position> {
    if at + 1 == events.len() {
        return page.next;
    }
    Some(events[at].position)
}
