//! Tests of the documents: links resolve, snippets work, and tables equal what the program has.

use std::fs;
use std::path::{Path, PathBuf};

mod dependencies;
mod imports;
mod links;
mod snippets;
mod tables;

/// The root of the repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Reads a file.
fn read(path: &str) -> String {
    let bytes = fs::read(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    // Untracked files in a working tree may hold anything.
    String::from_utf8_lossy(&bytes).into_owned()
}

fn is_document(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|kind| kind == "md")
}

/// All documents, by path from the root.
fn documents() -> Vec<String> {
    let mut found: Vec<String> = ["README.md", "SECURITY.md", "CHANGELOG.md"]
        .map(str::to_owned)
        .to_vec();
    found.extend(
        files()
            .into_iter()
            .filter(|path| is_document(path) && path.contains('/')),
    );
    assert!(found.len() > 10, "{found:?}");
    found
}

/// All files of the repository by path from the root, except for built and installed ones.
fn files() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let kind = entry.file_type().unwrap();
            let path = folder.join(&name);
            let is_ours = !name.starts_with('.')
                || matches!(&*name, ".github" | ".ci" | ".cargo" | ".env.example");
            let is_made = matches!(&*name, "target" | "node_modules" | "__pycache__");
            if kind.is_dir() && is_ours && !is_made {
                folders.push(path);
            } else if kind.is_file() && is_ours {
                found.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    found
}

/// A fenced block of a document.
struct Block {
    /// The document, and the line where the block begins.
    place: String,
    language: String,
    text: String,
}

/// The fenced blocks of a document.
fn blocks(path: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_open = false;
    for (index, line) in read(path).lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), is_open) {
            (Some(language), false) => blocks.push(Block {
                place: format!("{path}:{}", index + 1),
                language: language.trim().to_owned(),
                text: String::new(),
            }),
            (Some(_), true) => {}
            (None, true) => {
                let block = blocks.last_mut().unwrap();
                block.text.push_str(line);
                block.text.push('\n');
                continue;
            }
            (None, false) => continue,
        }
        is_open = !is_open;
    }
    assert!(!is_open, "{path}: a block without an end");
    blocks
}

/// A document's lines outside of its fenced blocks.
fn prose(path: &str) -> Vec<String> {
    let mut is_open = false;
    let mut prose = Vec::new();
    for line in read(path).lines() {
        if line.trim_start().starts_with("```") {
            is_open = !is_open;
        } else if !is_open {
            prose.push(line.to_owned());
        }
    }
    prose
}

#[test]
fn the_readme_stays_short() {
    let lines = read("README.md").lines().count();
    assert!(
        lines <= 150,
        "{lines} lines: what is not for everybody goes to docs/"
    );
}

/// The minimum Rust version is declared once, and repeated consistently.
#[test]
fn repeated_minimum_rust_versions_equal_the_manifests() {
    let version = env!("CARGO_PKG_RUST_VERSION");
    let mut repeated = 0;
    for path in documents().iter().filter(|path| *path != "CHANGELOG.md") {
        let text = read(path);
        for (at, _) in text.match_indices(" or newer") {
            let before = text[..at].rsplit("\n\n").next().unwrap();
            let word = before
                .rsplit(|c: char| c.is_whitespace() || c == '(')
                .next();
            let is_rusts = before[before.len().saturating_sub(60)..].contains("Rust");
            if is_rusts && word.is_some_and(|word| word.starts_with("1.")) {
                assert_eq!(word, Some(version), "{path}");
                repeated += 1;
            }
        }
    }
    assert!(repeated >= 2, "{repeated}");
    let others = files()
        .into_iter()
        .filter(|path| path.ends_with("Cargo.toml"));
    let mut inherited = 0;
    for path in others {
        for line in read(&path)
            .lines()
            .filter(|line| line.starts_with("rust-version"))
        {
            let is_the_one =
                is_workspace(&path) && *line == format!("rust-version = \"{version}\"");
            assert!(
                is_the_one || line == "rust-version.workspace = true",
                "{path}: {line}"
            );
            inherited += 1;
        }
    }
    assert!(inherited >= 2, "{inherited}");
}

/// A separate workspace cannot inherit from another one.
fn is_workspace(path: &str) -> bool {
    read(path).lines().any(|line| line == "[workspace]")
}
