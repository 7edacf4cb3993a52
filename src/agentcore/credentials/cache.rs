//! Credentials: resolved once for all who need them at the same time, kept until they near their
//! expiry.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};

use super::why::Why;

/// Credentials this close to their expiry are resolved anew: a signed URL lives five minutes, but
/// the service looks at the credentials when the connection is opened.
const REFRESH_BEFORE_EXPIRY: Duration = Duration::from_mins(1);

/// The service's own are of some kilobytes, and no server takes an address of more than twice as much.
const MAX_TOKEN_BYTES: usize = 32 * 1024;

type Resolution = BoxFuture<'static, Result<Credentials, Arc<CredentialsError>>>;

/// A provider behind a cache.
///
/// Those who ask while a resolution is under way share it. It lives as long as one of them waits:
/// a provider that hangs takes no later invocation with it.
pub struct CredentialsCache {
    provider: SharedCredentialsProvider,
    now: fn() -> SystemTime,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    credentials: Option<Credentials>,
    under_way: Option<WeakShared<Resolution>>,
}

impl CredentialsCache {
    /// A cache with nothing in it.
    pub fn new(provider: SharedCredentialsProvider, now: fn() -> SystemTime) -> Self {
        Self {
            provider,
            now,
            state: Mutex::default(),
        }
    }

    /// Credentials that have not expired.
    ///
    /// # Errors
    /// The provider's, the same for all who waited for it. The next to ask asks it again.
    pub async fn get(&self) -> Result<Credentials, Arc<CredentialsError>> {
        let resolution = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            match &state.credentials {
                Some(credentials) if !self.expires_soon(credentials) => {
                    return Ok(credentials.clone());
                }
                _ => self.resolution(&mut state),
            }
        };
        let resolved = resolution.await;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &resolved {
            Ok(credentials) => state.credentials = Some(credentials.clone()),
            // Those that there are still serve for their last minute.
            Err(_) => {
                if let Some(credentials) = state.credentials.as_ref().filter(|c| self.is_valid(c)) {
                    return Ok(credentials.clone());
                }
            }
        }
        resolved
    }

    fn is_valid(&self, credentials: &Credentials) -> bool {
        credentials
            .expiry()
            .is_none_or(|expiry| expiry > (self.now)())
    }

    /// The resolution that is under way, or a new one.
    fn resolution(&self, state: &mut State) -> Shared<Resolution> {
        let under_way = state.under_way.as_ref().and_then(WeakShared::upgrade);
        // One that is over but not yet dropped by all has an answer of the past.
        if let Some(resolution) = under_way.filter(|resolution| resolution.peek().is_none()) {
            return resolution;
        }
        let provider = self.provider.clone();
        let resolution: Resolution = async move {
            let credentials = provider.provide_credentials().await;
            credentials.and_then(usable).map_err(Arc::new)
        }
        .boxed();
        let resolution = resolution.shared();
        state.under_way = resolution.downgrade();
        resolution
    }

    /// Drops credentials that the service would not take, unless others have come since.
    pub fn forget(&self, refused: &Credentials) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.credentials.as_ref() == Some(refused) {
            state.credentials = None;
        }
    }

    fn expires_soon(&self, credentials: &Credentials) -> bool {
        credentials
            .expiry()
            .is_some_and(|expiry| expiry <= (self.now)() + REFRESH_BEFORE_EXPIRY)
    }
}

/// Credentials that a request can carry: the signer would panic where it makes a header of others.
fn usable(credentials: Credentials) -> Result<Credentials, CredentialsError> {
    let token = credentials.session_token().unwrap_or_default();
    let is_plain = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if token.len() > MAX_TOKEN_BYTES {
        Err(Why("the session token has more than 32 KiB").into())
    } else if !is_plain(token) || !is_plain(credentials.access_key_id()) {
        Err(Why("a key or token holds what no header can").into())
    } else {
        Ok(credentials)
    }
}

impl fmt::Debug for CredentialsCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialsCache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_credential_types::provider::future::ProvideCredentials as Provided;
    use tokio::sync::Semaphore;

    use super::super::describe;
    use super::*;

    /// Gives a new key each time, when it is allowed to.
    #[derive(Debug)]
    struct Provider {
        asked: AtomicUsize,
        allowed: Semaphore,
        fail_first: bool,
        lifetime: Duration,
    }

    impl Provider {
        fn new(lifetime: Duration) -> Self {
            Self {
                asked: AtomicUsize::new(0),
                allowed: Semaphore::new(0),
                fail_first: false,
                lifetime,
            }
        }

        async fn provide(&self) -> Result<Credentials, CredentialsError> {
            let asked = self.asked.fetch_add(1, Ordering::SeqCst);
            let allowed = self.allowed.acquire().await;
            allowed.map_err(CredentialsError::provider_error)?.forget();
            if self.fail_first && asked == 0 {
                return Err(CredentialsError::not_loaded("not yet"));
            }
            let expiry = Some(now() + self.lifetime);
            Ok(Credentials::new(
                format!("AKID{asked}"),
                "secret",
                None,
                expiry,
                "test",
            ))
        }
    }

    impl ProvideCredentials for &'static Provider {
        fn provide_credentials<'a>(&'a self) -> Provided<'a>
        where
            Self: 'a,
        {
            Provided::new(self.provide())
        }
    }

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_hours(1_000)
    }

    fn cache(provider: Provider) -> (&'static Provider, CredentialsCache) {
        let provider: &'static Provider = Box::leak(Box::new(provider));
        (
            provider,
            CredentialsCache::new(SharedCredentialsProvider::new(provider), now),
        )
    }

    #[tokio::test]
    async fn concurrent_needs_share_one_resolution() {
        let (provider, cache) = cache(Provider::new(Duration::from_hours(1)));
        let all = futures_util::future::join_all((0..50).map(|_| cache.get()));
        let allow = async { provider.allowed.add_permits(1) };
        let (all, ()) = tokio::join!(all, allow);
        assert!(
            all.iter()
                .all(|got| got.as_ref().unwrap().access_key_id() == "AKID0")
        );
        assert_eq!(cache.get().await.unwrap().access_key_id(), "AKID0");
        assert_eq!(provider.asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn what_expires_soon_is_resolved_anew() {
        let (provider, cache) = cache(Provider::new(Duration::from_secs(59)));
        provider.allowed.add_permits(2);
        assert_eq!(cache.get().await.unwrap().access_key_id(), "AKID0");
        assert_eq!(cache.get().await.unwrap().access_key_id(), "AKID1");
    }

    #[tokio::test]
    async fn a_failure_is_not_kept() {
        let provider = Provider {
            fail_first: true,
            ..Provider::new(Duration::from_hours(1))
        };
        let (provider, cache) = cache(provider);
        provider.allowed.add_permits(2);
        assert!(cache.get().await.is_err());
        assert_eq!(cache.get().await.unwrap().access_key_id(), "AKID1");
    }

    #[tokio::test]
    async fn those_that_there_are_serve_to_their_end() {
        let (provider, cache) = cache(Provider::new(Duration::from_secs(59)));
        provider.allowed.add_permits(1);
        let first = cache.get().await.unwrap();
        provider.allowed.close();
        assert_eq!(cache.get().await.unwrap(), first);
    }

    #[tokio::test]
    async fn a_provider_that_hangs_is_left_with_those_who_waited() {
        let (provider, cache) = cache(Provider::new(Duration::from_hours(1)));
        assert!(
            cache.get().now_or_never().is_none(),
            "it hangs, and is given up"
        );
        provider.allowed.add_permits(1);
        assert_eq!(cache.get().await.unwrap().access_key_id(), "AKID1");
    }

    #[tokio::test]
    async fn refused_credentials_are_forgotten_once() {
        let (provider, cache) = cache(Provider::new(Duration::from_hours(1)));
        provider.allowed.add_permits(2);
        let first = cache.get().await.unwrap();
        cache.forget(&first);
        let second = cache.get().await.unwrap();
        assert_ne!(first, second);
        cache.forget(&first);
        assert_eq!(cache.get().await.unwrap(), second);
    }

    #[tokio::test]
    async fn what_no_request_can_carry_is_an_error_and_no_panic() {
        let (long, longest) = ("a".repeat(65_536), "a".repeat(MAX_TOKEN_BYTES));
        for (key, token, told) in [
            (
                "AKID",
                Some(&*long),
                "the session token has more than 32 KiB",
            ),
            (
                "AKID",
                Some("token\n"),
                "a key or token holds what no header can",
            ),
            (
                "AK\u{e9}ID",
                None,
                "a key or token holds what no header can",
            ),
            ("AKID", Some(&*longest), ""),
        ] {
            let token = token.map(str::to_owned);
            let provider = Credentials::new(key, "secret", token, None, "test");
            let cache = CredentialsCache::new(SharedCredentialsProvider::new(provider), now);
            let got = cache.get().await;
            assert_eq!(got.err().map_or("", |error| describe(&error)), told);
        }
    }
}
