use std::borrow::Cow;

use crate::Aggregate;

/// A request to change one aggregate: checked by [`validate`](Self::validate), carried out by [`emit`](Self::emit).
///
/// Both must be pure (no I/O, clock, randomness or shared state): asynx runs a command again when another process
/// wrote in between, and the outcome must depend on the state alone. A panic answers the caller with an error and
/// harms nobody else; a `validate` that never returns stops its shard.
///
/// ```
/// # use std::borrow::Cow;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Clone, Serialize, Deserialize)]
/// # struct Order { total_cents: u64 }
/// # impl asynx_core::Aggregate for Order { const CATEGORY: &'static str = "order"; }
/// struct Discount { order: String, cents: u64 }
///
/// #[derive(Debug, thiserror::Error)]
/// enum Refused {
///     #[error("there is no such order")]
///     NoOrder,
///     #[error("the discount exceeds the total of {total} cents")]
///     TooMuch { total: u64 },
/// }
///
/// impl asynx_core::Command<Order> for Discount {
///     type Rejection = Refused;
///
///     fn aggregate_id(&self) -> Cow<'_, str> {
///         (&self.order).into()
///     }
///     fn event_name(&self) -> Cow<'_, str> {
///         "OrderDiscounted".into()
///     }
///     fn validate(&self, current: Option<&Order>) -> Result<(), Refused> {
///         let order = current.ok_or(Refused::NoOrder)?;
///         if self.cents > order.total_cents {
///             return Err(Refused::TooMuch { total: order.total_cents });
///         }
///         Ok(())
///     }
///     fn emit(&self, current: Option<&Order>) -> Order {
///         let mut order = current.cloned().expect("validate saw an order");
///         order.total_cents -= self.cents;
///         order
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no command for the aggregate `{A}`",
    note = "implement `Command<{A}>` for `{Self}`: `aggregate_id`, `event_name`, `validate`, `emit`"
)]
pub trait Command<A: Aggregate>: Send + 'static {
    /// Why the domain refuses the command; it reaches the caller as it is.
    type Rejection: std::error::Error + Send + Sync + 'static;

    /// Which aggregate: 1 to 255 bytes without NUL. Asked once.
    fn aggregate_id(&self) -> Cow<'_, str>;

    /// What the event is called if it happens: 1 to 255 bytes without NUL, not beginning with `asynx.`. Asked once.
    fn event_name(&self) -> Cow<'_, str>;

    /// Whether the command is allowed now. `None` where the aggregate never existed or was forgotten.
    ///
    /// # Errors
    /// The domain's reason; nothing is written then.
    fn validate(&self, current: Option<&A>) -> Result<(), Self::Rejection>;

    /// The next state. Called only after [`validate`](Self::validate) allowed it, with the same `current`.
    fn emit(&self, current: Option<&A>) -> A;

    /// Whether to write a snapshot after this command, besides what the snapshot policy asks for.
    fn should_snapshot(&self) -> bool {
        false
    }
}

impl<A: Aggregate, C: Command<A> + ?Sized> Command<A> for Box<C> {
    type Rejection = C::Rejection;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (**self).aggregate_id()
    }

    fn event_name(&self) -> Cow<'_, str> {
        (**self).event_name()
    }

    fn validate(&self, current: Option<&A>) -> Result<(), Self::Rejection> {
        (**self).validate(current)
    }

    fn emit(&self, current: Option<&A>) -> A {
        (**self).emit(current)
    }

    fn should_snapshot(&self) -> bool {
        (**self).should_snapshot()
    }
}
