//! Who calls: a bearer token, checked against the store and remembered for a few seconds.
//!
//! The tenant of a request comes from here and from nowhere else. What is remembered is keyed by a
//! hash, so that no secret stays in memory, and lapses quickly, so that a revoked token stops working.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::AppState;
use super::problem::{Kind, Problem, say};
use crate::adapters::store::{Scope, Verified};

/// How long a verified token is believed without asking the store; the most a revocation can take.
const BELIEVED_FOR: Duration = Duration::from_secs(5);
/// How many tokens are remembered; far more than a business has.
const REMEMBERED_MAX: usize = 1024;
/// Longest bearer that is looked at; ours have about 80 characters.
const BEARER_MAX: usize = 256;

/// The caller of a request, as a request extension.
pub(super) type Caller = Arc<Verified>;

/// Tokens verified a moment ago, by the hash of the whole bearer.
#[derive(Debug, Default)]
pub(super) struct TokenCache(Mutex<HashMap<[u8; 32], (Caller, Instant)>>);

impl TokenCache {
    fn find(&self, key: &[u8; 32], now: Instant) -> Option<Caller> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (caller, until) = known.get(key)?;
        (*until > now).then(|| Arc::clone(caller))
    }

    fn keep(&self, key: [u8; 32], caller: &Caller, now: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED_MAX {
            known.retain(|_, (_, until)| *until > now);
        }
        if known.len() >= REMEMBERED_MAX {
            known.clear();
        }
        known.insert(key, (Arc::clone(caller), now + BELIEVED_FOR));
    }
}

/// Lets a request pass whose token has one of the scopes of its route.
pub(super) async fn authorize(
    State((state, scopes)): State<(AppState, &'static [Scope])>,
    mut request: Request,
    next: Next,
) -> Response {
    match verify(&state, request.headers()).await {
        Ok(caller) if scopes.iter().any(|scope| caller.scopes.contains(scope)) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Ok(caller) => forbidden(&caller, scopes).into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn verify(state: &AppState, headers: &HeaderMap) -> Result<Caller, Problem> {
    let bearer = bearer_of(headers)?;
    let key: [u8; 32] = Sha256::digest(bearer.as_bytes()).into();
    let now = Instant::now();
    if let Some(caller) = state.tokens().find(&key, now) {
        return Ok(caller);
    }
    let verified = state.store().verify_token(bearer).await?.map(Arc::new);
    let caller = verified.ok_or_else(|| {
        unauthorized(
            say(
                "O token não existe ou foi revogado. Crie outro com `atende tokens add`.",
                "The token does not exist or was revoked. Make another with `atende tokens add`.",
            ),
            r#"Bearer realm="atende", error="invalid_token""#,
        )
    })?;
    state.tokens().keep(key, &caller, now);
    Ok(caller)
}

fn bearer_of(headers: &HeaderMap) -> Result<&str, Problem> {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (scheme, bearer) = value.and_then(|v| v.trim().split_once(' ')).unwrap_or_default();
    let bearer = bearer.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || bearer.is_empty() || bearer.len() > BEARER_MAX {
        return Err(unauthorized(
            say(
                "Envie o cabeçalho `Authorization: Bearer TOKEN`; `atende tokens add` cria um token.",
                "Send the header `Authorization: Bearer TOKEN`; `atende tokens add` makes a token.",
            ),
            r#"Bearer realm="atende""#,
        ));
    }
    Ok(bearer)
}

fn unauthorized(detail: crate::domain::decision::LocalText, challenge: &'static str) -> Problem {
    Problem::new(Kind::Unauthorized, detail).challenge(challenge)
}

fn forbidden(caller: &Verified, scopes: &[Scope]) -> Problem {
    let needed: Vec<String> = scopes.iter().map(|scope| format!("`{scope}`")).collect();
    let held: Vec<&str> = caller.scopes.iter().map(|scope| scope.as_str()).collect();
    Problem::new(
        Kind::Forbidden,
        say(
            format!(
                "Esta chamada exige o escopo {}; o token `{}` tem: {}.",
                needed.join(" ou "),
                caller.name,
                held.join(", ")
            ),
            format!(
                "This call needs the scope {}; the token `{}` has: {}.",
                needed.join(" or "),
                caller.name,
                held.join(", ")
            ),
        ),
    )
    .with("required_scopes", json!(scopes))
    .challenge(r#"Bearer realm="atende", error="insufficient_scope""#)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{TenantId, TokenId};

    fn caller(name: &str) -> Caller {
        Arc::new(Verified {
            id: TokenId::from_stored(name),
            tenant: TenantId::main(),
            name: name.to_owned(),
            scopes: Vec::new(),
        })
    }

    #[test]
    fn a_verified_token_is_believed_for_seconds_only() {
        let cache = TokenCache::default();
        let start = Instant::now();
        cache.keep([1; 32], &caller("a"), start);
        assert!(cache.find(&[1; 32], start + BELIEVED_FOR / 2).is_some());
        assert!(cache.find(&[1; 32], start + BELIEVED_FOR).is_none());
        assert!(cache.find(&[2; 32], start).is_none());
    }

    #[test]
    fn the_memory_of_tokens_stays_bounded() {
        let cache = TokenCache::default();
        let now = Instant::now();
        for number in 0..3 * REMEMBERED_MAX {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_le_bytes());
            cache.keep(key, &caller("a"), now);
            assert!(cache.find(&key, now).is_some());
            assert!(cache.0.lock().unwrap().len() <= REMEMBERED_MAX);
        }
    }
}
