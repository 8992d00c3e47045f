//! Schema evolution for asynx: upcasters on patches.
