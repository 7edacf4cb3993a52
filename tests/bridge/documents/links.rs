//! Each link leads to a file and to a heading that are there, from documents and from all else.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use super::{documents, files, is_document, prose, read, root};

#[test]
fn each_link_of_a_document_leads_somewhere() {
    let mut checked = 0;
    for document in documents() {
        let folder = Path::new(&document).parent().unwrap();
        for line in prose(&document) {
            for target in targets(&line) {
                if target.contains("://") || target.starts_with("mailto:") {
                    continue;
                }
                let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
                let path = match path {
                    "" => document.clone(),
                    path => normal(&folder.join(path)),
                };
                check(&document, &path, anchor);
                checked += 1;
            }
        }
    }
    assert!(checked > 100, "{checked} links");
}

/// Error messages, alarms, comments and tests send people to documents too.
#[test]
fn each_document_that_another_file_names_is_there() {
    let mut checked = 0;
    for file in files() {
        let is_text = Path::new(&file).extension().is_none_or(|kind| {
            ["rs", "py", "js", "yaml", "toml", "json", "example"]
                .iter()
                .any(|text| kind == *text)
        });
        if !is_text || file.ends_with("package-lock.json") {
            continue;
        }
        for name in ["docs/", "README.md#", "SECURITY.md#", "CHANGELOG.md#"] {
            let text = read(&file);
            for (at, _) in text.match_indices(name) {
                // A longer path, or an address.
                if text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || "/.-_".contains(c)) {
                    continue;
                }
                let is_path = |c: char| c.is_ascii_alphanumeric() || "/.-_#".contains(c);
                let end = text[at..].find(|c| !is_path(c)).unwrap_or(text.len() - at);
                let target = text[at..at + end].trim_end_matches('.');
                let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
                if is_document(path) {
                    check(&file, path, anchor);
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 0);
}

/// Files that a document names, by their path or by the end of it, are there. History may name what
/// is no more.
#[test]
fn each_file_that_a_document_names_is_there() {
    let files = files();
    let mut checked = 0;
    for document in documents().iter().filter(|path| *path != "CHANGELOG.md") {
        for line in prose(document) {
            for name in line.split('`').skip(1).step_by(2) {
                let name = name.split("::").next().unwrap();
                let is_path = |c: char| c.is_ascii_alphanumeric() || "/.-_".contains(c);
                let kind = Path::new(name).extension();
                let is_ours = kind.is_some_and(|kind| kind == "rs" || kind == "py" || kind == "js")
                    || name.starts_with("tests/");
                if !is_ours || !name.chars().all(is_path) {
                    continue;
                }
                let is_there = root().join(name).exists()
                    || files.iter().any(|file| file.ends_with(&format!("/{name}")));
                assert!(is_there, "{document}: there is no {name}");
                checked += 1;
            }
        }
    }
    assert!(checked > 50, "{checked} files");
}

/// A document that nothing leads to is read by nobody.
#[test]
fn the_readme_leads_to_each_document() {
    let readme = read("README.md");
    for document in files() {
        if document.starts_with("docs/") && is_document(&document) {
            assert!(readme.contains(&format!("]({document})")), "{document}");
        }
    }
}

fn check(from: &str, path: &str, anchor: &str) {
    assert!(root().join(path).exists(), "{from}: there is no {path}");
    if !anchor.is_empty() {
        let anchors = anchors(path);
        assert!(
            anchors.contains(&anchor.to_owned()),
            "{from}: no #{anchor} in {path}: {anchors:?}"
        );
    }
}

/// What the links of a line lead to.
fn targets(line: &str) -> Vec<&str> {
    let links = line.match_indices("](");
    links
        .filter_map(|(at, _)| line[at + 2..].split(')').next())
        .collect()
}

/// A path without `..`.
fn normal(path: &Path) -> String {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(
                normal.pop(),
                "{} leads out of the repository",
                path.display()
            ),
            part => normal.push(part),
        }
    }
    normal.to_str().unwrap().to_owned()
}

/// The anchors that GitHub gives a document's headings.
fn anchors(path: &str) -> Vec<String> {
    let mut seen: HashMap<String, u32> = HashMap::new();
    let mut anchors = Vec::new();
    for line in prose(path) {
        let text = line.trim_start_matches('#');
        let level = line.len() - text.len();
        if !(1..=6).contains(&level) || !text.starts_with(' ') {
            continue;
        }
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        let slug: String = text.trim().to_lowercase().chars().filter(kept).collect();
        let slug = slug.replace(' ', "-");
        let count = seen.entry(slug.clone()).or_default();
        anchors.push(match *count {
            0 => slug,
            earlier => format!("{slug}-{earlier}"),
        });
        *count += 1;
    }
    anchors
}

#[test]
fn anchors_are_githubs() {
    let expected = "sessions-and-whose-they-are";
    assert!(anchors("docs/api.md").contains(&expected.to_owned()));
    assert!(!anchors("docs/api.md").contains(&"sessions,-and-whose-they-are".to_owned()));
}
