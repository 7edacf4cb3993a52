//! The simulation against what is known of such systems without one.

use super::*;
use crate::report::quantiles;

/// No limits but those that a test sets.
fn unlimited() -> Inputs {
    let all = Options::parse_from(["fleet"]).inputs;
    Inputs {
        gateway_rate: 1e9,
        gateway_burst: 1e9,
        concurrency: 1e9,
        new_environments: 1e9,
        calls_per_s: 1e9,
        new_sessions_per_s: 1e9,
        active_sessions: 1e9,
        pool: 1e9,
        ..all
    }
}

fn failed(fleet: &Fleet, of: &str) -> f64 {
    let errors = fleet.errors.iter();
    errors
        .filter(|(name, _)| name.contains(of))
        .map(|(_, n)| n)
        .sum()
}

/// The share that is refused where `offered` invocations would be at once, and `servers` may be.
/// Erlang, 1917: whatever the distribution of their lengths.
fn erlang_b(offered: f64, servers: u32) -> f64 {
    (1..=servers).fold(1.0, |refused, n| {
        offered * refused / (f64::from(n) + offered * refused)
    })
}

#[test]
fn the_share_that_finds_no_environment_is_erlangs() {
    let inputs = Inputs {
        concurrency: 20.0,
        turns: 1.0,
        minutes: 60.0,
        ..unlimited()
    };
    for per_minute in [150.0, 240.0, 480.0] {
        let fleet = simulate(&inputs, Scenario::Steady, Mode::Streamed, per_minute);
        let [requests, seconds, ..] = fleet.spent;
        let expected = erlang_b(per_minute / 60.0 * seconds / requests, 20);
        let refused = failed(&fleet, "429 concurrency") / fleet.turns;
        let difference = (refused - expected).abs();
        assert!(
            difference < 0.015 + expected * 0.05,
            "{per_minute}: {refused}, not {expected}"
        );
    }
}

#[test]
fn every_turn_is_answered_or_fails_once() {
    let scenarios = [Scenario::Steady, Scenario::Bell, Scenario::SlowAgent];
    for scenario in scenarios {
        for mode in [Mode::Buffered, Mode::Streamed, Mode::Managed] {
            let inputs = Options::parse_from(["fleet"]).inputs;
            let fleet = simulate(&inputs, scenario, mode, 60.0);
            let turns = fleet.conversations.iter().map(|of| of.asked).sum::<f64>();
            assert!((turns - fleet.turns).abs() < 0.5);
            #[expect(clippy::cast_precision_loss, reason = "thousands")]
            let answered = fleet.whole.len() as f64;
            assert!(
                (answered + failed(&fleet, "") - turns).abs() < 0.5,
                "{fleet}"
            );
            assert!(
                fleet.running.abs() < 0.5 && fleet.sessions.abs() < 0.5,
                "{fleet}"
            );
            assert!(
                fleet
                    .conversations
                    .iter()
                    .all(|of| of.asked >= inputs.turns)
            );
        }
    }
}

#[test]
fn lambda_adds_environments_no_faster_than_it_says() {
    let inputs = Inputs {
        new_environments: 1000.0,
        turns: 1.0,
        minutes: 1.0 / 60.0,
        ..unlimited()
    };
    // 3,000 in one second.
    let fleet = simulate(&inputs, Scenario::Steady, Mode::Streamed, 180_000.0);
    let taken = fleet.spent[0];
    assert!((1050.0..=1101.0).contains(&taken), "{taken}");
    assert!((failed(&fleet, "429 new environments") + taken - fleet.turns).abs() < 0.5);
}

#[test]
fn each_quota_refuses_what_is_beyond_it() {
    let refused = |inputs: &Inputs, name: &str, per_minute: f64| {
        let fleet = simulate(inputs, Scenario::Steady, Mode::Streamed, per_minute);
        failed(&fleet, name) / fleet.turns
    };
    let base = Inputs {
        turns: 1.0,
        retries: 0.0,
        ..unlimited()
    };
    let gateway = Inputs {
        gateway_rate: 5.0,
        gateway_burst: 5.0,
        ..base
    };
    let calls = Inputs {
        calls_per_s: 5.0,
        ..base
    };
    let new = Inputs {
        new_sessions_per_s: 5.0,
        ..base
    };
    for (inputs, name) in [
        (gateway, "429 gateway"),
        (calls, "503 calls"),
        (new, "503 new sessions"),
    ] {
        // Ten a second where five may.
        let half = refused(&inputs, name, 600.0);
        assert!((0.45..0.55).contains(&half), "{name}: {half}");
        let within = refused(&inputs, name, 60.0);
        assert!(within < 0.01, "{name}: {within}");
    }
    // Sessions live for their idle time: twice as many would.
    let active = Inputs {
        active_sessions: 900.0,
        minutes: 60.0,
        ..base
    };
    let half = refused(&active, "503 active sessions", 120.0);
    assert!((0.4..0.55).contains(&half), "{half}");
    let ended = Inputs {
        ends_sessions: 1.0,
        ..active
    };
    assert!(refused(&ended, "503 active sessions", 120.0) < 1e-9);
}

#[test]
fn streams_show_first_words_and_buffered_answers_the_end() {
    let run = |mode, slower| {
        let inputs = Inputs {
            slower,
            ..unlimited()
        };
        simulate(&inputs, Scenario::Steady, mode, 100.0)
    };
    let [streamed, buffered] = [Mode::Streamed, Mode::Buffered].map(|mode| run(mode, 1.0));
    assert!(quantiles(&streamed.first)[0] < 2.0, "{streamed}");
    let [first, whole] = [&buffered.first, &buffered.whole].map(|times| quantiles(times)[0]);
    assert!((whole - 0.2..whole + 0.2).contains(&first), "{buffered}");
    assert!(failed(&buffered, "incomplete") < 0.001 * buffered.turns);
    let [streamed, buffered] = [Mode::Streamed, Mode::Buffered].map(|mode| run(mode, 8.0));
    assert!(
        failed(&buffered, "incomplete") > 0.3 * buffered.turns,
        "{buffered}"
    );
    assert!(
        failed(&streamed, "incomplete") < 0.001 * streamed.turns,
        "{streamed}"
    );
}

#[test]
fn instances_are_outrun_by_a_load_that_more_than_doubles() {
    let inputs = unlimited();
    let steady = simulate(&inputs, Scenario::Steady, Mode::Managed, 300.0);
    let bell = simulate(&inputs, Scenario::Bell, Mode::Managed, 300.0);
    assert!(failed(&steady, "429") < 0.5, "{steady}");
    assert!(failed(&bell, "429 instances") > 100.0, "{bell}");
}

#[test]
fn a_seed_is_a_course() {
    let row = |seed| {
        let inputs = Inputs {
            seed,
            ..unlimited()
        };
        simulate(&inputs, Scenario::Bell, Mode::Streamed, 20.0).to_string()
    };
    assert_eq!(row(1.0), row(1.0));
    assert_ne!(row(1.0), row(2.0));
}
