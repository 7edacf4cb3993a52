//! The stages of a graceful shutdown, which SIGTERM starts.

use tokio::sync::watch;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Running,
    /// No new invocation is started.
    Draining,
    /// Invocations in flight are aborted.
    Aborting,
}

/// Advances the shutdown to its next stage.
#[derive(Debug)]
pub(super) struct ShutdownTrigger(watch::Sender<Stage>);

/// Observes the stage of the shutdown.
#[derive(Clone, Debug)]
pub(super) struct Shutdown(watch::Receiver<Stage>);

pub(super) fn shutdown_channel() -> (ShutdownTrigger, Shutdown) {
    let (sender, receiver) = watch::channel(Stage::Running);
    (ShutdownTrigger(sender), Shutdown(receiver))
}

impl ShutdownTrigger {
    /// Tells workers to start no new invocation.
    pub(super) fn drain(&self) {
        self.0.send_replace(Stage::Draining);
    }

    /// Tells workers to abort the invocation in flight.
    pub(super) fn abort(&self) {
        self.0.send_replace(Stage::Aborting);
    }
}

impl Shutdown {
    /// Waits until no new invocation may start.
    pub(super) async fn draining(&mut self) {
        self.reached(Stage::Draining).await;
    }

    /// Waits until invocations in flight must be aborted.
    pub(super) async fn aborting(&mut self) {
        self.reached(Stage::Aborting).await;
    }

    async fn reached(&mut self, stage: Stage) {
        // An error means that the trigger was dropped, so the process is ending: that counts as
        // reached.
        let _ = self.0.wait_for(|reached| *reached >= stage).await;
    }
}
