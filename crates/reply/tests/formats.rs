//! The README names each format that is read.

#[test]
fn the_readme_names_each_format() {
    let readme = include_str!("../../../README.md");
    let section = readme.split("### What agents may send").nth(1);
    let table = section.and_then(|section| section.split("**Your own.**").next());
    let table = table.expect("a table of formats");
    for format in agentcore_reply::formats() {
        let is_named = format == "home-made" || table.contains(&format!("| {format}"));
        assert!(is_named, "{format} is not in the README");
    }
}
