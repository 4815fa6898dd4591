//! `hexclave-bridge convex auth-config`

use std::{
    error::Error,
    fmt::{self, Display},
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
    str::FromStr,
};

use clap::{Args, ValueEnum};
use hexclave_convex::{AuthConfig, Compatibility, Provider};
use hexclave_core::{AcceptedKinds, UserKind};

use super::live_keys;
use crate::{
    failure::Failure,
    output,
    settings::{self, ProjectArgs, Settings},
};

#[derive(Args, Debug)]
pub(crate) struct AuthConfigArgs {
    #[command(flatten)]
    project: ProjectArgs,
    /// The kinds of users whom Convex shall accept: normal, restricted, anonymous [default: normal]
    #[arg(long, value_name = "KIND,…", help_heading = "Settings")]
    kinds: Option<AcceptedKinds>,
    /// Where Convex has the project's keys from [default: url]
    #[arg(long, help_heading = "Settings")]
    jwks: Option<Jwks>,
    /// Accept tokens under the host's other name too, where it has one [default: true]
    #[arg(long, help_heading = "Settings")]
    aliases: Option<bool>,
    /// Exactly the two providers of getConvexProvidersConfig in @stackframe/js: normal and anonymous users, audience not
    /// checked
    #[arg(long, conflicts_with_all = ["kinds", "jwks", "aliases", "env"])]
    upstream: bool,
    /// Take the project's id from a variable of the Convex deployment, HEXCLAVE_PROJECT_ID or the given one
    #[arg(
        long,
        value_name = "NAME",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "HEXCLAVE_PROJECT_ID",
        help_heading = "Settings"
    )]
    env: Option<String>,
    /// Do not look whether the project has keys that Convex cannot use
    #[arg(long)]
    offline: bool,
    /// The form to write [default: that of --out's name, else ts]
    #[arg(long)]
    format: Option<Format>,
    /// Write to this file, such as convex/auth.config.ts, instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Overwrite the file even if somebody else has written or edited it
    #[arg(long, requires = "out")]
    force: bool,
    /// Keep what else is in the file: in JSON other providers, in a script all that is outside the two marked lines
    #[arg(long, requires = "out", conflicts_with = "force")]
    merge: bool,
    /// Write nothing; exit with 1 if the file is not as it would be written
    #[arg(long, requires = "out", conflicts_with = "force")]
    check: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Format {
    /// TypeScript, for convex/auth.config.ts
    Ts,
    /// JavaScript, for convex/auth.config.js
    Js,
    /// JSON, for other programs
    Json,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, ValueEnum)]
enum Jwks {
    /// Convex fetches them from Hexclave
    #[default]
    Url,
    /// They are in the configuration: for a Hexclave that Convex does not reach, and for keys that Convex cannot use
    /// otherwise. To be made anew when they change
    Inline,
}

/// What is to be in the configuration.
struct Shape {
    kinds: AcceptedKinds,
    jwks: Jwks,
    aliases: bool,
    /// The variable of the deployment that the project's id is taken from.
    env: Option<String>,
}

/// Prints or writes the auth configuration of a project.
pub(super) async fn run(args: &AuthConfigArgs) -> Result<ExitCode, Failure> {
    let format = args.format();
    let settings = args.project.settings()?;
    let shape = args.shape(&settings)?;
    if shape.env.is_some() {
        let conflict = match (format, shape.jwks) {
            (Format::Json, _) => Some("JSON reads no variables"),
            (_, Jwks::Inline) => Some("with --jwks inline the keys of one project are in the file"),
            _ => None,
        };
        if let Some(why) = conflict {
            return Err(Failure::usage(
                "invalid_config",
                format!("--env does not go with this: {why}"),
            ));
        }
    }
    let config = args.config(&settings, &shape).await?;
    let Some(file) = &args.out else {
        output::text(format.text_of(&config));
        return Ok(ExitCode::SUCCESS);
    };
    let existing = existing(file)?;
    let text = match &existing {
        Existing::Text(text) if args.merge => format.merge(&config, text)?,
        _ => format.text_of(&config),
    };
    if args.check {
        return Ok(report_difference(file, &existing, &text));
    }
    let is_ours = match &existing {
        Existing::None => true,
        Existing::Text(existing) => args.merge || AuthConfig::is_emitted(existing),
        Existing::NoText => false,
    };
    if !args.force && !is_ours {
        return Err(Failure::usage(
            "file_exists",
            format!("{} exists, and somebody else has written or edited it", file.display()),
        )
        .hint(Some(
            "--merge keeps what else is in it, --force overwrites it; without --out the configuration is printed",
        )));
    }
    fs::write(file, text).map_err(|error| {
        Failure::usage(
            "file_not_written",
            format!("{} cannot be written", file.display()),
        )
        .caused_by(&error)
    })?;
    output::progress(format_args!("wrote {}", file.display()));
    Ok(ExitCode::SUCCESS)
}

impl AuthConfigArgs {
    fn format(&self) -> Format {
        let extension = self.out.as_deref().and_then(Path::extension);
        self.format
            .unwrap_or_else(|| match extension.and_then(|name| name.to_str()) {
                Some("js" | "mjs") => Format::Js,
                Some("json") => Format::Json,
                _ => Format::Ts,
            })
    }

    /// What the options say, and for the rest the settings. `--upstream` says all of it.
    fn shape(&self, settings: &Settings) -> Result<Shape, Failure> {
        if self.upstream {
            return Ok(Shape {
                kinds: AcceptedKinds::default().and(UserKind::Anonymous),
                jwks: Jwks::Url,
                aliases: true,
                env: None,
            });
        }
        Ok(Shape {
            kinds: settings
                .value(&settings::CONVEX_KINDS, self.kinds)?
                .unwrap_or_default(),
            jwks: settings
                .value(&settings::CONVEX_JWKS, self.jwks)?
                .unwrap_or_default(),
            aliases: settings
                .value(&settings::CONVEX_ALIASES, self.aliases)?
                .unwrap_or(true),
            env: settings.value(&settings::CONVEX_ENV, self.env.clone())?,
        })
    }

    async fn config(&self, settings: &Settings, shape: &Shape) -> Result<AuthConfig, Failure> {
        // With a variable in the place of its id, any project will do.
        let project = match shape.env {
            Some(_) => self.project.config_or("internal".parse()?)?,
            None => self.project.config_of(settings)?,
        };
        let mut builder = AuthConfig::for_project(&project)
            .kinds(shape.kinds)
            .aliases(shape.aliases);
        if self.upstream {
            builder = builder.compatibility(Compatibility::Upstream);
        }
        if let Some(name) = &shape.env {
            builder = builder
                .project_id_from_environment(name)
                .map_err(|error| Failure::usage("invalid_config", error))?;
        }
        if shape.jwks == Jwks::Inline {
            let keys = live_keys::fetch(&project, shape.kinds).await?;
            let config = builder.build_inline(&keys)?;
            let size: usize = config
                .providers()
                .iter()
                .filter_map(Provider::inline_jwks_len)
                .sum();
            output::progress(format_args!(
                "the project's keys take {size} bytes of the configuration"
            ));
            return Ok(config);
        }
        let config = builder.build();
        if !self.offline && shape.env.is_none() {
            live_keys::warn_of_short_keys(&project, shape.kinds, &config).await;
        }
        Ok(config)
    }
}

impl FromStr for Jwks {
    type Err = NotJwks;

    fn from_str(text: &str) -> Result<Self, NotJwks> {
        <Self as ValueEnum>::from_str(text, false).map_err(|_| NotJwks)
    }
}

/// A text does not say where keys come from.
#[derive(Debug)]
struct NotJwks;

impl Display for NotJwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the project's keys come by url or are inline: expected url or inline")
    }
}

impl Error for NotJwks {}

impl Format {
    fn text_of(self, config: &AuthConfig) -> String {
        match self {
            Self::Ts => config.to_typescript(),
            Self::Js => config.to_javascript(),
            Self::Json => config.to_json(),
        }
    }

    /// The existing text with these providers in it.
    fn merge(self, config: &AuthConfig, existing: &str) -> Result<String, Failure> {
        if self == Self::Json {
            return config
                .merge_into_json(existing)
                .map_err(|error| Failure::usage(error.code(), error));
        }
        if AuthConfig::is_emitted(existing) {
            return Ok(self.text_of(config));
        }
        config
            .merge_into_script(existing)
            .map_err(|error| Failure::usage("merge_refused", error))
    }
}

/// What is in the file's place.
enum Existing {
    None,
    Text(String),
    NoText,
}

fn existing(file: &Path) -> Result<Existing, Failure> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Existing::Text(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Existing::None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(Existing::NoText),
        Err(error) => {
            let message = format!("{} cannot be read", file.display());
            Err(Failure::usage("file_not_read", message).caused_by(&error))
        }
    }
}

/// Says whether the file is as it would be written.
fn report_difference(file: &Path, existing: &Existing, text: &str) -> ExitCode {
    let said = match existing {
        Existing::Text(existing) if existing == text => {
            output::progress(format_args!("{} is up to date", file.display()));
            return ExitCode::SUCCESS;
        }
        Existing::None => "is not there",
        _ => "is out of date: run this again without --check",
    };
    output::progress(format_args!("{} {said}", file.display()));
    ExitCode::from(1)
}
