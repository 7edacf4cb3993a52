//! How far the process is on its way to its end: what SIGTERM begins.

use tokio::sync::watch;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Running,
    /// Nothing new is begun.
    Stopping,
    /// What is under way is given up.
    Cut,
}

/// Says how far it is.
#[derive(Debug)]
pub(super) struct Stop(watch::Sender<Stage>);

/// Is told how far it is.
#[derive(Clone, Debug)]
pub(super) struct Stopping(watch::Receiver<Stage>);

pub(super) fn stopping() -> (Stop, Stopping) {
    let (sender, receiver) = watch::channel(Stage::Running);
    (Stop(sender), Stopping(receiver))
}

impl Stop {
    /// Nothing new is to be begun.
    pub(super) fn begin(&self) {
        self.0.send_replace(Stage::Stopping);
    }

    /// What is under way is to be given up.
    pub(super) fn cut(&self) {
        self.0.send_replace(Stage::Cut);
    }
}

impl Stopping {
    /// Waits until nothing new is to be begun.
    pub(super) async fn begun(&mut self) {
        self.reached(Stage::Stopping).await;
    }

    /// Waits until what is under way is to be given up.
    pub(super) async fn cut(&mut self) {
        self.reached(Stage::Cut).await;
    }

    async fn reached(&mut self, stage: Stage) {
        // With nobody left to say anything, it is over.
        let _ = self.0.wait_for(|reached| *reached >= stage).await;
    }
}
