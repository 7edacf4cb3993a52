//! TCP to one of a host's addresses, raced as RFC 8305 (happy eyeballs) says.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// How long an address has before the next is tried beside it: what RFC 8305, section 5, recommends.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// When the kernel asks an idle peer whether it is still there. A NAT gateway forgets a connection
/// after 350 s without a word.
const KEEP_ALIVE_AFTER: Duration = Duration::from_mins(1);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// The addresses that earlier attempts at the same thing began with: an address that takes
/// connections and then swallows what is said would be every attempt's, else.
#[derive(Debug, Default)]
pub(in crate::agentcore) struct Begun(Vec<IpAddr>);

impl Begun {
    /// Whether there was no attempt yet.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Moves one to the front that was begun with least often, and not just now, and notes it.
    fn elsewhere(&mut self, addresses: &mut [SocketAddr]) {
        let weight = |address: &SocketAddr| {
            let times = self.0.iter().filter(|ip| **ip == address.ip()).count();
            (times, self.0.last() == Some(&address.ip()))
        };
        let first = addresses.iter().enumerate();
        let first = first.min_by_key(|(_, address)| weight(address));
        if let Some((index, address)) = first {
            self.0.push(address.ip());
            addresses.rotate_left(index);
        }
    }
}

/// A connection to the first of a host's addresses that takes one.
pub(super) async fn dial(found: &[SocketAddr], begun: &mut Begun) -> io::Result<TcpStream> {
    let mut addresses = interleave(found);
    begun.elsewhere(&mut addresses);
    let tcp = race(&addresses).await?;
    // Every write is a whole message: nothing to wait for.
    tcp.set_nodelay(true)?;
    let keep_alive = TcpKeepalive::new()
        .with_time(KEEP_ALIVE_AFTER)
        .with_interval(KEEP_ALIVE_INTERVAL);
    SockRef::from(&tcp).set_tcp_keepalive(&keep_alive)?;
    Ok(tcp)
}

/// RFC 8305, section 4: the resolver's order, the families by turns, so that one family that leads
/// nowhere holds nothing up.
fn interleave(found: &[SocketAddr]) -> Vec<SocketAddr> {
    let is_first_family = |address: &&SocketAddr| address.is_ipv6() == found[0].is_ipv6();
    let (first, other): (Vec<_>, Vec<_>) = found.iter().partition(is_first_family);
    let turns = 0..first.len().max(other.len());
    let turns = turns.flat_map(|turn| [first.get(turn), other.get(turn)]);
    turns.flatten().copied().copied().collect()
}

/// The first that connects. Each has [`ATTEMPT_DELAY`] before the next is tried too, which is tried at
/// once where one fails.
async fn race(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut waiting = addresses.iter();
    let mut under_way = FuturesUnordered::new();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "a name without an address");
    loop {
        if let Some(address) = waiting.next() {
            under_way.push(TcpStream::connect(*address));
        } else if under_way.is_empty() {
            return Err(last);
        }
        let has_more = waiting.len() > 0;
        tokio::select! {
            Some(connected) = under_way.next() => match connected {
                Ok(tcp) => return Ok(tcp),
                Err(error) => last = error,
            },
            () = tokio::time::sleep(ATTEMPT_DELAY), if has_more => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use socket2::{Domain, Socket, Type};
    use tokio::net::TcpListener;
    use tokio::time::{Instant, timeout};

    use super::*;

    /// An address that answers no SYN: a listener that takes nothing, with as many in its queue as fit.
    /// It swallows as long as what is given lives.
    async fn swallowing() -> (SocketAddr, Vec<Socket>) {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        listener.bind(&any.into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let mut held = vec![listener];
        loop {
            match timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
                Ok(tcp) => held.push(Socket::from(tcp.unwrap().into_std().unwrap())),
                Err(_) => return (address, held),
            }
        }
    }

    /// An address where nobody listens.
    async fn refusing() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    }

    #[tokio::test]
    async fn an_address_that_swallows_costs_its_delay_and_no_more() {
        let (swallows, _held) = swallowing().await;
        let good = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = (good.local_addr().unwrap(), good);
        let start = Instant::now();
        let tcp = race(&[swallows, swallows, good.0]).await.unwrap();
        assert_eq!(tcp.peer_addr().unwrap(), good.0);
        assert!(start.elapsed() >= 2 * ATTEMPT_DELAY, "each has its delay");
    }

    #[tokio::test]
    async fn an_address_that_refuses_costs_no_delay() {
        const REFUSING: u32 = 20;
        let good = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut addresses = Vec::new();
        for _ in 0..REFUSING {
            addresses.push(refusing().await);
        }
        addresses.push(good.local_addr().unwrap());
        let start = Instant::now();
        let tcp = race(&addresses).await.unwrap();
        assert_eq!(tcp.peer_addr().unwrap(), good.local_addr().unwrap());
        assert!(start.elapsed() < ATTEMPT_DELAY * REFUSING / 2);
    }

    #[tokio::test]
    async fn where_none_connects_the_last_error_is_told() {
        let addresses = [refusing().await, refusing().await];
        let error = race(&addresses).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let error = race(&[]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        let address = |text: &&str| SocketAddr::from((text.parse::<IpAddr>().unwrap(), 443));
        texts.iter().map(address).collect()
    }

    #[test]
    fn families_take_turns_and_the_resolvers_first_stays_first() {
        for (found, expected) in [
            (
                &["::1", "::2", "::3", "1.1.1.1"][..],
                &["::1", "1.1.1.1", "::2", "::3"][..],
            ),
            (
                &["1.1.1.1", "1.1.1.2", "::1", "::2"],
                &["1.1.1.1", "::1", "1.1.1.2", "::2"],
            ),
            (&["1.1.1.1", "1.1.1.2"], &["1.1.1.1", "1.1.1.2"]),
            (&[], &[]),
        ] {
            assert_eq!(interleave(&addresses(found)), addresses(expected));
        }
    }

    /// Also where the resolver gives them in another order each time.
    #[test]
    fn each_attempt_begins_with_another_address() {
        let all = addresses(&["1.1.1.1", "1.1.1.2", "1.1.1.3"]);
        let mut begun = Begun::default();
        let mut first = Vec::new();
        for turn in 0..9 {
            let mut found = all.clone();
            found.rotate_left(turn * 2 % 3);
            begun.elsewhere(&mut found);
            assert_eq!(found.len(), all.len());
            assert_ne!(first.last(), Some(&found[0]), "after {first:?}");
            first.push(found[0]);
        }
        for address in &all {
            assert_eq!(first.iter().filter(|begun| *begun == address).count(), 3);
        }
        let mut only = addresses(&["1.1.1.1"]);
        begun.elsewhere(&mut only);
        begun.elsewhere(&mut []);
    }

    #[tokio::test]
    async fn the_kernel_asks_whether_an_idle_peer_is_there() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tcp = dial(&[address], &mut Begun::default()).await.unwrap();
        let socket = SockRef::from(&tcp);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), KEEP_ALIVE_AFTER);
        assert_eq!(
            socket.tcp_keepalive_interval().unwrap(),
            KEEP_ALIVE_INTERVAL
        );
    }
}
