use std::error::Error;

use asynx_core::EventName;
use asynx_core::patch::Patch;

use crate::{Only, Then};

/// What an [`Upcaster`] fails with.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Brings the patch of one event from one schema to the next.
///
/// Must be pure and without state: it runs on every way out of the store, again and again, on many threads. It sees
/// patches, not documents, and each patch by itself. Its law is **commutation**: where `T` is the change of the whole
/// document that the new schema asks for, and the patches of a stream fold to `d1`, `d2`, ..., the upcast patches must
/// fold to `T(d1)`, `T(d2)`, .... So an upcaster has to care for a value however it arrives: by itself, inside of an
/// added or replaced subtree, or as a change deep within. The ready-made operations ([`add_default`](crate::add_default),
/// [`rename`](crate::rename), ...) do; prefer them.
///
/// Closures are upcasters if the types of their arguments are written out, which the compiler does not infer here:
///
/// ```
/// # use asynx_core::{EventName, patch::Patch};
/// # use asynx_upcast::{BoxError, Chain};
/// let chain = Chain::builder(2)
///     .step(1, |event_name: &EventName, patch: Patch| -> Result<Patch, BoxError> {
///         if event_name == "OrderImported" && patch.0.is_empty() {
///             return Err("an import without content".into());
///         }
///         Ok(patch)
///     })
///     .build()?;
/// # Ok::<(), BoxError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no upcaster",
    label = "not an upcaster",
    note = "a closure must be `Fn(&EventName, Patch) -> Result<Patch, E>`, `Send + Sync + 'static`, with the types of its \
            arguments written out: `|event_name: &EventName, patch: Patch| ...`"
)]
pub trait Upcaster: Send + Sync + 'static {
    /// Brings the patch of an event called `event_name` to the next schema.
    ///
    /// # Errors
    /// Whatever keeps the patch from being understood: it stops the read, so say which place is meant, without payload.
    fn upcast(&self, event_name: &EventName, patch: Patch) -> Result<Patch, BoxError>;

    /// Whether the upcaster was made well; [`ChainBuilder::build`](crate::ChainBuilder::build) asks. Says yes by default.
    ///
    /// # Errors
    /// What is wrong, such as a path that is no JSON pointer. Then `upcast` should fail as well.
    fn check(&self) -> Result<(), BoxError> {
        Ok(())
    }

    /// This upcaster, then `next` on what it made, within the same step. `next` sees the names of this one's result.
    fn then<U: Upcaster>(self, next: U) -> Then<Self, U>
    where
        Self: Sized,
    {
        Then::new(self, next)
    }

    /// This upcaster for events with one of these names; the patches of other events stay as they are.
    ///
    /// For closures that know one event. **Do not narrow a path operation by this**, unless it is sure that the path can
    /// only be touched by these events: a later event that replaces an ancestor of the path would not be upcast.
    ///
    /// A name that no event can have is an error when the chain is built.
    fn only<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Only<Self>
    where
        Self: Sized,
    {
        Only::names(self, names.into_iter().map(Into::into).collect())
    }

    /// As [`only`](Self::only), for events whose names fulfil a condition.
    fn only_if(self, applies: impl Fn(&EventName) -> bool + Send + Sync + 'static) -> Only<Self>
    where
        Self: Sized,
    {
        Only::matching(self, applies)
    }
}

impl<F, E> Upcaster for F
where
    F: Fn(&EventName, Patch) -> Result<Patch, E> + Send + Sync + 'static,
    E: Into<BoxError>,
{
    fn upcast(&self, event_name: &EventName, patch: Patch) -> Result<Patch, BoxError> {
        self(event_name, patch).map_err(Into::into)
    }
}
