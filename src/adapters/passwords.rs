//! Passwords of the team as hashes, and secrets that nobody can guess.
//!
//! Hashing is slow and takes memory on purpose. It runs on threads that may block, a few at once; who finds too many
//! waiting is told to come back, so that a flood of attempts takes neither memory nor the time of other requests.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error as HashError, PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::account::normal_password;
use crate::ports::{PortError, PortErrorKind};

/// Memory of one hashing in KiB, passes over it, lanes: what OWASP recommends for argon2id, "a minimum configuration of 19 MiB
/// of memory, an iteration count of 2, and 1 degree of parallelism"
/// (<https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html>).
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
/// How many are hashed at once: 76 MiB at the most.
const AT_ONCE: usize = 4;
/// How many more may wait for their turn; at some 30 ms each the last of them waits for less than a second.
const WAITING_MAX: usize = 64;
/// A hash of the same cost that no password has, so that an unknown login takes as long as a known one.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// The signs of a password that is read out or typed from paper: 32, none of them like another one.
const PLAIN_SIGNS: &[u8; 32] = b"abcdefghjkmnopqrstuvwxyz23456789";
/// Groups of four signs in such a password: 80 bits.
const GROUPS: usize = 4;

/// Hashes and compares; cloning shares the bound on how many at once.
#[derive(Clone, Debug)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            places: Arc::new(Semaphore::new(AT_ONCE + WAITING_MAX)),
        }
    }
}

impl Passwords {
    /// Returns the hash of a password, as a PHC string.
    pub async fn hash(&self, password: &str) -> Result<String, PortError> {
        let password = normal_password(password);
        self.run(move || {
            let hash = hasher()?.hash_password(password.as_bytes()).map_err(broken)?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Tells whether a password is the one of a hash. Without a hash the answer is no, after as much work.
    pub async fn verify(&self, hash: Option<String>, password: &str) -> Result<bool, PortError> {
        let password = normal_password(password);
        self.run(move || {
            // An account that is entered by links alone has no hash.
            let hash = hash.filter(|hash| !hash.is_empty());
            let known = hash.is_some();
            let hash = hash.unwrap_or_else(|| DECOY.to_owned());
            let hash = PasswordHash::new(&hash).map_err(broken)?;
            match hasher()?.verify_password(password.as_bytes(), &hash) {
                Ok(()) => Ok(known),
                Err(HashError::PasswordInvalid) => Ok(false),
                Err(error) => Err(broken(error)),
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PortError> + Send + 'static,
    ) -> Result<T, PortError> {
        let turn = self.turn().await?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            // Held to the end of the work, not of the request: who goes away early frees no place.
            drop(turn);
            done
        });
        done.await.map_err(|error| PortError::new(OPERATION, PortErrorKind::Permanent, error))?
    }

    async fn turn(&self) -> Result<[OwnedSemaphorePermit; 2], PortError> {
        let busy = |error| {
            PortError::new(
                OPERATION,
                PortErrorKind::Throttled { after: Duration::from_secs(2) },
                error,
            )
        };
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn =
            turn.map_err(|error| PortError::new(OPERATION, PortErrorKind::Transient, error))?;
        Ok([place, turn])
    }
}

const OPERATION: &str = "hash password";

fn hasher() -> Result<Argon2<'static>, PortError> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).map_err(broken)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn broken(error: impl std::fmt::Display) -> PortError {
    PortError::permanent(OPERATION, error)
}

/// Returns 256 random bits as text: a session, a link, the token of a form.
pub fn fresh_secret() -> Result<String, PortError> {
    random().map(|bytes: [u8; 32]| hex::encode(bytes))
}

/// Returns a password for somebody to sign in with once and to replace: `k7mq-2x9w-4ptn-hd3s`.
pub fn temporary_password() -> Result<String, PortError> {
    let bytes: [u8; 4 * GROUPS] = random()?;
    let groups = bytes.chunks(4).map(|group| {
        let signs = group.iter().filter_map(|byte| PLAIN_SIGNS.get(usize::from(byte % 32)));
        signs.map(|sign| char::from(*sign)).collect::<String>()
    });
    Ok(groups.collect::<Vec<_>>().join("-"))
}

fn random<const N: usize>() -> Result<[u8; N], PortError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| PortError::permanent("read random bytes", error))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_alone() {
        let passwords = Passwords::default();
        let hash = passwords.hash("pão de queijo quente").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let is = |hash: Option<String>, password: &'static str| {
            let passwords = passwords.clone();
            async move { passwords.verify(hash, password).await.unwrap() }
        };
        assert!(is(Some(hash.clone()), "pão de queijo quente").await);
        assert!(is(Some(hash.clone()), "pa\u{303}o de queijo quente").await, "composed elsewhere");
        assert!(!is(Some(hash.clone()), "pao de queijo quente").await);
        assert!(!is(None, "pão de queijo quente").await);
        assert_ne!(hash, passwords.hash("pão de queijo quente").await.unwrap(), "salted");
        assert!(passwords.verify(Some("plain".to_owned()), "plain").await.is_err());
    }

    #[test]
    fn an_unknown_login_takes_as_much_work_as_a_known_one() {
        let decoy = PasswordHash::new(DECOY).unwrap();
        let params = Params::try_from(&decoy).unwrap();
        assert_eq!((params.m_cost(), params.t_cost(), params.p_cost()), COST);
        assert_eq!(decoy.hash.unwrap().len(), 32);
    }

    #[tokio::test]
    async fn who_finds_too_many_waiting_is_told_to_come_back() {
        let passwords = Passwords { places: Arc::new(Semaphore::new(0)), ..Passwords::default() };
        let error = passwords.hash("x").await.unwrap_err();
        assert!(matches!(error.kind, PortErrorKind::Throttled { .. }), "{error:?}");
    }

    #[test]
    fn a_temporary_password_is_read_out_easily_and_never_the_same() {
        let one = temporary_password().unwrap();
        assert_eq!(one.len(), 19);
        assert!(
            one.split('-').all(|group| group.len() == 4 && !group.contains(['0', '1', 'l', 'i']))
        );
        assert_ne!(one, temporary_password().unwrap());
        let signs: std::collections::BTreeSet<&u8> = PLAIN_SIGNS.iter().collect();
        assert_eq!(signs.len(), 32, "each sign is as likely as any other");
    }
}
