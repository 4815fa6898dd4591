//! The header `Authorization` as Convex's clients write it and its servers read it.

use hexclave_core::AccessToken;
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};

use crate::{ConvexError, error::Kind};

const SCHEME: &str = "Bearer ";

/// The access token that a request carries in the way of Convex's clients, `Authorization: Bearer <token>`, for a
/// server that stands where a Convex deployment could. `None` where there is no such header: nobody is signed in.
///
/// What is wrong is refused as Convex refuses it, so that a client sees no difference: it matters that an empty bearer
/// is an error and not a guest. One thing is stricter: of several headers Convex takes the first, and here they are
/// refused.
///
/// Nothing has been proven of the token; that is core's part:
///
/// ```no_run
/// use hexclave_core::{User, Verifier};
///
/// # async fn run(verifier: Verifier, headers: http::HeaderMap) -> Result<(), Box<dyn std::error::Error>> {
/// let user: Option<User> = match hexclave_convex::bearer_token(&headers)? {
///     Some(token) => Some(verifier.verify(&token).await?),
///     None => None,
/// };
/// # Ok(())
/// # }
/// ```
///
/// A server whose callers use Hexclave's SDKs as well reads [`Credentials`](hexclave_core::Credentials), which know
/// this form among others.
///
/// # Errors
/// `InvalidHeaderFailure` when the header is shorter than 7 bytes, not visible ASCII, or there more than once;
/// `InvalidAdminKey` when it has another scheme (case does not matter) or nothing behind it. Both are answered with
/// 400.
pub fn bearer_token(headers: &HeaderMap) -> Result<Option<AccessToken>, ConvexError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let unreadable =
        |why: &str| ConvexError::new(Kind::InvalidHeader, format!("the header Authorization {why}"));
    if values.next().is_some() {
        return Err(unreadable("is there more than once"));
    }
    let text = value.to_str().map_err(|_| unreadable("is not visible ASCII"))?;
    let (scheme, token) = text
        .split_at_checked(SCHEME.len())
        .ok_or_else(|| unreadable("is too short: expected `Bearer` and an access token"))?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case(SCHEME) || token.is_empty() {
        return Err(ConvexError::new(
            Kind::InvalidAdminKey,
            "the header Authorization is not `Bearer` and an access token; whoever is not signed in sends none",
        ));
    }
    Ok(Some(AccessToken::from(token)))
}

/// The value of the header `Authorization` with which Convex takes a token, `Bearer <token>`, marked as sensitive. Whoever
/// is not signed in sends no such header.
///
/// [`AccessToken::authorization_header`] has the form of Hexclave's SDKs, which Convex does not understand.
///
/// # Errors
/// `InvalidHeaderFailure` when the token is empty or does not fit into a header.
pub fn bearer_header(token: &AccessToken) -> Result<HeaderValue, ConvexError> {
    let unfit = || {
        ConvexError::new(
            Kind::InvalidHeader,
            "the access token is empty or does not fit into a header",
        )
    };
    let text = token.expose();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(unfit());
    }
    let mut value = HeaderValue::try_from(format!("{SCHEME}{text}")).map_err(|_| unfit())?;
    value.set_sensitive(true);
    Ok(value)
}
