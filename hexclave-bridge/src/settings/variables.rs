use std::{collections::HashMap, env, fs, io, path::Path};

use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};

use super::{Found, Origin, setting::Setting};
use crate::failure::Failure;

/// The variables of one place. There are secrets among them.
pub(super) enum Variables {
    /// Those of the process.
    Process,
    /// Those of a file.
    File {
        name: &'static str,
        values: HashMap<String, SecretString>,
    },
}

impl Variables {
    /// Those of `.env.local` and `.env` in a folder, in this order.
    pub(super) fn of_folder(folder: &Path) -> Result<Vec<Self>, Failure> {
        let mut files = Vec::new();
        for name in [".env.local", ".env"] {
            match fs::read_to_string(folder.join(name)).map(Zeroizing::new) {
                Ok(text) => files.push(Self::File {
                    name,
                    values: parse(&text),
                }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    let message = format!("{name} cannot be read");
                    return Err(Failure::usage("file_not_read", message).caused_by(&error));
                }
            }
        }
        if files.is_empty() {
            let message = "there is neither .env.local nor .env in the working directory";
            return Err(Failure::usage("file_not_read", message)
                .hint(Some("leave out --dotenv, or run this where they are")));
        }
        Ok(files)
    }

    /// The value of a variable; an empty one counts as none.
    pub(super) fn text(&self, name: &str) -> Result<Option<Zeroizing<String>>, Failure> {
        let value = match self {
            Self::Process => match env::var(name) {
                Ok(value) => Some(Zeroizing::new(value)),
                Err(env::VarError::NotPresent) => None,
                Err(env::VarError::NotUnicode(_)) => {
                    let message = format!("variable {name}: its value is not valid UTF-8");
                    return Err(Failure::usage("invalid_config", message));
                }
            },
            Self::File { values, .. } => {
                let value = values.get(name);
                value.map(|value| Zeroizing::new(value.expose_secret().to_owned()))
            }
        };
        Ok(value.filter(|value| !value.is_empty()))
    }

    /// The value of a setting's variable; for a secret, that of the variable that names its file.
    pub(super) fn of(&self, setting: &Setting) -> Result<Option<Found>, Failure> {
        let name = setting.file_variable().unwrap_or(setting.variable);
        Ok(self.text(name)?.map(|text| Found {
            text: text.to_string(),
            origin: self.origin(name),
        }))
    }

    pub(super) fn origin(&self, name: &'static str) -> Origin {
        Origin::Variable {
            name,
            file: match self {
                Self::Process => None,
                Self::File { name, .. } => Some(name),
            },
        }
    }
}

/// Reads a file of variables as JavaScript's `dotenv` does, for which such files are written: `NAME=value`, also behind
/// `export`; quotes around the value come off, and may hold several lines; `#` begins a comment outside of them; `\n` in
/// double quotes is a line break. The last of two with one name counts, lines of other forms are passed over, and
/// nothing is put in for `$NAME`.
fn parse(text: &str) -> HashMap<String, SecretString> {
    let mut values = HashMap::new();
    let mut rest = text.trim_start_matches('\u{feff}');
    while !rest.is_empty() {
        let Some((name, from_value)) = assignment(rest) else {
            rest = next_line(rest).1;
            continue;
        };
        let (value, behind) = quoted(from_value).unwrap_or_else(|| {
            let (line, behind) = next_line(from_value);
            let value = line.split_once('#').map_or(line, |(value, _)| value);
            (value.trim().to_owned(), behind)
        });
        values.insert(name.to_owned(), value.into());
        rest = behind;
    }
    values
}

/// A name, and all that stands behind its `=`.
fn assignment(text: &str) -> Option<(&str, &str)> {
    const BLANKS: [char; 3] = [' ', '\t', '\r'];
    let text = text.trim_start_matches(BLANKS);
    let text = match text.strip_prefix("export") {
        Some(behind) if behind.starts_with(BLANKS) => behind.trim_start_matches(BLANKS),
        _ => text,
    };
    let (name, value) = text.split_once('=')?;
    let name = name.trim_end_matches(BLANKS);
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    (!name.is_empty() && name.chars().all(is_name)).then(|| (name, value.trim_start_matches(BLANKS)))
}

/// A value in quotes, with nothing but a comment behind it, and the lines that follow.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
    let body = text.strip_prefix(quote)?;
    let mut escaped = false;
    let end = body.find(|c| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    let (value, behind) = body.split_at_checked(end)?;
    let (line, behind) = next_line(behind.strip_prefix(quote)?);
    let line = line.trim();
    if !line.is_empty() && !line.starts_with('#') {
        return None;
    }
    let value = match quote {
        '"' => value.replace("\\n", "\n").replace("\\r", "\r"),
        _ => value.to_owned(),
    };
    Some((value, behind))
}

fn next_line(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn files_are_read_as_dotenv_reads_them() {
        let text = r#"
# a comment
PLAIN=value # and a comment
  export EXPORTED = two words
SINGLE='a # b \n'
DOUBLE="line 1\nline 2" # comment
LINES="-----BEGIN
KEY-----"
EMPTY=
HASH=a#b
QUOTE=it's
BROKEN="no end
AFTER=1
AFTER=2
DOLLAR=pa$$word
not a variable
"#;
        let values = parse(&text.replace('\n', "\r\n"));
        for (name, value) in [
            ("PLAIN", "value"),
            ("EXPORTED", "two words"),
            ("SINGLE", r"a # b \n"),
            ("DOUBLE", "line 1\nline 2"),
            ("LINES", "-----BEGIN\r\nKEY-----"),
            ("EMPTY", ""),
            ("HASH", "a"),
            ("QUOTE", "it's"),
            ("BROKEN", "\"no end"),
            ("AFTER", "2"),
            ("DOLLAR", "pa$$word"),
        ] {
            assert_eq!(
                values.get(name).map(|value| value.expose_secret()),
                Some(value),
                "{name}"
            );
        }
        assert_eq!(values.len(), 11);
        assert!(parse("").is_empty() && parse("A").is_empty());
    }
}
