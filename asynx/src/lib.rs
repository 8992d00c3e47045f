//! Event sourcing and CQRS: validate early, commit confidently, never lose an event.
