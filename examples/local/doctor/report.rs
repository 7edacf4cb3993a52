//! What was found, for a person or for a program.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use agentcore_bridge::telemetry::printable;
use serde_json::{Value, json};

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// What was looked at.
    pub(super) check: &'static str,
    /// The agent, or the host.
    pub(super) subject: Option<String>,
    pub(super) outcome: Outcome,
    pub(super) what: String,
    /// The line that mends it.
    pub(super) mend: Option<String>,
    pub(super) took: Option<Duration>,
}

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Fine,
    /// It works, or may.
    Warning,
    Failure,
    Skipped,
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Warning => "warning",
            Self::Failure => "failure",
            Self::Skipped => "skipped",
        }
    }

    /// As it begins a line, and the colour of that.
    fn mark(self) -> (&'static str, &'static str) {
        match self {
            Self::Fine => ("ok     ", "32"),
            Self::Warning => ("WARNING", "33"),
            Self::Failure => ("FAILURE", "31"),
            Self::Skipped => ("skipped", "2"),
        }
    }
}

impl Finding {
    fn new(check: &'static str, outcome: Outcome, what: impl Into<String>) -> Self {
        Self {
            check,
            subject: None,
            outcome,
            what: what.into(),
            mend: None,
            took: None,
        }
    }

    pub(super) fn fine(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, Outcome::Fine, what)
    }

    pub(super) fn warning(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, Outcome::Warning, what)
    }

    pub(super) fn failure(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, Outcome::Failure, what)
    }

    pub(super) fn skipped(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, Outcome::Skipped, what)
    }

    pub(super) fn mended_by(self, mend: impl Into<String>) -> Self {
        let mend = Some(mend.into());
        Self { mend, ..self }
    }

    pub(super) fn of(self, subject: impl Into<String>) -> Self {
        let subject = Some(subject.into());
        Self { subject, ..self }
    }

    pub(super) fn took(self, took: Duration) -> Self {
        let took = Some(took);
        Self { took, ..self }
    }

    /// For a person, with or without colours.
    fn line(&self, has_colours: bool) -> String {
        let (mark, colour) = self.outcome.mark();
        let mark = if has_colours {
            format!("\x1b[{colour}m{mark}\x1b[0m")
        } else {
            mark.to_owned()
        };
        // A server's words may hold what moves a cursor.
        let name = match &self.subject {
            Some(subject) => printable(&format!("{} {subject}", self.check)),
            None => printable(self.check),
        };
        let took = self
            .took
            .map_or_else(String::new, |took| format!(" ({} ms)", took.as_millis()));
        let mut line = format!("{mark}  {name}: {}{took}", printable(&self.what));
        if let Some(mend) = &self.mend {
            line = format!("{line}\n         → {}", printable(mend));
        }
        line
    }

    fn json(&self) -> Value {
        let mut value = json!({
            "check": self.check,
            "outcome": self.outcome.name(),
            "what": self.what,
        });
        if let Some(subject) = &self.subject {
            value["subject"] = json!(subject);
        }
        if let Some(mend) = &self.mend {
            value["mend"] = json!(mend);
        }
        if let Some(took) = self.took {
            value["ms"] = json!(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        }
        value
    }
}

/// All findings. A person sees each when it is made, a program all of them at the end.
#[derive(Debug)]
pub(super) struct Report {
    as_json: bool,
    has_colours: bool,
    pub(super) findings: Vec<Finding>,
}

impl Report {
    /// Colours are for terminals, and not for those who do not want them.
    pub(super) fn new(as_json: bool, no_colours: bool) -> Self {
        Self {
            as_json,
            has_colours: !no_colours && std::io::stdout().is_terminal(),
            findings: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, finding: Finding) {
        if !self.as_json {
            print(&finding.line(self.has_colours));
        }
        self.findings.push(finding);
    }

    fn count(&self, outcome: Outcome) -> usize {
        let all = self.findings.iter();
        all.filter(|finding| finding.outcome == outcome).count()
    }

    /// Says how it is altogether. Whether nothing is wrong.
    pub(super) fn finish(&self) -> bool {
        let (failures, warnings) = (self.count(Outcome::Failure), self.count(Outcome::Warning));
        if self.as_json {
            let findings: Vec<_> = self.findings.iter().map(Finding::json).collect();
            let report = json!({ "ok": failures == 0, "findings": findings });
            print(&format!("{report:#}"));
        } else {
            let plural = |count: usize, what: &str| {
                format!("{count} {what}{}", if count == 1 { "" } else { "s" })
            };
            let (failures, warnings) = (plural(failures, "failure"), plural(warnings, "warning"));
            print(&format!("\n{failures}, {warnings}"));
        }
        failures == 0
    }
}

/// Whoever has closed the pipe wants no more.
fn print(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_in_lines_where_they_are_wanted_and_nothing_else_moves_a_terminal() {
        let finding = Finding::failure("handshake", "no\x1b[2J\nyes").of("a\x1bb");
        let finding = finding.mended_by("do\x1b this");
        let plain = finding.line(false);
        assert!(!plain.contains('\x1b'), "{plain}");
        assert_eq!(plain.lines().count(), 2);
        let coloured = finding.line(true);
        assert!(coloured.starts_with("\x1b[31mFAILURE\x1b[0m"));
        assert_eq!(coloured.matches('\x1b').count(), 2);
    }
}
