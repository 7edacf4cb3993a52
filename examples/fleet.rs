//! A fleet, simulated: what callers meet, and what it costs, when many talk at once. The rules are
//! those of AWS (docs/scaling.md says where it says so); quotas, times and prices are inputs.
#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::collections::BTreeMap;
use std::time::Duration;

use agentcore_emulator::Pace;
use clap::{Parser, ValueEnum};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use inputs::Inputs;

#[path = "fleet/inputs.rs"]
mod inputs;
#[path = "fleet/report.rs"]
mod report;
#[cfg(test)]
#[path = "fleet/tests.rs"]
mod tests;

/// Simulates API Gateway, Lambda and `AgentCore` Runtime under load.
#[derive(Parser)]
struct Options {
    /// Conversations that begin in a minute
    #[arg(long, value_delimiter = ',', default_value = "1,100,10000")]
    per_minute: Vec<f64>,
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "buffered,streamed,managed"
    )]
    mode: Vec<Mode>,
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "steady,bell,slow-agent"
    )]
    scenario: Vec<Scenario>,
    #[command(flatten)]
    inputs: Inputs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Mode {
    #[default]
    Buffered,
    Streamed,
    /// Streams from Managed Instances
    Managed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Scenario {
    #[default]
    Steady,
    /// In the eleventh minute ten times as many conversations begin: a lesson, a broadcast
    Bell,
    /// From the eleventh to the twentieth minute agents are five times slower
    SlowAgent,
}

/// A token bucket, full at first: what was taken, and when.
#[derive(Default)]
struct Bucket(f64, f64);

impl Bucket {
    fn take(&mut self, now: f64, rate: f64, burst: f64) -> bool {
        let used = (self.0 - (now - self.1) * rate).max(0.0);
        let has_room = used + 1.0 <= burst;
        *self = Self(used + f64::from(u8::from(has_room)), now);
        has_room
    }
}

/// A turn that an environment has taken.
#[derive(Clone, Copy)]
struct Turn {
    of: usize,
    asked: f64,
    deadline: f64,
    attempt: i32,
}

enum Event {
    Ask(usize),
    Try(Turn),
    /// With the time of the first words, and the error.
    End(Turn, Option<f64>, Option<&'static str>),
    Idle(usize),
    Scale,
}

#[derive(Default)]
struct Conversation {
    asked: f64,
    /// Of its session: since when it lives, from when on it answers, when it was used last.
    session: Option<[f64; 3]>,
}

#[derive(Default)]
struct Fleet {
    inputs: Inputs,
    scenario: Scenario,
    mode: Mode,
    per_minute: f64,
    drawn: u64,
    /// By time in microseconds, and by number where that is equal.
    events: BTreeMap<(u64, usize), Event>,
    number: usize,
    conversations: Vec<Conversation>,
    gateway: Bucket,
    new_environments: Bucket,
    calls: Bucket,
    new_sessions: Bucket,
    pool: Bucket,
    /// Environments that wait for an invocation, with since when.
    idle: Vec<f64>,
    instances: f64,
    running: f64,
    /// The most at once in this minute, and of all time.
    busiest: f64,
    most_running: f64,
    sessions: f64,
    most_sessions: f64,
    turns: f64,
    /// By status, and who says so.
    errors: BTreeMap<&'static str, f64>,
    /// Seconds from the prompt to the first words that a caller sees, and to the end.
    first: Vec<f64>,
    whole: Vec<f64>,
    /// Requests to Lambda, and seconds of invocations, instances, and sessions.
    spent: [f64; 4],
}

fn simulate(inputs: &Inputs, scenario: Scenario, mode: Mode, per_minute: f64) -> Fleet {
    let mut fleet = Fleet {
        inputs: *inputs,
        scenario,
        mode,
        per_minute,
        drawn: inputs.seed.to_bits(),
        instances: inputs.instances,
        ..Fleet::default()
    };
    fleet.arrive(0.0, inputs.minutes * 60.0, per_minute);
    if scenario == Scenario::Bell {
        fleet.arrive(600.0, 660.0, per_minute * 9.0);
    }
    fleet.at(60.0, Event::Scale);
    while let Some(((us, _), event)) = fleet.events.pop_first() {
        let now = Duration::from_micros(us).as_secs_f64();
        match event {
            Event::Ask(of) => fleet.ask(of, now),
            Event::Try(turn) => fleet.attempt(turn, now),
            Event::End(turn, first, error) => fleet.end(turn, first, error, now),
            Event::Idle(of) => fleet.close(of, now),
            Event::Scale => fleet.scale(now),
        }
    }
    fleet
}

impl Fleet {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "some hours"
    )]
    fn at(&mut self, time: f64, event: Event) {
        self.number += 1;
        let time = (time * 1e6) as u64;
        self.events.insert((time, self.number), event);
    }

    fn within(&mut self, least: f64, most: f64) -> f64 {
        self.drawn += 1;
        let share: f64 = StdRng::seed_from_u64(self.drawn).random();
        least + share * (most - least)
    }

    /// Conversations that begin independently of each other.
    fn arrive(&mut self, from: f64, to: f64, per_minute: f64) {
        let mut time = from;
        loop {
            time -= self.within(1.0, 0.0).ln() * 60.0 / per_minute;
            if time >= to {
                return;
            }
            self.at(time, Event::Ask(self.conversations.len()));
            self.conversations.push(Conversation::default());
        }
    }

    fn ask(&mut self, of: usize, now: f64) {
        self.turns += 1.0;
        self.conversations[of].asked += 1.0;
        let invoked = match self.admit(now) {
            Ok(cold_start) => now + cold_start,
            Err(refused) => return self.next(of, Some(refused), now),
        };
        self.spent[0] += 1.0;
        self.running += 1.0;
        self.busiest = self.busiest.max(self.running);
        self.most_running = self.most_running.max(self.running);
        let limit = match self.mode {
            Mode::Buffered => self.inputs.buffered_s,
            _ => self.inputs.streamed_s,
        };
        let turn = Turn {
            of,
            asked: now,
            deadline: invoked + limit,
            attempt: 0,
        };
        self.at(invoked, Event::Try(turn));
    }

    /// The time until an environment takes the request.
    fn admit(&mut self, now: f64) -> Result<f64, &'static str> {
        let inputs = self.inputs;
        let (rate, burst) = (inputs.gateway_rate, inputs.gateway_burst);
        if !self.gateway.take(now, rate, burst) {
            return Err("429 gateway");
        }
        if self.mode == Mode::Managed {
            let has_room = self.running < self.instances.floor() * inputs.at_once;
            return has_room.then_some(0.0).ok_or("429 instances");
        }
        if self.running >= inputs.concurrency {
            return Err("429 concurrency");
        }
        let kept = now - inputs.environment_idle_s;
        if self.idle.pop().is_some_and(|since| since >= kept) {
            return Ok(0.0);
        }
        // The one that was used last is gone, so all are.
        self.idle.clear();
        let most = inputs.new_environments;
        let starts = self.new_environments.take(now, most / 10.0, most);
        let cold_start = starts.then_some(inputs.cold_start_s);
        cold_start.ok_or("429 new environments")
    }

    fn attempt(&mut self, turn: Turn, now: f64) {
        let wait = match self.session(turn.of, now) {
            Ok(answers) => (answers - now).max(0.0),
            Err(refused) => return self.again(turn, refused, now),
        };
        if wait > self.inputs.handshake_s {
            // The micro-VM goes on starting.
            return self.again(turn, "504 micro-VM", now + self.inputs.handshake_s);
        }
        let is_slow = self.scenario == Scenario::SlowAgent;
        let mut slower = self.inputs.slower;
        if is_slow && (600.0..1200.0).contains(&now) {
            slower *= 5.0;
        }
        self.drawn += 1;
        let reply = Pace::realistic().plan(self.drawn);
        let begins = now + wait + self.inputs.connect_s;
        let first = begins + reply.first.as_secs_f64() * slower;
        let last = begins + reply.whole().as_secs_f64() * slower;
        let (end, error) = match reply.tokens {
            _ if first > turn.deadline => (turn.deadline, Some("504 agent")),
            0 => (first, Some("500 agent")),
            _ if last > turn.deadline => (turn.deadline, Some("200 incomplete")),
            _ if reply.fails => (last, Some("200 broken off")),
            _ => (last, None),
        };
        let is_seen = first <= turn.deadline && reply.tokens > 0;
        let seen = match self.mode {
            Mode::Buffered => end,
            _ => first,
        };
        self.at(end, Event::End(turn, is_seen.then_some(seen), error));
    }

    /// From when on the conversation's session answers.
    fn session(&mut self, of: usize, now: f64) -> Result<f64, &'static str> {
        let inputs = self.inputs;
        if !self.calls.take(now, inputs.calls_per_s, inputs.calls_per_s) {
            return Err("503 calls");
        }
        if let Some([_, answers, used]) = &mut self.conversations[of].session {
            *used = f64::INFINITY;
            return Ok(*answers);
        }
        let rate = inputs.new_sessions_per_s;
        if self.sessions >= inputs.active_sessions {
            return Err("503 active sessions");
        }
        if !self.new_sessions.take(now, rate, rate) {
            return Err("503 new sessions");
        }
        self.sessions += 1.0;
        self.most_sessions = self.most_sessions.max(self.sessions);
        let start = self.within(inputs.start_min_s, inputs.start_max_s);
        let refill = inputs.pool * 2.0 / (inputs.start_min_s + inputs.start_max_s);
        let waits = !self.pool.take(now, refill, inputs.pool);
        let answers = if waits { now + start } else { now };
        self.conversations[of].session = Some([now, answers, f64::INFINITY]);
        Ok(answers)
    }

    fn again(&mut self, turn: Turn, error: &'static str, now: f64) {
        let delay = 2_f64.powi(turn.attempt).min(8.0) * self.within(0.5, 1.0);
        let attempt = turn.attempt + 1;
        if f64::from(attempt) > self.inputs.retries || now + delay > turn.deadline {
            self.at(now, Event::End(turn, None, Some(error)));
        } else {
            self.at(now + delay, Event::Try(Turn { attempt, ..turn }));
        }
    }

    fn end(&mut self, turn: Turn, first: Option<f64>, error: Option<&'static str>, now: f64) {
        self.running -= 1.0;
        self.spent[1] += now - turn.asked;
        self.idle.push(now);
        self.first.extend(first.map(|first| first - turn.asked));
        self.whole
            .extend(error.is_none().then_some(now - turn.asked));
        self.next(turn.of, error, now);
    }

    fn next(&mut self, of: usize, error: Option<&'static str>, now: f64) {
        if let Some(error) = error {
            *self.errors.entry(error).or_default() += 1.0;
        }
        let inputs = self.inputs;
        let is_last = self.conversations[of].asked >= inputs.turns;
        if let Some([_, _, used]) = &mut self.conversations[of].session {
            let mut idle = inputs.session_idle_s;
            *used = now;
            if is_last && inputs.ends_sessions > 0.0 {
                // That is a call too; one that is refused leaves the session to its idle time.
                let rate = inputs.calls_per_s;
                if self.calls.take(now, rate, rate) {
                    (idle, *used) = (0.0, f64::NEG_INFINITY);
                }
            }
            self.at(now + idle, Event::Idle(of));
        }
        if !is_last {
            let think = self.inputs.think_s * self.within(0.5, 1.5);
            self.at(now + think, Event::Ask(of));
        }
    }

    fn close(&mut self, of: usize, now: f64) {
        if let Some([since, _, used]) = self.conversations[of].session
            && now - used > self.inputs.session_idle_s - 1e-3
        {
            self.conversations[of].session = None;
            self.sessions -= 1.0;
            self.spent[3] += now - since;
        }
    }

    /// Managed Instances follow their load by the minute, and at most double in five.
    fn scale(&mut self, now: f64) {
        self.spent[2] += self.instances * 60.0;
        let wanted = self.busiest / (self.inputs.at_once * self.inputs.busy);
        let most = self.instances * 2_f64.powf(0.2);
        self.instances = wanted.ceil().min(most).max(self.inputs.instances);
        self.busiest = self.running;
        if now / 60.0 < self.inputs.minutes {
            self.at(now + 60.0, Event::Scale);
        }
    }
}

fn main() {
    let options = Options::parse();
    println!("{}", report::HEAD);
    for scenario in &options.scenario {
        for per_minute in &options.per_minute {
            for mode in &options.mode {
                println!(
                    "{}",
                    simulate(&options.inputs, *scenario, *mode, *per_minute)
                );
            }
        }
    }
}
