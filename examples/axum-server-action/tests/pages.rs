//! The pages as a browser without scripts uses them, with a real Hexclave's sessions and a real Postgres.
#![allow(clippy::expect_used, clippy::indexing_slicing)]

#[path = "../dev/stage.rs"]
mod stage;

use std::collections::BTreeMap;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use example_axum_server_action::{Origin, router};
use hexclave_core::{RefreshToken, SessionCookies, UserId};
use hexclave_testkit::hexclave::{Fault, Tokens};
use http_body_util::BodyExt;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tower::ServiceExt;

use self::stage::{PASSWORD, Stage};

const ORIGIN: &str = "https://notes.example.com";
/// When cookies are written where nothing depends on it.
const EARLIER: std::time::SystemTime = std::time::SystemTime::UNIX_EPOCH;

/// What a browser keeps and says of itself.
struct Browser {
    pages: Router,
    cookies: BTreeMap<String, String>,
    /// Where the page is from that its forms are sent from.
    origin: Option<&'static str>,
}

struct Page {
    status: StatusCode,
    text: String,
    /// The attributes of the cookies that it set.
    set: Vec<String>,
}

impl Browser {
    fn new(pages: &Router) -> Self {
        Self {
            pages: pages.clone(),
            cookies: BTreeMap::new(),
            origin: Some(ORIGIN),
        }
    }

    /// Somebody who has signed in elsewhere on the same host, where Hexclave's SDK keeps the same cookies.
    fn of(pages: &Router, stage: &Stage, tokens: &Tokens) -> Self {
        let mut browser = Self::new(pages);
        let cookies = SessionCookies::new(stage.hexclave.config());
        for cookie in cookies.keep(&tokens.refresh_token, &tokens.access_token, EARLIER) {
            browser.keep(cookie.to_str().expect("ASCII"));
        }
        browser
    }

    async fn get(&mut self) -> Page {
        self.send(Request::get("/").body(Body::empty()).expect("a request"))
            .await
    }

    /// Sends a form and goes where that leads.
    async fn post(&mut self, action: &str, fields: &[(&str, &str)]) -> Page {
        let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let fields = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)));
        let mut request = Request::post(action).header("content-type", "application/x-www-form-urlencoded");
        if let Some(origin) = self.origin {
            request = request.header("origin", origin);
        }
        let body = Body::from(fields.collect::<Vec<_>>().join("&"));
        let page = self.send(request.body(body).expect("a request")).await;
        match page.status {
            StatusCode::SEE_OTHER => Page {
                set: page.set,
                ..self.get().await
            },
            _ => page,
        }
    }

    async fn sign_in(&mut self, email: &str) -> Page {
        self.post("/sign-in", &[("email", email), ("password", PASSWORD)])
            .await
    }

    async fn send(&mut self, mut request: Request<Body>) -> Page {
        let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        request
            .headers_mut()
            .insert(header::COOKIE, cookies.parse().expect("a header"));
        let response = self.pages.clone().oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        assert_eq!(parts.headers[header::CACHE_CONTROL], "private, no-store");
        let set = parts.headers.get_all(header::SET_COOKIE).into_iter();
        let set = set
            .map(|cookie| self.keep(cookie.to_str().expect("ASCII")))
            .collect();
        let body = body.collect().await.expect("a body").to_bytes();
        Page {
            status: parts.status,
            text: String::from_utf8(body.to_vec()).expect("UTF-8"),
            set,
        }
    }

    /// Keeps a cookie or lets go of it, and gives its attributes.
    fn keep(&mut self, cookie: &str) -> String {
        let (pair, attributes) = cookie.split_once("; ").expect("attributes");
        let (name, value) = pair.split_once('=').expect("a pair");
        match attributes.contains("Max-Age=0") {
            true => self.cookies.remove(name),
            false => self.cookies.insert(name.to_owned(), value.to_owned()),
        };
        attributes.to_owned()
    }
}

impl Page {
    fn shows(&self, text: &str) -> bool {
        self.text.contains(text)
    }

    /// Whether somebody is asked to sign in.
    fn is_signed_out(&self) -> bool {
        self.status == StatusCode::OK && self.shows("action=\"/sign-in\"") && !self.shows("action=\"/notes\"")
    }
}

async fn stage() -> (Stage, Router) {
    let stage = Stage::set().await.expect("a stage");
    let pages = router(stage.app(ORIGIN).expect("an app"));
    (stage, pages)
}

async fn owners_of_notes(stage: &Stage) -> Vec<String> {
    let owner = stage.database.connect_as_owner().await.expect("a connection");
    let rows = owner
        .query("select owner::text from notes order by id", &[])
        .await;
    rows.expect("rows").iter().map(|row| row.get(0)).collect()
}

async fn member(stage: &Stage, email: &str) -> UserId {
    stage.member(email).await.expect("a user")
}

#[tokio::test]
async fn whoever_signs_in_keeps_notes_of_their_own() {
    let (stage, pages) = stage().await;
    let ada_id = member(&stage, "ada@example.com").await;
    member(&stage, "grace@example.com").await;
    let (mut ada, mut grace) = (Browser::new(&pages), Browser::new(&pages));
    assert!(ada.get().await.is_signed_out());

    let page = ada.sign_in("ada@example.com").await;
    assert!(
        page.shows("ada@example.com") && page.shows("no notes yet"),
        "{}",
        page.text
    );
    assert_eq!(page.set.len(), 2);
    for attributes in &page.set {
        assert!(
            attributes.ends_with("SameSite=Lax; Secure; HttpOnly"),
            "{attributes}"
        );
    }
    let page = ada.post("/notes", &[("text", "<b>Ada's</b> & only hers")]).await;
    assert!(
        page.shows("&#60;b&#62;Ada&#39;s&#60;/b&#62; &#38; only hers"),
        "{}",
        page.text
    );
    assert!(grace.sign_in("grace@example.com").await.shows("no notes yet"));

    // Nobody deletes what they cannot see.
    grace.post("/notes/delete", &[("id", "1")]).await;
    assert_eq!(owners_of_notes(&stage).await, [ada_id.to_string()]);
    assert!(
        ada.post("/notes/delete", &[("id", "1")])
            .await
            .shows("no notes yet")
    );

    let long = "x".repeat(1001);
    for text in ["", &long] {
        let page = ada.post("/notes", &[("text", text)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.shows("1 to 1000 characters") && page.shows("ada@example.com"));
    }
    assert_eq!(owners_of_notes(&stage).await, [] as [String; 0]);
}

#[tokio::test]
async fn a_wrong_password_signs_nobody_in() {
    let (stage, pages) = stage().await;
    member(&stage, "ada@example.com").await;
    let mut browser = Browser::new(&pages);
    let fields = [("email", "ada@example.com"), ("password", "a guess")];
    let page = browser.post("/sign-in", &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.shows("Nobody has this e-mail address and password") && page.set.is_empty());
    assert!(browser.get().await.is_signed_out());
}

/// A form that another site has a browser send, with the cookies of whoever uses it.
#[tokio::test]
async fn forms_of_other_sites_do_nothing() {
    let (stage, pages) = stage().await;
    member(&stage, "ada@example.com").await;
    let mut ada = Browser::new(&pages);
    ada.sign_in("ada@example.com").await;
    ada.post("/notes", &[("text", "Ada's")]).await;
    for origin in [
        Some("https://evil.example.com"),
        Some("https://notes.example.com.evil.example"),
        Some("http://notes.example.com"),
        Some("null"),
        None,
    ] {
        ada.origin = origin;
        let mut nobody = Browser::new(&pages);
        nobody.origin = origin;
        for page in [
            ada.post("/notes", &[("text", "not Ada's")]).await,
            ada.post("/notes/delete", &[("id", "1")]).await,
            ada.post("/sign-out", &[]).await,
            nobody.sign_in("ada@example.com").await,
        ] {
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{origin:?}");
            assert_eq!(page.set, [] as [String; 0]);
        }
    }
    let page = ada.get().await;
    assert!(page.shows("Ada&#39;s") && !page.shows("not Ada"), "{}", page.text);
}

#[tokio::test]
async fn a_session_outlives_its_access_token() {
    let (stage, pages) = stage().await;
    member(&stage, "ada@example.com").await;
    let mut tokens = stage
        .hexclave
        .sign_in("ada@example.com", PASSWORD)
        .await
        .expect("tokens");
    let earlier = "eyJhbGciOiJFUzI1NiJ9.eyJleHAiOjE3NTAwMDAwMDB9.c2ln";
    tokens.access_token = earlier.into();
    let mut ada = Browser::of(&pages, &stage, &tokens);
    let page = ada.get().await;
    assert!(
        page.shows("ada@example.com") && page.set.len() == 2,
        "{}",
        page.text
    );
    assert!(!ada.cookies["hexclave-access"].contains(earlier));

    // With the fresh one nobody has to be asked.
    stage.hexclave.forget_requests();
    let page = ada.get().await;
    assert!(page.shows("ada@example.com") && page.set.is_empty());
    assert!(
        !stage
            .hexclave
            .requests()
            .iter()
            .any(|request| request.path.contains("token"))
    );

    ada.cookies.remove("hexclave-access");
    let page = ada.post("/notes", &[("text", "written after a day")]).await;
    assert!(page.shows("written after a day") && page.set.len() == 2);
}

#[tokio::test]
async fn signing_out_ends_the_session_itself() {
    let (stage, pages) = stage().await;
    member(&stage, "ada@example.com").await;
    let mut ada = Browser::new(&pages);
    ada.sign_in("ada@example.com").await;
    let mut copied = Browser::new(&pages);
    copied.cookies = ada.cookies.clone();
    copied.cookies.remove("hexclave-access");

    assert!(ada.post("/sign-out", &[]).await.is_signed_out());
    assert_eq!(ada.cookies, BTreeMap::new());
    assert!(copied.get().await.is_signed_out());
    assert_eq!(copied.cookies, BTreeMap::new(), "what is of no use is not kept");

    let mut unknown = tokens(&stage).await;
    unknown.refresh_token = RefreshToken::from("unknown");
    let mut stranger = Browser::of(&pages, &stage, &unknown);
    stranger.cookies.remove("hexclave-access");
    assert!(stranger.get().await.is_signed_out());
}

async fn tokens(stage: &Stage) -> Tokens {
    stage.hexclave.sign_up_anonymously().await.expect("tokens")
}

#[tokio::test]
async fn guests_and_restricted_users_are_told_and_add_nothing() {
    let (stage, pages) = stage().await;
    stage.restricted("eve@example.com").await.expect("a user");
    let mut eve = Browser::new(&pages);
    let page = eve.sign_in("eve@example.com").await;
    assert!(page.shows("Confirm your e-mail address") && !page.shows("action=\"/notes\""));
    let mut guest = Browser::of(&pages, &stage, &tokens(&stage).await);
    let page = guest.get().await;
    assert!(page.shows("You are a guest") && !page.shows("action=\"/notes\""));

    for browser in [&mut eve, &mut guest, &mut Browser::new(&pages)] {
        let is_somebody = !browser.cookies.is_empty();
        let expected = if is_somebody {
            StatusCode::FORBIDDEN
        } else {
            StatusCode::UNAUTHORIZED
        };
        assert_eq!(browser.post("/notes", &[("text", "mine")]).await.status, expected);
        assert_eq!(
            browser.post("/notes/delete", &[("id", "1")]).await.status,
            expected
        );
    }
    assert_eq!(owners_of_notes(&stage).await, [] as [String; 0]);
}

/// Hexclave's trouble is nobody's end of a session.
#[tokio::test]
async fn without_hexclave_nobody_is_signed_out() {
    let (stage, pages) = stage().await;
    member(&stage, "ada@example.com").await;
    let mut ada = Browser::new(&pages);
    ada.sign_in("ada@example.com").await;
    stage.hexclave.inject(Fault::status(404));
    let page = ada.get().await;
    assert!(
        page.shows("ada@example.com"),
        "the keys are at hand: {}",
        page.text
    );

    let other = router(stage.app(ORIGIN).expect("an app"));
    ada.pages = other;
    let page = ada.get().await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}", page.text);
    assert!(page.set.is_empty());
}

#[test]
fn an_origin_is_what_browsers_call_one() {
    for origin in [
        "https://notes.example.com",
        "http://127.0.0.1:3001",
        "https://[::1]:3001",
    ] {
        origin.parse::<Origin>().expect(origin);
    }
    for text in [
        "",
        "notes.example.com",
        "https://notes.example.com/",
        "https://notes.example.com/a?b",
        "ftp://a",
        "null",
    ] {
        text.parse::<Origin>().expect_err(text);
    }
}
