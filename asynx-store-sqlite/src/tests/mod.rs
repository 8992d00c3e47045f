//! What can be seen from inside only.

mod commit;
mod disk;
mod plans;
