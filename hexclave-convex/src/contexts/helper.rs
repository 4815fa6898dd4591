use hexclave_core::{ProjectConfig, UserKind};

use crate::config::emit::string;

/// The line that tells an emitted file from a hand-written one.
const MARK: &str = "// Made by `hexclave-bridge convex helper`";
/// What is the same for all projects.
const REST: &str = include_str!("helper.ts");

/// The file `convex/hexclave.ts`: who calls a Convex function, for the functions themselves.
///
/// It exports `hexclaveUser(ctx)`, which gives the user or null, and `requireHexclaveUser(ctx)`, which throws where
/// nobody is signed in. Both let in normal users, and others when told so: `{ allow: ["normal", "anonymous"] }`. The user
/// has the members of a [`PartialUser`](crate::PartialUser), `key` among them, under which data is stored. An identity of
/// another project is refused, and so is one whose flags are not those of its issuer.
///
/// ```ts
/// import { mutation } from "./_generated/server";
/// import { requireHexclaveUser } from "./hexclave";
///
/// export const addNote = mutation({
///   args: { text: v.string() },
///   handler: async (ctx, { text }) => {
///     const user = await requireHexclaveUser(ctx);
///     await ctx.db.insert("notes", { owner: user.key, text });
///   },
/// });
/// ```
///
/// The file imports types from `convex/server` and nothing else.
#[derive(Clone, Debug)]
pub struct ConvexHelper {
    project_id: String,
    issuers: Vec<(String, UserKind)>,
}

impl ConvexHelper {
    /// The helper for the functions that a project's users call.
    #[must_use]
    pub fn for_project(project: &ProjectConfig) -> Self {
        let issuers = project
            .hosts()
            .flat_map(|host| UserKind::ALL.map(|kind| (host.issuer(project.project_id(), kind), kind)));
        Self {
            project_id: project.project_id().to_string(),
            issuers: issuers.collect(),
        }
    }

    /// The file's text. The same project gives the same bytes.
    #[must_use]
    pub fn to_typescript(&self) -> String {
        let issuers: String = self
            .issuers
            .iter()
            .map(|(issuer, kind)| format!("  [{}, {}],\n", string(issuer), string(kind.as_str())))
            .collect();
        format!(
            "// Tells a Convex function which user of the Hexclave project {project} calls it.\n\
             {MARK}: run that again instead of editing this file.\n\
             import type {{ Auth }} from \"convex/server\";\n\n\
             const projectId = {literal};\n\n\
             /** The issuers of the project's tokens, and to whom they issue them. */\n\
             const issuers: ReadonlyMap<string, HexclaveUserKind> = new Map([\n{issuers}]);\n\n{REST}",
            project = self.project_id,
            literal = string(&self.project_id),
        )
    }

    /// Whether a text was emitted by this crate, so that it may be overwritten.
    ///
    /// ```
    /// use hexclave_convex::ConvexHelper;
    /// # let project = hexclave_core::ProjectConfig::builder().project_id("internal".parse().unwrap()).build().unwrap();
    ///
    /// assert!(ConvexHelper::is_emitted(&ConvexHelper::for_project(&project).to_typescript()));
    /// assert!(!ConvexHelper::is_emitted("export const hexclaveUser = () => null;"));
    /// ```
    #[must_use]
    pub fn is_emitted(text: &str) -> bool {
        text.lines().any(|line| line.starts_with(MARK))
    }
}
