use std::{cell::RefCell, path::PathBuf};

use clap::Args;
use hexclave_core::{ApiUrl, ProjectConfig, ProjectConfigBuilder, ProjectId};

use super::{
    Secret, Settings, SourceArgs,
    setting::{API_URL, EXTRA_REQUEST_HEADERS, PROJECT_ID, PUBLISHABLE_CLIENT_KEY},
    variables::Variables,
};
use crate::failure::Failure;

#[derive(Args, Debug)]
pub(crate) struct ProjectArgs {
    /// The Hexclave project [default: HEXCLAVE_PROJECT_ID and its other names in the environment]
    #[arg(long, value_name = "ID", help_heading = "Settings")]
    project_id: Option<ProjectId>,
    /// Where the Hexclave API is [default: HEXCLAVE_API_URL and its other names, else https://api.hexclave.com]
    #[arg(long, value_name = "URL", help_heading = "Settings")]
    api_url: Option<String>,
    /// A file with more headers for each request to the API, as a JSON object; - is standard input
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    extra_request_headers_file: Option<PathBuf>,
    #[command(flatten)]
    sources: SourceArgs,
}

impl ProjectArgs {
    /// Reads the settings of the command.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        Settings::read(&self.sources)
    }

    /// The project of the settings, where no other setting is of interest.
    pub(crate) fn config(&self) -> Result<ProjectConfig, Failure> {
        self.config_of(&self.settings()?)
    }

    /// The project of the settings, or `id` where they name none.
    pub(crate) fn config_or(&self, id: ProjectId) -> Result<ProjectConfig, Failure> {
        let config = self.fill_all(ProjectConfig::builder(), &self.settings()?)?;
        let config = fill(config, |name| {
            Ok((name == PROJECT_ID.variable).then(|| id.to_string()))
        })?;
        Ok(config.build()?)
    }

    pub(crate) fn config_of(&self, settings: &Settings) -> Result<ProjectConfig, Failure> {
        self.complete(ProjectConfig::builder(), settings)
    }

    /// Adds what the settings say to what is set already.
    pub(crate) fn complete(
        &self,
        config: ProjectConfigBuilder,
        settings: &Settings,
    ) -> Result<ProjectConfig, Failure> {
        self.fill_all(config, settings)?.build().map_err(|error| {
            let hint = (self.project_id.is_none() && error.to_string().starts_with("no Hexclave project"))
                .then_some("set HEXCLAVE_PROJECT_ID or give --project-id");
            Failure::from(error).hint(hint)
        })
    }

    fn fill_all(
        &self,
        mut config: ProjectConfigBuilder,
        settings: &Settings,
    ) -> Result<ProjectConfigBuilder, Failure> {
        if let Some(id) = &self.project_id {
            config = config.project_id(id.clone());
        }
        if let Some(url) = &self.api_url {
            // Not parsed by clap, whose errors repeat the value: a URL may hold a password.
            config = config.api_url(url.parse()?);
        }
        if let Some(path) = &self.extra_request_headers_file {
            let headers = Secret::of_flag(EXTRA_REQUEST_HEADERS.flag, path)?;
            config = fill(config, |name| {
                let is_asked_for = name == EXTRA_REQUEST_HEADERS.variable;
                Ok(is_asked_for.then(|| headers.expose().to_owned()))
            })?;
        }
        for variables in &settings.variables {
            config = fill(config, |name| {
                if name == EXTRA_REQUEST_HEADERS.variable {
                    let headers = Secret::of_variables(variables, &EXTRA_REQUEST_HEADERS)?;
                    return Ok(headers.map(|headers| headers.expose().to_owned()));
                }
                Ok(variables.text(name)?.map(|text| text.to_string()))
            })
            .map_err(|failure| match variables {
                Variables::Process => failure,
                Variables::File { name, .. } => failure.within(name),
            })?;
        }
        fill(config, |name| match name {
            _ if name == PROJECT_ID.variable => settings.checked_text_of_file::<ProjectId>(&PROJECT_ID),
            _ if name == API_URL.variable => settings.checked_text_of_file::<ApiUrl>(&API_URL),
            _ if name == EXTRA_REQUEST_HEADERS.variable => {
                let headers = settings.secret_of_file(&EXTRA_REQUEST_HEADERS)?;
                Ok(headers.map(|headers| headers.expose().to_owned()))
            }
            _ if name == PUBLISHABLE_CLIENT_KEY.variable => {
                settings.checked_text_of_file::<String>(&PUBLISHABLE_CLIENT_KEY)
            }
            _ => Ok(None),
        })
    }
}

/// Fills what is not set yet from one place.
fn fill(
    config: ProjectConfigBuilder,
    variable: impl Fn(&str) -> Result<Option<String>, Failure>,
) -> Result<ProjectConfigBuilder, Failure> {
    let trouble = RefCell::new(None);
    let filled = config.variables(|name| {
        variable(name).unwrap_or_else(|failure| {
            trouble.borrow_mut().get_or_insert(failure);
            None
        })
    });
    match trouble.into_inner() {
        Some(failure) => Err(failure),
        None => Ok(filled?),
    }
}
