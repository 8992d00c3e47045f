//! Tests that others can trust: laws for stores, buses and runtimes, scenarios, faults, a simulator.
