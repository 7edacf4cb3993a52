//! Links from documents and other files lead to files and headings that exist.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use super::{documents, files, is_document, prose, read, root};

#[test]
fn links_in_documents_resolve() {
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

/// Error messages, alarms, comments and tests refer to documents too.
#[test]
fn documents_named_in_other_files_exist() {
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
                // Part of a longer path, or of a URL.
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

/// Files named in a document, by path or by the end of it, exist. The change log may name removed
/// files.
#[test]
fn files_named_in_documents_exist() {
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

/// A document without links to it would not be found.
#[test]
fn every_document_is_reachable_from_the_readme() {
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

/// The targets of a line's links.
fn targets(line: &str) -> Vec<&str> {
    let links = line.match_indices("](");
    links
        .filter_map(|(at, _)| line[at + 2..].split(')').next())
        .collect()
}

/// Resolves `..` in a path.
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
fn anchors_equal_those_of_github() {
    let expected = "sessions-and-whose-they-are";
    assert!(anchors("docs/api.md").contains(&expected.to_owned()));
    assert!(!anchors("docs/api.md").contains(&"sessions,-and-whose-they-are".to_owned()));
}
