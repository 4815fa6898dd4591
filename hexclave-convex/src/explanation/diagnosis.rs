//! What to do about a token that Convex refuses, and what to know about one that it accepts.

use hexclave_core::{AcceptedKinds, ApiUrl, UserKind};
use url::{Host, Url};

use super::{
    Found, Step,
    difference::{What, article},
    nearest::Nearest,
};
use crate::{
    ConvexError, Provider,
    config::issuer::HexclaveIssuer,
    error::quoted,
    verification::{
        token::{Header, Payload},
        verifier::LEEWAY_SECONDS,
    },
};

/// The command lines that follow a sentence stand on lines of their own.
const PUSH: &str = "\n  npx convex dev    # or: npx convex deploy";
const WHERE_TOKENS_COME_FROM: &str =
    "In a browser, `(await user.getAuthJson()).accessToken` is a Hexclave access token.";

/// Everything that is known about a token that was judged.
pub(crate) struct Diagnosis<'a> {
    pub(crate) found: &'a Found<'a>,
    pub(crate) header: Option<&'a Header>,
    pub(crate) payload: Option<&'a Payload>,
}

/// Where the proposed configuration has its keys.
#[derive(Clone, Copy)]
enum Keys {
    ByUrl,
    Inline,
}

impl Diagnosis<'_> {
    /// The provider that Convex chose.
    pub(crate) fn chosen(&self) -> Option<&Provider> {
        self.found.config.providers().get(self.found.trace.provider?)
    }

    /// Where none was chosen, all providers, the nearest first.
    pub(crate) fn nearest(&self) -> Vec<Nearest> {
        match (self.chosen(), self.issuer_and_audience()) {
            (None, Some((issuer, audience))) => Nearest::of(self.found.config, issuer, audience),
            _ => Vec::new(),
        }
    }

    pub(crate) fn fixes(&self, error: Option<&ConvexError>, nearest: &[Nearest]) -> Vec<String> {
        let Some(error) = error else { return Vec::new() };
        match (self.found.trace.step, self.chosen()) {
            (Step::Token, _) => vec![self.unreadable()],
            (Step::Provider, Some(_)) => vec![format!(
                "Hexclave signs with ES256, which Convex takes through providers of type `customJwt` only. Replace the OIDC \
                 provider:{}",
                self.commands(Keys::ByUrl)
            )],
            (Step::Provider, None) => self.no_provider(nearest),
            (Step::Keys, Some(provider)) => self.no_keys(provider, error),
            (Step::Signature, Some(provider)) => self.bad_signature(provider),
            (Step::Times | Step::WebSocket, _) => self.bad_time(),
            (_, _) => vec![format!(
                "This is no access token as Hexclave issues them. {WHERE_TOKENS_COME_FROM}"
            )],
        }
    }

    pub(crate) fn notes(&self, is_accepted: bool) -> Vec<String> {
        let mut notes = Vec::new();
        let expires_at = self.payload.and_then(|payload| payload.expires_at);
        if is_accepted && expires_at.is_some_and(|at| self.found.now >= at) {
            notes.push(format!(
                "It has expired and passes over HTTP for {LEEWAY_SECONDS} seconds only. On the WebSocket Convex drops it at \
                 once (TokenExpired)."
            ));
        }
        let Some(provider) = self.chosen() else {
            return notes;
        };
        if provider.application_id().is_none() {
            notes.push(
                "The provider has no `applicationID`, so Convex does not check for whom a token is. Add one; \
                 `hexclave-bridge convex auth-config` always does."
                    .to_owned(),
            );
        }
        if provider.jwks().is_some_and(is_private) {
            notes.push(
                "The provider's keys are at a private address, which a Convex deployment in the cloud does not reach: \
                 `--jwks inline` puts them into the configuration."
                    .to_owned(),
            );
        }
        let shadowed = self.shadowed();
        if shadowed > 0 {
            notes.push(format!(
                "{shadowed} more of the providers would match. Convex tries the first one only: remove what is not needed."
            ));
        }
        if let (true, Some(issuer)) = (is_accepted, self.hexclave()) {
            if issuer.kind != UserKind::Normal {
                notes.push(format!(
                    "The token is of {} user. In a function, `identity[\"restricted_reason.type\"]` says why; \
                     `restricted_reason` is not there.",
                    article(issuer.kind.as_str())
                ));
            }
            notes.extend(self.alias_note(&issuer));
        }
        notes
    }

    /// The same user's token under the host's other name, where that is not configured.
    fn alias_note(&self, issuer: &HexclaveIssuer) -> Option<String> {
        let alias = issuer.origin.parse::<ApiUrl>().ok()?.alias()?;
        let under_alias = alias.issuer(&issuer.project, issuer.kind);
        let audience = self.payload?.audience.as_deref().unwrap_or_default();
        let is_configured = |provider: &Provider| provider.matches(&under_alias, audience);
        (!self.found.config.providers().iter().any(is_configured)).then(|| {
            format!(
                "Tokens of the same users are refused if they name the same Hexclave {}. Which of its names is in a token \
                 depends on the version of the client's SDK. To accept both:{}",
                quoted(alias.as_str()),
                self.commands(self.keys_as_now())
            )
        })
    }

    fn unreadable(&self) -> String {
        let text = self.found.text;
        let starts = |prefix: &str| {
            let start = text.get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        let what = if text.is_empty() {
            "There is no token. Was nobody signed in? Then Convex is to be sent no `Authorization` header at all."
        } else if starts("Bearer ") {
            "The token is what comes after `Bearer`: leave out `Bearer` and the blank."
        } else if text.starts_with('{') {
            "This is a JSON object; the access token is its member `accessToken`."
        } else if starts("stackauth_") {
            "This is the value of `getAuthorizationHeader()`, which Hexclave's servers understand and Convex does not. Send \
             the access token."
        } else if ["pck_", "ssk_", "sak_"].iter().any(|prefix| starts(prefix)) {
            "This is an API key of a Hexclave project, and no access token."
        } else if text.contains(|letter: char| letter.is_whitespace() || matches!(letter, '"' | '\'')) {
            "There are blanks, line ends or quotation marks in it. Give the token alone."
        } else if text.matches('.').count() == 4 {
            "It has five parts, so it is encrypted; Convex reads signed tokens, which have three."
        } else if !text.contains('.') {
            "A token has three parts with dots between them. Is this a refresh token, or a part of a token?"
        } else if self.payload.is_some() {
            "It does not say who issued it (`iss`), so it is no access token of Hexclave's."
        } else {
            "Was it copied whole?"
        };
        format!("{what} {WHERE_TOKENS_COME_FROM}")
    }

    fn no_provider(&self, nearest: &[Nearest]) -> Vec<String> {
        let Some(issuer) = self.hexclave() else {
            return vec![format!(
                "The token was not issued by a Hexclave: its issuer does not look like one. {WHERE_TOKENS_COME_FROM}"
            )];
        };
        let kind = article(issuer.kind.as_str());
        let what = match nearest.first().map(Nearest::main_difference) {
            None => "No provider is configured at all. Write one:".to_owned(),
            Some(Some(What::UnsetVariable)) => "A variable was not set when the configuration was made, and the text \
                                                `undefined` took its place. Set it with `npx convex env set NAME VALUE`, or \
                                                write the values themselves:"
                .to_owned(),
            Some(Some(What::HostAlias)) => "Accept the host under both of its names:".to_owned(),
            Some(Some(What::Spelling)) => "Spell the issuer as Hexclave does:".to_owned(),
            Some(Some(What::Kind | What::AudienceKind)) => format!(
                "This is the token of {kind} user, and Convex is not configured for those. If they shall stay out, the client \
                 is to send no token for them. If they shall come in:"
            ),
            Some(Some(What::Scheme)) => "http and https make two issuers. Configure the one that the token has:".to_owned(),
            Some(Some(What::NoAudience)) => {
                return vec![format!(
                    "All of Hexclave's access tokens have an `aud`. {WHERE_TOKENS_COME_FROM}"
                )];
            }
            Some(Some(What::Audience)) => "The provider's `applicationID` has to be what the token has in `aud`, to the \
                                           letter: for Hexclave the project's id, with `:anon` or `:restricted` behind it for \
                                           those users:"
                .to_owned(),
            Some(Some(What::Host)) => format!(
                "The token comes from {}, the configuration is for another host. Let the client use the configured one, or, if \
                 that host is yours, configure it:",
                quoted(&issuer.origin)
            ),
            Some(Some(What::Project)) => "The token is of another Hexclave project. Let the client use the configured one, or, \
                                          if that project is yours, configure it:"
                .to_owned(),
            Some(Some(What::Path) | None) => "No provider is for this Hexclave project. Write one:".to_owned(),
        };
        vec![what + &self.commands(Keys::ByUrl)]
    }

    fn no_keys(&self, provider: &Provider, error: &ConvexError) -> Vec<String> {
        let jwks = provider.jwks().unwrap_or_default();
        let what = if provider.inline_jwks_len().is_some() {
            "The keys in the configuration are of no use to Convex. Write them anew:"
        } else if error.http_status() == 500 {
            "The provider's `jwks` has to be a whole URL, with `https://`. Write it anew, or put the keys into the \
             configuration:"
        } else if error.is_unreachable() && is_private(jwks) {
            "Is Hexclave running there? A Convex deployment in the cloud does not reach that address anyway; with the keys in \
             the configuration it need not:"
        } else if error.is_unreachable() {
            "Nothing is known about the token: the keys could not be had from here, and Convex may still have them. Try again. \
             With the keys in the configuration Convex does not depend on that server:"
        } else {
            "Does the provider's `jwks` name the right document? With the keys in the configuration nothing is fetched:"
        };
        vec![format!("{what}{}", self.commands(Keys::Inline))]
    }

    fn bad_signature(&self, provider: &Provider) -> Vec<String> {
        let (Some(header), Some(keys), Some(algorithm)) =
            (self.header, self.found.trace.keys.as_ref(), provider.algorithm())
        else {
            return vec![format!("Was the token copied whole? {WHERE_TOKENS_COME_FROM}")];
        };
        let mut fixes = Vec::new();
        if self.shadowed() > 0 {
            fixes.push(format!(
                "Another provider would match too, but Convex tries the first one only. If this one is not needed, remove it: \
                 {}",
                name(provider)
            ));
        }
        let key = header.key_id.as_deref().and_then(|id| keys.find(id));
        fixes.push(match (header.key_id.as_deref(), key) {
            (None, _) => format!("All of Hexclave's tokens name their key. {WHERE_TOKENS_COME_FROM}"),
            (Some(id), None) => self.unknown_key(provider, id),
            _ if header.algorithm != algorithm.as_str() && header.algorithm == "ES256" => format!(
                "Hexclave signs with ES256, so the provider's `algorithm` has to be that:{}",
                self.commands(self.keys_as_now())
            ),
            _ if header.algorithm != algorithm.as_str() => format!(
                "Hexclave signs with ES256 and nothing else, so this is none of its tokens. {WHERE_TOKENS_COME_FROM}"
            ),
            (_, Some(key)) if key.is_short() => format!(
                "About one in 128 of Hexclave's keys is like this, and no setting of Hexclave changes it. In the configuration \
                 itself the keys are whole, and Convex takes them:{}",
                self.commands(Keys::Inline)
            ),
            _ => format!(
                "The token was changed on its way or not copied whole, or another Hexclave has a key of the same name. \
                 {WHERE_TOKENS_COME_FROM}"
            ),
        });
        fixes
    }

    fn unknown_key(&self, provider: &Provider, id: &str) -> String {
        let names: Vec<_> = self
            .found
            .trace
            .keys
            .iter()
            .flat_map(|keys| keys.iter().filter_map(|key| key.id()))
            .take(8)
            .map(quoted)
            .collect();
        let names = if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        };
        let key = format!(
            "The token's key {} is not in the provider's key set, which has {names}.",
            quoted(id)
        );
        if let Some(query) = self.wider_document(provider) {
            return format!(
                "{key} The set is that of other kinds of users: add `{query}` to the URL of `jwks`."
            );
        }
        if provider.inline_jwks_len().is_some() {
            return format!(
                "{key} The keys in the configuration are out of date, or of another Hexclave or project. Write them anew:{}",
                self.commands(Keys::Inline)
            );
        }
        format!(
            "{key} Convex asks for a set anew only when its time is up, an hour for Hexclave's. If the set stays as it is, the \
             token comes from another Hexclave of that name."
        )
    }

    fn bad_time(&self) -> Vec<String> {
        let now = self.found.now;
        let is_over = self
            .payload
            .and_then(|payload| payload.expires_at)
            .is_some_and(|at| now >= at);
        vec![if is_over {
            "Get a fresh token. Hexclave's last 10 minutes: a client is to ask the SDK for one each time \
             (`getAccessToken()`, or `getConvexClientAuth` for Convex's clients) and not to keep it. If it is fresh, this \
             machine's clock is fast."
                .to_owned()
        } else {
            "The token is from the future: the clock of this machine is slow, or that of the Hexclave server fast.".to_owned()
        }]
    }

    /// The query that a URL needs to name the document with the keys of the provider's kind of user.
    fn wider_document(&self, provider: &Provider) -> Option<&'static str> {
        let jwks = provider
            .jwks()
            .filter(|jwks| jwks.contains("/.well-known/jwks.json"))?;
        let query = match HexclaveIssuer::parse(provider.issuer())?.kind {
            UserKind::Normal => return None,
            UserKind::Restricted => "?include_restricted=true",
            UserKind::Anonymous => "?include_anonymous=true",
        };
        (!jwks.contains("include_anonymous=true") && !jwks.ends_with(query)).then_some(query)
    }

    /// How many providers match beside the one that Convex tries.
    fn shadowed(&self) -> usize {
        let Some((issuer, audience)) = self.issuer_and_audience() else {
            return 0;
        };
        let providers = self.found.config.providers().iter();
        let matching = providers
            .filter(|provider| provider.matches(issuer, audience))
            .count();
        matching.saturating_sub(1)
    }

    /// The commands that write the configuration that would accept the token, beside whom it accepts already, and push
    /// it, each on a line of its own.
    fn commands(&self, keys: Keys) -> String {
        let keys = match keys {
            Keys::ByUrl => "",
            Keys::Inline => " --jwks inline",
        };
        let write = |project: &str| {
            format!("\n  hexclave-bridge convex auth-config{project}{keys} --out convex/auth.config.ts{PUSH}")
        };
        let Some(token) = self.hexclave() else {
            return write("");
        };
        let providers = self.found.config.providers().iter();
        let configured = providers.filter_map(|provider| HexclaveIssuer::parse(provider.issuer()));
        let kinds = configured
            .filter(|issuer| issuer.project == token.project)
            .fold(AcceptedKinds::only(token.kind), |kinds, issuer| {
                kinds.and(issuer.kind)
            });
        let kinds = match kinds {
            kinds if kinds == AcceptedKinds::default() => String::new(),
            kinds => format!(" --kinds {kinds}"),
        };
        let url = match token.origin.parse::<ApiUrl>() {
            Ok(url) if url == ApiUrl::default() || url.alias() == Some(ApiUrl::default()) => String::new(),
            _ => format!(" --api-url {}", token.origin),
        };
        write(&format!(" --project-id {}{url}{kinds}", token.project))
    }

    /// How the chosen provider has its keys.
    fn keys_as_now(&self) -> Keys {
        match self.chosen().and_then(Provider::inline_jwks_len) {
            Some(_) => Keys::Inline,
            None => Keys::ByUrl,
        }
    }

    fn hexclave(&self) -> Option<HexclaveIssuer> {
        HexclaveIssuer::parse(self.payload?.issuer.as_deref()?)
    }

    fn issuer_and_audience(&self) -> Option<(&str, &[String])> {
        let payload = self.payload?;
        Some((
            payload.issuer.as_deref()?,
            payload.audience.as_deref().unwrap_or_default(),
        ))
    }
}

/// Whether a URL names this machine or a private network.
fn is_private(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| match url.host() {
        Some(Host::Domain(name)) => {
            name == "localhost" || name.ends_with(".localhost") || !name.contains('.')
        }
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_private() || address.is_link_local(),
        Some(Host::Ipv6(address)) => address.is_loopback() || address.is_unique_local(),
        None => false,
    })
}

fn name(provider: &Provider) -> String {
    match provider.application_id() {
        Some(id) => format!("{} for {}", quoted(provider.issuer()), quoted(id)),
        None => format!("{} without an `applicationID`", quoted(provider.issuer())),
    }
}
