use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures::FutureExt;

/// A panic of user code that was caught, with its message.
#[derive(Clone, PartialEq, Eq)]
pub struct Panic(String);

impl Panic {
    fn from_payload(payload: Box<dyn Any + Send>) -> Self {
        let message = if let Some(text) = payload.downcast_ref::<&str>() {
            (*text).to_owned()
        } else if let Some(text) = payload.downcast_ref::<String>() {
            text.clone()
        } else {
            "a value that is no text".to_owned()
        };
        drop_caught(payload);
        Self(message)
    }

    /// What the panic said.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Panic({:?})", self.0)
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panicked: {}", self.0)
    }
}

/// Runs user code; a panic comes back as a value.
///
/// # Errors
/// [`Panic`] when the code panicked.
pub fn catch<T>(code: impl FnOnce() -> T) -> Result<T, Panic> {
    catch_unwind(AssertUnwindSafe(code)).map_err(Panic::from_payload)
}

/// Awaits user code; a panic in a poll, or in dropping the future, comes back as a value.
///
/// # Errors
/// [`Panic`] when the code panicked.
///
/// # Cancel safety
/// As cancel safe as `future`; a panic in dropping it early is swallowed.
pub async fn catch_future<F: Future + Unpin>(future: F) -> Result<F::Output, Panic> {
    let mut future = Caught::new(future);
    let polled = AssertUnwindSafe(future.get_mut()).catch_unwind().await;
    drop(future);
    polled.map_err(Panic::from_payload)
}

/// Drops a user's value; a panic of its destructor is swallowed, since there is nobody to tell.
pub fn drop_caught<T>(value: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(move || drop(value))) {
        // The payload is a user's value as well: its destructor may panic once more, and then it is leaked.
        if let Err(again) = catch_unwind(AssertUnwindSafe(move || drop(payload))) {
            std::mem::forget(again);
        }
    }
}

/// A user's value whose destructor cannot harm who drops it.
#[derive(Debug)]
pub struct Caught<T>(Option<T>);

impl<T> Caught<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(Some(value))
    }

    /// The value, to change it.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("only drop takes the value")
    }

    /// The value, no longer guarded.
    #[must_use]
    pub fn into_inner(mut self) -> T {
        self.0.take().expect("only drop takes the value")
    }
}

impl<T> Deref for Caught<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("only drop takes the value")
    }
}

impl<T: Clone> Clone for Caught<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Drop for Caught<T> {
    fn drop(&mut self) {
        if let Some(value) = self.0.take() {
            drop_caught(value);
        }
    }
}
