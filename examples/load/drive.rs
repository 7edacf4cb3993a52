//! Conversations: how many there are, and when each says something.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_rustls::TlsConnector;
use uuid::Uuid;

use crate::client::Client;
use crate::record::{Record, Turn};
use crate::target::Target;

/// What all conversations of a step have in common.
#[derive(Clone)]
pub(crate) struct Driver {
    pub(crate) target: Arc<Target>,
    pub(crate) tls: TlsConnector,
    pub(crate) turns: u32,
    pub(crate) think: Duration,
    pub(crate) timeout: Duration,
    pub(crate) seed: u64,
    pub(crate) record: Arc<Mutex<Record>>,
    /// When no further turn begins. Those that have begun may end.
    pub(crate) end: Instant,
}

impl Driver {
    /// So many conversations at any time: where one ends, its person begins the next.
    pub(crate) async fn closed(&self, number: u32) {
        let began = Instant::now();
        let mut people = JoinSet::new();
        for person in 0..number {
            let driver = self.clone();
            // Spread over the first think time, or all would talk in step.
            let begins = began + self.think * person / number;
            people.spawn(async move {
                let mut random = driver.random(u64::from(person));
                let mut due = begins;
                while due < driver.end {
                    due = driver.conversation(due, &mut random).await;
                }
            });
        }
        while people.join_next().await.is_some() {}
        // All of them may think beyond it.
        sleep_until(self.end).await;
    }

    /// So many new conversations in a second, at random times, whatever became of the others.
    pub(crate) async fn open(&self, rate: f64, max_open: usize) {
        let mut random = self.random(u64::MAX);
        let mut conversations = JoinSet::new();
        let mut due = Instant::now();
        for number in 0.. {
            // Gaps between independent arrivals are exponentially distributed.
            let gap = -(1.0 - random.random::<f64>()).ln() / rate;
            due += Duration::from_secs_f64(gap);
            if due >= self.end {
                break;
            }
            sleep_until(due).await;
            while conversations.try_join_next().is_some() {}
            if conversations.len() >= max_open {
                self.record().not_sent("not sent: --max-open are open");
                continue;
            }
            let driver = self.clone();
            conversations.spawn(async move {
                let mut random = driver.random(number);
                driver.conversation(due, &mut random).await;
            });
        }
        sleep_until(self.end).await;
        while conversations.join_next().await.is_some() {}
    }

    /// One conversation, whose first turn is due at a time. Returns when the next one would be.
    async fn conversation(&self, due: Instant, random: &mut StdRng) -> Instant {
        let mut client = Client::new(Arc::clone(&self.target), self.tls.clone(), self.timeout);
        let session = format!("load-{}", Uuid::from_u128(random.random()));
        let mut due = due;
        for _ in 0..self.turns {
            if due >= self.end {
                break;
            }
            sleep_until(due).await;
            let sent = Instant::now();
            let answer = client.ask(&session).await;
            let ended = Instant::now();
            self.record().turn(&Turn {
                due,
                sent,
                ended,
                answer,
            });
            due = ended + self.think.mul_f64(random.random_range(0.5..1.5));
        }
        due
    }

    fn random(&self, of: u64) -> StdRng {
        StdRng::seed_from_u64(
            self.seed
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .wrapping_add(of),
        )
    }

    /// No lock is held across code that can panic, so what is in it is consistent.
    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
