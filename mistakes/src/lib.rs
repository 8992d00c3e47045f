//! What the compiler says to the mistakes that people make with asynx: see `tests/mistakes`.
