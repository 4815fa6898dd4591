use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    sync::Mutex,
};

use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};

use super::{Origin, Setting, Variables};
use crate::failure::Failure;

/// A file of more than this holds no secret, in bytes.
const LONGEST: u64 = 64 * 1024;

/// A secret, and where it comes from. It is wiped from memory on drop.
pub(crate) struct Secret {
    text: SecretString,
    origin: String,
}

impl Secret {
    /// The secret itself. Do not print it.
    pub(crate) fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// Where it comes from: a variable, a file, standard input.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    #[cfg(test)]
    pub(crate) fn for_test(text: &str) -> Self {
        Self {
            text: text.into(),
            origin: "the test".to_owned(),
        }
    }

    /// The file that a flag names; `-` is standard input.
    pub(super) fn of_flag(flag: &str, path: &Path) -> Result<Self, Failure> {
        if path.as_os_str() != "-" {
            return read(Path::new(""), path).map_err(|failure| failure.within(format_args!("--{flag}")));
        }
        let bytes = standard_input(&format!("--{flag}"), LONGEST)?;
        Ok(Self {
            text: text(&bytes).map_err(|failure| failure.within("standard input"))?,
            origin: "standard input".to_owned(),
        })
    }

    /// The file that a setting names, from a folder on.
    pub(super) fn of_file(folder: &Path, name: &Path, origin: &Origin) -> Result<Self, Failure> {
        read(folder, name).map_err(|failure| failure.within(origin))
    }

    /// What a place's variables hold, or name the file of.
    pub(super) fn of_variables(variables: &Variables, setting: &Setting) -> Result<Option<Self>, Failure> {
        let value = variables.text(setting.variable)?;
        match (value, variables.of(setting)?) {
            (None, None) => Ok(None),
            (Some(value), None) => Ok(Some(Self {
                text: value.as_str().into(),
                origin: variables.origin(setting.variable).to_string(),
            })),
            (None, Some(file)) => Self::of_file(Path::new(""), Path::new(&file.text), &file.origin).map(Some),
            (Some(_), Some(file)) => {
                let value = variables.origin(setting.variable);
                let message = format!("{value} and {} are both set", file.origin);
                Err(Failure::usage("invalid_config", message).hint(Some("unset one of them")))
            }
        }
    }
}

/// Reads all of standard input, at most `limit` bytes, for what `reader` names. It can be read once.
pub(crate) fn standard_input(reader: &str, limit: u64) -> Result<Zeroizing<Vec<u8>>, Failure> {
    static READER: Mutex<Option<String>> = Mutex::new(None);
    let mut taken = READER.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(first) = taken.as_ref() {
        return Err(Failure::usage(
            "standard_input_taken",
            format!("both {first} and {reader} are to come from standard input, which can be read once"),
        )
        .hint(Some("give one of them in another way, such as in a file")));
    }
    *taken = Some(reader.to_owned());
    let mut bytes = Zeroizing::new(Vec::new());
    match io::stdin().take(limit).read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(Failure::usage("file_not_read", "standard input cannot be read").caused_by(&error)),
    }
}

fn read(folder: &Path, name: &Path) -> Result<Secret, Failure> {
    let path = folder.join(name);
    let mut bytes = Zeroizing::new(Vec::new());
    let read = File::open(&path).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes));
    read.map_err(|error| {
        let message = match could_be_the_secret(name) {
            true => "the file cannot be read (its name is not shown: it might be the secret)".to_owned(),
            false => format!("{} cannot be read", path.display()),
        };
        Failure::usage("file_not_read", message)
            .caused_by(&error)
            .hint(Some(
                "it takes the name of a file that holds the secret, not the secret",
            ))
    })?;
    Ok(Secret {
        text: text(&bytes).map_err(|failure| failure.within(path.display()))?,
        origin: path.display().to_string(),
    })
}

/// Whether somebody may have given the secret for the name of its file: a name does not lie in a folder that is there.
fn could_be_the_secret(name: &Path) -> bool {
    // The first folder of all is in each name that begins with a slash, as a secret may.
    !name
        .parent()
        .is_some_and(|folder| folder.parent().is_some() && folder.is_dir())
}

/// The secret in a file, without the line break at its end.
fn text(bytes: &[u8]) -> Result<SecretString, Failure> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Failure::usage("invalid_config", "what is to hold a secret is not UTF-8"))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    match text {
        "" => Err(Failure::usage(
            "invalid_config",
            "what is to hold a secret is empty",
        )),
        text => Ok(text.into()),
    }
}
