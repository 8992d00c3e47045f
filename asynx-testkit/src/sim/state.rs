use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use futures::future::BoxFuture;

use super::schedule::{Schedule, Scheduler};
use crate::Random;

/// 2026-01-01T00:00:00Z, where every run begins.
const BEGINNING: u64 = 1_767_225_600_000_000;

/// The future that `block_on` was given is this task.
pub(super) const MAIN: u64 = 0;

/// What all parts of one machine share. Futures, wakers and panics never meet its lock.
pub(super) struct World(Mutex<State>);

pub(super) struct State {
    /// Microseconds since 1970.
    pub(super) now: u64,
    pub(super) scheduler: Scheduler,
    pub(super) entropy: Random,
    pub(super) tasks: BTreeMap<u64, Task>,
    last_task: u64,
    /// By when they are due, and by number.
    pub(super) timers: BTreeMap<(u64, u64), Waker>,
    last_timer: u64,
    pub(super) processes: Vec<Process>,
    /// Processes to be killed when the step is over.
    pub(super) dying: Vec<usize>,
    pub(super) steps: u64,
    pub(super) trace: u64,
}

pub(super) struct Task {
    pub(super) process: usize,
    /// Not here while it is polled, and never for the main task.
    pub(super) future: Option<BoxFuture<'static, ()>>,
    pub(super) ready: bool,
    pub(super) polls: u64,
}

pub(super) struct Process {
    pub(super) name: String,
    pub(super) killed: bool,
    pub(super) panics: u64,
    /// While it is paused: its tasks that are ready.
    pub(super) paused: Option<Vec<u64>>,
}

impl World {
    pub(super) fn seeded(seed: u64, schedule: Schedule) -> Self {
        let mut random = Random::seeded(seed);
        Self(Mutex::new(State {
            now: BEGINNING,
            scheduler: Scheduler::new(schedule, Random::seeded(random.bits())),
            entropy: Random::seeded(random.bits()),
            tasks: BTreeMap::new(),
            last_task: MAIN,
            timers: BTreeMap::new(),
            last_timer: 0,
            processes: Vec::new(),
            dying: Vec::new(),
            steps: 0,
            trace: 0xcbf2_9ce4_8422_2325,
        }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a task ready, if it is still there.
    pub(super) fn wake(&self, id: u64) {
        let mut state = self.lock();
        let Some(task) = state.tasks.get_mut(&id).filter(|task| !task.ready) else {
            return;
        };
        task.ready = true;
        let process = task.process;
        state.ready(id, process);
    }
}

impl State {
    /// Puts a task in, ready to be polled. A killed process takes no task: it is handed back, to be dropped.
    pub(super) fn spawn(&mut self, process: usize, future: BoxFuture<'static, ()>) -> Option<BoxFuture<'static, ()>> {
        if self.processes[process].killed {
            return Some(future);
        }
        self.last_task += 1;
        let id = self.last_task;
        self.put(id, process, Some(future));
        None
    }

    pub(super) fn put(&mut self, id: u64, process: usize, future: Option<BoxFuture<'static, ()>>) {
        let task = Task {
            process,
            future,
            ready: true,
            polls: 0,
        };
        self.tasks.insert(id, task);
        self.ready(id, process);
        self.mark(&[1, id, process as u64]);
    }

    fn ready(&mut self, id: u64, process: usize) {
        match &mut self.processes[process].paused {
            Some(held) => held.push(id),
            None => self.scheduler.ready(id),
        }
    }

    pub(super) fn pause(&mut self, process: usize) {
        if self.processes[process].paused.is_some() {
            return;
        }
        let ready = self
            .tasks
            .iter()
            .filter(|(_, task)| task.process == process && task.ready);
        let ready: Vec<u64> = ready.map(|(id, _)| *id).collect();
        ready.iter().for_each(|id| self.scheduler.forget(*id));
        self.processes[process].paused = Some(ready);
        self.mark(&[3, process as u64]);
    }

    pub(super) fn resume(&mut self, process: usize) {
        for id in self.processes[process].paused.take().into_iter().flatten() {
            if self.tasks.contains_key(&id) {
                self.scheduler.ready(id);
            }
        }
        self.mark(&[4, process as u64]);
    }

    /// Takes the tasks of the processes that are to die out.
    pub(super) fn reap(&mut self) -> Vec<BoxFuture<'static, ()>> {
        let mut dead = Vec::new();
        for process in std::mem::take(&mut self.dying) {
            let ids = self.tasks.iter().filter(|(_, task)| task.process == process);
            let ids: Vec<u64> = ids.map(|(id, _)| *id).filter(|id| *id != MAIN).collect();
            self.mark(&[2, process as u64]);
            for id in ids {
                self.scheduler.forget(id);
                dead.extend(self.tasks.remove(&id).and_then(|task| task.future));
            }
        }
        dead
    }

    pub(super) fn timer(&mut self) -> u64 {
        self.last_timer += 1;
        self.last_timer
    }

    /// The wakers of the timers that are due. With nothing ready the clock goes to the next one.
    pub(super) fn due(&mut self) -> Vec<Waker> {
        if !self.scheduler.has_ready()
            && let Some(((due, _), _)) = self.timers.first_key_value()
        {
            self.now = self.now.max(*due);
        }
        let mut due = Vec::new();
        while let Some(timer) = self.timers.first_entry() {
            if timer.key().0 > self.now {
                break;
            }
            due.push(timer.remove());
        }
        due
    }

    /// Adds to the trace (FNV-1a over whole words).
    pub(super) fn mark(&mut self, words: &[u64]) {
        for word in words {
            self.trace = (self.trace ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
        }
    }
}
