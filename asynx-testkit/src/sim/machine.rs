use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use asynx_core::drop_caught;
use futures::future::BoxFuture;

use super::schedule::Schedule;
use super::state::{MAIN, Process, World};
use super::stuck::{Hanging, Stuck};
use super::{SimProcess, wake};

/// A simulated machine. Dropping it drops all its tasks.
pub struct Sim {
    world: Arc<World>,
    main: SimProcess,
    max_steps: u64,
}

impl Sim {
    /// The machine of a seed, with the uniform schedule.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self::with_schedule(seed, Schedule::Uniform)
    }

    /// The machine of a seed, with a schedule.
    #[must_use]
    pub fn with_schedule(seed: u64, schedule: Schedule) -> Self {
        let world = Arc::new(World::seeded(seed, schedule));
        let main = process(&world, "main".to_owned());
        Self {
            world,
            main,
            max_steps: 10_000_000,
        }
    }

    /// Calls a run endless after so many steps; 10 million at first.
    #[must_use]
    pub const fn max_steps(mut self, steps: u64) -> Self {
        self.max_steps = steps;
        self
    }

    /// A new process.
    pub fn process(&self, name: impl Into<String>) -> SimProcess {
        process(&self.world, name.into())
    }

    /// The process that `block_on` runs in.
    #[must_use]
    pub const fn main(&self) -> &SimProcess {
        &self.main
    }

    /// Runs everything until a future has ended. Other tasks stay where they are.
    ///
    /// # Errors
    /// [`Stuck`] when it cannot end.
    ///
    /// # Panics
    /// When the future panics.
    pub fn block_on<T>(&self, main: impl Future<Output = T>) -> Result<T, Stuck> {
        self.world.lock().put(MAIN, self.main.number, None);
        let ended = self.run_main(main);
        let mut state = self.world.lock();
        state.tasks.remove(&MAIN);
        state.scheduler.forget(MAIN);
        ended
    }

    fn run_main<T>(&self, main: impl Future<Output = T>) -> Result<T, Stuck> {
        let mut main = pin!(main);
        let waker = wake::waker(&self.world, MAIN);
        loop {
            match self.next()? {
                Some(MAIN) => {
                    let polled = main.as_mut().poll(&mut Context::from_waker(&waker));
                    self.after_step();
                    if let Poll::Ready(ended) = polled {
                        return Ok(ended);
                    }
                }
                Some(task) => self.step(task),
                None => {
                    let hanging = self.hanging();
                    return Err(Stuck::Deadlock { hanging });
                }
            }
        }
    }

    /// Runs everything until nothing is ready and no timer runs. Tasks may be left that wait for what never comes.
    ///
    /// # Errors
    /// [`Stuck::Endless`] when that does not happen.
    pub fn run_until_idle(&self) -> Result<(), Stuck> {
        self.after_step();
        while let Some(task) = self.next()? {
            self.step(task);
        }
        Ok(())
    }

    /// How many steps there were.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.world.lock().steps
    }

    /// A number that stands for all that has happened: which task was polled when. Two runs of one seed have the same.
    #[must_use]
    pub fn trace(&self) -> u64 {
        self.world.lock().trace
    }

    /// Who has not ended.
    #[must_use]
    pub fn hanging(&self) -> Vec<Hanging> {
        let state = self.world.lock();
        let hanging = state.tasks.iter().map(|(id, task)| Hanging {
            process: state.processes[task.process].name.clone(),
            task: *id,
            polls: task.polls,
        });
        hanging.collect()
    }

    /// The task to poll now.
    fn next(&self) -> Result<Option<u64>, Stuck> {
        loop {
            let mut state = self.world.lock();
            let due = state.due();
            let picked = due.is_empty().then(|| state.scheduler.pick());
            let Some(picked) = picked else {
                drop(state);
                due.into_iter().for_each(std::task::Waker::wake);
                continue;
            };
            let Some(id) = picked else {
                return Ok(None);
            };
            state.steps += 1;
            state.now += state.scheduler.step();
            let (steps, now) = (state.steps, state.now);
            state.mark(&[id, now]);
            if let Some(task) = state.tasks.get_mut(&id) {
                task.ready = false;
                task.polls += 1;
            }
            drop(state);
            if steps > self.max_steps {
                return Err(Stuck::Endless {
                    steps: self.max_steps,
                    hanging: self.hanging(),
                });
            }
            return Ok(Some(id));
        }
    }

    fn step(&self, id: u64) {
        let future = self.world.lock().tasks.get_mut(&id).and_then(|task| task.future.take());
        let Some(mut future) = future else { return };
        let waker = wake::waker(&self.world, id);
        let polled = catch_unwind(AssertUnwindSafe(|| {
            future.as_mut().poll(&mut Context::from_waker(&waker))
        }));
        match polled {
            Ok(Poll::Pending) => self.put_back(id, future),
            Ok(Poll::Ready(())) => {
                self.world.lock().tasks.remove(&id);
                drop_caught(future);
            }
            Err(payload) => {
                let mut state = self.world.lock();
                if let Some(task) = state.tasks.remove(&id) {
                    state.processes[task.process].panics += 1;
                }
                drop(state);
                drop_caught(payload);
                drop_caught(future);
            }
        }
        self.after_step();
    }

    fn put_back(&self, id: u64, future: BoxFuture<'static, ()>) {
        if let Some(task) = self.world.lock().tasks.get_mut(&id) {
            task.future = Some(future);
        }
    }

    /// Drops what was killed in this step.
    fn after_step(&self) {
        loop {
            let dead = self.world.lock().reap();
            if dead.is_empty() {
                return;
            }
            dead.into_iter().for_each(drop_caught);
        }
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        // A task may hold the machine itself; and dropping one may spawn another.
        loop {
            let mut state = self.world.lock();
            for number in 0..state.processes.len() {
                state.processes[number].killed = true;
                state.dying.push(number);
            }
            let dead = state.reap();
            let timers = std::mem::take(&mut state.timers);
            drop(state);
            if dead.is_empty() && timers.is_empty() {
                return;
            }
            dead.into_iter().for_each(drop_caught);
        }
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim")
            .field("steps", &self.steps())
            .finish_non_exhaustive()
    }
}

fn process(world: &Arc<World>, name: String) -> SimProcess {
    let mut state = world.lock();
    state.processes.push(Process {
        name,
        killed: false,
        panics: 0,
        paused: None,
    });
    SimProcess {
        world: Arc::clone(world),
        number: state.processes.len() - 1,
    }
}
