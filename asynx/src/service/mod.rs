//! Commands as a [tower](https://docs.rs/tower) service: with feature `tower`.
//!
//! ```
//! use std::time::Duration;
//!
//! use asynx::service::Request;
//! use asynx::{Asynx, Command, Event};
//! use tower::{BoxError, Service, ServiceBuilder, ServiceExt};
//! # use asynx::Aggregate;
//!
//! # async fn example<A: Aggregate, C: Command<A> + Sync>(orders: Asynx<A>, command: C) -> Result<(), BoxError> {
//! let mut service = ServiceBuilder::new()
//!     .load_shed()
//!     .concurrency_limit(1_000)
//!     .timeout(Duration::from_secs(2))
//!     .service(orders.service::<C>());
//! let request = Request::new(command).idempotency_key("req-42");
//! let event: Event<A> = service.ready().await?.call(request).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Readiness
//! Which queue a command goes to depends on its aggregate, which `poll_ready` cannot know. So the service is always ready, until
//! it is shut down. Back-pressure comes with the answer: with [`Overflow::Reject`](crate::Overflow) a full queue is
//! [`Error::QueueFull`](crate::Error::QueueFull), with [`Overflow::Wait`](crate::Overflow) the future waits for a place. For
//! layers that look at readiness (load shedding, balancing) put a concurrency limit below them.
//!
//! # Timeouts
//! A timeout drops the future, and the command may be carried out all the same: who is told that it timed out knows nothing. Give
//! the request an [`idempotency_key`](Request::idempotency_key); sent again with it, it is carried out once, and answered
//! with the event that there is.
//!
//! # Retries
//! asynx itself runs a command again after conflicts and transient failures of the store, many times. A layer is for what comes
//! after that, and for what was lost on the way. [`Request::may_be_sent_again`] tells what is safe:
//!
//! ```
//! use asynx::service::Request;
//! use asynx::{Event, SendError};
//! use tower::BoxError;
//! use tower::retry::Policy;
//! # type Refused = std::convert::Infallible;
//!
//! /// So many more attempts.
//! #[derive(Clone)]
//! struct Attempts(u32);
//!
//! impl<A, C: Clone> Policy<Request<C>, Event<A>, BoxError> for Attempts {
//!     type Future = std::future::Ready<()>;
//!
//!     fn retry(&mut self, request: &mut Request<C>, answer: &mut Result<Event<A>, BoxError>) -> Option<Self::Future> {
//!         let error = answer.as_ref().err()?;
//!         let safe = match error.downcast_ref::<SendError<Refused>>() {
//!             Some(error) => request.may_be_sent_again(error),
//!             // Of another layer, such as a timeout: nobody knows what became of the command.
//!             None => request.is_keyed(),
//!         };
//!         self.0 = self.0.checked_sub(1)?;
//!         safe.then(|| std::future::ready(()))
//!     }
//!
//!     fn clone_request(&mut self, request: &Request<C>) -> Option<Request<C>> {
//!         Some(request.clone())
//!     }
//! }
//! ```
//!
//! In earnest, let the future of the policy be a sleep that grows: an overloaded store is not helped by haste.
//!
//! # Causation
//! A command inherits correlation and causation from the handler in which `call` is called. A layer that calls in a task of
//! its own (`Buffer`) loses them; set [`correlation`](Request::correlation) there.

mod command_service;
mod request;

pub use command_service::CommandService;
pub use request::Request;
