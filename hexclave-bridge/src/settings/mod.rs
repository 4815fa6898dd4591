//! Where the program's settings come from.
//!
//! A flag wins over the process's environment, that over `.env.local`, that over `.env`, that over the settings file,
//! that over the default. Secrets come from a variable, a file or standard input, and from no argument.

mod file;
mod project;
mod secret;
mod setting;
mod variables;

use std::{
    error::Error,
    fmt::{self, Display},
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::Args;
use hexclave_supabase::sync::UserTable;

use self::{
    file::SettingsFile,
    setting::{CONFIG, DOTENV},
    variables::Variables,
};
pub(crate) use self::{
    project::ProjectArgs,
    secret::{Secret, standard_input},
    setting::{
        ALLOW, APP_URL, CONVEX_ALIASES, CONVEX_CONFIG, CONVEX_ENV, CONVEX_JWKS, CONVEX_KINDS, COOKIES,
        DATABASE_CA, DATABASE_URL, FAIL_ON, HEADER_TIMEOUT, JWT_SECRET, LARGEST_TABLE, LEAVE_TRIGGERS_ALONE,
        LISTEN, LOCAL_DATA, LOCAL_LISTEN, LOCAL_REQUIRE_EMAIL_VERIFICATION, LOCAL_SEED, LOCAL_WEBHOOK,
        LOCAL_WEBHOOK_FAULTS, LOG_LEVEL, LOOK_AS, MAX_CONNECTIONS, MAX_REQUESTS, ORIGINS, REQUEST_TIMEOUT,
        SAMPLE, SCHEMAS, SECRET_SERVER_KEY, SERVER_METADATA, SESSION_FILE, SHUTDOWN_TIMEOUT, SIGNING_KEY,
        Setting, TLS_CERTIFICATE, TLS_KEY, TOKEN_LIFETIME, USERS_TABLE, WEBHOOK_SECRET, with_switches,
    },
};
use crate::failure::Failure;

/// Where to look for settings, beside flags and the process's environment.
#[derive(Args, Debug, Default)]
pub(crate) struct SourceArgs {
    /// Read settings from this TOML file, such as hexclave-bridge.toml
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    config: Option<PathBuf>,
    /// Read variables from .env.local and .env in the working directory, too
    #[arg(long, help_heading = "Settings")]
    dotenv: Option<bool>,
}

/// What the process's environment and the files beside it say.
pub(crate) struct Settings {
    /// The first that has a variable counts.
    variables: Vec<Variables>,
    file: Option<SettingsFile>,
}

impl Settings {
    pub(crate) fn read(args: &SourceArgs) -> Result<Self, Failure> {
        let process = Variables::Process;
        let file = match &args.config {
            Some(path) => Some(path.clone()),
            None => process.of(&CONFIG)?.map(|found| PathBuf::from(found.text)),
        };
        let mut settings = Self {
            variables: vec![process],
            file: file.as_deref().map(SettingsFile::read).transpose()?,
        };
        if settings.value(&DOTENV, args.dotenv)?.unwrap_or(false) {
            settings.variables.extend(Variables::of_folder(Path::new(""))?);
        }
        Ok(settings)
    }

    /// The table that users are kept in, `schema.table` or a table of the schema `public`, and whether it has their
    /// `server_metadata` too.
    pub(crate) fn users_table(
        &self,
        flag: Option<&String>,
        server_metadata: Option<bool>,
    ) -> Result<UserTable, Failure> {
        let name = self.value(&USERS_TABLE, flag.cloned())?;
        let name = name.as_deref().unwrap_or("users");
        let (schema, name) = name.split_once('.').unwrap_or(("public", name));
        let table = UserTable::new(schema, name)?;
        let server_metadata = self.value(&SERVER_METADATA, server_metadata)?;
        Ok(match server_metadata.unwrap_or(false) {
            true => table.with_server_metadata(),
            false => table,
        })
    }

    /// A setting: what the flag says, or else the first place that has it.
    pub(crate) fn value<T>(&self, setting: &Setting, flag: Option<T>) -> Result<Option<T>, Failure>
    where
        T: FromStr,
        T::Err: Error,
    {
        if flag.is_some() {
            return Ok(flag);
        }
        let Some(found) = self.find(setting)? else {
            return Ok(None);
        };
        match found.text.parse() {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(self.unusable(&found.origin, &error)),
        }
    }

    /// A variable from the first place that has it.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let value = |variables: &Variables| variables.text(name).ok().flatten();
        self.variables
            .iter()
            .find_map(value)
            .map(|value| value.to_string())
    }

    /// The path of a file; one in the settings file counts from that file's folder.
    pub(crate) fn path(&self, setting: &Setting, flag: Option<&Path>) -> Result<Option<PathBuf>, Failure> {
        if let Some(path) = flag {
            return Ok(Some(path.to_owned()));
        }
        let found = self.find(setting)?;
        Ok(found.map(|found| match (&found.origin, &self.file) {
            (Origin::File { .. }, Some(file)) => file.folder().join(&found.text),
            _ => PathBuf::from(&found.text),
        }))
    }

    /// A secret: that of the flag's file, or else of the first place that has it or names its file.
    pub(crate) fn secret(&self, setting: &Setting, flag: Option<&Path>) -> Result<Option<Secret>, Failure> {
        if let Some(path) = flag {
            return Secret::of_flag(setting.flag, path).map(Some);
        }
        for variables in &self.variables {
            if let Some(secret) = Secret::of_variables(variables, setting)? {
                return Ok(Some(secret));
            }
        }
        self.secret_of_file(setting)
    }

    fn secret_of_file(&self, setting: &Setting) -> Result<Option<Secret>, Failure> {
        match self
            .file
            .as_ref()
            .and_then(|file| Some((file, file.of(setting)?)))
        {
            Some((file, found)) => {
                Secret::of_file(file.folder(), Path::new(&found.text), &found.origin).map(Some)
            }
            None => Ok(None),
        }
    }

    /// What the settings file says, once it has turned out to be usable.
    fn checked_text_of_file<T>(&self, setting: &Setting) -> Result<Option<String>, Failure>
    where
        T: FromStr,
        T::Err: Error,
    {
        let Some(found) = self.file.as_ref().and_then(|file| file.of(setting)) else {
            return Ok(None);
        };
        match found.text.parse::<T>() {
            Ok(_) => Ok(Some(found.text)),
            Err(error) => Err(self.unusable(&found.origin, &error)),
        }
    }

    fn find(&self, setting: &Setting) -> Result<Option<Found>, Failure> {
        for variables in &self.variables {
            if let Some(found) = variables.of(setting)? {
                return Ok(Some(found));
            }
        }
        Ok(self.file.as_ref().and_then(|file| file.of(setting)))
    }

    /// Names the place of a value that cannot be used.
    fn unusable(&self, origin: &Origin, error: &dyn Error) -> Failure {
        let failure = Failure::usage("invalid_config", error).within(origin);
        match (origin, &self.file) {
            (Origin::File { key, .. }, Some(file)) => failure.at(file.excerpt(key)),
            _ => failure,
        }
    }
}

/// The text of a setting, and where it stands.
struct Found {
    text: String,
    origin: Origin,
}

/// Where a setting stands.
enum Origin {
    Variable {
        name: &'static str,
        file: Option<&'static str>,
    },
    File {
        key: &'static str,
        file: PathBuf,
    },
}

impl Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable { name, file: None } => write!(f, "variable {name}"),
            Self::Variable {
                name,
                file: Some(file),
            } => write!(f, "variable {name} in {file}"),
            Self::File { key, file } => write!(f, "`{key}` in {}", file.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{
        setting::{Kind, SETTINGS},
        *,
    };

    /// Where a setting is found by settings that have these files, from the first variables on that are not left out.
    fn origin(setting: &Setting, folder: &Path, left_out: usize) -> String {
        let settings = Settings {
            variables: Variables::of_folder(folder)
                .expect("variables")
                .into_iter()
                .skip(left_out)
                .collect(),
            file: Some(SettingsFile::read(&folder.join("settings.toml")).expect("a file")),
        };
        if let Kind::Secret { .. } = setting.kind {
            let secret = settings
                .secret(setting, None)
                .expect("a secret")
                .expect("a secret");
            return secret.origin().to_owned();
        }
        let flag = settings.value(setting, Some("of the flag".to_owned()));
        assert_eq!(flag.expect("a value").as_deref(), Some("of the flag"));
        let found = settings.find(setting).expect("a value").expect("a value");
        found.origin.to_string()
    }

    /// The process's environment stands before the files of variables by `Settings::read` alone.
    #[test]
    fn every_setting_has_the_same_order_of_places() {
        for setting in SETTINGS {
            let Some(key) = setting.key else { continue };
            let folder = tempfile::tempdir().expect("a folder");
            let folder = folder.path();
            let (text, value) = match setting.kind {
                Kind::Switch => ("true", "true"),
                Kind::Number => ("7", "7"),
                Kind::List => ("value", "['value']"),
                Kind::Text | Kind::Secret { .. } => ("value", "'value'"),
            };
            for (name, text) in [
                (".env.local", format!("{}={text}", setting.variable)),
                (".env", format!("{}={text}", setting.variable)),
                ("settings.toml", format!("{key} = {value}")),
                ("value", "a secret".to_owned()),
            ] {
                fs::write(folder.join(name), text).expect("a file");
            }
            let variable = format!("variable {} in ", setting.variable);
            assert_eq!(origin(setting, folder, 0), format!("{variable}.env.local"));
            assert_eq!(origin(setting, folder, 1), format!("{variable}.env"));
            let file = match setting.kind {
                Kind::Secret { .. } => folder.join("value").display().to_string(),
                _ => format!("`{key}` in {}", folder.join("settings.toml").display()),
            };
            assert_eq!(origin(setting, folder, 2), file);
        }
    }
}
