//! Convex: the auth configuration beside the project.

use std::{
    fs,
    path::{Path, PathBuf},
};

use hexclave_convex::{AuthConfig, KeyProblem};
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
        false => script(&file, &text, hexclave),
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

/// A script, which only Convex can read: it is compared with what would be written.
fn script(file: &Path, text: &str, hexclave: &Hexclave) -> Check {
    let is_typescript = file.extension().is_some_and(|extension| extension == "ts");
    for kinds in combinations() {
        let config = AuthConfig::for_project(&hexclave.config).kinds(kinds).build();
        let written = match is_typescript {
            true => config.to_typescript(),
            false => config.to_javascript(),
        };
        if text == written || config.merge_into_script(text).is_ok_and(|merged| merged == text) {
            return Check::pass(NAME, format!("{} accepts {kinds} users", file.display()));
        }
    }
    let message = match AuthConfig::is_emitted(text) {
        true => format!(
            "{} is not what this program writes for project {} at {} without options",
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

fn combinations() -> impl Iterator<Item = AcceptedKinds> {
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
