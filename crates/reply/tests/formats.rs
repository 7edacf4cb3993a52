//! The documents name each format that is read.

#[test]
fn the_documents_name_each_format() {
    let document = include_str!("../../../docs/agents.md");
    let section = document.split("## What agents may send\n").nth(1);
    let table = section.and_then(|section| section.split("\n## ").next());
    let table = table.expect("a table of formats");
    for format in agentcore_reply::formats() {
        let is_named = format == "home-made" || table.contains(&format!("| {format}"));
        assert!(is_named, "{format} is not in docs/agents.md");
    }
}
