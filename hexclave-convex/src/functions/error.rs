use std::{error::Error as StdError, fmt};

use serde_json::Value;

/// What a Convex function threw.
///
/// On production deployments the message of anything but a `ConvexError` is `Server Error`. `Debug` does not show the
/// data.
#[derive(Clone, PartialEq)]
pub struct FunctionError {
    pub(super) message: String,
    pub(super) data: Option<Value>,
}

impl FunctionError {
    /// What Convex says of it.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The `data` of a `ConvexError`, which functions throw on purpose; `None` for anything else.
    #[must_use]
    pub fn data(&self) -> Option<&Value> {
        self.data.as_ref()
    }
}

impl fmt::Display for FunctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for FunctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionError")
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

impl StdError for FunctionError {}
