use std::time::Duration;

use hexclave_core::{AcceptedKinds, KeySet, ProjectConfig, ProjectKeys, UserKind};
use napi::bindgen_prelude::Function;
use napi_derive::napi;

use crate::failure::Failure;

/// Looks a variable of the environment up by its name. JavaScript does it: in a worker, `process.env` is not the process's
/// own environment.
pub(crate) type Variables<'a> = Function<'a, String, Option<String>>;

/// Which project it is.
#[napi(object)]
pub struct ProjectOptions {
    /// Its id, if not that of the environment.
    pub project_id: Option<String>,
    /// Where its API is, if not where the environment says.
    pub api_url: Option<String>,
}

impl ProjectOptions {
    pub(crate) fn config(self, variables: &Variables<'_>) -> Result<ProjectConfig, Failure> {
        let mut builder = ProjectConfig::builder();
        if let Some(id) = self.project_id {
            builder = builder.project_id(id.parse().map_err(in_option("projectId"))?);
        }
        if let Some(url) = self.api_url {
            builder = builder.api_url(url.parse().map_err(in_option("apiUrl"))?);
        }
        Ok(builder.variables(lookup(variables))?.build()?)
    }
}

/// The keys of each kind of user, as JWKS documents in JSON.
#[napi(object)]
pub struct KeyDocuments {
    /// Those of normal users.
    pub normal: Option<String>,
    /// Those of restricted users.
    pub restricted: Option<String>,
    /// Those of anonymous users.
    pub anonymous: Option<String>,
}

impl KeyDocuments {
    pub(crate) fn of(keys: &ProjectKeys) -> Self {
        let document = |kind| Some(keys.of(kind).to_json()).filter(|_| keys.of(kind).iter().next().is_some());
        Self {
            normal: document(UserKind::Normal),
            restricted: document(UserKind::Restricted),
            anonymous: document(UserKind::Anonymous),
        }
    }

    /// `option` is what the keys are called in errors.
    pub(crate) fn read(self, option: &str) -> Result<ProjectKeys, Failure> {
        let documents = [
            (UserKind::Normal, self.normal),
            (UserKind::Restricted, self.restricted),
            (UserKind::Anonymous, self.anonymous),
        ];
        let mut keys = ProjectKeys::default();
        for (kind, document) in documents {
            if let Some(document) = document {
                let set = KeySet::from_json(document.as_bytes())
                    .map_err(|error| Failure::config(error).in_option(&format!("{option}.{kind}")))?;
                keys = keys.with(kind, set);
            }
        }
        Ok(keys)
    }
}

pub(crate) fn lookup(variables: &Variables<'_>) -> impl Fn(&str) -> Option<String> {
    |name| variables.call(name.to_owned()).ok().flatten()
}

pub(crate) fn accepted_kinds(names: Option<&[String]>) -> Result<AcceptedKinds, Failure> {
    match names {
        Some(names) => names.join(",").parse().map_err(in_option("acceptedKinds")),
        None => Ok(AcceptedKinds::default()),
    }
}

pub(crate) fn kind_names(kinds: AcceptedKinds) -> Vec<String> {
    kinds.iter().map(|kind| kind.as_str().to_owned()).collect()
}

pub(crate) fn seconds(option: &str, seconds: f64) -> Result<Duration, Failure> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| Failure::config(format!("{seconds} is not a number of seconds")).in_option(option))
}

pub(crate) fn in_option<E: Into<Failure>>(name: &str) -> impl Fn(E) -> Failure {
    move |error| error.into().in_option(name)
}

pub(crate) fn count(option: &str, count: f64) -> Result<usize, Failure> {
    let whole = (count >= 0.0 && count.fract() == 0.0 && count <= f64::from(u32::MAX)).then_some(count);
    whole.map(|count| count as usize).ok_or_else(|| {
        Failure::config(format!("{count} is not a whole number of 0 or more")).in_option(option)
    })
}
