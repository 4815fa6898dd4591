use std::{error::Error, fmt};

/// Why the local Hexclave could not do what it was asked for.
#[derive(Debug)]
pub struct HexclaveError {
    kind: HexclaveErrorKind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What a [`HexclaveError`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HexclaveErrorKind {
    /// The address cannot be listened on: it is in use, or not one of this machine.
    Listen,
    /// Other machines could reach the address, which nobody has
    /// [allowed](super::LocalHexclaveBuilder::allow_remote).
    NotLoopback,
    /// The folder with the [data](super::LocalHexclaveBuilder::data) cannot be used, or is in use.
    Data,
    /// Anything else; the message says what.
    Other,
}

impl HexclaveErrorKind {
    /// A stable name, such as `not_loopback`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Listen => "cannot_listen",
            Self::NotLoopback => "not_loopback",
            Self::Data => "data_unusable",
            Self::Other => "local_hexclave",
        }
    }
}

impl HexclaveError {
    /// What it is about.
    #[must_use]
    pub fn kind(&self) -> HexclaveErrorKind {
        self.kind
    }

    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            kind: HexclaveErrorKind::Other,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn with_source(
        message: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            source: Some(source.into()),
            ..Self::new(message)
        }
    }

    pub(crate) fn of_kind(self, kind: HexclaveErrorKind) -> Self {
        Self { kind, ..self }
    }
}

impl fmt::Display for HexclaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for HexclaveError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}
