//! SECURITY.md names a test for each of its promises, and these tests exist.

/// The tests named in a text, as `path::name` in backticks.
fn named(text: &str) -> Vec<(&str, &str)> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .filter_map(|quoted| {
            let (path, name) = quoted.split_once(".rs::")?;
            Some((&quoted[..path.len() + 3], name))
        })
        .collect()
}

#[test]
fn security_promises_name_existing_tests() {
    let root = env!("CARGO_MANIFEST_DIR");
    let text = std::fs::read_to_string(format!("{root}/SECURITY.md")).unwrap();
    // The table of promises; others say how something is done.
    let table = text
        .lines()
        .skip_while(|line| !line.starts_with("| threat"));
    let table = table.take_while(|line| line.starts_with('|'));
    let promises: Vec<_> = table.skip(2).collect();
    assert!(promises.len() >= 20, "{}", promises.len());
    for promise in promises {
        let tests = named(promise);
        assert!(!tests.is_empty(), "{promise}");
        for (path, name) in tests {
            let source = std::fs::read_to_string(format!("{root}/{path}"))
                .unwrap_or_else(|_| panic!("there is no {path}"));
            let (before, _) = source
                .split_once(&format!("fn {name}("))
                .unwrap_or_else(|| panic!("there is no {name} in {path}"));
            // Only `async` may stand between the attribute and the name.
            let attribute = before.trim_end_matches("async ").trim_end();
            let attribute = attribute.rsplit('\n').next().unwrap_or_default().trim();
            assert!(
                attribute.starts_with("#[test") || attribute.starts_with("#[tokio::test"),
                "{name} in {path} is no test: {attribute}"
            );
        }
    }
}
