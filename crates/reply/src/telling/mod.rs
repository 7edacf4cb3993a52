//! What was told already is not told again.
//!
//! Frameworks say the same words in several forms: each token as it comes, then the message whole,
//! then the result. The form that told last goes on telling; a text of any other form is compared
//! with the transcript, without white space, and what repeats it is left out. A stream in one form
//! is never looked at twice.

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::said::{Form, Source, Speaker, Whole};
use transcript::{Repetition, Transcript};

mod marks;
mod transcript;

/// How many speakers have a transcript of their own: the last ones.
const MAX_SPEAKERS: usize = 64;

/// What was told of a reply's text, or of its reasoning.
#[derive(Debug)]
pub(crate) struct Telling {
    all: Transcript,
    /// What each one said, the one who spoke last at the end.
    speakers: VecDeque<(Speaker, Transcript)>,
    /// How many bytes all transcripts together may hold.
    limit: usize,
}

impl Telling {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            all: Transcript::default(),
            speakers: VecDeque::new(),
            limit,
        }
    }

    /// What of a text is to be told; `None` where all of it was told, or is kept back until it shows
    /// whether it was.
    pub(crate) fn tell<'t>(&mut self, source: &Source, text: &'t str) -> Option<Cow<'t, str>> {
        let Source {
            form,
            whole,
            speaker,
        } = *source;
        let goes_on = match self.all.teller() {
            None => true,
            Some(teller) => teller == form && whole != Whole::Snapshot,
        };
        if goes_on {
            if whole == Whole::PerhapsOfPieces && self.is_whole_of_turn(speaker, text) {
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

    /// A turn of the speaker's is over, or of all of them where none is named.
    pub(crate) fn turn_end(&mut self, speaker: Option<Speaker>) {
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
            Some(own) => own.compare(source.form, source.whole, text, limit),
            None => self.all.compare(source.form, source.whole, text, limit),
        };
        match repetition {
            Repetition::None(text) => Some(text),
            Repetition::Whole => None,
            Repetition::GoesOn(rest) => {
                let told = self.all.white_space_at_end();
                let rest = without_white_space(&rest, told);
                (!rest.is_empty()).then(|| Cow::Owned(rest.to_owned()))
            }
        }
    }

    /// The speaker's own transcript, where there is one.
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

/// A text without so many characters of white space in front, where it has them.
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
