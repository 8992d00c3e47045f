use std::task::Poll;

use asynx_testkit::faults::Faults;
use asynx_testkit::layers::{Answer, CallInfo, Intercept};
use asynx_testkit::sim::SimProcess;
use futures::future::{BoxFuture, FutureExt, poll_fn};

use crate::history::History;

/// Kills the process in the very step in which its faults say that it crashed.
pub(crate) struct Watch {
    pub(crate) faults: Faults,
    pub(crate) process: SimProcess,
    pub(crate) history: History,
    pub(crate) life: usize,
}

impl Intercept for Watch {
    type Decision = ();

    fn decide(&self, _: CallInfo) {}

    fn intercept<T: Answer>(&self, _: CallInfo, (): (), mut run: BoxFuture<'static, T>) -> BoxFuture<'static, T> {
        let Self {
            faults,
            process,
            history,
            life,
        } = self;
        let (faults, process, history, life) = (faults.clone(), process.clone(), history.clone(), *life);
        poll_fn(move |cx| {
            let polled = run.poll_unpin(cx);
            if faults.is_crashed() && !process.is_killed() {
                let name = history.life_name(life);
                let tick = history.note(format_args!("CRASH {name}"));
                history.lock().lives[life].killed = Some(tick);
                process.kill();
                return Poll::Pending;
            }
            polled
        })
        .boxed()
    }
}
