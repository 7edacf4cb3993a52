//! Instructions per invocation: the difference between a run and one of twice the length.

use std::sync::Arc;

use tokio::process::Command;

use crate::Error;
use crate::case::Case;
use crate::function::Function;
use crate::programs::Program;

/// Whether instructions can be counted on this machine.
pub(crate) async fn is_there() -> bool {
    let valgrind = Command::new("valgrind").arg("--version").output().await;
    valgrind.is_ok_and(|output| output.status.success())
}

/// Counts in one process, with one invocation after another.
pub(crate) async fn instructions(
    program: &Program,
    case: Case,
    variables: &[(&'static str, String)],
) -> Result<u64, Error> {
    let invocations = (2_000 / case.chunks).clamp(10, 50);
    let once = total(program, case, variables, invocations).await?;
    let twice = total(program, case, variables, 2 * invocations).await?;
    Ok(twice.saturating_sub(once) / u64::try_from(invocations)?)
}

async fn total(
    program: &Program,
    case: Case,
    variables: &[(&'static str, String)],
    invocations: usize,
) -> Result<u64, Error> {
    let log = std::env::temp_dir().join(format!("invocation-{}.log", std::process::id()));
    let mut command = Command::new("valgrind");
    command
        .arg("--tool=callgrind")
        .arg("--callgrind-out-file=/dev/null")
        .arg(format!("--log-file={}", log.display()))
        .arg(&program.path);
    let function = Function::start(command, 1, variables).await?;
    let event = Arc::from(case.event());
    for _ in 0..invocations {
        case.check(&function.invoke(&event).await?.body)?;
    }
    function.terminate().await?;
    let said = std::fs::read_to_string(&log)?;
    std::fs::remove_file(&log)?;
    let mut collected = said
        .lines()
        .filter_map(|line| line.split_once("Collected : "));
    let (_, collected) = collected
        .next()
        .ok_or("callgrind has not said what it counted")?;
    Ok(collected.trim().parse()?)
}
