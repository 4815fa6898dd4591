use ::tokio_postgres::{Client, types::Type};

use super::{failed, shape};
use crate::{
    Error, ErrorKind,
    identifier::{self, LONGEST_NAME, quoted},
};

/// What is kept of a user, beside the id: each column and its type.
const COLUMNS: [(&str, &str); 12] = [
    ("primary_email", "text"),
    ("primary_email_verified", "boolean"),
    ("display_name", "text"),
    ("profile_image_url", "text"),
    ("selected_team_id", "uuid"),
    ("signed_up_at", "timestamptz"),
    ("is_anonymous", "boolean"),
    ("is_restricted", "boolean"),
    ("restricted_reason", "text"),
    ("client_metadata", "jsonb"),
    ("client_read_only_metadata", "jsonb"),
    (SERVER_METADATA, "jsonb"),
];
const SERVER_METADATA: &str = "server_metadata";

/// Which columns every user has who is not deleted.
const ALWAYS_THERE: &str = "primary_email_verified, signed_up_at, is_anonymous, is_restricted";

/// The longest of what is put behind the table's name for the tables that belong to it.
const LONGEST_SUFFIX: &str = "_sync_deliveries";

/// A table that users are mirrored into, and what belongs to it.
///
/// | relation | holds |
/// |---|---|
/// | `{table}` | the users: for policies, queries and foreign keys |
/// | `{table}_sync` | for each user, when the row was last read |
/// | `{table}_sync_deliveries` | the ids of the deliveries that have been handled |
/// | `{table}_sync_state` | one row: the project, and how far a reconciliation has come |
/// | `{table}_sync_reads` | a sequence that numbers the readings |
///
/// The columns of the first are:
///
/// | column | type | |
/// |---|---|---|
/// | `id` | `uuid` | the primary key; what `auth.uid()` says |
/// | `primary_email`, `primary_email_verified` | `text`, `boolean` | an address is not unique within a project |
/// | `display_name`, `profile_image_url` | `text` | |
/// | `selected_team_id` | `uuid` | |
/// | `signed_up_at` | `timestamptz` | |
/// | `is_anonymous`, `is_restricted`, `restricted_reason` | `boolean`, `boolean`, `text` | guests are restricted, too |
/// | `client_metadata`, `client_read_only_metadata` | `jsonb` | without any: NULL |
/// | `server_metadata` | `jsonb` | only with [`with_server_metadata`](Self::with_server_metadata) |
/// | `updated_at` | `timestamptz` | when the row was last changed here |
/// | `deleted_at` | `timestamptz` | when it was learnt here that the user is gone; NULL until then |
///
/// When a user was last active is left out: signing in sends no webhook, so the column would be wrong at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserTable {
    schema: String,
    name: String,
    server_metadata: bool,
}

impl UserTable {
    /// A table with this name in this schema, as they are stored: upper case stays upper case.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] for a name that cannot be: empty, with U+0000, or too long. A schema's name has at
    /// most 63 bytes, the table's at most 47, because the tables that belong to it have longer ones.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Result<Self, Error> {
        let (schema, name) = (schema.into(), name.into());
        identifier::check("schema", &schema)?;
        identifier::check("table", &name)?;
        let longest = LONGEST_NAME - LONGEST_SUFFIX.len();
        if name.len() > longest {
            return Err(Error::new(
                ErrorKind::InvalidConfig,
                format!(
                    "the name of the table is longer than {longest} bytes, so that `{LONGEST_SUFFIX}` does not fit \
                     behind it"
                ),
            ));
        }
        Ok(Self {
            schema,
            name,
            server_metadata: false,
        })
    }

    /// Mirrors `server_metadata` too. It is meant for servers alone: before you let users read the table, grant them
    /// the other columns one by one.
    #[must_use]
    pub fn with_server_metadata(mut self) -> Self {
        self.server_metadata = true;
        self
    }

    /// The schema's name.
    #[must_use]
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The table's name, without the schema.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The SQL that makes the table and what belongs to it: statements to run once, for a migration.
    ///
    /// Nobody but the owner has access then, and `service_role`, who may read the users. What the migration of an
    /// application adds to that (columns, policies, indexes, grants) stays as it is.
    #[must_use]
    pub fn to_sql(&self) -> String {
        self.schema_sql() + &self.tables_sql()
    }

    /// Makes the table and what belongs to it, where it is not there yet, and [checks](Self::check) it. Several
    /// processes may do so at once.
    ///
    /// # Errors
    /// [`ErrorKind::Database`] when the database refuses it, and those of [`check`](Self::check).
    pub async fn create(&self, client: &mut Client) -> Result<(), Error> {
        let not_created = |error| failed("the table of users could not be made", error);
        let transaction = client.transaction().await.map_err(not_created)?;
        let lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
        let whole = format!("hexclave_supabase::sync {}", self.relation(""));
        transaction
            .query_typed(lock, &[(&whole, Type::TEXT)])
            .await
            .map_err(not_created)?;
        let there = "SELECT to_regnamespace(quote_ident($1)) IS NOT NULL,
            to_regclass(quote_ident($1) || '.' || quote_ident($2)) IS NOT NULL";
        let names: [(&(dyn ::tokio_postgres::types::ToSql + Sync), Type); 2] =
            [(&self.schema, Type::TEXT), (&self.name, Type::TEXT)];
        let row = transaction
            .query_typed_one(there, &names)
            .await
            .map_err(not_created)?;
        let (has_schema, has_table): (bool, bool) = (
            row.try_get(0).map_err(not_created)?,
            row.try_get(1).map_err(not_created)?,
        );
        if !has_table {
            // A role that may not make schemas may still make tables in one that is there.
            let sql = match has_schema {
                true => self.tables_sql(),
                false => self.to_sql(),
            };
            transaction.batch_execute(&sql).await.map_err(not_created)?;
        }
        transaction.commit().await.map_err(not_created)?;
        self.check(client).await
    }

    /// Looks whether everything is there with the columns that it needs, and whether this connection may read and
    /// write it, past Row Level Security. More columns than that may be there.
    ///
    /// # Errors
    /// [`ErrorKind::TableMismatch`], with everything that is wrong in its text; [`ErrorKind::Database`] when the
    /// catalogue cannot be read.
    pub async fn check(&self, client: &Client) -> Result<(), Error> {
        shape::check(client, &self.schema, &self.expected()).await
    }

    /// The columns beside `id`, `updated_at` and `deleted_at`, with their types.
    pub(super) fn columns(&self) -> impl Iterator<Item = (&'static str, &'static str)> + Clone {
        let all = self.server_metadata;
        COLUMNS
            .into_iter()
            .filter(move |(name, _)| all || *name != SERVER_METADATA)
    }

    pub(super) fn has_server_metadata(&self) -> bool {
        self.server_metadata
    }

    /// The name of the table, or of one that belongs to it, as SQL text.
    pub(super) fn relation(&self, suffix: &str) -> String {
        let name = format!("{}{suffix}", self.name);
        format!("{}.{}", quoted(&self.schema), quoted(&name))
    }

    fn schema_sql(&self) -> String {
        match self.schema.as_str() {
            "public" => String::new(),
            schema => format!("CREATE SCHEMA IF NOT EXISTS {};\n", quoted(schema)),
        }
    }

    fn tables_sql(&self) -> String {
        let users = self.relation("");
        let [sync, deliveries, state, reads] =
            ["_sync", "_sync_deliveries", "_sync_state", "_sync_reads"].map(|suffix| self.relation(suffix));
        let schema = quoted(&self.schema);
        let columns: String = self
            .columns()
            .map(|(name, column_type)| format!("    {name} {column_type},\n"))
            .collect();
        format!(
            "CREATE TABLE {users} (
    id uuid PRIMARY KEY,
{columns}    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CHECK (deleted_at IS NOT NULL OR ({ALWAYS_THERE}) IS NOT NULL)
);
COMMENT ON TABLE {users} IS 'Users of Hexclave, mirrored: changes made here are overwritten';
CREATE TABLE {sync} (
    id uuid PRIMARY KEY,
    asked bigint NOT NULL,
    written bigint NOT NULL,
    standing text NOT NULL CHECK (standing IN ('present', 'missing', 'deleted'))
) WITH (fillfactor = 70);
CREATE TABLE {deliveries} (
    id text PRIMARY KEY,
    handled_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON {deliveries} (handled_at);
CREATE TABLE {state} (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    project_id text NOT NULL,
    holder bigint,
    alive_at timestamptz,
    pass bigint,
    started_at timestamptz,
    finished_at timestamptz,
    listed boolean NOT NULL DEFAULT false,
    anchor uuid,
    anchor_millis bigint,
    users bigint NOT NULL DEFAULT 0,
    checked bigint NOT NULL DEFAULT 0,
    added bigint NOT NULL DEFAULT 0,
    changed bigint NOT NULL DEFAULT 0,
    removed bigint NOT NULL DEFAULT 0
);
CREATE SEQUENCE {reads} OWNED BY {sync}.asked;
ALTER TABLE {users} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {sync} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {deliveries} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {state} ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE {users}, {sync}, {deliveries}, {state} FROM PUBLIC, anon, authenticated, service_role;
REVOKE ALL ON SEQUENCE {reads} FROM PUBLIC, anon, authenticated, service_role;
GRANT USAGE ON SCHEMA {schema} TO service_role;
GRANT SELECT ON TABLE {users} TO service_role;
"
        )
    }

    fn expected(&self) -> Vec<shape::Relation> {
        let mut users = vec![("id", "uuid")];
        users.extend(self.columns());
        users.extend([("updated_at", "timestamptz"), ("deleted_at", "timestamptz")]);
        let relation = |suffix: &str, key: &'static str, columns: Vec<_>| shape::Relation {
            name: format!("{}{suffix}", self.name),
            key,
            columns,
        };
        let of_reading = [
            ("id", "uuid"),
            ("asked", "bigint"),
            ("written", "bigint"),
            ("standing", "text"),
        ];
        let of_delivery = [("id", "text"), ("handled_at", "timestamptz")];
        let of_state = [
            ("single", "boolean"),
            ("project_id", "text"),
            ("holder", "bigint"),
            ("alive_at", "timestamptz"),
            ("pass", "bigint"),
            ("started_at", "timestamptz"),
            ("finished_at", "timestamptz"),
            ("listed", "boolean"),
            ("anchor", "uuid"),
            ("anchor_millis", "bigint"),
            ("users", "bigint"),
            ("checked", "bigint"),
            ("added", "bigint"),
            ("changed", "bigint"),
            ("removed", "bigint"),
        ];
        vec![
            relation("", "id", users),
            relation("_sync", "id", of_reading.to_vec()),
            relation("_sync_deliveries", "id", of_delivery.to_vec()),
            relation("_sync_state", "single", of_state.to_vec()),
            shape::Relation {
                name: format!("{}_sync_reads", self.name),
                key: "",
                columns: Vec::new(),
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_cannot_be_are_refused() {
        for (schema, table) in [
            ("", "users"),
            ("public", ""),
            ("a\0", "users"),
            ("public", "a\0"),
            (&*"s".repeat(64), "users"),
            ("public", &*"t".repeat(48)),
        ] {
            let error = UserTable::new(schema, table).expect_err(table);
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        }
        UserTable::new("ß".repeat(31), "t".repeat(47)).expect("names");
    }

    #[test]
    fn nothing_is_granted_to_the_roles_of_the_api() {
        let sql = UserTable::new("public", "users").expect("a table").to_sql();
        assert!(!sql.contains("server_metadata"));
        assert!(!sql.contains("CREATE SCHEMA"));
        let grants: Vec<_> = sql.lines().filter(|line| line.starts_with("GRANT")).collect();
        assert_eq!(
            grants,
            [
                r#"GRANT USAGE ON SCHEMA "public" TO service_role;"#,
                r#"GRANT SELECT ON TABLE "public"."users" TO service_role;"#,
            ]
        );
        for relation in ["users", "users_sync", "users_sync_deliveries", "users_sync_state"] {
            let statement = format!(r#"ALTER TABLE "public"."{relation}" ENABLE ROW LEVEL SECURITY;"#);
            assert!(sql.contains(&statement), "{statement}");
        }

        let sql = UserTable::new(r#"My "schema""#, "Users").expect("a table");
        let sql = sql.with_server_metadata().to_sql();
        assert!(
            sql.starts_with(r#"CREATE SCHEMA IF NOT EXISTS "My ""schema""";"#),
            "{sql}"
        );
        assert!(sql.contains("    server_metadata jsonb,\n"));
    }
}
