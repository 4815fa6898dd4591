use std::fmt;

use futures_core::Stream;
use futures_util::stream;

use super::{Client, ErrorCode, ListOf, NewUser, ServerAccess, UserPatch, request::Request};
use crate::{AcceptedKinds, Error, ErrorKind, TeamId, UserId, UserKind, resource::ServerUser};

const DEFAULT_PAGE_SIZE: u32 = 100;

impl<A: ServerAccess> Client<A> {
    /// A user of whatever kind, or `None` when there is none with this id.
    ///
    /// # Errors
    /// See [Trouble](Self#trouble).
    pub async fn user(&self, id: UserId) -> Result<Option<ServerUser>, Error> {
        let result = self.ask(Request::get(format!("users/{id}"))).await;
        match result {
            Ok(user) => Ok(Some(user)),
            Err(error) if is_unknown_user(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The project's users, page by page. Each page is asked for when it is polled for; after an error there are no
    /// more.
    ///
    /// ```no_run
    /// use std::pin::pin;
    /// use futures_util::TryStreamExt;
    /// use hexclave_core::api::{Client, Server, UserQuery};
    ///
    /// # async fn run(client: Client<Server>) -> Result<(), hexclave_core::Error> {
    /// let mut pages = pin!(client.users(UserQuery::default().search("example.com")));
    /// while let Some(page) = pages.try_next().await? {
    ///     for user in page.items {
    ///         println!("{}", user.id);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn users(
        &self,
        query: UserQuery,
    ) -> impl Stream<Item = Result<Page<ServerUser>, Error>> + Send + use<A> {
        let client = self.clone();
        let start = Some(query.from);
        stream::try_unfold((client, query, start), |(client, query, cursor)| async move {
            let Some(cursor) = cursor else { return Ok(None) };
            let page = client.page_of_users(&query, cursor).await?;
            if page.next.is_some() && page.next == cursor {
                return Err(Error::new(
                    ErrorKind::ApiAnswerUnusable,
                    "GET users: the Hexclave API's answer cannot be used: each page is followed by itself",
                ));
            }
            let next = page.next.map(Some);
            Ok(Some((page, (client, query, next))))
        })
    }

    /// Creates a user, who can sign in in the ways that are set.
    ///
    /// # Errors
    /// See [Trouble](Self#trouble). [`ErrorCode::UserEmailAlreadyExists`] when another user signs in with the e-mail
    /// address.
    pub async fn create_user(&self, user: &NewUser) -> Result<ServerUser, Error> {
        self.ask(Request::post("users", user)?).await
    }

    /// Changes a user, and tells who it is then.
    ///
    /// # Errors
    /// See [Trouble](Self#trouble). [`ErrorCode::UserNotFound`] when there is no such user.
    pub async fn update_user(&self, id: UserId, patch: &UserPatch) -> Result<ServerUser, Error> {
        self.ask(Request::patch(format!("users/{id}"), patch)?).await
    }

    /// Deletes a user. Access tokens that the user holds still verify until they expire, unless it is done
    /// [online](super::OnlineVerifier).
    ///
    /// # Errors
    /// See [Trouble](Self#trouble). [`ErrorCode::UserNotFound`] when there is no such user.
    pub async fn delete_user(&self, id: UserId) -> Result<(), Error> {
        self.tell(Request::delete(format!("users/{id}"))).await
    }

    async fn page_of_users(
        &self,
        query: &UserQuery,
        cursor: Option<UserId>,
    ) -> Result<Page<ServerUser>, Error> {
        let list: ListOf<ServerUser> = self.ask(query.request(cursor)).await?;
        let next = list.pagination.and_then(|pagination| pagination.next_cursor);
        let next = next.map(|cursor| cursor.parse()).transpose();
        let next = next.map_err(|error: Error| {
            let message =
                "GET users: the Hexclave API's answer cannot be used: the next page has no user's id";
            Error::new(ErrorKind::ApiAnswerUnusable, message).with_source(error)
        })?;
        let kinds = query.kinds;
        let accepted = list.items.into_iter().filter(|user| kinds.contains(user.kind()));
        Ok(Page {
            items: accepted.collect(),
            next,
        })
    }
}

/// Which users to list, and how. Without anything set: normal users, oldest first, 100 on a page.
#[derive(Clone)]
#[must_use]
pub struct UserQuery {
    kinds: AcceptedKinds,
    page_size: u32,
    newest_first: bool,
    search: Option<String>,
    team: Option<TeamId>,
    from: Option<UserId>,
}

impl UserQuery {
    /// Only users of these kinds. A page may then have fewer than its size, or none at all.
    pub fn kinds(mut self, kinds: AcceptedKinds) -> Self {
        self.kinds = kinds;
        self
    }

    /// How many users are on a page, at least one.
    pub fn page_size(mut self, users: u32) -> Self {
        self.page_size = users.max(1);
        self
    }

    /// Those who signed up last come first.
    pub fn newest_first(mut self) -> Self {
        self.newest_first = true;
        self
    }

    /// Only users with this in the name or in an e-mail address, in upper or lower case, or with this id.
    pub fn search(mut self, text: &str) -> Self {
        self.search = Some(text.to_owned());
        self
    }

    /// Only members of this team.
    pub fn team(mut self, team: TeamId) -> Self {
        self.team = Some(team);
        self
    }

    /// Begins with this user, to go on where an earlier list [ended](Page::next).
    pub fn starting_at(mut self, user: UserId) -> Self {
        self.from = Some(user);
        self
    }

    fn request(&self, cursor: Option<UserId>) -> Request {
        let request = Request::get("users")
            .query("limit", self.page_size.to_string())
            .query("order_by", "signed_up_at")
            .query("desc", self.newest_first.to_string())
            .query_if_some("cursor", cursor)
            .query_if_some("query", self.search.as_ref())
            .query_if_some("team_id", self.team);
        if self.kinds == AcceptedKinds::only(UserKind::Anonymous) {
            request
                .query("include_anonymous", "true")
                .query("only_anonymous", "true")
        } else if self.kinds.contains(UserKind::Anonymous) {
            request.query("include_anonymous", "true")
        } else if self.kinds.contains(UserKind::Restricted) {
            request.query("include_restricted", "true")
        } else {
            request
        }
    }
}

impl Default for UserQuery {
    fn default() -> Self {
        Self {
            kinds: AcceptedKinds::default(),
            page_size: DEFAULT_PAGE_SIZE,
            newest_first: false,
            search: None,
            team: None,
            from: None,
        }
    }
}

impl fmt::Debug for UserQuery {
    /// Does not show what is searched for: it may be an e-mail address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserQuery")
            .field("kinds", &self.kinds)
            .field("page_size", &self.page_size)
            .field("newest_first", &self.newest_first)
            .field("team", &self.team)
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

/// A part of a list.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// The first user on the next page; `None` on the last.
    pub next: Option<UserId>,
}

fn is_unknown_user(error: &Error) -> bool {
    let code = error.api().and_then(super::ApiError::code);
    code == Some(&ErrorCode::UserNotFound)
}
