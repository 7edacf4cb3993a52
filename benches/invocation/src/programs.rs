//! The programs that are measured.

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::{Compression, write::DeflateEncoder};
use tokio::process::Command;

use crate::Error;
use crate::arguments::Arguments;
use crate::case::Case;

#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) path: PathBuf,
    /// Whether one process runs all concurrent invocations.
    managed: bool,
    /// The size of the deployment package, in bytes.
    pub(crate) zip: usize,
}

/// The overhead of an archive of one file: two headers, the name twice, and the end record.
const ZIP_OVERHEAD: usize = 30 + 46 + 22 + 2 * "bootstrap".len();

impl Program {
    pub(crate) fn all(arguments: &Arguments) -> Result<Vec<Self>, Error> {
        let all = [
            ("floor", &arguments.floor, false),
            ("ours", &arguments.ours, false),
            ("managed", &arguments.ours, true),
            ("plain", &arguments.plain, false),
        ];
        if let Some(unknown) = arguments
            .only
            .iter()
            .find(|only| all.iter().all(|(name, ..)| name != only))
        {
            return Err(format!("{unknown:?} is no program").into());
        }
        let wanted = |name: &str| {
            arguments.only.is_empty() || arguments.only.iter().any(|only| only == name)
        };
        let programs = all.into_iter().filter(|(name, ..)| wanted(name));
        programs
            .map(|(name, path, managed)| {
                let zip = zip(path).map_err(|error| format!("{}: {error}", path.display()))?;
                Ok(Self {
                    name,
                    path: path.clone(),
                    managed,
                    zip,
                })
            })
            .collect()
    }

    /// Whether the program behaves differently in that case.
    pub(crate) fn is_in(&self, case: Case) -> bool {
        !self.managed || case.at_once > 1
    }

    pub(crate) fn command(&self) -> Command {
        Command::new(&self.path)
    }

    /// For this many concurrent invocations: how many processes run how many each.
    pub(crate) fn processes(&self, at_once: usize) -> (usize, usize) {
        if self.managed {
            (1, at_once)
        } else {
            (at_once, 1)
        }
    }
}

/// The size of an archive of the file, as `zip -9` makes it.
fn zip(path: &Path) -> Result<usize, Error> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&std::fs::read(path)?)?;
    Ok(encoder.finish()?.len() + ZIP_OVERHEAD)
}
