//! Readers, writers and compression
