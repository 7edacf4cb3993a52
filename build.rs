//! Tells the program which commit it is built from: `AGENTCORE_BRIDGE_COMMIT`, which says so where
//! there is no repository, or what git says. In builds for deployment alone: any other would be
//! compiled anew after each commit.

#![expect(
    clippy::disallowed_methods,
    reason = "a build script is told by its environment"
)]

use std::process::Command;

const COMMIT: &str = "AGENTCORE_BRIDGE_COMMIT";

/// What the program is made of.
const SOURCE: [&str; 5] = ["src", "crates", "build.rs", "Cargo.toml", "Cargo.lock"];

fn main() {
    println!("cargo::rerun-if-env-changed={COMMIT}");
    println!("cargo::rerun-if-changed=build.rs");
    let given = std::env::var(COMMIT)
        .ok()
        .filter(|commit| !commit.is_empty());
    let is_deployed = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = given.or_else(|| is_deployed.then(of_repository).flatten());
    if let Some(commit) = commit {
        println!("cargo::rustc-env={COMMIT}={}", commit.trim());
    }
}

/// The commit that is checked out; `-dirty` behind it where what is built is not what was committed.
fn of_repository() -> Option<String> {
    // What moves with a commit, in a worktree too.
    for path in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", path])?;
        println!("cargo::rerun-if-changed={}", path.trim());
    }
    for path in SOURCE {
        println!("cargo::rerun-if-changed={path}");
    }
    let commit = git(&["rev-parse", "HEAD"])?;
    let mut status = vec!["status", "--porcelain", "--"];
    status.extend(SOURCE);
    let dirty = if git(&status)?.trim().is_empty() {
        ""
    } else {
        "-dirty"
    };
    Some(format!("{}{dirty}", commit.trim()))
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then_some(text)
}
