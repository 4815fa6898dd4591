//! The server programs that are installed on this machine.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where programs are looked for.
pub(super) struct Places {
    path: OsString,
    installations: Vec<Installations>,
}

/// A folder whose subfolders with this prefix hold one installed version each.
struct Installations {
    parent: PathBuf,
    prefix: &'static str,
}

impl Places {
    pub(super) fn of_process() -> Self {
        let at = |parent: &str, prefix| Installations {
            parent: parent.into(),
            prefix,
        };
        Self {
            path: env::var_os("PATH").unwrap_or_default(),
            installations: vec![
                at("/usr/lib/postgresql", ""),
                at("/opt/homebrew/opt", "postgresql"),
                at("/usr/local/opt", "postgresql"),
            ],
        }
    }

    #[cfg(test)]
    pub(super) fn nowhere() -> Self {
        Self {
            path: OsString::new(),
            installations: Vec::new(),
        }
    }

    /// The folder with PostgreSQL's server programs, or why there is none.
    pub(super) fn programs(&self) -> Result<PathBuf, String> {
        let installed = self.installations.iter().flat_map(Installations::newest_first);
        let mut candidates = self.path().chain(installed);
        if let Some(folder) = candidates.find_map(|folder| complete(&folder)) {
            return Ok(folder);
        }
        let configured = self.configured();
        if let Some(folder) = configured.as_deref().and_then(complete) {
            return Ok(folder);
        }

        let mut reason = "no folder with both `initdb` and `postgres` in PATH".to_owned();
        for Installations { parent, prefix } in &self.installations {
            reason.push_str(&format!(", {}/{prefix}*/bin", parent.display()));
        }
        match configured {
            Some(folder) => reason.push_str(&format!(" or {} (from pg_config)", folder.display())),
            None => reason.push_str(", and no pg_config in PATH that names one"),
        }
        Err(reason)
    }

    fn path(&self) -> impl Iterator<Item = PathBuf> {
        // A relative entry means something else in every folder.
        env::split_paths(&self.path).filter(|folder| folder.is_absolute())
    }

    fn configured(&self) -> Option<PathBuf> {
        let mut programs = self.path().map(|folder| folder.join("pg_config"));
        let pg_config = programs.find(|program| program.is_file())?;
        let output = Command::new(pg_config).arg("--bindir").output().ok()?;
        let folder = String::from_utf8(output.stdout).ok()?;
        (output.status.success() && !folder.trim().is_empty()).then(|| PathBuf::from(folder.trim()))
    }
}

impl Installations {
    fn newest_first(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.parent).into_iter().flatten().flatten();
        let mut versions: Vec<(Vec<u32>, PathBuf)> = entries
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let version = name.strip_prefix(self.prefix)?.trim_start_matches('@');
                let version = version.split('.').map_while(|part| part.parse().ok()).collect();
                Some((version, entry.path().join("bin")))
            })
            .collect();
        versions.sort();
        versions.into_iter().rev().map(|(_, folder)| folder).collect()
    }
}

/// The folder itself or, if the programs in it are links, the folder they live in.
fn complete(folder: &Path) -> Option<PathBuf> {
    let both = |folder: &Path| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    if !both(folder) {
        return None;
    }
    let real = fs::canonicalize(folder.join("initdb")).ok();
    let home = real.as_deref().and_then(Path::parent).filter(|home| both(home));
    Some(home.unwrap_or(folder).to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use tempfile::{TempDir, tempdir};

    use super::*;

    fn install(folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("initdb"), "").unwrap();
        fs::write(folder.join("postgres"), "").unwrap();
    }

    fn at(parent: &TempDir, prefix: &'static str) -> Places {
        let parent = parent.path().to_owned();
        Places {
            installations: vec![Installations { parent, prefix }],
            ..Places::nowhere()
        }
    }

    fn on_path(folders: &[&Path]) -> Places {
        Places {
            path: env::join_paths(folders).unwrap(),
            ..Places::nowhere()
        }
    }

    fn real(folder: &Path) -> Result<PathBuf, String> {
        Ok(fs::canonicalize(folder).unwrap())
    }

    #[test]
    fn the_newest_installation_is_taken() {
        let folder = tempdir().unwrap();
        for version in ["9.6", "15", "16.2", "16.10", "contrib"] {
            install(&folder.path().join(version).join("bin"));
        }
        // The client's programs alone do not make a server.
        fs::create_dir_all(folder.path().join("17/bin")).unwrap();
        fs::write(folder.path().join("17/bin/psql"), "").unwrap();
        assert_eq!(at(&folder, "").programs(), real(&folder.path().join("16.10/bin")));
    }

    #[test]
    fn homebrew_puts_the_version_into_the_name() {
        let folder = tempdir().unwrap();
        for name in ["postgresql", "postgresql@14", "postgresql@16", "redis@99"] {
            install(&folder.path().join(name).join("bin"));
        }
        let expected = folder.path().join("postgresql@16/bin");
        assert_eq!(at(&folder, "postgresql").programs(), real(&expected));
    }

    #[test]
    fn programs_that_are_links_are_followed_home() {
        let folder = tempdir().unwrap();
        let home = folder.path().join("16/bin");
        install(&home);
        let links = folder.path().join("links");
        fs::create_dir(&links).unwrap();
        for program in ["initdb", "postgres"] {
            symlink(home.join(program), links.join(program)).unwrap();
        }
        assert_eq!(on_path(&[&links]).programs(), real(&home));
    }

    #[test]
    fn pg_config_is_asked_last() {
        let folder = tempdir().unwrap();
        let home = folder.path().join("home");
        install(&home);
        let pg_config = folder.path().join("pg_config");
        fs::write(&pg_config, format!("#!/bin/sh\necho '{}'\n", home.display())).unwrap();
        fs::set_permissions(&pg_config, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(on_path(&[folder.path()]).programs(), real(&home));
        let other = folder.path().join("other");
        install(&other);
        assert_eq!(on_path(&[folder.path(), &other]).programs(), real(&other));
    }

    #[test]
    fn a_relative_entry_of_path_is_passed_over() {
        let reason = on_path(&[Path::new(""), Path::new("bin")])
            .programs()
            .unwrap_err();
        assert!(reason.contains("`initdb` and `postgres`"), "{reason}");
        assert!(reason.contains("no pg_config"), "{reason}");
    }
}
