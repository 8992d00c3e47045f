//! JSON documents as tapes, the differ, and the applier.
