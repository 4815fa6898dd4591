//! Looking at a live database: what its policies allow, against what was meant.

mod checks;
mod lint;
pub mod matrix;

pub use lint::{Finding, Rule, Severity, lint};
