//! The in-process bus of asynx: hands durable events to handlers and streams.
