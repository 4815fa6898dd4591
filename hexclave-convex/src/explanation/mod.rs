//! Why Convex accepts or refuses a token, for people.

mod diagnosis;
mod difference;
mod nearest;

use std::{error::Error, fmt};

use serde_json::{Value, json};

use self::{diagnosis::Diagnosis, difference::article, nearest::Nearest};
use crate::{
    AuthConfig, ConvexError, UserIdentity,
    config::issuer::HexclaveIssuer,
    error::quoted,
    verification::{
        token::{Header, Payload, Token},
        verifier::Trace,
    },
};

/// How many providers are compared with a token that none of them matches.
const MAX_NEAREST: usize = 3;

/// What Convex does with a token, step by step, and what to do about it; made by
/// [`ConvexVerifier::explain`](crate::ConvexVerifier::explain).
///
/// `Display` is a report for a person, [`to_json`](Self::to_json) the same for a program. Neither holds a part of the token;
/// both hold claims of it (issuer, audience, user id, times), which cannot be used to sign in. `Debug` shows the outcome only.
pub struct Explanation {
    result: Result<UserIdentity, ConvexError>,
    step: Step,
    now: u64,
    facts: Facts,
    nearest: Vec<Nearest>,
    provider: Option<String>,
    fixes: Vec<String>,
    notes: Vec<String>,
}

/// The steps in Convex's order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Read the payload, and in it who issued the token.
    #[default]
    Token,
    /// Choose the first provider that matches issuer and audience.
    Provider,
    /// Get the provider's keys.
    Keys,
    /// Check the signature with the key that the token names.
    Signature,
    /// Compare the token's times with the clock, with 5 seconds of leeway.
    Times,
    /// Look for the claims that have to be there.
    Claims,
    /// On the WebSocket only: drop what has expired, without leeway.
    WebSocket,
}

/// What came of a [`Step`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StepOutcome {
    /// The token passed.
    Passed,
    /// The token was refused here.
    Failed,
    /// The token did not come this far, or the step was not asked for.
    NotReached,
}

/// What the token says of itself, as far as it can be read.
#[derive(Default)]
struct Facts {
    payload: Option<Payload>,
    header: Option<Header>,
}

/// What there is to make an explanation of.
pub(crate) struct Found<'a> {
    pub(crate) config: &'a AuthConfig,
    pub(crate) text: &'a str,
    pub(crate) trace: &'a Trace,
    pub(crate) now: u64,
    pub(crate) on_websocket: bool,
}

impl Step {
    /// All steps, in their order.
    pub const ALL: [Self; 7] = [
        Self::Token,
        Self::Provider,
        Self::Keys,
        Self::Signature,
        Self::Times,
        Self::Claims,
        Self::WebSocket,
    ];

    /// A stable name: `token`, `provider`, `keys`, `signature`, `times`, `claims` or `websocket`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Provider => "provider",
            Self::Keys => "keys",
            Self::Signature => "signature",
            Self::Times => "times",
            Self::Claims => "claims",
            Self::WebSocket => "websocket",
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Token => "read the token's payload",
            Self::Provider => "choose a provider by issuer and audience",
            Self::Keys => "get the provider's keys",
            Self::Signature => "check the signature",
            Self::Times => "compare the times with the clock",
            Self::Claims => "look for the claims that are needed",
            Self::WebSocket => "on the WebSocket: drop what has expired",
        }
    }
}

impl StepOutcome {
    /// A stable name: `passed`, `failed` or `not_reached`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotReached => "not_reached",
        }
    }
}

impl Explanation {
    pub(crate) fn new(found: Found<'_>, result: Result<UserIdentity, ConvexError>) -> Self {
        let token = Token::parse(found.text).ok();
        let facts = token.map_or_else(Facts::default, |token| Facts {
            header: token.header().ok(),
            payload: Some(token.payload),
        });
        let diagnosis = Diagnosis {
            found: &found,
            header: facts.header.as_ref(),
            payload: facts.payload.as_ref(),
        };
        let nearest = diagnosis.nearest();
        let fixes = diagnosis.fixes(result.as_ref().err(), &nearest);
        let notes = diagnosis.notes(result.is_ok());
        // A step that was not asked for does not count as passed.
        let step = match &result {
            Ok(_) if !found.on_websocket => Step::Claims,
            _ => found.trace.step,
        };
        Self {
            step,
            now: found.now,
            provider: diagnosis.chosen().map(|provider| provider.issuer().to_owned()),
            nearest,
            fixes,
            notes,
            facts,
            result,
        }
    }

    /// Whether Convex accepts the token.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.result.is_ok()
    }

    /// The identity of an accepted token.
    #[must_use]
    pub fn identity(&self) -> Option<&UserIdentity> {
        self.result.as_ref().ok()
    }

    /// Convex's answer to a refused token.
    #[must_use]
    pub fn error(&self) -> Option<&ConvexError> {
        self.result.as_ref().err()
    }

    /// What came of a step.
    #[must_use]
    pub fn outcome(&self, step: Step) -> StepOutcome {
        match step.cmp(&self.step) {
            std::cmp::Ordering::Less => StepOutcome::Passed,
            std::cmp::Ordering::Equal if self.is_accepted() => StepOutcome::Passed,
            std::cmp::Ordering::Equal => StepOutcome::Failed,
            std::cmp::Ordering::Greater => StepOutcome::NotReached,
        }
    }

    /// What to do so that the token, or the next one, is accepted. Never empty for a refused token.
    #[must_use]
    pub fn fixes(&self) -> &[String] {
        &self.fixes
    }

    /// What is worth knowing beside that, about the configuration and the token.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The report for programs, as one JSON object:
    ///
    /// - `accepted`: whether Convex accepts the token;
    /// - `error`: null, or `code`, `message`, `httpStatus`, and `because`, a list of the causes;
    /// - `token`: what can be read of `issuer`, `audience` (a list), `subject`, `kind`, `projectId`, `keyId`, `algorithm`,
    ///   `issuedAt`, `notBefore` and `expiresAt` (in seconds since 1970); null for what cannot;
    /// - `steps`: `name` and `outcome` of each;
    /// - `provider`: the issuer of the chosen provider, or null;
    /// - `nearest`: where none was chosen, those that come nearest: `issuer`, `applicationID` and `differences`, each
    ///   with `what` (a stable name) and `text`;
    /// - `fixes` and `notes`: lists of sentences.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let (payload, header) = (self.facts.payload.as_ref(), self.facts.header.as_ref());
        let hexclave = self.hexclave();
        let steps =
            Step::ALL.map(|step| json!({ "name": step.as_str(), "outcome": self.outcome(step).as_str() }));
        json!({
            "accepted": self.is_accepted(),
            "error": self.error().map(|error| json!({
                "code": error.code(),
                "message": error.to_string(),
                "httpStatus": error.http_status(),
                "because": causes(error),
            })),
            "token": {
                "issuer": payload.and_then(|payload| payload.issuer.as_deref()),
                "audience": payload.and_then(|payload| payload.audience.as_deref()),
                "subject": payload.and_then(|payload| payload.subject.as_deref()),
                "kind": hexclave.as_ref().map(|issuer| issuer.kind.as_str()),
                "projectId": hexclave.as_ref().map(|issuer| issuer.project.as_str()),
                "keyId": header.and_then(|header| header.key_id.as_deref()),
                "algorithm": header.map(|header| header.algorithm.as_str()),
                "issuedAt": payload.and_then(|payload| payload.issued_at),
                "notBefore": payload.and_then(|payload| payload.not_before),
                "expiresAt": payload.and_then(|payload| payload.expires_at),
            },
            "steps": steps,
            "provider": self.provider,
            "nearest": self.nearest.iter().map(Nearest::to_json).collect::<Vec<_>>(),
            "fixes": self.fixes,
            "notes": self.notes,
        })
    }

    fn hexclave(&self) -> Option<HexclaveIssuer> {
        HexclaveIssuer::parse(self.facts.payload.as_ref()?.issuer.as_deref()?)
    }

    fn fmt_token(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(payload) = &self.facts.payload else {
            return Ok(());
        };
        writeln!(f, "\nThe token says")?;
        let text = |claim: Option<&str>| claim.map_or_else(|| "(nothing)".to_owned(), quoted);
        if let Some(issuer) = self.hexclave() {
            let kind = article(issuer.kind.as_str());
            writeln!(
                f,
                "  of         {kind} user of the Hexclave project {}",
                issuer.project
            )?;
        }
        writeln!(f, "  issuer     {}", text(payload.issuer.as_deref()))?;
        let audience = payload.audience.as_ref().map(|audience| audience.join(", "));
        writeln!(f, "  audience   {}", text(audience.as_deref()))?;
        writeln!(f, "  user       {}", text(payload.subject.as_deref()))?;
        if let Some(header) = &self.facts.header {
            let key = text(header.key_id.as_deref());
            writeln!(f, "  signed     {} with the key {key}", header.algorithm)?;
        }
        for (name, time) in [("issued", payload.issued_at), ("not before", payload.not_before)] {
            if let Some(time) = time {
                writeln!(f, "  {name:<10} {}", when(time, self.now))?;
            }
        }
        let expires = payload.expires_at.map(|time| when(time, self.now));
        writeln!(f, "  expires    {}", expires.as_deref().unwrap_or("(nothing)"))
    }

    fn fmt_steps(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nWhat Convex does")?;
        for step in Step::ALL {
            let mark = match self.outcome(step) {
                StepOutcome::Passed => "ok",
                StepOutcome::Failed => "NO",
                StepOutcome::NotReached => "-",
            };
            write!(f, "  {mark:>2}  {}", step.describe())?;
            if let (Step::Provider, Some(provider)) = (step, &self.provider) {
                write!(f, ": {}", quoted(provider))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }

    fn fmt_nearest(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nearest.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nThe providers that come nearest")?;
        for nearest in self.nearest.iter().take(MAX_NEAREST) {
            writeln!(f, "  {}", nearest.name())?;
            for difference in &nearest.differences {
                writeln!(f, "      {}", difference.text)?;
            }
        }
        match self.nearest.len().checked_sub(MAX_NEAREST) {
            Some(more @ 1..) => writeln!(f, "  and {more} more"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.result {
            Ok(_) => writeln!(f, "Convex accepts this token.")?,
            Err(error) => {
                writeln!(
                    f,
                    "Convex refuses this token: {}, HTTP status {}",
                    error.code(),
                    error.http_status()
                )?;
                writeln!(f, "  {error}")?;
                for cause in causes(error) {
                    writeln!(f, "  because: {cause}")?;
                }
            }
        }
        self.fmt_token(f)?;
        self.fmt_steps(f)?;
        self.fmt_nearest(f)?;
        for (heading, sentences) in [("What to do", &self.fixes), ("Worth knowing", &self.notes)] {
            if !sentences.is_empty() {
                writeln!(f, "\n{heading}")?;
            }
            for sentence in sentences {
                writeln!(f, "  * {}", sentence.replace('\n', "\n    "))?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Explanation")
            .field("step", &self.step)
            .field("result", &self.result)
            .finish_non_exhaustive()
    }
}

fn causes(error: &ConvexError) -> Vec<String> {
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    causes
}

/// A time beside the clock: `in 9 min 39 s (1795300679)`.
fn when(time: u64, now: u64) -> String {
    let span = |seconds: u64| match seconds {
        0..=59 => format!("{seconds} s"),
        60..=3_599 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..=86_399 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} days", seconds / 86_400),
    };
    match time.checked_sub(now) {
        Some(0) => format!("now ({time})"),
        Some(left) => format!("in {} ({time})", span(left)),
        None => format!("{} ago ({time})", span(now - time)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_beside_the_clock() {
        for (time, told) in [
            (1_000_000, "now (1000000)"),
            (1_000_059, "in 59 s (1000059)"),
            (1_000_579, "in 9 min 39 s (1000579)"),
            (999_940, "1 min 0 s ago (999940)"),
            (992_740, "2 h 1 min ago (992740)"),
            (0, "11 days ago (0)"),
        ] {
            assert_eq!(when(time, 1_000_000), told);
        }
    }
}
