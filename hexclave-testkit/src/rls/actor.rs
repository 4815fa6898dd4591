use std::fmt;
use std::sync::Arc;

use hexclave_supabase::rls::Request;
use serde::Serialize;
use serde_json::Value;

use super::answer::{Answer, Expected};
use super::report::{Happened, Report};
use super::run::{DeniedBy, End, Failure, Shape, Who, run, run_above_rls};
use super::sql::Sql;
use super::{TestDatabase, fail};

/// A database as somebody: what they see, what they may do, and what not.
///
/// What is asserted leaves nothing behind: the statement is run in a transaction that is rolled back. What is
/// [executed](Self::execute) or [queried](Self::query) stays. Constraints that are put off until the end of a
/// transaction are checked either way.
///
/// Each of them runs one statement and fails the test, at the line of the call, when it does not do what the name says.
#[must_use = "nothing is asserted yet"]
pub struct Actor<'d> {
    database: &'d TestDatabase,
    who: Who,
    shown: String,
    shape: Option<Shape>,
}

impl<'d> Actor<'d> {
    pub(super) fn new(database: &'d TestDatabase, who: Who, shown: String) -> Self {
        Self {
            database,
            who,
            shown,
            shape: None,
        }
    }

    /// Says more about the request, for policies and functions that look at it: method, path, headers, read only.
    ///
    /// ```no_run
    /// # fn run(db: &hexclave_testkit::rls::TestDatabase, ada: &hexclave_testkit::rls::TestUser) {
    /// db.as_user(ada)
    ///     .request(|request| request.method("GET").headers([("x-shop", "7")]))
    ///     .assert_row_count("select from orders", 2);
    /// # }
    /// ```
    ///
    /// # Panics
    /// If it is not [as a user](TestDatabase::as_user) or [`anon`](TestDatabase::as_anon).
    #[track_caller]
    pub fn request(
        mut self,
        shape: impl for<'a> Fn(Request<'a>) -> Request<'a> + Send + Sync + 'static,
    ) -> Self {
        if !matches!(self.who, Who::Claims(_)) {
            fail("more can be said of the requests that are made with as_user() and as_anon()");
        }
        self.shape = Some(Arc::new(shape));
        self
    }
}

impl Actor<'_> {
    /// They see exactly these rows, in any order.
    ///
    /// Rows are a list of whatever serde can serialize: of values, if the query returns one column; of tuples with a
    /// value for each column; of structs or `json!` objects with a member for each column, by its name.
    ///
    /// ```no_run
    /// # use serde_json::json;
    /// # fn run(db: &hexclave_testkit::rls::TestDatabase, ada: &hexclave_testkit::rls::TestUser) {
    /// db.as_user(ada).assert_visible("select id from notes", [1, 2]);
    /// db.as_user(ada).assert_visible("select id, body from notes", [(1, "Hers"), (2, "Also hers")]);
    /// db.as_user(ada).assert_visible("select id, tags from notes", json!([{ "id": 1, "tags": null }]));
    /// # }
    /// ```
    ///
    /// Numbers, truth values and JSON are compared by value with columns of such types (integers, floating-point numbers,
    /// `numeric`, `boolean`, `json`, `jsonb`); a text is compared with what the database writes, so a UUID, a date or an
    /// enum is a text. `None` is null.
    ///
    /// # Panics
    /// If they see others, or the query is refused or fails.
    #[track_caller]
    pub fn assert_visible(&self, query: impl Into<Sql>, rows: impl Serialize) {
        let query = query.into();
        let expected = match Expected::new(rows) {
            Ok(expected) => expected,
            Err(problem) => fail(&problem),
        };
        let wanted = || format!("should see {expected}");
        match self.run(&query, End::Undone) {
            Ok(answer) => match expected.difference(&answer) {
                Ok(None) => {}
                Ok(Some(difference)) => fail(
                    &self
                        .report(&query, wanted(), Happened::Answer(&answer))
                        .with(difference),
                ),
                Err(problem) => fail(
                    &self
                        .report(&query, wanted(), Happened::Answer(&answer))
                        .noting(problem),
                ),
            },
            Err(failure) => fail(&self.report(&query, wanted(), Happened::Failure(&failure))),
        }
    }

    /// The statement returns this number of rows or, if it returns none, touches so many. It may be zero: then nothing
    /// shows whether there was anything to see, which is what [`assert_filtered`](Self::assert_filtered) looks after.
    ///
    /// # Panics
    /// If it is another number, or the statement is refused or fails.
    #[track_caller]
    pub fn assert_row_count(&self, statement: impl Into<Sql>, rows: u64) {
        let statement = statement.into();
        let wanted = || format!("should get or touch {}", counted(rows));
        match self.run(&statement, End::Undone) {
            Ok(answer) if answer.count == rows => {}
            Ok(answer) => fail(&self.report(&statement, wanted(), Happened::Answer(&answer))),
            Err(failure) => fail(&self.report(&statement, wanted(), Happened::Failure(&failure))),
        }
    }

    /// The statement is done, and returns or touches at least one row. (Where statements have no rows, as `TRUNCATE` and
    /// `CALL`, it is done.)
    ///
    /// # Panics
    /// If it is refused or fails, or has no row.
    #[track_caller]
    pub fn assert_allowed(&self, statement: impl Into<Sql>) {
        let statement = statement.into();
        let wanted = || "should be allowed to do this, with at least one row".to_owned();
        match self.run(&statement, End::Undone) {
            Ok(answer) if answer.count > 0 || !statement.command().has_rows() => {}
            Ok(answer) => fail(&self.report(&statement, wanted(), Happened::Answer(&answer))),
            Err(failure) => fail(&self.report(&statement, wanted(), Happened::Failure(&failure))),
        }
    }

    /// The statement is refused with the error code 42501, for want of a grant or because a new row passes no policy.
    /// The answer says by which of them; compare it where that matters.
    ///
    /// ```no_run
    /// # use hexclave_testkit::rls::{DeniedBy, TestDatabase, TestUser};
    /// # fn run(db: &TestDatabase, ada: &TestUser, bob: &TestUser) {
    /// use hexclave_testkit::rls::Sql;
    ///
    /// db.as_anon().assert_denied("delete from notes");
    ///
    /// let for_bob = Sql::new("insert into notes (owner, body) values ($1, 'Not mine')").bind(bob.id());
    /// assert_eq!(db.as_user(ada).assert_denied(for_bob), DeniedBy::Policy);
    /// # }
    /// ```
    ///
    /// Any other error fails the test: a misspelt column is no denial. Row Level Security never denies a `SELECT`, nor
    /// the rows that an `UPDATE` or `DELETE` does not find: see [`assert_filtered`](Self::assert_filtered).
    ///
    /// # Panics
    /// If it is done, or fails for another reason.
    #[track_caller]
    pub fn assert_denied(&self, statement: impl Into<Sql>) -> DeniedBy {
        let statement = statement.into();
        let wanted = || "should be denied this, with the error code 42501".to_owned();
        match self.run(&statement, End::Undone) {
            Err(Failure::Denied(by, _)) => by,
            Err(failure) => fail(&self.report(&statement, wanted(), Happened::Failure(&failure))),
            Ok(answer) => fail(&self.report(&statement, wanted(), Happened::Answer(&answer))),
        }
    }

    /// The statement succeeds without a row, and it is Row Level Security that keeps the rows from it: run above Row
    /// Level Security, with the same claims, it has some.
    ///
    /// The latter is what a test with a misspelt id or without any rows would not notice.
    ///
    /// # Panics
    /// If it has rows, is refused or fails; or if there is nothing that could be filtered.
    #[track_caller]
    pub fn assert_filtered(&self, statement: impl Into<Sql>) {
        let statement = statement.into();
        let wanted = || "should have every row filtered by Row Level Security".to_owned();
        let answer = match self.run(&statement, End::Undone) {
            Ok(answer) => answer,
            Err(failure) => fail(&self.report(&statement, wanted(), Happened::Failure(&failure))),
        };
        let report = || self.report(&statement, wanted(), Happened::Answer(&answer));
        if !statement.command().has_rows() {
            fail(&report().noting("a statement without rows is done or denied, never filtered".to_owned()));
        }
        if answer.count > 0 {
            fail(&report());
        }
        let claims = self.who.claims();
        let above = self
            .database
            .over_owner(|client, number| run_above_rls(client, claims.as_deref(), &statement, number));
        match above {
            Ok(above) if above.count > 0 => {}
            // It got as far as a row.
            Err(Failure::Failed(error)) if error.code().code().starts_with("23") => {}
            Ok(_) => fail(&report().noting(
                "there is nothing to filter: above Row Level Security the statement has no row either. Are the rows \
                 there, and is the condition right? Where nothing is meant to be there, assert_row_count(…, 0) says so"
                    .to_owned(),
            )),
            Err(failure) => fail(&report().noting(format!(
                "whether there is anything to filter cannot be told; above Row Level Security: {failure}"
            ))),
        }
    }

    /// Runs the statement, keeps what it does, and gives the number of rows that it returned or touched.
    ///
    /// # Panics
    /// If it is refused or fails.
    #[track_caller]
    pub fn execute(&self, statement: impl Into<Sql>) -> u64 {
        self.done(&statement.into()).count
    }

    /// Runs the statement, keeps what it does, and gives the rows that it returned, as JSON objects: for what only the
    /// database knows, such as the id in `insert into notes … returning id`.
    ///
    /// # Panics
    /// If it is refused or fails.
    #[track_caller]
    pub fn query(&self, statement: impl Into<Sql>) -> Vec<Value> {
        self.done(&statement.into()).objects()
    }

    #[track_caller]
    fn done(&self, statement: &Sql) -> Answer {
        match self.run(statement, End::Kept) {
            Ok(answer) => answer,
            Err(failure) => fail(&self.report(
                statement,
                "should be allowed to do this".to_owned(),
                Happened::Failure(&failure),
            )),
        }
    }

    fn run(&self, statement: &Sql, end: End) -> Result<Answer, Failure> {
        let work = |client: &mut postgres::Client, number| {
            run(client, &self.who, self.shape.as_ref(), statement, end, number)
        };
        match self.who {
            Who::Owner => self.database.over_owner(work),
            Who::Claims(_) | Who::Settings { .. } => self.database.over_authenticator(work),
        }
    }

    fn report<'r>(&'r self, sql: &'r Sql, wanted: String, happened: Happened<'r>) -> Report<'r> {
        Report::new(self.database, &self.shown, &self.who, sql, wanted, happened)
    }
}

impl fmt::Debug for Actor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actor")
            .field("as", &self.shown)
            .field("role", &self.who.role())
            .finish_non_exhaustive()
    }
}

fn counted(rows: u64) -> String {
    match rows {
        1 => "1 row".to_owned(),
        rows => format!("{rows} rows"),
    }
}
