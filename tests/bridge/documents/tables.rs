//! The tables of the documents equal what the program has.

use std::collections::BTreeSet;

use agentcore_bridge::config::Config;
use agentcore_bridge::env::Environment;
use serde_json::Value;

use super::read;

use crate::support::ARN;

/// A list of the surface file, which `surface.rs` keeps up to date.
fn shown(list: &str) -> Vec<Value> {
    let surface: Value = serde_json::from_str(&read("tests/data/surface.json")).unwrap();
    surface[list].as_array().unwrap().clone()
}

/// The rows of all tables of a document with this first heading: their cells, without backticks.
pub(super) fn table(path: &str, first_heading: &str) -> Vec<Vec<String>> {
    let document = read(path);
    let begins = format!("| {first_heading} |");
    let mut rows = Vec::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        if !line.starts_with(&begins) {
            continue;
        }
        let table = lines.by_ref().take_while(|line| line.starts_with('|'));
        rows.extend(table.skip(1).map(cells));
    }
    assert!(
        !rows.is_empty(),
        "{path} has no table that begins with {begins}"
    );
    rows
}

fn cells(row: &str) -> Vec<String> {
    let row = row.strip_prefix('|').unwrap();
    let row = row.strip_suffix('|').unwrap_or(row);
    row.split(" |")
        .map(|cell| cell.trim().replace('`', ""))
        .collect()
}

fn column(rows: &[Vec<String>], column: usize) -> Vec<String> {
    rows.iter().map(|row| row[column].clone()).collect()
}

fn texts(list: &[Value], name: &str) -> Vec<String> {
    let text = |entry: &Value| entry[name].as_str().unwrap().to_owned();
    list.iter().map(text).collect()
}

#[test]
fn documented_routes_are_complete() {
    let told: BTreeSet<_> = column(&table("docs/api.md", "route"), 0)
        .into_iter()
        .collect();
    let mut there = BTreeSet::new();
    for route in shown("routes") {
        for method in route["methods"].as_array().unwrap() {
            let method = method.as_str().unwrap();
            // These exist on all routes, which the text says.
            if !matches!(method, "HEAD" | "OPTIONS") {
                there.insert(format!("{method} {}", route["path"].as_str().unwrap()));
            }
        }
    }
    assert_eq!(told, there);
}

#[test]
fn documented_errors_are_complete() {
    let rows = table("docs/api.md", "status");
    let told = rows.iter().filter(|row| row[0].parse::<u16>().is_ok());
    let told: BTreeSet<_> = told.map(|row| format!("{} {}", row[0], row[1])).collect();
    let there = shown("errors");
    let there = there
        .iter()
        .map(|error| format!("{} {}", error["status"], error["code"].as_str().unwrap()));
    assert_eq!(told, there.collect());
}

#[test]
fn documented_log_events_are_complete() {
    let rows = table("docs/operate.md", "`message`");
    let events = shown("events");
    assert_eq!(column(&rows, 0), texts(&events, "message"));
    for (row, event) in rows.iter().zip(&events) {
        // Brackets enclose remarks on a field.
        let told = row[1].split(',').map(|field| {
            let field = field.split('(').next().unwrap().trim();
            field.to_owned()
        });
        let told: Vec<_> = told.filter(|field| !field.is_empty()).collect();
        let there = event["fields"].as_array().unwrap().iter();
        let there: Vec<_> = there
            .map(|field| field.as_str().unwrap())
            .filter(|field| !field.starts_with("agentId") && !field.starts_with("sessionId"))
            .collect();
        assert_eq!(told, there, "{}", row[0]);
    }
}

#[test]
fn documented_metrics_are_complete() {
    let rows = table("docs/operate.md", "metric");
    let metrics = shown("metrics");
    assert_eq!(column(&rows, 0), texts(&metrics, "name"));
    assert_eq!(column(&rows, 1), texts(&metrics, "unit"));
}

#[test]
fn documented_variables_are_complete() {
    let rows = table("docs/configure.md", "variable");
    let variables = shown("variables");
    assert_eq!(column(&rows, 0), texts(&variables, "name"));
    for (row, variable) in rows.iter().zip(&variables) {
        if let Some(accepted) = variable["accepted"].as_str() {
            assert_eq!(row[2], accepted.replace('`', ""), "{}", row[0]);
        }
    }
}

/// The complete configuration as comparable text.
fn configured(variables: &[(String, String)]) -> String {
    let agent = ("ONBOARDING_AGENT_ARN".to_owned(), ARN.to_owned());
    let env: Environment = variables.iter().cloned().chain([agent]).collect();
    format!("{:?}", Config::from_env(&env).unwrap())
}

/// Setting a variable to its documented default changes nothing.
#[test]
fn documented_defaults_are_those_of_the_program() {
    let usual = configured(&[]);
    let mut checked = 0;
    for line in read("docs/configure.md").lines() {
        let Some(row) = line.strip_prefix("| `").map(|_| line) else {
            continue;
        };
        // Words that are not values, such as "none", have no backticks.
        let default = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let Some(default) = default.strip_prefix('`').and_then(|d| d.strip_suffix('`')) else {
            continue;
        };
        let name = cells(row)[0].replace("<NAME>", "ONBOARDING");
        let set = (name.clone(), default.to_owned());
        assert_eq!(configured(&[set]), usual, "{name}");
        checked += 1;
    }
    assert!(checked > 15, "{checked} defaults");
}

/// `.env.example` names every variable, and shows the defaults.
#[test]
fn env_example_is_complete_and_changes_nothing() {
    let example = read(".env.example");
    let is_name = |name: &str| {
        let mut bytes = name.bytes();
        bytes.all(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte.is_ascii_digit())
    };
    let lines = example.lines().filter_map(|line| {
        let line = line.trim_start_matches("# ");
        line.split_once('=').filter(|(name, _)| is_name(name))
    });
    let set: Vec<_> = lines
        // A value with quotation marks in it stands between single ones, as in a shell.
        .map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned()))
        .collect();
    for variable in shown("variables") {
        let name = variable["name"].as_str().unwrap();
        let name = name.replace("<NAME>", "ONBOARDING");
        assert!(
            set.iter().any(|(named, _)| *named == name),
            "{name} is missing"
        );
    }
    let defaults: Vec<_> = set
        .into_iter()
        .filter(|(name, _)| name != "ONBOARDING_AGENT_ARN")
        .collect();
    assert_eq!(configured(&defaults), configured(&[]));
}
