//! The types of an upcasting closure are not written out: the compiler does not come to what `Upcaster` says of that.

use asynx::upcast::{BoxError, Chain, Patch};

fn main() {
    let _ = Chain::builder(2).step(1, |_, patch| Ok::<Patch, BoxError>(patch)).build();
}
