//! An agent at the pace of a real one with a language model, for load tests and simulations.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    ops::RangeInclusive,
    time::Duration,
};

use serde_json::json;

use super::{
    Agent, Turn,
    formats::{event, sdk_failure},
};
use crate::Step;

/// What the tokens of a reply say, over and over.
const WORDS: [&str; 8] = [
    "The ",
    "harbour ",
    "opens ",
    "at ",
    "seven, ",
    "weather ",
    "permitting",
    ". ",
];

/// How an agent with a language model behaves in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long it thinks before its first word, in milliseconds, evenly distributed.
    pub first_ms: RangeInclusive<u64>,
    /// How many tokens a reply has, evenly distributed.
    pub tokens: RangeInclusive<u64>,
    /// The pause between two tokens, in milliseconds.
    pub token_ms: u64,
    /// How many replies in a thousand are slow, and how many times slower in all.
    pub slow: (u64, u64),
    /// How many replies in a thousand fail: every other one before its first word.
    pub failing: u64,
}

/// One reply, decided before it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedReply {
    /// The pause before the first token.
    pub first: Duration,
    /// The number of tokens; of a reply that fails, those before it fails.
    pub tokens: u64,
    /// The pause between two tokens.
    pub token: Duration,
    /// Whether it fails after those tokens.
    pub fails: bool,
}

impl Pace {
    /// First words after 0.4 to 2 s, then 20 tokens a second; 5 % of the replies take three times
    /// as long, and 1 % fail.
    #[must_use]
    pub fn realistic() -> Self {
        Self {
            first_ms: 400..=2000,
            tokens: 20..=120,
            token_ms: 50,
            slow: (50, 3),
            failing: 10,
        }
    }

    /// Decides a reply. The same seed always gives the same one.
    #[must_use]
    pub fn plan(&self, seed: u64) -> PlannedReply {
        let mut random = SplitMix(seed);
        let (share, factor) = self.slow;
        let factor = if random.one_of(1000) < share {
            factor
        } else {
            1
        };
        let first = random.within(&self.first_ms) * factor;
        let tokens = random.within(&self.tokens);
        let fails = random.one_of(1000) < self.failing;
        let tokens = match (fails, random.one_of(2)) {
            (false, _) => tokens,
            (true, 0) => 0,
            (true, _) => tokens / 2,
        };
        PlannedReply {
            first: Duration::from_millis(first),
            tokens,
            token: Duration::from_millis(self.token_ms * factor),
            fails,
        }
    }
}

impl PlannedReply {
    /// How long it takes, its last token included.
    #[must_use]
    pub fn whole(&self) -> Duration {
        let pauses = u32::try_from(self.tokens.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first + self.token * pauses
    }
}

impl Agent {
    /// Replies at a pace, as `data: {"chunk": …}` events and `data: [DONE]`. A failure before the
    /// first word is an error event, a later one a connection that is reset.
    #[must_use]
    pub fn paced(pace: Pace) -> Self {
        Self::replying(move |turn| steps(&pace.plan(seed(turn))))
    }

    /// [`Agent::paced`] as real agents are: [`Pace::realistic`].
    #[must_use]
    pub fn assistant() -> Self {
        Self::paced(Pace::realistic())
    }
}

fn steps(reply: &PlannedReply) -> Vec<Step> {
    let mut steps = vec![Step::Pause(reply.first)];
    for (n, word) in (0..reply.tokens).zip(WORDS.iter().cycle()) {
        if n > 0 {
            steps.push(Step::Pause(reply.token));
        }
        steps.push(Step::text(event(&json!({ "chunk": word }))));
    }
    steps.push(match (reply.fails, reply.tokens) {
        (false, _) => Step::text("data: [DONE]\n\n"),
        (true, 0) => Step::text(event(&sdk_failure())),
        (true, _) => Step::Reset,
    });
    steps
}

/// Another reply for each turn of each session, and the same one whenever it is run again.
fn seed(turn: &Turn) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&turn.runtime_session_id, turn.turn_number).hash(&mut hasher);
    hasher.finish()
}

/// The generator that other generators are seeded with: Steele, Lea and Flood, "Fast splittable
/// pseudorandom number generators" (2014).
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn one_of(&mut self, number: u64) -> u64 {
        self.next() % number
    }

    fn within(&mut self, range: &RangeInclusive<u64>) -> u64 {
        range.start() + self.one_of(range.end() - range.start() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plans() -> Vec<PlannedReply> {
        (0..20_000).map(|n| Pace::realistic().plan(n)).collect()
    }

    /// The share of those plans, in thousandths.
    fn share(of: impl Fn(&PlannedReply) -> bool) -> usize {
        plans().iter().filter(|plan| of(plan)).count() / 20
    }

    #[test]
    fn replies_are_as_slow_and_fail_as_often_as_the_pace_says() {
        assert!((45..=55).contains(&share(|plan| plan.token.as_millis() == 150)));
        assert!((8..=12).contains(&share(|plan| plan.fails)));
        assert!((3..=7).contains(&share(|plan| plan.fails && plan.tokens == 0)));
        for plan in plans() {
            let slowness = plan.token.as_millis() / 50;
            assert!((400..=2000).contains(&(plan.first.as_millis() / slowness)));
            assert!(plan.fails || (20..=120).contains(&plan.tokens), "{plan:?}");
        }
    }

    #[test]
    fn the_same_turn_of_a_session_is_the_same_reply_and_another_turn_another() {
        let turn = |number| Turn {
            prompt: "Hello".into(),
            session_id: "s".into(),
            message: String::new(),
            runtime_session_id: "r".into(),
            turn_number: number,
            history: Vec::new(),
        };
        let agent = Agent::assistant();
        assert_eq!(agent.reply(&turn(1)), agent.reply(&turn(1)));
        assert_ne!(agent.reply(&turn(1)), agent.reply(&turn(2)));
    }

    #[test]
    fn the_steps_take_as_long_as_planned() {
        for plan in plans().iter().take(100) {
            let pauses = steps(plan).into_iter().filter_map(|step| match step {
                Step::Pause(time) => Some(time),
                _ => None,
            });
            assert_eq!(pauses.sum::<Duration>(), plan.whole());
        }
    }

    #[test]
    fn a_reply_ends_as_planned() {
        let end = |fails, tokens| {
            let [first, token] = [1, 2].map(Duration::from_millis);
            let plan = PlannedReply {
                first,
                tokens,
                token,
                fails,
            };
            steps(&plan).pop().unwrap()
        };
        assert_eq!(end(false, 2), Step::text("data: [DONE]\n\n"));
        assert_eq!(end(true, 2), Step::Reset);
        assert!(matches!(end(true, 0), Step::Text(text) if text.contains("error")));
    }
}
