//! What can be seen from inside only.

mod disk;
mod plans;
