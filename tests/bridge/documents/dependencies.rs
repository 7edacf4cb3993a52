//! Each crate that others wrote has its reason, and each that reads bytes from outside its record.

use std::collections::BTreeSet;

use super::read;
use super::tables::table;

/// The names of the dependencies in a section of a manifest.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let manifest = read(manifest);
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap();
    let section = section.split("\n[").next().unwrap();
    let lines = section.lines().filter(|line| !line.starts_with('#'));
    let names = lines.filter_map(|line| line.split([' ', '.', '=']).next());
    let names = names.filter(|name| !name.is_empty() && *name != "agentcore-reply");
    names.map(str::to_owned).collect()
}

#[test]
fn every_direct_dependency_has_its_reason() {
    let mut used = dependencies("Cargo.toml");
    used.extend(dependencies("crates/reply/Cargo.toml"));
    let rows = table("docs/dependencies.md", "crate");
    assert!(rows.iter().all(|row| !row[1].is_empty()));
    let told: BTreeSet<_> = rows
        .iter()
        .flat_map(|row| row[0].split(", ").map(str::to_owned))
        .collect();
    assert_eq!(told, used);
}

#[test]
fn what_reads_bytes_from_outside_is_in_the_version_that_was_looked_at() {
    let lock = read("Cargo.lock");
    for row in table("docs/dependencies.md", "read by") {
        let [name, version, ..] = &row[..] else {
            panic!("{row:?}")
        };
        let package = format!("name = \"{name}\"\nversion = \"{version}\"\n");
        assert!(
            lock.contains(&package),
            "{name} is not {version} any more: look at what changed"
        );
    }
}
