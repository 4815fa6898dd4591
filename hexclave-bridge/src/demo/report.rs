//! What the demo has shown, for people and for programs.

use std::fmt::Write;

use comfy_table::{Table, presets};
use hexclave_convex::{AuthConfig, UserIdentity};
use hexclave_core::UserKind;
use hexclave_supabase::SupabaseToken;
use serde_json::{Value, json};

use crate::output::{HEADING, QUIET, unix_seconds};

pub(super) struct Report {
    pub(super) api_url: String,
    pub(super) project_id: String,
    pub(super) postgres: String,
    pub(super) visitors: Vec<Visitor>,
    pub(super) auth_config: AuthConfig,
    pub(super) identity_of: String,
    pub(super) identity: UserIdentity,
}

/// Somebody who came, what they were given, and what they see.
pub(super) struct Visitor {
    pub(super) who: &'static str,
    pub(super) kind: Option<UserKind>,
    pub(super) outcome: TokenOutcome,
    pub(super) rows: Vec<i64>,
}

pub(super) enum TokenOutcome {
    Minted(SupabaseToken),
    Refused(hexclave_core::Error),
    NotAsked,
}

impl Report {
    /// One JSON document. It holds no token.
    pub(super) fn to_json(&self) -> Value {
        let visitors: Vec<_> = self.visitors.iter().map(Visitor::to_json).collect();
        let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        json!({
            "hexclave": { "apiUrl": self.api_url, "projectId": self.project_id },
            "postgres": self.postgres,
            "visitors": visitors,
            "convex": {
                "authConfig": parsed(&self.auth_config.to_json()),
                "identity": parsed(&self.identity.to_json()),
            },
        })
    }

    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, to: &mut String) -> std::fmt::Result {
        writeln!(
            to,
            "\n{HEADING}Who sees which rows of the setup guide's table{HEADING:#}\n"
        )?;
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(["who", "kind of user", "rows", "Supabase token"]);
        for visitor in &self.visitors {
            table.add_row(visitor.row());
        }
        for line in table.lines() {
            writeln!(to, " {}", line.trim_end())?;
        }
        writeln!(
            to,
            "\n  Row 1 is for everyone, row 2 for signed-in users, row 3 for its owner. Whoever is refused a token\n  \
             asks Supabase without one, and sees what everyone sees."
        )?;

        writeln!(
            to,
            "\n{HEADING}What Convex needs to know: convex/auth.config.ts{HEADING:#}\n"
        )?;
        write_indented(to, &self.auth_config.to_typescript())?;

        writeln!(
            to,
            "\n{HEADING}What a Convex function then sees of {}{HEADING:#}: ctx.auth.getUserIdentity()\n",
            self.identity_of
        )?;
        write_indented(to, &pretty(&self.identity.to_json()))?;

        writeln!(to, "\n{HEADING}With a project of your own{HEADING:#}\n")?;
        for (command, what) in [
            ("export HEXCLAVE_PROJECT_ID=<your project id>", ""),
            (
                "hexclave-bridge verify -",
                "prove a user: paste what `(await user.getAuthJson()).accessToken` gives",
            ),
            (
                "export SUPABASE_JWT_SECRET=<your project's legacy JWT secret>",
                "",
            ),
            (
                "hexclave-bridge supabase token -",
                "mint that user a Supabase token",
            ),
            (
                "hexclave-bridge convex auth-config --out convex/auth.config.ts",
                "let the project's users into Convex",
            ),
        ] {
            if !what.is_empty() {
                writeln!(to, "  {QUIET}# {what}{QUIET:#}")?;
            }
            writeln!(to, "  {command}")?;
        }
        Ok(())
    }
}

impl Visitor {
    fn row(&self) -> [String; 4] {
        let rows: Vec<_> = self.rows.iter().map(i64::to_string).collect();
        [
            self.who.to_owned(),
            self.kind.map_or("–".to_owned(), |kind| kind.to_string()),
            rows.join(", "),
            match &self.outcome {
                TokenOutcome::Minted(_) => "minted, good for an hour".to_owned(),
                TokenOutcome::Refused(error) => format!("refused: {error}"),
                TokenOutcome::NotAsked => "–".to_owned(),
            },
        ]
    }

    fn to_json(&self) -> Value {
        let token = match &self.outcome {
            TokenOutcome::Minted(token) => json!({ "expiresAt": unix_seconds(token.expires_at()) }),
            TokenOutcome::Refused(error) => {
                json!({ "error": { "code": error.code(), "message": error.to_string() } })
            }
            TokenOutcome::NotAsked => Value::Null,
        };
        json!({
            "who": self.who,
            "kind": self.kind.map(UserKind::as_str),
            "supabaseToken": token,
            "rows": self.rows,
        })
    }
}

fn pretty(json: &str) -> String {
    let value: Value = serde_json::from_str(json).unwrap_or_default();
    format!("{value:#}")
}

fn write_indented(to: &mut String, text: &str) -> std::fmt::Result {
    text.lines()
        .try_for_each(|line| writeln!(to, "{}", format!("  {line}").trim_end()))
}
