//! State that outlives the server.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use super::{HexclaveError, HexclaveErrorKind, api_error::ApiError, app::App, directory::Directory};

/// The form of the file. One of another version is refused.
const VERSION: u32 = 1;

/// A folder with the state of one server, which nobody but its owner can read.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    /// Held for as long as the server runs; the kernel lets go of it however that ends.
    _lock: File,
    /// One at a time, so that no older state comes after a newer one.
    writing: Mutex<()>,
}

/// The project and its keys, the same after each start.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct SavedProject {
    pub(crate) project_id: String,
    pub(crate) server_secret: String,
    pub(crate) publishable_client_key: String,
    pub(crate) secret_server_key: String,
}

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    project: &'a SavedProject,
    directory: &'a Directory,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// What a server left behind.
#[derive(Deserialize)]
pub(crate) struct Saved {
    pub(crate) project: SavedProject,
    pub(crate) directory: Directory,
}

impl DataFolder {
    /// Takes a folder, which is made if there is none, and reads what is in it.
    pub(crate) fn open(path: &Path) -> Result<(Self, Option<Saved>), HexclaveError> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(path)
            .map_err(|error| failed("cannot be made", path, error))?;
        let lock_file = path.join("lock");
        let lock = lock(&lock_file).map_err(|error| match is_in_use(&error) {
            true => HexclaveError::new(format!("{} is in use by another local Hexclave", path.display()))
                .of_kind(HexclaveErrorKind::Data),
            false => failed("cannot be locked", &lock_file, error),
        })?;
        let folder = Self {
            path: path.to_owned(),
            _lock: lock,
            writing: Mutex::new(()),
        };
        let saved = folder.read()?;
        Ok((folder, saved))
    }

    fn read(&self) -> Result<Option<Saved>, HexclaveError> {
        let file = self.file();
        let text = match fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("cannot be read", &file, error)),
        };
        let damaged = |error: serde_json::Error| {
            HexclaveError::new(format!(
                "{} is not the state of a local Hexclave, or is damaged in line {}",
                file.display(),
                error.line()
            ))
            .of_kind(HexclaveErrorKind::Data)
        };
        let Version { version } = serde_json::from_slice(&text).map_err(damaged)?;
        if version != VERSION {
            return Err(HexclaveError::new(format!(
                "{} is of version {version}, and this program reads version {VERSION}",
                file.display()
            ))
            .of_kind(HexclaveErrorKind::Data));
        }
        serde_json::from_slice(&text).map(Some).map_err(damaged)
    }

    /// Writes the state beside the old one, and puts it in its place when it is whole.
    pub(crate) fn write<'a, D>(
        &self,
        project: &SavedProject,
        directory: impl FnOnce() -> D,
    ) -> Result<(), HexclaveError>
    where
        D: std::ops::Deref<Target = Directory> + 'a,
    {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let text = {
            let directory = directory();
            serde_json::to_vec(&Written {
                version: VERSION,
                project,
                directory: &directory,
            })
            .map_err(|error| HexclaveError::with_source("the state has no JSON text", error))?
        };
        let file = self.file();
        let new = self.path.join("hexclave.json.new");
        let written = || {
            let mut to = own_file().truncate(true).open(&new)?;
            to.write_all(&text)?;
            to.sync_all()?;
            fs::rename(&new, &file)
        };
        written().map_err(|error| failed("cannot be written", &file, error))
    }

    fn file(&self) -> PathBuf {
        self.path.join("hexclave.json")
    }
}

/// How a file is opened that is to be written, and that only its owner can read.
fn own_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Opens the lock file so that nobody else can, for as long as it is open.
fn lock(path: &Path) -> io::Result<File> {
    let mut options = own_file();
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, 0);
    let file = options.truncate(false).open(path)?;
    #[cfg(unix)]
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}

/// Whether that is because another server has the lock file.
fn is_in_use(error: &io::Error) -> bool {
    // ERROR_SHARING_VIOLATION of Windows; flock's EWOULDBLOCK.
    match cfg!(windows) {
        true => error.raw_os_error() == Some(32),
        false => error.kind() == ErrorKind::WouldBlock,
    }
}

fn failed(what: &str, path: &Path, error: io::Error) -> HexclaveError {
    HexclaveError::with_source(format!("{} {what}", path.display()), error).of_kind(HexclaveErrorKind::Data)
}

/// Keeps what a request has changed before it is answered.
pub(crate) async fn keep(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let response = next.run(request).await;
    if reads || !app.has_data() {
        return response;
    }
    match spawn_blocking(move || app.save()).await {
        Ok(Ok(())) => response,
        Ok(Err(error)) => ApiError::from(error).into_response(),
        Err(_) => ApiError::text(500, "The state could not be kept.").into_response(),
    }
}
