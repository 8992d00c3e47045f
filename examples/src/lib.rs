//! The examples are in the folders beside this one, each with its README.
