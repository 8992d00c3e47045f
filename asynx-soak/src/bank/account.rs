use asynx_core::{Aggregate, StreamId};
use serde::{Deserialize, Serialize};

/// An account that cannot be overdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) balance: i64,
    /// The number of payments, which is the version.
    pub(crate) turn: u64,
    /// The newest payment.
    pub(crate) token: String,
}

impl Aggregate for Account {
    const CATEGORY: &'static str = "account";
}

impl Account {
    /// The stream of an account.
    pub(crate) fn stream(id: &str) -> StreamId {
        StreamId::parse(Self::CATEGORY, id).expect("the ids of these programs are valid")
    }
}
