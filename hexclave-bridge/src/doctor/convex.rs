//! Convex: the auth configuration beside the project.

use std::{
    fs,
    path::{Path, PathBuf},
};

use hexclave_convex::{AuthConfig, Compatibility, KeyProblem};
use hexclave_core::{AcceptedKinds, UserKind};

use super::{DoctorArgs, check::Check, hexclave::Hexclave};
use crate::{
    failure::Failure,
    settings::{self, Settings},
};

const NAME: &str = "convex";
const USUAL_FILES: [&str; 3] = [
    "convex/auth.config.ts",
    "convex/auth.config.js",
    "convex/auth.config.json",
];
/// What `--env` takes where it names none.
const USUAL_VARIABLE: &str = "HEXCLAVE_PROJECT_ID";
const HOW_TO_WRITE: &str =
    "write it with `hexclave-bridge convex auth-config --out FILE`, and push it with `npx convex dev`";

pub(super) fn check(args: &DoctorArgs, settings: &Settings, hexclave: Option<&Hexclave>) -> Check {
    let file = match settings.path(&settings::CONVEX_CONFIG, args.convex_config.as_deref()) {
        Ok(Some(file)) => file,
        Ok(None) => match USUAL_FILES
            .into_iter()
            .map(PathBuf::from)
            .find(|file| file.exists())
        {
            Some(file) => file,
            None => return Check::skip(NAME, "there is no convex/auth.config.ts here"),
        },
        Err(failure) => return Check::failed(NAME, &failure),
    };
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) => {
            let failure = Failure::usage("file_not_read", format!("{} cannot be read", file.display()));
            return Check::failed(NAME, &failure.caused_by(&error)).fix(HOW_TO_WRITE);
        }
    };
    let Some(hexclave) = hexclave else {
        return Check::skip(
            NAME,
            format!("{} cannot be compared without a project", file.display()),
        );
    };
    match file.extension().is_some_and(|extension| extension == "json") {
        true => json(&file, &text, hexclave),
        false => match settings.value(&settings::CONVEX_ENV, None::<String>) {
            Ok(variable) => script(&file, &text, hexclave, variable.as_deref()),
            Err(failure) => Check::failed(NAME, &failure),
        },
    }
}

/// A configuration that can be read.
fn json(file: &Path, text: &str, hexclave: &Hexclave) -> Check {
    let config = match AuthConfig::from_json(text) {
        Ok(config) => config,
        Err(error) => {
            let failure = Failure::convex_answer(&error).within(file.display());
            return Check::failed(NAME, &failure).or_fix(HOW_TO_WRITE);
        }
    };
    let project = &hexclave.config;
    let kinds: Vec<_> = UserKind::ALL
        .into_iter()
        .filter(|kind| {
            let issuers: Vec<_> = project
                .hosts()
                .map(|host| host.issuer(project.project_id(), *kind))
                .collect();
            let is_of_kind = |issuer: &str| issuers.iter().any(|known| known == issuer);
            config
                .providers()
                .iter()
                .any(|provider| is_of_kind(provider.issuer()))
        })
        .map(UserKind::as_str)
        .collect();
    if kinds.is_empty() {
        let message = format!(
            "{} has no provider for project {} at {}: Convex refuses all its tokens",
            file.display(),
            project.project_id(),
            project.api_url()
        );
        return Check::fail(NAME, message).fix(HOW_TO_WRITE);
    }
    let findings = match &hexclave.keys {
        Some(keys) => config.review_keys(project, keys),
        None => Vec::new(),
    };
    match findings.first() {
        Some(finding) => {
            let message = format!("{}: {finding}", file.display());
            match finding.problem {
                KeyProblem::Extra => Check::warn(NAME, message),
                _ => Check::fail(NAME, message),
            }
            .fix(HOW_TO_WRITE)
        }
        None => Check::pass(
            NAME,
            format!("{} accepts {} users", file.display(), kinds.join(", ")),
        ),
    }
}

/// A script, which only Convex can read: it is compared with everything that `convex auth-config` writes.
fn script(file: &Path, text: &str, hexclave: &Hexclave, variable: Option<&str>) -> Check {
    let is_typescript = file.extension().is_some_and(|extension| extension == "ts");
    let is_written = |config: &AuthConfig| {
        let written = match is_typescript {
            true => config.to_typescript(),
            false => config.to_javascript(),
        };
        text == written || config.merge_into_script(text).is_ok_and(|merged| merged == text)
    };
    if let Some((_, kinds)) = forms(hexclave, variable).find(|(config, _)| is_written(config)) {
        return Check::pass(NAME, format!("{} accepts {kinds} users", file.display()));
    }
    let message = match AuthConfig::is_emitted(text) {
        true => format!(
            "{} is not what this program writes now for project {} at {}",
            file.display(),
            hexclave.config.project_id(),
            hexclave.config.api_url()
        ),
        false => format!(
            "{} was written by somebody else, and only Convex can read it",
            file.display()
        ),
    };
    Check::warn(NAME, message).fix(HOW_TO_WRITE)
}

/// Every configuration that `convex auth-config` writes for a project, and whom it accepts. A variable in the place of the
/// project's id is the given one, or else the usual one.
fn forms<'a>(
    hexclave: &'a Hexclave,
    variable: Option<&'a str>,
) -> impl Iterator<Item = (AuthConfig, AcceptedKinds)> + 'a {
    let project = &hexclave.config;
    let as_upstream = AuthConfig::for_project(project).compatibility(Compatibility::Upstream);
    let of_upstream = AcceptedKinds::default().and(UserKind::Anonymous);
    let builders = combinations().flat_map(move |kinds| {
        [true, false].map(|aliases| {
            (
                AuthConfig::for_project(project).kinds(kinds).aliases(aliases),
                kinds,
            )
        })
    });
    let with_variable = builders.clone().filter_map(move |(builder, kinds)| {
        let builder = builder.project_id_from_environment(variable.unwrap_or(USUAL_VARIABLE));
        Some((builder.ok()?.build(), kinds))
    });
    let inline = builders.clone().filter_map(|(builder, kinds)| {
        let config = builder.build_inline(hexclave.keys.as_ref()?);
        Some((config.ok()?, kinds))
    });
    builders
        .map(|(builder, kinds)| (builder.build(), kinds))
        .chain(with_variable)
        .chain(inline)
        .chain([(as_upstream.build(), of_upstream)])
}

fn combinations() -> impl Iterator<Item = AcceptedKinds> + Clone {
    let [normal, restricted, anonymous] = UserKind::ALL;
    [
        AcceptedKinds::only(normal),
        AcceptedKinds::only(normal).and(restricted),
        AcceptedKinds::only(normal).and(anonymous),
        AcceptedKinds::ALL,
        AcceptedKinds::only(restricted),
        AcceptedKinds::only(restricted).and(anonymous),
        AcceptedKinds::only(anonymous),
    ]
    .into_iter()
}
