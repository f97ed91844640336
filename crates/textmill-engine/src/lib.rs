//! Runs a pipeline: plugins, scheduling, accounting
