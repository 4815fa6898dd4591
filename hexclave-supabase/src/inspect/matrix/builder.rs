use std::{collections::BTreeSet, fmt, time::Duration};

use tokio_postgres::Client;

use super::{
    AccessMatrix, Command, Identity, IdentityAccess, TableAccess, TableName, catalogue,
    catalogue::Relation,
    limits::Limits,
    meaning::shortened,
    rows::{self, KnownRows},
    session::Session,
    tries::Tries,
};
use crate::{Error, ErrorKind, Role, error::quoted};

/// Which tables are tried by whom, and within which limits.
#[must_use]
pub struct AccessMatrixBuilder<'a> {
    schemas: Vec<String>,
    tables: Vec<TableName>,
    identities: Vec<Identity>,
    limits: Limits,
    look_as: Option<Role>,
    leave_triggers_alone: bool,
    prepare: Option<String>,
    on_progress: Option<Box<OnProgress<'a>>>,
}

type OnProgress<'a> = dyn FnMut(Progress<'_>) + Send + 'a;

/// How far the trying has come, told before each cell.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    done: usize,
    total: usize,
    table: &'a str,
    identity: &'a str,
    command: Command,
}

impl AccessMatrix {
    /// Begins with no table and no identity.
    pub fn builder<'a>() -> AccessMatrixBuilder<'a> {
        AccessMatrixBuilder {
            schemas: Vec::new(),
            tables: Vec::new(),
            identities: Vec::new(),
            limits: Limits::default(),
            look_as: None,
            leave_triggers_alone: false,
            prepare: None,
            on_progress: None,
        }
    }
}

impl<'a> AccessMatrixBuilder<'a> {
    /// Adds a table, view, materialized view or foreign table.
    pub fn table(mut self, table: TableName) -> Self {
        self.tables.push(table);
        self
    }

    /// Adds everything in a schema, such as `public`, less what belongs to extensions. Partitions count too: whoever
    /// has a grant on one reaches it past the policies of the whole table.
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schemas.push(schema.into());
        self
    }

    /// Adds somebody.
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identities.push(identity);
        self
    }

    /// The longest that one statement may take, 5 seconds if not said; rounded up to milliseconds.
    pub fn statement_timeout(mut self, limit: Duration) -> Self {
        self.limits.statement = limit;
        self
    }

    /// The longest that one statement may wait for a lock that somebody else holds, 1 second if not said; rounded up to
    /// milliseconds.
    pub fn lock_timeout(mut self, limit: Duration) -> Self {
        self.limits.lock = limit;
        self
    }

    /// How many rows a table may have, at most, for statements over all its rows; 1,000 if not said. Of a larger one
    /// the [sample](Self::sample) alone is written.
    pub fn largest_table(mut self, rows: u32) -> Self {
        self.limits.largest_table = rows;
        self
    }

    /// How many rows of a table are tried one by one, where that is needed, and how many keys are kept in a cell; 100 if
    /// not said. They are the first by their key. With 0 nothing is tried one by one, and no value of a row is kept.
    pub fn sample(mut self, rows: u32) -> Self {
        self.limits.sample = rows;
        self
    }

    /// The role with whose eyes it is seen which rows there are, in place of the connection's own. A role **above Row
    /// Level Security** such as `service_role` is what this is for, where the connection is not above it: as
    /// `authenticator` is not, which may read no table by itself.
    pub fn dangerously_look_as(mut self, role: Role) -> Self {
        self.look_as = Some(role);
        self
    }

    /// Does not write to tables that have triggers. What these do is undone like everything else, unless it leaves the
    /// database: [what is not undone](super#what-is-not-undone).
    pub fn leave_triggers_alone(mut self) -> Self {
        self.leave_triggers_alone = true;
        self
    }

    /// SQL to run first, as the connection's role: rows to try things on, a policy to consider. It is undone with
    /// everything else, cannot commit, and has the same time limits; locks that it takes are held until the end. Several statements are separated by `;`; the language `plpgsql` has to be
    /// there, as it is unless somebody has dropped it.
    pub fn prepare(mut self, sql: impl Into<String>) -> Self {
        self.prepare = Some(sql.into());
        self
    }

    /// Tells how far it has come, before each cell.
    pub fn on_progress(mut self, tell: impl FnMut(Progress<'_>) + Send + 'a) -> Self {
        self.on_progress = Some(Box::new(tell));
        self
    }

    /// Tries everything, in one transaction that is always rolled back: at the end, after an error, where this future
    /// is dropped, and by the database where the connection is lost.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidConfig`] for a table or schema that is not there, and for names of identities that are not
    ///   all different;
    /// - [`ErrorKind::InTransaction`] for a connection that is in a transaction, which is left as it is;
    /// - [`ErrorKind::BypassesRls`] for an identity whose role is above Row Level Security, unless it was made so
    ///   [by name](Identity::dangerously_privileged);
    /// - [`ErrorKind::Database`] when the connection's role may not become an identity's, or the role that looks; when
    ///   the SQL to prepare fails; and when the connection is gone.
    ///
    /// What fails in a single cell is part of the matrix.
    pub async fn run(self, client: &mut Client) -> Result<AccessMatrix, Error> {
        let (identities, mut on_progress) = (self.identities, self.on_progress);
        let mut names = BTreeSet::new();
        if let Some(twice) = identities.iter().find(|one| !names.insert(one.name())) {
            return Err(Error::new(
                ErrorKind::InvalidConfig,
                format!("there are two identities of the name {}", quoted(twice.name())),
            ));
        }
        let session = Session::begin(client, self.limits, self.look_as.as_ref()).await?;
        if let Some(sql) = &self.prepare {
            session.prepare(sql).await?;
        }
        session.check_at_once().await?;
        for identity in &identities {
            session.enter(identity).await?;
            session.leave().await?;
        }
        let relations = match self.schemas.is_empty() && self.tables.is_empty() {
            true => Vec::new(),
            false => catalogue::relations(&session, &self.schemas, &self.tables).await?,
        };
        let mut tables = Vec::with_capacity(relations.len());
        for (index, relation) in relations.iter().enumerate() {
            let known = rows::look(&session, relation, self.limits).await?;
            let mut table = begun(relation, &known);
            for (place, identity) in (0_usize..).zip(&identities) {
                let done = index.saturating_mul(identities.len()).saturating_add(place);
                let total = relations.len().saturating_mul(identities.len());
                let grants = catalogue::grants(&session, relation, identity.role().as_str()).await?;
                let mut tries = Tries {
                    session: &session,
                    relation,
                    grants,
                    known: &known,
                    limits: self.limits,
                    leave_triggers_alone: self.leave_triggers_alone,
                    seen: None,
                };
                session.enter(identity).await?;
                for (nth, command) in (0_usize..).zip(Command::ALL) {
                    if let Some(tell) = &mut on_progress {
                        tell(Progress {
                            done: done.saturating_mul(Command::ALL.len()).saturating_add(nth),
                            total: total.saturating_mul(Command::ALL.len()),
                            table: &relation.name,
                            identity: identity.name(),
                            command,
                        });
                    }
                    table.access.push(tries.cell(identity.name(), command).await?);
                }
                session.leave().await?;
            }
            tables.push(table);
        }
        session.end().await?;
        let identities = identities.iter().map(|identity| IdentityAccess {
            name: identity.name().to_owned(),
            role: identity.role().to_string(),
        });
        Ok(AccessMatrix::new(identities.collect(), tables))
    }
}

fn begun(relation: &Relation, known: &KnownRows) -> TableAccess {
    TableAccess {
        name: relation.name.clone(),
        kind: relation.kind,
        row_security: relation.row_security,
        rows: known.total,
        all_rows: known.is_complete(),
        rows_error: known
            .failure
            .as_ref()
            .map(|failure| format!("{} ({})", shortened(&failure.message), failure.sql_state)),
        access: Vec::new(),
    }
}

impl fmt::Debug for AccessMatrixBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessMatrixBuilder")
            .field("schemas", &self.schemas)
            .field("tables", &self.tables)
            .field("identities", &self.identities)
            .field("limits", &self.limits)
            .field("look_as", &self.look_as)
            .field("leave_triggers_alone", &self.leave_triggers_alone)
            .finish_non_exhaustive()
    }
}

impl Progress<'_> {
    /// How many cells are done.
    #[must_use]
    pub fn done(&self) -> usize {
        self.done
    }

    /// How many cells there will be.
    #[must_use]
    pub fn total(&self) -> usize {
        self.total
    }

    /// The table of the cell that comes now.
    #[must_use]
    pub fn table(&self) -> &str {
        self.table
    }

    /// The identity of the cell that comes now.
    #[must_use]
    pub fn identity(&self) -> &str {
        self.identity
    }

    /// What is tried now.
    #[must_use]
    pub fn command(&self) -> Command {
        self.command
    }
}
