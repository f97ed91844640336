//! Helpers of the tests, and the checks that every stage must pass
