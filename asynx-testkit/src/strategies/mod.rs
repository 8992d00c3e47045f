//! Strategies of [proptest](https://docs.rs/proptest): documents, patches that fit them, sequences of commands.
//!
//! ```
//! # use std::borrow::Cow;
//! # use serde::{Deserialize, Serialize};
//! # #[derive(Clone, Serialize, Deserialize)]
//! # struct Account { cents: i64 }
//! # impl asynx_core::Aggregate for Account { const CATEGORY: &'static str = "account"; }
//! # #[derive(Debug, thiserror::Error)]
//! # #[error("not enough")]
//! # struct Refused;
//! # #[derive(Debug)] struct Pay(i64);
//! # #[derive(Debug)] struct Draw(i64);
//! # impl asynx_core::Command<Account> for Pay {
//! #     type Rejection = Refused;
//! #     fn aggregate_id(&self) -> Cow<'_, str> { "1".into() }
//! #     fn event_name(&self) -> Cow<'_, str> { "Paid".into() }
//! #     fn validate(&self, _: Option<&Account>) -> Result<(), Refused> { Ok(()) }
//! #     fn emit(&self, account: Option<&Account>) -> Account { Account { cents: account.map_or(0, |account| account.cents) + self.0 } }
//! # }
//! # impl asynx_core::Command<Account> for Draw {
//! #     type Rejection = Refused;
//! #     fn aggregate_id(&self) -> Cow<'_, str> { "1".into() }
//! #     fn event_name(&self) -> Cow<'_, str> { "Drawn".into() }
//! #     fn validate(&self, account: Option<&Account>) -> Result<(), Refused> { account.filter(|account| account.cents >= self.0).map(|_| ()).ok_or(Refused) }
//! #     fn emit(&self, account: Option<&Account>) -> Account { Account { cents: account.unwrap().cents - self.0 } }
//! # }
//! use asynx_testkit::scenario::Scenario;
//! use asynx_testkit::strategies::{command, commands};
//! use proptest::prelude::*;
//!
//! proptest! {
//!     # #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
//!     # /*
//!     #[test]
//!     # */
//!     fn an_account_is_never_overdrawn(
//!         commands in commands([
//!             command((1_i64..100).prop_map(Pay)),
//!             command((1_i64..100).prop_map(Draw)),
//!         ], 0..30)
//!     ) {
//!         Scenario::<Account>::given_nothing()
//!             .then_always(commands, |account| assert!(account.cents >= 0));
//!     }
//! }
//! # an_account_is_never_overdrawn();
//! ```

mod any_command;
mod json;
mod patch;

pub use any_command::{AnyCommand, command, commands};
pub use json::{document, json, key, text};
pub use patch::{document_and_patch, patch_of, similar_documents};
