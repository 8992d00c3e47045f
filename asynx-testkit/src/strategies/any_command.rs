use std::borrow::Cow;
use std::fmt;

use asynx_core::{Aggregate, Command};
use proptest::collection::{SizeRange, vec};
use proptest::strategy::{BoxedStrategy, Strategy, Union};

/// A command of any type with a common rejection. `Debug` shows the command itself.
pub struct AnyCommand<A, R> {
    shown: String,
    command: Box<dyn Command<A, Rejection = R>>,
}

impl<A: Aggregate, R: std::error::Error + Send + Sync + 'static> Command<A> for AnyCommand<A, R> {
    type Rejection = R;

    fn aggregate_id(&self) -> Cow<'_, str> {
        self.command.aggregate_id()
    }

    fn event_name(&self) -> Cow<'_, str> {
        self.command.event_name()
    }

    fn validate(&self, current: Option<&A>) -> Result<(), R> {
        self.command.validate(current)
    }

    fn emit(&self, current: Option<&A>) -> A {
        self.command.emit(current)
    }

    fn should_snapshot(&self) -> bool {
        self.command.should_snapshot()
    }
}

impl<A, R> fmt::Debug for AnyCommand<A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// The commands of one strategy, to be put into a list with those of others.
pub fn command<A, C>(strategy: impl Strategy<Value = C> + 'static) -> BoxedStrategy<AnyCommand<A, C::Rejection>>
where
    A: Aggregate,
    C: Command<A> + fmt::Debug,
{
    let any = strategy.prop_map(|command| AnyCommand {
        shown: format!("{command:?}"),
        command: Box::new(command) as Box<dyn Command<A, Rejection = C::Rejection>>,
    });
    any.boxed()
}

/// Sequences of commands, each from one of these strategies.
///
/// # Panics
/// On an empty list.
pub fn commands<A, R>(
    each: impl IntoIterator<Item = BoxedStrategy<AnyCommand<A, R>>>,
    size: impl Into<SizeRange>,
) -> impl Strategy<Value = Vec<AnyCommand<A, R>>>
where
    A: Aggregate,
    R: std::error::Error + Send + Sync + 'static,
{
    vec(Union::new(each), size)
}
