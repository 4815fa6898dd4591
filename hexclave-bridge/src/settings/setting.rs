use clap::{Arg, Command};

/// One setting, and what it is called in each place.
#[derive(Debug)]
pub(crate) struct Setting {
    /// On the command line, without the dashes.
    pub(super) flag: &'static str,
    /// In the environment. For a secret this one holds it.
    pub(super) variable: &'static str,
    /// In the settings file, with its section. What says where the settings are is not in there.
    pub(super) key: Option<&'static str>,
    pub(super) kind: Kind,
}

/// What a setting is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Text,
    /// Texts; one text with commas between them where there are no lists.
    List,
    Switch,
    /// A whole number.
    Number,
    /// A secret: flag, key, and a variable of this name name the file that holds it.
    Secret {
        file_variable: &'static str,
    },
}

macro_rules! settings {
    ($($name:ident: $flag:literal, $variable:literal, $key:expr, $kind:expr;)*) => {
        $(pub(crate) const $name: Setting = Setting {
            flag: $flag,
            variable: $variable,
            key: $key,
            kind: $kind,
        };)*

        /// All of them, in the order in which they are documented.
        pub(super) const SETTINGS: &[Setting] = &[$($name),*];
    };
}

settings! {
    CONFIG: "config", "HEXCLAVE_BRIDGE_CONFIG", None, Kind::Text;
    DOTENV: "dotenv", "HEXCLAVE_BRIDGE_DOTENV", Some("dotenv"), Kind::Switch;
    PROJECT_ID: "project-id", "HEXCLAVE_PROJECT_ID", Some("project-id"), Kind::Text;
    API_URL: "api-url", "HEXCLAVE_API_URL", Some("api-url"), Kind::Text;
    PUBLISHABLE_CLIENT_KEY: "publishable-client-key", "HEXCLAVE_PUBLISHABLE_CLIENT_KEY",
        Some("publishable-client-key"), Kind::Text;
    SECRET_SERVER_KEY: "secret-server-key-file", "HEXCLAVE_SECRET_SERVER_KEY", Some("secret-server-key-file"),
        Kind::Secret { file_variable: "HEXCLAVE_SECRET_SERVER_KEY_FILE" };
    EXTRA_REQUEST_HEADERS: "extra-request-headers-file", "HEXCLAVE_EXTRA_REQUEST_HEADERS",
        Some("extra-request-headers-file"),
        Kind::Secret { file_variable: "HEXCLAVE_EXTRA_REQUEST_HEADERS_FILE" };
    APP_URL: "app-url", "HEXCLAVE_BRIDGE_APP_URL", Some("app-url"), Kind::Text;
    SESSION_FILE: "session-file", "HEXCLAVE_BRIDGE_SESSION_FILE", Some("session-file"), Kind::Text;
    ALLOW: "allow", "HEXCLAVE_BRIDGE_ALLOW", Some("allow"), Kind::List;
    LOCAL_LISTEN: "listen", "HEXCLAVE_BRIDGE_LOCAL_LISTEN", Some("local.listen"), Kind::Text;
    LOCAL_REQUIRE_EMAIL_VERIFICATION: "require-email-verification",
        "HEXCLAVE_BRIDGE_LOCAL_REQUIRE_EMAIL_VERIFICATION", Some("local.require-email-verification"),
        Kind::Switch;
    LOCAL_SEED: "seed", "HEXCLAVE_BRIDGE_LOCAL_SEED", Some("local.seed"), Kind::Text;
    LOCAL_WEBHOOK: "webhook", "HEXCLAVE_BRIDGE_LOCAL_WEBHOOK", Some("local.webhook"), Kind::List;
    LOCAL_WEBHOOK_FAULTS: "webhook-faults", "HEXCLAVE_BRIDGE_LOCAL_WEBHOOK_FAULTS", Some("local.webhook-faults"),
        Kind::List;
    LOCAL_DATA: "data", "HEXCLAVE_BRIDGE_LOCAL_DATA", Some("local.data"), Kind::Text;
    JWT_SECRET: "jwt-secret-file", "SUPABASE_JWT_SECRET", Some("supabase.jwt-secret-file"),
        Kind::Secret { file_variable: "SUPABASE_JWT_SECRET_FILE" };
    DATABASE_URL: "database-url-file", "SUPABASE_DB_URL", Some("supabase.database-url-file"),
        Kind::Secret { file_variable: "SUPABASE_DB_URL_FILE" };
    DATABASE_CA: "database-ca-file", "SUPABASE_DB_CA_FILE", Some("supabase.database-ca-file"), Kind::Text;
    SCHEMAS: "schemas", "SUPABASE_DB_SCHEMAS", Some("supabase.schemas"), Kind::List;
    USERS_TABLE: "users-table", "HEXCLAVE_BRIDGE_USERS_TABLE", Some("supabase.users-table"), Kind::Text;
    SERVER_METADATA: "server-metadata", "HEXCLAVE_BRIDGE_SERVER_METADATA", Some("supabase.server-metadata"), Kind::Switch;
    LOOK_AS: "look-as", "HEXCLAVE_BRIDGE_LOOK_AS", Some("supabase.look-as"), Kind::Text;
    LARGEST_TABLE: "largest-table", "HEXCLAVE_BRIDGE_LARGEST_TABLE", Some("supabase.largest-table"), Kind::Number;
    SAMPLE: "sample", "HEXCLAVE_BRIDGE_SAMPLE", Some("supabase.sample"), Kind::Number;
    LEAVE_TRIGGERS_ALONE: "leave-triggers-alone", "HEXCLAVE_BRIDGE_LEAVE_TRIGGERS_ALONE",
        Some("supabase.leave-triggers-alone"), Kind::Switch;
    CONVEX_CONFIG: "convex-config", "HEXCLAVE_BRIDGE_CONVEX_CONFIG", Some("convex.config"), Kind::Text;
    CONVEX_KINDS: "kinds", "HEXCLAVE_BRIDGE_CONVEX_KINDS", Some("convex.kinds"), Kind::List;
    CONVEX_JWKS: "jwks", "HEXCLAVE_BRIDGE_CONVEX_JWKS", Some("convex.jwks"), Kind::Text;
    CONVEX_ALIASES: "aliases", "HEXCLAVE_BRIDGE_CONVEX_ALIASES", Some("convex.aliases"), Kind::Switch;
    CONVEX_ENV: "env", "HEXCLAVE_BRIDGE_CONVEX_ENV", Some("convex.env"), Kind::Text;
    FAIL_ON: "fail-on", "HEXCLAVE_BRIDGE_FAIL_ON", Some("supabase.fail-on"), Kind::Text;
    SIGNING_KEY: "signing-key-file", "SUPABASE_SIGNING_KEY", Some("supabase.signing-key-file"),
        Kind::Secret { file_variable: "SUPABASE_SIGNING_KEY_FILE" };
    TOKEN_LIFETIME: "lifetime", "SUPABASE_TOKEN_LIFETIME", Some("supabase.lifetime"), Kind::Number;
    WEBHOOK_SECRET: "webhook-secret-file", "HEXCLAVE_WEBHOOK_SECRET", Some("webhook-secret-file"),
        Kind::Secret { file_variable: "HEXCLAVE_WEBHOOK_SECRET_FILE" };
    LISTEN: "listen", "HEXCLAVE_BRIDGE_LISTEN", Some("serve.listen"), Kind::Text;
    TLS_CERTIFICATE: "tls-certificate-file", "HEXCLAVE_BRIDGE_TLS_CERTIFICATE_FILE", Some("serve.tls-certificate-file"),
        Kind::Text;
    TLS_KEY: "tls-key-file", "HEXCLAVE_BRIDGE_TLS_KEY", Some("serve.tls-key-file"),
        Kind::Secret { file_variable: "HEXCLAVE_BRIDGE_TLS_KEY_FILE" };
    COOKIES: "cookies", "HEXCLAVE_BRIDGE_COOKIES", Some("serve.cookies"), Kind::Switch;
    ORIGINS: "origins", "HEXCLAVE_BRIDGE_ORIGINS", Some("serve.origins"), Kind::List;
    MAX_CONNECTIONS: "max-connections", "HEXCLAVE_BRIDGE_MAX_CONNECTIONS", Some("serve.max-connections"), Kind::Number;
    MAX_REQUESTS: "max-requests", "HEXCLAVE_BRIDGE_MAX_REQUESTS", Some("serve.max-requests"), Kind::Number;
    HEADER_TIMEOUT: "header-timeout", "HEXCLAVE_BRIDGE_HEADER_TIMEOUT", Some("serve.header-timeout"), Kind::Number;
    REQUEST_TIMEOUT: "request-timeout", "HEXCLAVE_BRIDGE_REQUEST_TIMEOUT", Some("serve.request-timeout"), Kind::Number;
    SHUTDOWN_TIMEOUT: "shutdown-timeout", "HEXCLAVE_BRIDGE_SHUTDOWN_TIMEOUT", Some("serve.shutdown-timeout"),
        Kind::Number;
    LOG_LEVEL: "log-level", "HEXCLAVE_BRIDGE_LOG_LEVEL", Some("serve.log-level"), Kind::Text;
}

impl Setting {
    /// The name of the variable that names the file of a secret.
    pub(super) fn file_variable(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Secret { file_variable } => Some(file_variable),
            _ => None,
        }
    }
}

/// Gives the options of settings that are true or false their form: named alone they mean true, `--option=false` the
/// opposite.
pub(crate) fn with_switches(command: Command) -> Command {
    let is_switch = |arg: &Arg| {
        SETTINGS
            .iter()
            .any(|setting| setting.kind == Kind::Switch && Some(setting.flag) == arg.get_long())
    };
    let form = |arg: Arg| match is_switch(&arg) {
        true => arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .value_name("true|false")
            .hide_possible_values(true),
        false => arg,
    };
    command.mut_args(form).mut_subcommands(with_switches)
}

/// A setting's name in the settings file, without its section.
pub(super) fn leaf(key: &str) -> &str {
    key.rsplit_once('.').map_or(key, |(_, leaf)| leaf)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;

    fn each_command(command: &Command, seen: &mut impl FnMut(&Command)) {
        seen(command);
        for command in command.get_subcommands() {
            each_command(command, seen);
        }
    }

    #[test]
    fn each_setting_is_a_flag_a_variable_and_documented() {
        let mut flags = Vec::new();
        each_command(&Cli::command(), &mut |command| {
            flags.extend(
                command
                    .get_arguments()
                    .filter_map(|arg| arg.get_long().map(str::to_owned)),
            );
        });
        let readme = include_str!("../../README.md");
        for setting in SETTINGS {
            assert!(
                flags.iter().any(|flag| flag == setting.flag),
                "--{}",
                setting.flag
            );
            let variables = match setting.file_variable() {
                Some(file) => format!("`{}`, `{file}`", setting.variable),
                None => format!("`{}`", setting.variable),
            };
            let key = setting.key.map_or("–".to_owned(), |key| format!("`{key}`"));
            let row = format!("| `--{}` | {variables} | {key} |", setting.flag);
            assert!(readme.contains(&row), "the README has no row {row}");
        }
    }

    /// What a single run is asked, and not how things are set up. Whom the local Hexclave lets in is to be said each time.
    const ASKED: &[&str] = &[
        "access-token",
        "allow-narrower",
        "allow-remote",
        "anew",
        "check",
        "claims",
        "compare",
        "create",
        "for",
        "force",
        "format",
        "guest",
        "guide",
        "help",
        "json",
        "live-keys",
        "merge",
        "no-browser",
        "now",
        "offline",
        "out",
        "owner",
        "owner-reads",
        "prepare",
        "public-read",
        "refuse-anonymous",
        "require-mfa",
        "selected-team",
        "sql",
        "table",
        "take-over",
        "team",
        "team-reads",
        "upstream",
        "user",
        "version",
        "websocket",
        "with-jwt-secret",
    ];

    #[test]
    fn each_option_is_a_setting_or_asked_of_one_run() {
        each_command(&Cli::command(), &mut |command| {
            for option in command.get_arguments() {
                let Some(name) = option.get_long() else { continue };
                let is_setting = SETTINGS.iter().any(|setting| setting.flag == name);
                let is_headed = option.get_help_heading() == Some("Settings");
                let what = format!("{} --{name}", command.get_name());
                assert_ne!(is_setting, ASKED.contains(&name), "{what}");
                assert_eq!(is_setting, is_headed, "{what}");
            }
        });
    }

    #[test]
    fn no_option_takes_a_secret() {
        each_command(&Cli::command(), &mut |command| {
            for option in command
                .get_opts()
                .filter(|option| option.get_action().takes_values())
            {
                let name = option.get_long().unwrap_or_default();
                let sounds_secret = ["secret", "password", "token", "database", "credential", "headers"]
                    .iter()
                    .any(|word| name.contains(word))
                    || name.ends_with("key");
                let is_harmless = name.ends_with("-file") || name == "publishable-client-key";
                assert!(!sounds_secret || is_harmless, "{} --{name}", command.get_name());
            }
        });
        for setting in SETTINGS
            .iter()
            .filter(|setting| setting.file_variable().is_some())
        {
            assert!(setting.flag.ends_with("-file"), "{}", setting.flag);
            assert!(
                setting.key.is_none_or(|key| key.ends_with("-file")),
                "{}",
                setting.flag
            );
        }
    }
}
