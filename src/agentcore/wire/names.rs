//! Addresses of hosts, remembered for a short time.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// Half of what AWS's name servers let others remember an endpoint's addresses for. The resolver does
/// not say how long that is.
const REMEMBERED_FOR: Duration = Duration::from_secs(30);

/// There are few endpoints: one for each region of the agents, and their services.
const MAX_HOSTS: usize = 64;

/// What the resolver said last. Lambda has no cache of its own, and the resolver of a VPC takes 1,024
/// packets a second of a function's network interface.
///
/// The wall clock counts, since it goes on while Lambda has frozen the process.
pub(super) struct Names {
    now: fn() -> SystemTime,
    hosts: Mutex<HashMap<String, Host>>,
}

struct Host {
    addresses: Vec<SocketAddr>,
    since: SystemTime,
}

impl Names {
    pub(super) fn new(now: fn() -> SystemTime) -> Self {
        Self {
            now,
            hosts: Mutex::default(),
        }
    }

    /// The addresses of a host, if they were asked for a short time ago.
    pub(super) fn recall(&self, host: &str, port: u16) -> Option<Vec<SocketAddr>> {
        let now = (self.now)();
        let hosts = self.hosts();
        let found = hosts.get(host).filter(|found| found.is_fresh(now))?;
        let addresses = found.addresses.iter().copied().map(|mut address| {
            address.set_port(port);
            address
        });
        Some(addresses.collect())
    }

    /// Remembers what the resolver said.
    pub(super) fn remember(&self, host: &str, addresses: &[SocketAddr]) {
        let since = (self.now)();
        let mut hosts = self.hosts();
        hosts.retain(|_, host| host.is_fresh(since));
        if hosts.len() < MAX_HOSTS || hosts.contains_key(host) {
            let addresses = addresses.to_vec();
            hosts.insert(host.to_owned(), Host { addresses, since });
        }
    }

    /// Something went wrong at one of the addresses: the resolver may know better by now.
    pub(super) fn forget(&self, host: &str) {
        self.hosts().remove(host);
    }

    fn hosts(&self) -> MutexGuard<'_, HashMap<String, Host>> {
        // Each change is a whole one, so a panic leaves nothing half done.
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Host {
    /// A clock that was set back says nothing of what was before.
    fn is_fresh(&self, now: SystemTime) -> bool {
        let age = now.duration_since(self.since);
        age.is_ok_and(|age| age < REMEMBERED_FOR)
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_are_remembered_for_their_time_and_no_longer() {
        static SECONDS: AtomicU64 = AtomicU64::new(1_000);
        let names = Names::new(|| {
            SystemTime::UNIX_EPOCH + Duration::from_secs(SECONDS.load(Ordering::Relaxed))
        });
        assert_eq!(names.recall("a", 443), None);
        names.remember("a", &[address("1.1.1.1:443"), address("[::1]:443")]);
        for (second, is_there) in [(1_000, true), (1_029, true), (1_030, false), (999, false)] {
            SECONDS.store(second, Ordering::Relaxed);
            let expected = is_there.then(|| vec![address("1.1.1.1:80"), address("[::1]:80")]);
            assert_eq!(names.recall("a", 80), expected, "{second}");
        }
        names.remember("a", &[address("1.1.1.2:443")]);
        assert_eq!(names.recall("a", 443), Some(vec![address("1.1.1.2:443")]));
        names.forget("a");
        assert_eq!(names.recall("a", 443), None);
    }

    #[test]
    fn no_more_hosts_are_remembered_than_there_may_be() {
        let names = Names::new(|| SystemTime::UNIX_EPOCH);
        for host in 0..2 * MAX_HOSTS {
            names.remember(&host.to_string(), &[address("1.1.1.1:443")]);
        }
        assert_eq!(names.hosts().len(), MAX_HOSTS);
        let newer = [address("1.1.1.2:443")];
        names.remember("0", &newer);
        assert_eq!(names.recall("0", 443), Some(newer.to_vec()));
    }
}
