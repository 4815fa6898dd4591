//! One statement in a transaction of its own.

use std::fmt;
use std::sync::Arc;

use hexclave_supabase::SupabaseClaims;
use hexclave_supabase::rls::{Request, postgres as rls};
use postgres::{Client, SimpleQueryMessage, Statement};
use tokio_postgres::error::{DbError, SqlState};

use super::answer::Answer;
use super::sql::{Command, Sql};

/// As whom a statement is run.
#[derive(Clone)]
pub(super) enum Who {
    /// Somebody whom Row Level Security binds.
    Claims(SupabaseClaims),
    /// A role and claims that no token of ours would have.
    Settings { role: String, claims: String },
    /// The owner of the tables.
    Owner,
}

impl Who {
    pub(super) fn role(&self) -> &str {
        match self {
            Self::Claims(claims) => claims.role().as_str(),
            Self::Settings { role, .. } => role,
            Self::Owner => "the owner",
        }
    }

    pub(super) fn claims(&self) -> Option<String> {
        match self {
            Self::Claims(claims) => Some(claims.to_json()),
            Self::Settings { claims, .. } => Some(claims.clone()),
            Self::Owner => None,
        }
    }
}

/// What a test adds to somebody's requests.
pub(super) type Shape = Arc<dyn for<'a> Fn(Request<'a>) -> Request<'a> + Send + Sync>;

/// Whether what a statement has done stays.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum End {
    Kept,
    Undone,
}

/// Why a statement gave no answer.
pub(super) enum Failure {
    /// The server said no, with 42501.
    Denied(DeniedBy, Box<DbError>),
    /// The server reported another error.
    Failed(Box<DbError>),
    /// It did not come to that.
    NotRun(String),
}

/// What a [denied](super::Actor::assert_denied) statement was denied by.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum DeniedBy {
    /// The role lacks a privilege, on a table or on something else that the statement needs: `GRANT`.
    Grant,
    /// A new or changed row passes no policy: `WITH CHECK`.
    Policy,
    /// SQL of the application's own, such as a trigger, raised the error code 42501.
    Function,
}

impl fmt::Display for DeniedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Grant => "for want of a grant",
            Self::Policy => "by the policies",
            Self::Function => "by a function",
        })
    }
}

/// Runs the statement. `number` has not been used on this connection before.
pub(super) fn run(
    client: &mut Client,
    who: &Who,
    shape: Option<&Shape>,
    sql: &Sql,
    end: End,
    number: u64,
) -> Result<Answer, Failure> {
    let mut open = Open::begin(client, who, shape)?;
    let answer = open.answer(sql, number)?;
    // What is put off until the end fails here as well, also where the end is another.
    open.simple_query("SET CONSTRAINTS ALL IMMEDIATE")?;
    match end {
        End::Kept => open.commit()?,
        End::Undone => open.roll_back()?,
    }
    Ok(answer)
}

/// Runs the statement as the owner of the tables, to see what Row Level Security keeps from somebody with these claims.
pub(super) fn run_above_rls(
    client: &mut Client,
    claims: Option<&str>,
    sql: &Sql,
    number: u64,
) -> Result<Answer, Failure> {
    let mut transaction = client.transaction()?;
    transaction.execute(
        "SELECT set_config('row_security', 'off', true), set_config('request.jwt.claims', $1, true)",
        &[&claims.unwrap_or_default()],
    )?;
    let mut open = Open::Settings(transaction);
    let answer = open.answer(sql, number)?;
    open.roll_back()?;
    Ok(answer)
}

enum Open<'c> {
    Claims(rls::Transaction<'c>),
    Settings(postgres::Transaction<'c>),
}

impl<'c> Open<'c> {
    fn begin(client: &'c mut Client, who: &Who, shape: Option<&Shape>) -> Result<Self, Failure> {
        match who {
            Who::Claims(claims) => {
                // That a role may be used at all was decided where the claims were made.
                let request = Request::by(claims).roles([claims.role().as_str()]);
                let request = match shape {
                    Some(shape) => shape(request),
                    None => request,
                };
                rls::begin_as(client, request)
                    .map(Self::Claims)
                    .map_err(|error| Failure::NotRun(with_causes(&error)))
            }
            Who::Settings { role, claims } => {
                let mut transaction = client.transaction()?;
                transaction.execute(
                    "SELECT set_config('role', $1, true), set_config('request.jwt.claims', $2, true)",
                    &[role, claims],
                )?;
                Ok(Self::Settings(transaction))
            }
            Who::Owner => Ok(Self::Settings(client.transaction()?)),
        }
    }

    fn answer(&mut self, sql: &Sql, number: u64) -> Result<Answer, Failure> {
        if sql.command() == Command::Session {
            return Err(Failure::NotRun(
                "statements that end or change the transaction or the session cannot be run as somebody"
                    .to_owned(),
            ));
        }
        // This refuses several statements in one, and knows the types of what comes back.
        let prepared = self.prepare(sql.text())?;
        let (wanted, given) = (prepared.params().len(), sql.values().len());
        if wanted != given {
            return Err(Failure::NotRun(format!(
                "the statement has {wanted} parameters, and {given} values were bound"
            )));
        }
        // The simple protocol gives values as text, whatever their types are.
        let messages = if sql.values().is_empty() {
            self.simple_query(sql.text())?
        } else {
            let values = sql.values().iter().map(|value| literal(value.as_deref()));
            let values = values.collect::<Result<Vec<_>, _>>()?.join(", ");
            let name = format!("hexclave_test_{number}");
            self.simple_query(&format!("PREPARE {name} AS {}", sql.text()))?;
            self.simple_query(&format!("EXECUTE {name} ({values})"))?
        };
        let columns = prepared.columns().iter();
        let columns = columns.map(|column| (column.name().to_owned(), column.type_().clone()));
        let mut answer = Answer {
            columns: columns.collect(),
            rows: Vec::new(),
            count: 0,
        };
        for message in messages {
            match message {
                SimpleQueryMessage::Row(row) => {
                    let values = (0..row.len()).map(|column| row.get(column).map(str::to_owned));
                    answer.rows.push(values.collect());
                }
                SimpleQueryMessage::CommandComplete(count) => answer.count = count,
                _ => {}
            }
        }
        Ok(answer)
    }

    fn prepare(&mut self, sql: &str) -> Result<Statement, postgres::Error> {
        match self {
            Self::Claims(transaction) => transaction.prepare(sql),
            Self::Settings(transaction) => transaction.prepare(sql),
        }
    }

    fn simple_query(&mut self, sql: &str) -> Result<Vec<SimpleQueryMessage>, postgres::Error> {
        match self {
            Self::Claims(transaction) => transaction.simple_query(sql),
            Self::Settings(transaction) => transaction.simple_query(sql),
        }
    }

    fn commit(self) -> Result<(), postgres::Error> {
        match self {
            Self::Claims(transaction) => transaction.commit(),
            Self::Settings(transaction) => transaction.commit(),
        }
    }

    fn roll_back(self) -> Result<(), postgres::Error> {
        match self {
            Self::Claims(transaction) => transaction.rollback(),
            Self::Settings(transaction) => transaction.rollback(),
        }
    }
}

impl From<postgres::Error> for Failure {
    fn from(error: postgres::Error) -> Self {
        let Some(answer) = error.as_db_error() else {
            return Self::NotRun(with_causes(&error));
        };
        let answer = Box::new(answer.clone());
        if *answer.code() != SqlState::INSUFFICIENT_PRIVILEGE {
            return Self::Failed(answer);
        }
        // The server's messages may be in any language; its functions have one name.
        let by = match answer.routine() {
            Some("ExecWithCheckOptions" | "check_enable_rls") => DeniedBy::Policy,
            Some("exec_stmt_raise") => DeniedBy::Function,
            _ => DeniedBy::Grant,
        };
        Self::Denied(by, answer)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = match self {
            Self::NotRun(why) => return write!(f, "the statement was not run: {why}"),
            Self::Denied(by, error) => {
                write!(f, "denied {by}: ")?;
                error
            }
            Self::Failed(error) => {
                f.write_str("the statement failed: ")?;
                error
            }
        };
        write!(f, "{} ({})", error.message(), error.code().code())?;
        for (what, text) in [("detail", error.detail()), ("the server's hint", error.hint())] {
            if let Some(text) = text {
                write!(f, "\n    {what}: {text}")?;
            }
        }
        Ok(())
    }
}

/// A value whose type the database finds out.
fn literal(value: Option<&str>) -> Result<String, Failure> {
    let Some(value) = value else {
        return Ok("NULL".to_owned());
    };
    if value.contains('\0') {
        let why = "a value has U+0000 in it, which no value of Postgres can have";
        return Err(Failure::NotRun(why.to_owned()));
    }
    let escape = if value.contains('\\') { "E" } else { "" };
    let value = value.replace('\\', r"\\").replace('\'', "''");
    Ok(format!("{escape}'{value}'"))
}

/// An error and what is behind it, on one line.
pub(super) fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
