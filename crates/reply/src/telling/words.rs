//! What of the words is new: what was told already is not told again.

use std::borrow::Cow;
use std::collections::VecDeque;

use super::transcript::{Repetition, Transcript};
use crate::said::{Coverage, Form, Source, Speaker};

/// How many speakers have a transcript of their own: the last ones.
const MAX_SPEAKERS: usize = 64;

/// What was told of a reply's text, or of its reasoning.
#[derive(Debug)]
pub(super) struct Words {
    /// What all speakers said.
    all: Transcript,
    /// What each speaker said, the one who spoke last at the end.
    speakers: VecDeque<(Speaker, Transcript)>,
    /// How many bytes all transcripts together may hold.
    limit: usize,
}

impl Words {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            all: Transcript::default(),
            speakers: VecDeque::new(),
            limit,
        }
    }

    /// What of a text is to be told. `None` where all of it was told, and where it repeats the
    /// transcript so far: it is kept back until it shows whether it goes on to repeat it.
    pub(super) fn tell<'t>(&mut self, source: &Source, text: &'t str) -> Option<Cow<'t, str>> {
        let Source {
            form,
            coverage,
            speaker,
        } = *source;
        let goes_on = match self.all.teller() {
            None => true,
            Some(teller) => teller == form && coverage != Coverage::Snapshot,
        };
        if goes_on {
            if coverage == Coverage::PerhapsAllPieces && self.is_whole_of_turn(speaker, text) {
                self.turn_end(speaker);
                return None;
            }
            self.remember(form, speaker, text);
            return Some(Cow::Borrowed(text));
        }
        let told = self.compare(source, text);
        if let Some(told) = &told {
            self.remember(form, speaker, told);
        }
        told
    }

    /// A turn of the speaker's is over, or where none is named, of all of them.
    pub(super) fn turn_end(&mut self, speaker: Option<Speaker>) {
        self.all.turn_end();
        for (name, transcript) in &mut self.speakers {
            if speaker.is_none_or(|speaker| speaker == *name) {
                transcript.turn_end();
            }
        }
    }

    fn is_whole_of_turn(&mut self, speaker: Option<Speaker>, text: &str) -> bool {
        match speaker.and_then(|speaker| self.own(speaker)) {
            Some(own) => own.is_whole_of_turn(text),
            None => self.all.is_whole_of_turn(text),
        }
    }

    fn compare<'t>(&mut self, source: &Source, text: &'t str) -> Option<Cow<'t, str>> {
        let limit = self.limit;
        let own = source.speaker.and_then(|speaker| self.own(speaker));
        let repetition = match own {
            Some(own) => own.compare(source.form, source.coverage, text, limit),
            None => self.all.compare(source.form, source.coverage, text, limit),
        };
        match repetition {
            Repetition::None(text) => Some(text),
            Repetition::All => None,
            Repetition::GoesOn(rest) => {
                let told = self.all.white_space_at_end();
                let rest = without_white_space(&rest, told);
                (!rest.is_empty()).then(|| Cow::Owned(rest.to_owned()))
            }
        }
    }

    /// The speaker's own transcript, where they have one.
    fn own(&mut self, speaker: Speaker) -> Option<&mut Transcript> {
        let mut all = self.speakers.iter_mut();
        all.find(|(name, _)| *name == speaker)
            .map(|(_, transcript)| transcript)
    }

    fn remember(&mut self, form: Form, speaker: Option<Speaker>, text: &str) {
        let others: usize = self.speakers.iter().map(|(_, own)| own.bytes()).sum();
        self.all
            .append(form, text, self.limit.saturating_sub(others));
        let Some(speaker) = speaker else { return };
        let heard = |(name, _): &(Speaker, _)| *name == speaker;
        let place = self.speakers.iter().position(heard);
        let own = place.and_then(|place| self.speakers.remove(place));
        let (_, mut own) = own.unwrap_or_default();
        let others = others.saturating_sub(own.bytes()) + self.all.bytes();
        own.append(form, text, self.limit.saturating_sub(others));
        if self.speakers.len() == MAX_SPEAKERS {
            self.speakers.pop_front();
        }
        self.speakers.push_back((speaker, own));
    }
}

/// The text without the white space at its beginning, of which it takes away so many characters at
/// most.
fn without_white_space(text: &str, count: usize) -> &str {
    let mut characters = text.chars();
    for _ in 0..count {
        let before = characters.as_str();
        if !characters.next().is_some_and(char::is_whitespace) {
            return before;
        }
    }
    characters.as_str()
}

#[cfg(test)]
mod tests;
