//! Given, when, then: a domain's commands tested by themselves, without a store and without a runtime.
//!
//! ```
//! # use std::borrow::Cow;
//! # use serde::{Deserialize, Serialize};
//! # use serde_json::json;
//! # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
//! # struct Order { id: String, status: String }
//! # impl asynx_core::Aggregate for Order { const CATEGORY: &'static str = "order"; }
//! # #[derive(Debug, PartialEq, thiserror::Error)]
//! # enum Refused { #[error("the order exists")] Exists, #[error("there is no such order")] Missing }
//! # struct CreateOrder { id: &'static str }
//! # impl asynx_core::Command<Order> for CreateOrder {
//! #     type Rejection = Refused;
//! #     fn aggregate_id(&self) -> Cow<'_, str> { self.id.into() }
//! #     fn event_name(&self) -> Cow<'_, str> { "OrderCreated".into() }
//! #     fn validate(&self, order: Option<&Order>) -> Result<(), Refused> { match order { Some(_) => Err(Refused::Exists), None => Ok(()) } }
//! #     fn emit(&self, _: Option<&Order>) -> Order { Order { id: self.id.to_owned(), status: "pending".to_owned() } }
//! # }
//! # struct ConfirmOrder { id: &'static str }
//! # impl asynx_core::Command<Order> for ConfirmOrder {
//! #     type Rejection = Refused;
//! #     fn aggregate_id(&self) -> Cow<'_, str> { self.id.into() }
//! #     fn event_name(&self) -> Cow<'_, str> { "OrderConfirmed".into() }
//! #     fn validate(&self, order: Option<&Order>) -> Result<(), Refused> { order.map(|_| ()).ok_or(Refused::Missing) }
//! #     fn emit(&self, order: Option<&Order>) -> Order { Order { status: "confirmed".to_owned(), ..order.unwrap().clone() } }
//! # }
//! use asynx_testkit::scenario::Scenario;
//!
//! Scenario::<Order>::given([CreateOrder { id: "ORD-1" }])
//!     .when(ConfirmOrder { id: "ORD-1" })
//!     .then_event("OrderConfirmed")
//!     .then_patch(json!([{"op": "replace", "path": "/status", "value": "confirmed"}]))
//!     .then_state(|order| assert_eq!(order.id, "ORD-1"));
//!
//! Scenario::<Order>::given([CreateOrder { id: "ORD-1" }])
//!     .when(CreateOrder { id: "ORD-1" })
//!     .then_rejected(Refused::Exists);
//! ```
//!
//! A command runs as the processor runs it, and its state goes the way through the patch: what [`Outcome`] shows, and
//! what the next command is given, was read back from the document. On the way every command is held to what asynx
//! demands of it:
//!
//! - its id and its event name are valid, and the same when asked again;
//! - `validate` and `emit` are pure, as far as running them twice can tell: a shared counter or the clock shows, a clock
//!   that both calls read as the same does not;
//! - the new state can be read back from JSON (D5), with the patch placed into the stored document (D7).
//!
//! What fails panics, at the line of the test, with a diff of the expected and the actual JSON.
//!
//! [`UpcastScenario`] is for upcasters, [`Events`] for handlers and projections, [`assert_model`] for what these make.

mod commands;
mod events;
mod life;
mod model;
mod outcome;
mod run;
mod start;
mod text;
mod upcast;

pub use commands::Commands;
pub use events::Events;
pub use model::assert_model;
pub use outcome::Outcome;
pub use start::Scenario;
pub use upcast::UpcastScenario;
