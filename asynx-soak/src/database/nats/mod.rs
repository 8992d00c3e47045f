//! nats-servers of our own, and what lies between them and their clients.

mod servers;
mod side;
mod wires;

pub(super) use servers::Servers;
pub(super) use side::Side;
pub(super) use wires::Wires;
