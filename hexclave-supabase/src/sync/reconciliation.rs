use std::{future::Future, pin::pin};

use ::tokio_postgres::{Client, Error as DriverError, Row, types::Type};
use futures_util::TryStreamExt;
use hexclave_core::{
    AcceptedKinds, UserId,
    api::{ErrorCode, ServerAccess, ServerUser, UserQuery},
};

use super::{
    UserMirror, failed,
    mirror::{Word, Written, not_told},
    reading::{Reading, signed_up_millis},
};
use crate::{Error, ErrorKind};

const DEFAULT_PAGE_SIZE: u32 = 100;
/// How many users that were in no list are looked up at a time.
const BATCH: i64 = 500;

/// How to reconcile. Without anything set: 100 users at a time, going on where an earlier reconciliation was broken
/// off.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Reconciliation {
    page_size: u32,
    anew: bool,
    take_over: bool,
}

impl Reconciliation {
    /// How many users are asked for, held in memory and written at a time; at least one.
    pub fn page_size(mut self, users: u32) -> Self {
        self.page_size = users.max(1);
        self
    }

    /// Begins at the beginning, even if an earlier reconciliation was broken off. One that was begun more than a day
    /// ago is never resumed.
    pub fn anew(mut self) -> Self {
        self.anew = true;
        self
    }

    /// Takes over from another process that reconciles the same table, which then ends with
    /// [`ErrorKind::Reconciling`]. Without this, a process that was killed has to be silent for two minutes first.
    pub fn take_over(mut self) -> Self {
        self.take_over = true;
        self
    }
}

impl Default for Reconciliation {
    fn default() -> Self {
        Self {
            page_size: DEFAULT_PAGE_SIZE,
            anew: false,
            take_over: false,
        }
    }
}

/// How far a reconciliation has come, the part before a resumption included.
///
/// How many users there are is not known before the end, for the API does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// Whether it goes on where an earlier one was broken off.
    pub resumed: bool,
    /// How many users the API has listed so far.
    pub users: u64,
    /// How many users of the table the API has not listed and was asked about one by one.
    pub checked: u64,
    /// How many rows are new.
    pub added: u64,
    /// How many rows say something else than before.
    pub changed: u64,
    /// How many users are gone, and were not known to be.
    pub removed: u64,
}

/// A part of a reconciliation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// The API lists its users, who are written down.
    Listing,
    /// The API is asked about each user of the table that it has not listed.
    Checking,
    /// It is over.
    Done,
}

impl<A: ServerAccess> UserMirror<A> {
    /// Brings the whole table in step: reads all users page by page, those of every kind, and then looks up each user
    /// of the table that was on no page. `progress` is called at the beginning, after each page, after each user who
    /// was looked up, and at the end.
    ///
    /// When it returns, the table has everything that had happened before it was called (or, if it was
    /// [resumed](Progress::resumed), before it was first begun), whatever webhooks were lost, and nothing that has been
    /// handled meanwhile is undone. Broken off at any point, by an error or by the end of the process, it goes on there
    /// the next time. Only one goes on at a time; webhooks can be handled meanwhile.
    ///
    /// ```no_run
    /// # async fn run<A: hexclave_core::api::ServerAccess>(
    /// #     client: &tokio_postgres::Client, mirror: hexclave_supabase::sync::UserMirror<A>,
    /// # ) -> Result<(), hexclave_supabase::Error> {
    /// use hexclave_supabase::sync::Reconciliation;
    ///
    /// let done = mirror
    ///     .reconcile(client, Reconciliation::default(), |progress| eprintln!("{} users", progress.users))
    ///     .await?;
    /// println!("{} added, {} changed, {} removed", done.added, done.changed, done.removed);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`handle`](Self::handle), and [`ErrorKind::Reconciling`] when another process is at it, or has taken
    /// over. The table is [checked](super::UserTable::check) first.
    pub async fn reconcile(
        &self,
        client: &Client,
        how: Reconciliation,
        mut progress: impl FnMut(&Progress) + Send,
    ) -> Result<Progress, Error> {
        self.table().check(client).await?;
        client
            .query_typed(&self.statements().mend, &[(&self.statements().reads, Type::TEXT)])
            .await
            .map_err(not_noted)?;
        let holder = self.ask(client, None).await?.asked;
        let row = client
            .query_typed_opt(
                &self.statements().begin,
                &[
                    (&holder, Type::INT8),
                    (&how.anew, Type::BOOL),
                    (&how.take_over, Type::BOOL),
                ],
            )
            .await
            .map_err(not_noted)?;
        let Some(row) = row else {
            return Err(Error::new(
                ErrorKind::Reconciling,
                "another reconciliation of the table is under way (or was, less than two minutes ago)",
            ));
        };
        let mut run = Run {
            mirror: self,
            client,
            page_size: how.page_size,
            holder,
            asked: holder,
            state: State::of(&row, holder).map_err(not_noted)?,
        };
        let result = run.go(&mut progress).await;
        if result.is_err() {
            // Should this fail too, its silence will tell.
            let _ = run.hold(&self.statements().release).await;
        }
        result
    }
}

/// A reconciliation under way.
struct Run<'a, A> {
    mirror: &'a UserMirror<A>,
    client: &'a Client,
    page_size: u32,
    /// Whoever began last; who is it no longer, stops.
    holder: i64,
    /// The number of the next page's reading.
    asked: i64,
    state: State,
}

/// How far it has come.
struct State {
    /// Users that were read since then have been seen.
    pass: i64,
    /// Whether the last page has been written.
    listed: bool,
    anchor: Option<Anchor>,
    progress: Progress,
}

/// The last user of the last page.
///
/// The API has a page begin with whichever user one names. To begin with the first user after this page would be
/// natural, and wrong: if that one is deleted meanwhile the list is empty, as if it had ended, and if that one, a guest,
/// signs up, the list begins at its end. The last user of this page is known by the time of signing up, too, so that both
/// are noticed.
#[derive(Clone, Copy)]
struct Anchor {
    id: UserId,
    millis: i64,
}

impl Anchor {
    fn of(row: &Row, index: usize) -> Result<Option<Self>, DriverError> {
        let id: Option<String> = row.try_get(index)?;
        let millis: Option<i64> = row.try_get(index + 1)?;
        // The database writes uuids as Hexclave does.
        let id = id.and_then(|id| id.parse().ok());
        Ok(id.zip(millis).map(|(id, millis)| Self { id, millis }))
    }

    fn at(user: &ServerUser) -> Self {
        Self {
            id: user.id,
            millis: signed_up_millis(user),
        }
    }

    fn is_at(self, user: &ServerUser) -> bool {
        user.id == self.id && signed_up_millis(user) == self.millis
    }
}

/// New users, and whether there are more behind them.
struct Page {
    users: Vec<ServerUser>,
    is_last: bool,
}

impl<A: ServerAccess> Run<'_, A> {
    async fn go(&mut self, progress: &mut (impl FnMut(&Progress) + Send)) -> Result<Progress, Error> {
        progress(&self.state.progress);
        while !self.state.listed {
            let page = self.page().await?;
            self.write(page).await?;
            progress(&self.state.progress);
        }
        let mut after = None;
        loop {
            let unseen = self.unseen(after).await?;
            let Some(last) = unseen.last() else { break };
            after = Some(*last);
            for user in unseen {
                self.read_one(user).await?;
                self.state.progress.checked += 1;
                self.advance().await?;
                progress(&self.state.progress);
            }
        }
        if self.hold(&self.mirror.statements().finish).await? == 0 {
            return Err(taken_over());
        }
        self.state.progress.phase = Phase::Done;
        progress(&self.state.progress);
        Ok(self.state.progress)
    }

    /// The users after the anchor. Where the anchor is not where it was, another user before it becomes the anchor.
    async fn page(&mut self) -> Result<Page, Error> {
        loop {
            let Some(anchor) = self.state.anchor else {
                return self.list(UserQuery::default().page_size(self.page_size)).await;
            };
            let query = UserQuery::default()
                .page_size(self.page_size.saturating_add(1))
                .starting_at(anchor.id);
            let mut page = match self.list(query).await {
                Err(error) if is_unknown_user(&error) => Page {
                    users: Vec::new(),
                    is_last: true,
                },
                page => page?,
            };
            if page.users.first().is_some_and(|user| anchor.is_at(user)) {
                page.users.remove(0);
                return Ok(page);
            }
            self.read_one(anchor.id).await?;
            self.state.anchor = self.up_to(anchor).await?;
            if self.state.anchor.is_some_and(|found| found.id == anchor.id) {
                return Err(Error::new(
                    ErrorKind::Api,
                    format!(
                        "the Hexclave API knows the user {} and lists nobody from there on",
                        anchor.id
                    ),
                ));
            }
            if self.state.anchor.is_none() {
                self.state.progress.users = 0;
            }
            self.asked = self.mirror.ask(self.client, None).await?.asked;
        }
    }

    async fn list(&self, query: UserQuery) -> Result<Page, Error> {
        let mut pages = pin!(self.mirror.api().users(query.kinds(AcceptedKinds::ALL)));
        let page = pages.try_next().await.map_err(not_told)?;
        Ok(match page {
            Some(page) => Page {
                is_last: page.next.is_none(),
                users: page.items,
            },
            None => Page {
                is_last: true,
                users: Vec::new(),
            },
        })
    }

    async fn write(&mut self, page: Page) -> Result<(), Error> {
        let Some(last) = page.users.last() else {
            if !page.is_last {
                return Err(Error::new(
                    ErrorKind::Api,
                    "the Hexclave API lists nobody, and says that there are more",
                ));
            }
            self.state.listed = true;
            self.state.progress.phase = Phase::Checking;
            return self.advance().await;
        };
        let anchor = Anchor::at(last);
        let count = u64::try_from(page.users.len()).unwrap_or(u64::MAX);
        let server_metadata = self.mirror.table().has_server_metadata();
        let readings = page
            .users
            .iter()
            .map(|user| Reading::present(user, server_metadata));
        let written = self
            .mirror
            .write(self.client, self.asked, readings.collect(), None, Word::Whole)
            .await?;
        self.count(&written);
        for user in written.again {
            self.read_one(user).await?;
        }
        self.state.anchor = Some(anchor);
        self.state.progress.users += count;
        if page.is_last {
            self.state.listed = true;
            self.state.progress.phase = Phase::Checking;
        }
        self.advance().await
    }

    async fn read_one(&mut self, user: UserId) -> Result<(), Error> {
        let written = self
            .mirror
            .mirror(self.client, user, false, None, Word::Whole)
            .await?;
        self.count(&written);
        Ok(())
    }

    fn count(&mut self, written: &Written) {
        let progress = &mut self.state.progress;
        progress.added += written.added;
        progress.changed += written.changed;
        progress.removed += written.removed;
    }

    /// The anchor, if it is where it was, or else the last user before it.
    async fn up_to(&self, anchor: Anchor) -> Result<Option<Anchor>, Error> {
        let id = anchor.id.to_string();
        let row = self
            .client
            .query_typed_opt(
                &self.mirror.statements().up_to,
                &[(&anchor.millis, Type::INT8), (&id, Type::TEXT)],
            )
            .await;
        match row.map_err(not_noted)? {
            Some(row) => Anchor::of(&row, 0).map_err(not_noted),
            None => Ok(None),
        }
    }

    async fn unseen(&self, after: Option<UserId>) -> Result<Vec<UserId>, Error> {
        let after = after.map(|user| user.to_string());
        let rows = self
            .client
            .query_typed(
                &self.mirror.statements().unseen,
                &[
                    (&self.state.pass, Type::INT8),
                    (&after, Type::TEXT),
                    (&BATCH, Type::INT8),
                ],
            )
            .await
            .map_err(not_noted)?;
        let ids = rows.iter().map(|row| row.try_get::<_, String>(0));
        let ids: Vec<String> = ids.collect::<Result<_, _>>().map_err(not_noted)?;
        Ok(ids.iter().filter_map(|id| id.parse().ok()).collect())
    }

    /// Notes how far it has come, unless somebody else has taken over.
    async fn advance(&mut self) -> Result<(), Error> {
        let State {
            listed,
            anchor,
            progress,
            ..
        } = &self.state;
        let id = anchor.map(|anchor| anchor.id.to_string());
        let millis = anchor.map(|anchor| anchor.millis);
        let counts = [
            progress.users,
            progress.checked,
            progress.added,
            progress.changed,
            progress.removed,
        ];
        let [users, checked, added, changed, removed] =
            counts.map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        let statements = self.mirror.statements();
        let row = self
            .client
            .query_typed_opt(
                &statements.advance,
                &[
                    (&self.holder, Type::INT8),
                    (&statements.reads, Type::TEXT),
                    (listed, Type::BOOL),
                    (&id, Type::TEXT),
                    (&millis, Type::INT8),
                    (&users, Type::INT8),
                    (&checked, Type::INT8),
                    (&added, Type::INT8),
                    (&changed, Type::INT8),
                    (&removed, Type::INT8),
                ],
            )
            .await
            .map_err(not_noted)?;
        self.asked = row.ok_or_else(taken_over)?.try_get(0).map_err(not_noted)?;
        Ok(())
    }

    fn hold<'s>(&'s self, statement: &'s str) -> impl Future<Output = Result<u64, Error>> + Send + 's {
        let holder = [(
            &self.holder as &(dyn ::tokio_postgres::types::ToSql + Sync),
            Type::INT8,
        )];
        async move {
            let done = self.client.execute_typed(statement, &holder).await;
            done.map_err(not_noted)
        }
    }
}

impl State {
    fn of(row: &Row, holder: i64) -> Result<Self, DriverError> {
        let count = |index| row.try_get::<_, i64>(index).map(i64::unsigned_abs);
        let pass = row.try_get(0)?;
        let listed = row.try_get(1)?;
        Ok(Self {
            pass,
            listed,
            anchor: Anchor::of(row, 2)?,
            progress: Progress {
                phase: if listed { Phase::Checking } else { Phase::Listing },
                resumed: pass != holder,
                users: count(4)?,
                checked: count(5)?,
                added: count(6)?,
                changed: count(7)?,
                removed: count(8)?,
            },
        })
    }
}

fn is_unknown_user(error: &Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref());
    let code = source
        .and_then(hexclave_core::Error::api)
        .and_then(|answer| answer.code());
    code == Some(&ErrorCode::UserNotFound)
}

fn not_noted(error: DriverError) -> Error {
    failed(
        "the state of the reconciliation could not be read or written",
        error,
    )
}

fn taken_over() -> Error {
    Error::new(
        ErrorKind::Reconciling,
        "another process has taken over the reconciliation of the table",
    )
}
