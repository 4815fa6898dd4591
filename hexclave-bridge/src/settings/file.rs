use std::{
    collections::BTreeMap,
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Found, Origin,
    setting::{Kind, SETTINGS, Setting, leaf},
};
use crate::{excerpt::Excerpt, failure::Failure};

/// How alike a name must be to one of ours to be taken for it, between 0 and 1.
const ALIKE: f64 = 0.8;

/// The file `hexclave-bridge.toml`, under whatever name. No secret stands in it, but the names of files that hold them.
pub(super) struct SettingsFile {
    path: PathBuf,
    text: String,
    values: BTreeMap<&'static str, Value>,
}

struct Value {
    text: String,
    span: Range<usize>,
}

impl SettingsFile {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(path).map_err(|error| {
            Failure::usage("file_not_read", format!("{} cannot be read", path.display())).caused_by(&error)
        })?;
        let mut file = Self {
            path: path.to_owned(),
            text: String::new(),
            values: BTreeMap::new(),
        };
        let table = DeTable::parse(&text).map_err(|error| {
            let span = error.span().unwrap_or_default();
            file.wrong(&text, span, "it is not TOML", error.message())
        })?;
        file.take(&text, "", table.get_ref())?;
        file.text = text;
        Ok(file)
    }

    /// The folder from which paths in the file count.
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    pub(super) fn of(&self, setting: &Setting) -> Option<Found> {
        let key = setting.key?;
        let value = self.values.get(key).filter(|value| !value.text.is_empty())?;
        Some(Found {
            text: value.text.clone(),
            origin: Origin::File {
                key,
                file: self.path.clone(),
            },
        })
    }

    /// The place of a setting's value.
    pub(super) fn excerpt(&self, key: &str) -> Excerpt {
        let span = self.values.get(key).map(|value| value.span.clone());
        excerpt(&self.path, &self.text, span.unwrap_or_default(), "this value")
    }

    fn take(&mut self, text: &str, section: &str, table: &DeTable<'_>) -> Result<(), Failure> {
        for (name, value) in table.iter() {
            let key = format!("{section}{}", name.get_ref());
            let span = value.span();
            match (setting(&key), value.get_ref()) {
                (Some((known, kind)), value) => {
                    let value = value_text(kind, value).map_err(|expected| {
                        self.wrong(
                            text,
                            span.clone(),
                            &format!("`{key}` takes {expected}"),
                            "this value",
                        )
                    })?;
                    self.values.insert(known, Value { text: value, span });
                }
                (None, DeValue::Table(table)) if is_section(&key) => {
                    self.take(text, &format!("{key}."), table)?;
                }
                (None, _) => return Err(self.unknown(text, &key, name)),
            }
        }
        Ok(())
    }

    fn unknown<T>(&self, text: &str, key: &str, name: &Spanned<T>) -> Failure {
        let file = format!("{key}-file");
        if let Some(secret) = SETTINGS.iter().find(|setting| setting.key == Some(file.as_str())) {
            let message = format!("`{key}` is a secret, and secrets do not stand in this file");
            let hint = format!(
                "set {}, or name a file that holds it: {} = \"…\"",
                secret.variable,
                leaf(&file)
            );
            return self
                .wrong(text, name.span(), &message, "take this out")
                .hint(Some(hint));
        }
        let hint = match nearest(key) {
            Some(known) => format!("did you mean `{known}`?"),
            None => {
                let keys: Vec<_> = keys().collect();
                format!("there are: {}", keys.join(", "))
            }
        };
        let message = format!("`{key}` is not a setting");
        self.wrong(text, name.span(), &message, "unknown name")
            .hint(Some(hint))
    }

    fn wrong(&self, text: &str, span: Range<usize>, message: &str, label: &str) -> Failure {
        let before = text.get(..span.start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        Failure::usage("invalid_config", message)
            .within(format_args!("{}, line {line}", self.path.display()))
            .at(excerpt(&self.path, text, span, label))
    }
}

fn excerpt(path: &Path, text: &str, span: Range<usize>, label: &str) -> Excerpt {
    let is_known = |name: &str| keys().any(|key| key == name || leaf(key) == name);
    Excerpt::of_toml(path, text, span, label, is_known)
}

fn keys() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().filter_map(|setting| setting.key)
}

fn setting(key: &str) -> Option<(&'static str, Kind)> {
    let setting = SETTINGS.iter().find(|setting| setting.key == Some(key))?;
    Some((setting.key?, setting.kind))
}

fn is_section(key: &str) -> bool {
    keys().any(|known| known.strip_prefix(key).is_some_and(|rest| rest.starts_with('.')))
}

/// The setting with the name most like this one, in this section or another.
fn nearest(key: &str) -> Option<&'static str> {
    let likeness = |known: &'static str| {
        let whole = strsim::normalized_damerau_levenshtein(key, known);
        whole.max(strsim::normalized_damerau_levenshtein(leaf(key), leaf(known)))
    };
    keys()
        .map(|known| (likeness(known), known))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
}

/// A value as a variable would have it, or what is expected instead.
fn value_text(kind: Kind, value: &DeValue<'_>) -> Result<String, &'static str> {
    match (kind, value) {
        (Kind::Switch, DeValue::Boolean(switch)) => Ok(switch.to_string()),
        (Kind::Switch, _) => Err("true or false"),
        (Kind::Number, DeValue::Integer(number)) if number.radix() == 10 => Ok(number.as_str().to_owned()),
        (Kind::Number, _) => Err("a whole number"),
        (_, DeValue::String(text)) => Ok(text.to_string()),
        (Kind::List, DeValue::Array(items)) => {
            let texts = items.iter().map(|item| item.get_ref().as_str());
            let texts: Option<Vec<_>> = texts.collect();
            texts.map(|texts| texts.join(",")).ok_or("a list of texts")
        }
        (Kind::List, _) => Err("a list of texts"),
        _ => Err("a text in quotes"),
    }
}
