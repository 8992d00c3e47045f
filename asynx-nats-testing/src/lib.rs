//! Servers of NATS for the tests and examples of asynx. They end with whoever started them, however that ends.

mod program;
mod servers;

use std::sync::LazyLock;

pub use program::{named_url, program};
pub use servers::Servers;
use tokio::runtime::Runtime;

/// Connections live as long as the runtime that they were made on, so all tests of a program share one.
pub static TOKIO: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("tokio starts"));
