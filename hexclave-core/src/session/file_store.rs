use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use fs4::FileExt;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::runtime::Handle;
use zeroize::Zeroizing;

use super::{StoreFuture, StoredTokens, TokenStore};
use crate::{Error, ProjectId, RefreshToken};

/// A file of more than this is none of ours.
const MAX_LEN: u64 = 1024 * 1024;

/// Keeps a session's tokens in a file, which sessions of other projects may share.
///
/// On Unix nobody but its owner may read the file (mode 0600), and folders that have to be made for it nobody else
/// may enter (0700); elsewhere it is protected as its folder is. It is replaced as a whole, so that a crash leaves
/// the old one or the new one, never half of one. Programs that use it at the same time wait for each other, by a lock
/// on a file beside it with `.lock` at the end of its name, which stays.
///
/// The tokens in it are not encrypted: whoever can read the file is the user.
///
/// ```no_run
/// use std::sync::Arc;
/// use hexclave_core::{
///     ProjectConfig,
///     api::Client,
///     session::{FileStore, Session},
/// };
///
/// # async fn run() -> Result<(), hexclave_core::Error> {
/// let client = Client::public(ProjectConfig::from_env()?)?;
/// let store = Arc::new(FileStore::new("/home/zoe/.config/example/session.json", client.config().project_id()));
/// if let Some(session) = Session::load(&client, store).await? {
///     println!("{:?}", session.as_user().await?.me().await?);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FileStore {
    path: PathBuf,
    project: ProjectId,
}

impl FileStore {
    /// Keeps the tokens of this project's session in this file. It is made when there is something to keep.
    pub fn new(path: impl Into<PathBuf>, project: &ProjectId) -> Self {
        Self {
            path: path.into(),
            project: project.clone(),
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Does something to the file where it may take its time.
    fn on_file<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        let store = self.clone();
        Box::pin(async move {
            match Handle::try_current() {
                Ok(runtime) => runtime
                    .spawn_blocking(move || work(&store))
                    .await
                    .map_err(|error| {
                        Error::token_store("the file was left alone: the runtime has ended", error)
                    })?,
                Err(_) => work(&store),
            }
        })
    }

    fn read(&self) -> Result<Contents, Error> {
        let failed = |error: io::Error| self.failed("cannot be read", error);
        let bytes = match File::open(&self.path) {
            Ok(file) => read_limited(file).map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Contents::default()),
            Err(error) => return Err(failed(error)),
        };
        if bytes.is_empty() {
            return Ok(Contents::default());
        }
        serde_json::from_slice(&bytes).map_err(|error| {
            // Not the error itself: its text may repeat what the file holds.
            let place = format!("line {}, column {}", error.line(), error.column());
            self.failed(
                "holds something else than sessions: move it away, or choose another file",
                io::Error::new(io::ErrorKind::InvalidData, place),
            )
        })
    }

    /// Changes the file, if there is one.
    fn change_kept(&self, change: impl FnOnce(&mut Contents, &str) -> bool) -> Result<(), Error> {
        match self.path.exists() {
            true => self.change(change),
            false => Ok(()),
        }
    }

    /// Changes the file while nobody else does.
    fn change(&self, change: impl FnOnce(&mut Contents, &str) -> bool) -> Result<(), Error> {
        let folder = self.folder();
        make_folder(folder).map_err(|error| self.failed("has no folder, and none can be made", error))?;
        let _lock = self.lock()?;
        let mut contents = self.read()?;
        if !change(&mut contents, self.project.as_str()) {
            return Ok(());
        }
        let failed = |error: io::Error| self.failed("cannot be written", error);
        let json = serde_json::to_vec_pretty(&contents).map_err(|error| failed(error.into()))?;
        let json = Zeroizing::new(json);
        // Made with mode 0600.
        let mut new = tempfile::Builder::new()
            .prefix(".hexclave-")
            .tempfile_in(folder)
            .map_err(failed)?;
        new.write_all(&json).map_err(failed)?;
        new.as_file().sync_all().map_err(failed)?;
        new.persist(&self.path).map_err(|error| failed(error.error))?;
        sync_folder(folder).map_err(failed)
    }

    /// A lock that lasts until the file is closed, as it is when the process ends, however it ends.
    fn lock(&self) -> Result<File, Error> {
        let failed = |error: io::Error| self.failed("cannot be locked", error);
        let mut path = self.path.clone().into_os_string();
        path.push(".lock");
        let mut options = File::options();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(failed)?;
        // The method of the same name in the standard library is newer than the Rust that is supported.
        FileExt::lock(&file).map_err(failed)?;
        Ok(file)
    }

    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    fn failed(&self, what: &str, error: io::Error) -> Error {
        Error::token_store(format!("the file {} {what}", self.path.display()), error)
    }
}

impl TokenStore for FileStore {
    fn load(&self) -> StoreFuture<'_, Option<StoredTokens>> {
        // A file is replaced as a whole, so reading it needs no lock.
        self.on_file(|store| {
            let mut contents = store.read()?;
            Ok(contents
                .sessions
                .remove(store.project.as_str())
                .map(StoredTokens::from))
        })
    }

    fn save(&self, tokens: &StoredTokens) -> StoreFuture<'_, ()> {
        let kept = Kept::of(tokens);
        self.on_file(move |store| {
            store.change(|contents, project| {
                contents.sessions.insert(project.to_owned(), kept);
                true
            })
        })
    }

    fn update(&self, tokens: &StoredTokens) -> StoreFuture<'_, ()> {
        let new = Kept::of(tokens);
        self.on_file(move |store| {
            store.change_kept(|contents, project| match contents.sessions.get_mut(project) {
                Some(kept) if kept.refresh_token == new.refresh_token => {
                    kept.access_token = new.access_token;
                    true
                }
                _ => false,
            })
        })
    }

    fn remove(&self, token: &RefreshToken) -> StoreFuture<'_, ()> {
        let token = Zeroizing::new(token.expose().to_owned());
        self.on_file(move |store| {
            store.change_kept(|contents, project| {
                let is_kept = contents
                    .sessions
                    .get(project)
                    .is_some_and(|kept| kept.refresh_token == token);
                is_kept && contents.sessions.remove(project).is_some()
            })
        })
    }
}

/// The file: sessions by project, and whatever else somebody has put there.
#[derive(Default, Serialize, Deserialize)]
struct Contents {
    #[serde(default)]
    sessions: BTreeMap<String, Kept>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    refresh_token: Zeroizing<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    access_token: Option<Zeroizing<String>>,
}

impl Kept {
    fn of(tokens: &StoredTokens) -> Self {
        let access_token = tokens.access_token.as_ref();
        Self {
            refresh_token: Zeroizing::new(tokens.refresh_token.expose().to_owned()),
            access_token: access_token.map(|token| Zeroizing::new(token.expose().to_owned())),
        }
    }
}

impl From<Kept> for StoredTokens {
    fn from(kept: Kept) -> Self {
        Self {
            refresh_token: kept.refresh_token.as_str().into(),
            access_token: kept.access_token.map(|token| token.as_str().into()),
        }
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept(..)")
    }
}

fn read_limited(file: File) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    io::Read::read_to_end(&mut io::Read::take(file, MAX_LEN + 1), &mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_LEN {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("more than {MAX_LEN} bytes"),
        ));
    }
    Ok(bytes)
}

fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// So that the new name is there after a power failure, too.
fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}
