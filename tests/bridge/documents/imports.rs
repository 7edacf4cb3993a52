//! The import graph of the modules equals docs/architecture.md, and has one direction.

use std::collections::{BTreeMap, BTreeSet};

use super::{files, read};

/// The modules of `src/` and their imports of each other, except in tests.
fn graph() -> BTreeMap<String, BTreeSet<String>> {
    let mut graph: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    let sources = files().into_iter().filter(|path| {
        let is_test = ["tests.rs", "judge.rs", "moments.rs"].iter();
        path.starts_with("src/") && path != "src/lib.rs" && {
            let mut is_test = is_test.filter(|name| path.ends_with(&format!("/{name}")));
            is_test.next().is_none()
        }
    });
    for path in sources {
        let room = path["src/".len()..].split(['/', '.']).next().unwrap();
        let text = read(&path);
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let imports = graph.entry(room.to_owned()).or_default();
        for root in ["crate::", "agentcore_bridge::"] {
            for (at, _) in code.match_indices(root) {
                let rest = &code[at + root.len()..];
                let named = rest.trim_start_matches('{').split(',');
                let is_list = rest.starts_with('{');
                for name in named.take(if is_list { 2 } else { 1 }) {
                    let name = name.trim().split(|c: char| !c.is_ascii_lowercase());
                    imports.insert(name.into_iter().next().unwrap().to_owned());
                }
            }
        }
    }
    let rooms: BTreeSet<_> = graph.keys().cloned().collect();
    for (room, imports) in &mut graph {
        imports.retain(|import| rooms.contains(import) && import != room);
    }
    graph
}

/// The rows of the documented table, in order.
fn table() -> Vec<(String, BTreeSet<String>)> {
    let architecture = read("docs/architecture.md");
    let section = architecture.split("## The import graph").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let names = |cell: &str| {
        let names = cell.split('`').skip(1).step_by(2).map(str::to_owned);
        names.collect::<Vec<_>>()
    };
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let mut cells = row.trim_matches('|').split('|');
        let room = names(cells.next().unwrap()).remove(0);
        (room, names(cells.next().unwrap()).into_iter().collect())
    })
    .collect()
}

#[test]
fn the_documented_import_graph_is_up_to_date() {
    let documented: BTreeMap<_, _> = table().into_iter().collect();
    assert_eq!(graph(), documented);
}

#[test]
fn nothing_imports_upward() {
    let order: Vec<_> = table().into_iter().map(|(room, _)| room).collect();
    let place = |room: &String| order.iter().position(|other| other == room);
    for (room, imports) in graph() {
        for import in imports {
            assert!(place(&import) > place(&room), "{room} imports {import}");
        }
    }
}
