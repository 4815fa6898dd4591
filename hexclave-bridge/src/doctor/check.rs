use std::borrow::Cow;

use serde_json::{Value, json};

use crate::failure::Failure;

/// One thing that was looked at, and how it stands.
#[derive(Debug)]
pub(super) struct Check {
    name: &'static str,
    status: Status,
    message: String,
    fix: Option<Cow<'static, str>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Status {
    Pass,
    /// It works, and may surprise.
    Warn,
    Fail,
    /// Somebody who would have to be asked does not answer; counts as failed.
    Unreached,
    /// There was nothing to look at.
    Skip,
}

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail | Self::Unreached => "fail",
            Self::Skip => "skip",
        }
    }
}

impl Check {
    pub(super) fn pass(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, Status::Pass, message)
    }

    pub(super) fn warn(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, Status::Warn, message)
    }

    pub(super) fn fail(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, Status::Fail, message)
    }

    pub(super) fn unreached(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, Status::Unreached, message)
    }

    pub(super) fn skip(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, Status::Skip, message)
    }

    /// What the command that needs this would fail with.
    pub(super) fn failed(name: &'static str, failure: &Failure) -> Self {
        let status = match failure.is_unchecked() {
            true => Status::Unreached,
            false => Status::Fail,
        };
        let texts: Vec<_> = std::iter::once(failure.to_string())
            .chain(failure.causes().iter().cloned())
            .collect();
        Self {
            fix: failure.what_next(),
            ..Self::new(name, status, texts.join(": "))
        }
    }

    /// What to do about it.
    pub(super) fn fix(mut self, fix: impl Into<Cow<'static, str>>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// What to do about it, where nothing better is known.
    pub(super) fn or_fix(mut self, fix: &'static str) -> Self {
        self.fix.get_or_insert(fix.into());
        self
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn status(&self) -> Status {
        self.status
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn what_to_do(&self) -> Option<&str> {
        self.fix.as_deref()
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "status": self.status.as_str(),
            "message": self.message,
            "fix": self.fix,
        })
    }

    fn new(name: &'static str, status: Status, message: impl Into<String>) -> Self {
        Self {
            name,
            status,
            message: message.into(),
            fix: None,
        }
    }
}
