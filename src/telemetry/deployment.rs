//! What the hook of a deployment says.

use std::error::Error;

use tracing::{error, info, warn};

use super::events;
use super::log::causes;

/// The new version works.
pub(crate) fn version_accepted(version: &str, program: &str) {
    info!(message = events::VERSION_ACCEPTED, version, program);
}

/// The new version does not work, or has less than the live one.
pub(crate) fn version_refused(version: &str, why: &(dyn Error + 'static)) {
    let causes = causes(why);
    error!(message = events::VERSION_REFUSED, version, causes);
}

/// The live version did not say what it has, which must not keep a new one away.
pub(crate) fn not_compared(version: &str, why: &(dyn Error + 'static)) {
    let causes = causes(why);
    warn!(message = events::NOT_COMPARED, version, causes);
}

/// CodeDeploy was not told, and ends the deployment by itself when it has waited for an hour.
pub(crate) fn not_reported(why: &(dyn Error + 'static)) {
    let causes = causes(why);
    error!(message = events::NOT_REPORTED, causes);
}
