//! What was told, and how far each form has repeated it. White space does not count: forms differ
//! in it.

use std::borrow::Cow;

use super::marks::Marks;
use crate::said::{Coverage, Form};

/// How many forms are told apart. Those that come later are told as they are.
const MAX_FORMS: usize = 64;

/// A text of fewer characters (`No.`) is not taken for a repetition only because the transcript
/// ends with it: it may by chance.
const FEWEST_AT_END: usize = 4;

#[derive(Debug, Default)]
pub(super) struct Transcript {
    /// What was told, without white space. The last of it is still in `fresh`.
    told: String,
    /// What was told last, as it was. White space is taken out once another form comes; in most
    /// replies none does.
    fresh: String,
    /// Where pieces begin, in `told` and in `fresh`.
    pieces: Marks,
    fresh_pieces: Marks,
    /// A piece has begun, and nothing of it but white space has come.
    piece_begins: bool,
    /// How many characters of white space are at the end of what was told.
    white_space: usize,
    /// Where turns ended.
    turns: Marks,
    turn_start: usize,
    pieces_in_turn: usize,
    /// Where the last turn with text began, and in how many pieces that came.
    last_turn: (usize, usize),
    /// The form that told last.
    teller: Option<Form>,
    forms: Vec<Follower>,
    /// More was told than is remembered.
    is_full: bool,
}

/// A form, and how far it has come in the transcript.
#[derive(Debug)]
struct Follower {
    form: Form,
    /// The end of what it told itself.
    told: usize,
    /// The end of what it repeated last.
    stands: usize,
    /// What it said last, which repeats a part of the transcript and may yet go on otherwise.
    kept: String,
    has_told: bool,
}

/// What a text repeats of what was told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Repetition<'t> {
    /// It repeats nothing. This is to be told: the text, after what was kept back of its form.
    None(Cow<'t, str>),
    /// All of it repeats what was told, or does so far.
    All,
    /// It repeats what was told to its end, and goes on with this.
    GoesOn(String),
}

impl Transcript {
    pub(super) fn teller(&self) -> Option<Form> {
        self.teller
    }

    pub(super) fn bytes(&self) -> usize {
        self.told.len() + self.fresh.len()
    }

    /// Adds what a form tells. Beyond `limit` bytes nothing more is remembered.
    pub(super) fn append(&mut self, form: Form, text: &str, limit: usize) {
        if self.teller != Some(form) {
            self.settle();
            self.teller = Some(form);
        }
        self.pieces_in_turn += 1;
        self.is_full |= self.bytes() + text.len() > limit;
        if self.is_full {
            return;
        }
        if self.fresh.capacity() == 0 {
            // Room for a short reply, so that it does not grow word by word.
            self.fresh.reserve(1 << 10);
        }
        self.fresh_pieces.set(self.fresh.len());
        self.fresh.push_str(text);
    }

    pub(super) fn turn_end(&mut self) {
        self.settle();
        let pieces = std::mem::take(&mut self.pieces_in_turn);
        if self.told.len() > self.turn_start {
            self.last_turn = (self.turn_start, pieces);
            self.turn_start = self.told.len();
            self.turns.set(self.turn_start);
        }
    }

    /// Whether a text is all that was told in this turn, and that came in more than one piece.
    /// Where nothing was told in it, the last turn counts: a call may come between the pieces and
    /// the whole.
    pub(super) fn is_whole_of_turn(&mut self, text: &str) -> bool {
        let (start, pieces) = match self.pieces_in_turn {
            0 => self.last_turn,
            pieces => (self.turn_start, pieces),
        };
        if pieces < 2 || self.is_full {
            return false;
        }
        self.settle();
        let is_whole = without_white_space(text) == self.told[start..];
        if is_whole {
            self.last_turn = (start, 0);
        }
        is_whole
    }

    pub(super) fn white_space_at_end(&mut self) -> usize {
        self.settle();
        self.white_space
    }

    /// Compares a text with what was told. What is kept back of all forms takes `limit` bytes at
    /// most.
    pub(super) fn compare<'t>(
        &mut self,
        form: Form,
        coverage: Coverage,
        text: &'t str,
        limit: usize,
    ) -> Repetition<'t> {
        self.settle();
        let Some(at) = self.follower(form) else {
            return Repetition::None(Cow::Borrowed(text));
        };
        if self.is_full && !self.forms[at].has_told && self.forms[at].stands > 0 {
            // As far as the transcript goes, this form has only repeated it.
            return Repetition::All;
        }
        let new = without_white_space(text);
        let kept: usize = self.forms.iter().map(|form| form.kept.len()).sum();
        let has_room = kept + text.len() <= limit;
        if new.is_empty() {
            if has_room {
                self.forms[at].kept.push_str(text);
            }
            return Repetition::All;
        }
        if coverage == Coverage::Snapshot {
            return self.compare_snapshot(at, text, &new);
        }
        if has_kept_words(&self.forms[at].kept) {
            if self.goes_on_repeating(at, &new) {
                let follower = &mut self.forms[at];
                if self.told.len() == follower.stands || self.turns.is_set(follower.stands) {
                    follower.kept.clear();
                } else if has_room {
                    follower.kept.push_str(text);
                }
                return Repetition::All;
            }
            if self.goes_beyond(&new, self.forms[at].stands) {
                return self.gets_ahead(at, text);
            }
        }
        let kept = std::mem::take(&mut self.forms[at].kept);
        if kept.is_empty() {
            self.compare_anew(at, Cow::Borrowed(text), &new)
        } else {
            let text = kept + text;
            let all = without_white_space(&text).into_owned();
            self.compare_anew(at, Cow::Owned(text), &all)
        }
    }

    /// Compares a conversation so far. It repeats the transcript from its beginning, or from that
    /// of the turn, whichever form told it.
    fn compare_snapshot<'t>(&mut self, at: usize, text: &'t str, words: &str) -> Repetition<'t> {
        let end = self.told.len();
        let places = [0, self.turn_start];
        let repeats = |place: &usize| self.told[*place..].starts_with(words);
        if places.iter().any(repeats) || self.is_end_from_piece(words, 0) {
            return Repetition::All;
        }
        self.forms[at].stands = end;
        match places
            .into_iter()
            .find(|place| self.goes_beyond(words, *place))
        {
            Some(place) => Repetition::GoesOn(beyond(text, end - place).to_owned()),
            None => Repetition::None(Cow::Borrowed(text)),
        }
    }

    /// Compares a text that does not go on with a repetition of its form.
    fn compare_anew<'t>(&mut self, at: usize, text: Cow<'t, str>, words: &str) -> Repetition<'t> {
        let end = self.told.len();
        // A form does not repeat its own words, so what it told itself is left out.
        let behind = if self.teller == Some(self.forms[at].form) {
            end
        } else {
            self.forms[at].told
        };
        let stands = self.forms[at].stands.max(behind);
        let places = [self.turn_start.max(behind), stands, behind];
        // The form has repeated already what lies before where it stands.
        let counts = |place: usize, until: usize| place >= stands || (until == end && end > stands);
        let repeats = |place: &usize| {
            self.told[*place..].starts_with(words) && counts(*place, *place + words.len())
        };
        if let Some(place) = places.into_iter().find(repeats) {
            let until = place + words.len();
            self.forms[at].stands = until;
            if until < end && !self.turns.is_set(until) {
                self.forms[at].kept = text.into_owned();
            }
            return Repetition::All;
        }
        if end > stands && self.is_end_from_piece(words, behind) {
            self.forms[at].stands = end;
            return Repetition::All;
        }
        let goes_on = |place: &usize| self.goes_beyond(words, *place) && counts(*place, end);
        let most = places.into_iter().filter(goes_on).min();
        self.forms[at].stands = end;
        self.forms[at].has_told = true;
        match most {
            Some(place) => Repetition::GoesOn(beyond(&text, end - place).to_owned()),
            None => Repetition::None(text),
        }
    }

    /// Whether a text goes on with the repetition of its form, from where that stands: then it
    /// stands further on. No word is looked at again.
    fn goes_on_repeating(&mut self, at: usize, words: &str) -> bool {
        let stands = self.forms[at].stands;
        let repeats = self.told[stands..].starts_with(words);
        if repeats {
            self.forms[at].stands += words.len();
        }
        repeats
    }

    /// A text ends the repetition of its form, which was kept back so far, and goes on.
    fn gets_ahead<'t>(&mut self, at: usize, text: &str) -> Repetition<'t> {
        let end = self.told.len();
        let follower = &mut self.forms[at];
        let repeated = end - follower.stands;
        follower.kept.clear();
        follower.stands = end;
        follower.has_told = true;
        Repetition::GoesOn(beyond(text, repeated).to_owned())
    }

    /// Whether a text repeats the transcript from a place to its end, and goes on.
    fn goes_beyond(&self, words: &str, place: usize) -> bool {
        let rest = &self.told[place..];
        !rest.is_empty() && words.starts_with(rest)
    }

    /// Whether a text is the end of the transcript, from the beginning of a piece on.
    fn is_end_from_piece(&self, words: &str, behind: usize) -> bool {
        let Some(start) = self.told.len().checked_sub(words.len()) else {
            return false;
        };
        start >= behind
            && self.pieces.is_set(start)
            && words.chars().nth(FEWEST_AT_END - 1).is_some()
            && self.told.ends_with(words)
    }

    /// The form's place among the forms. `None` for a new one where there are too many, and where
    /// not all that was told is remembered.
    fn follower(&mut self, form: Form) -> Option<usize> {
        let known = self.forms.iter().position(|known| known.form == form);
        if known.is_none() {
            if self.forms.len() == MAX_FORMS || self.is_full {
                return None;
            }
            self.forms.push(Follower {
                form,
                told: 0,
                stands: 0,
                kept: String::new(),
                has_told: false,
            });
        }
        known.or(Some(self.forms.len() - 1))
    }

    /// Takes the white space out of what was told last, and notes which form told it.
    fn settle(&mut self) {
        if !self.fresh.is_empty() {
            self.take_in_fresh();
        }
        if let Some(at) = self.teller.and_then(|form| self.follower(form)) {
            self.forms[at].told = self.told.len();
            self.forms[at].has_told = true;
        }
    }

    fn take_in_fresh(&mut self) {
        for (at, character) in self.fresh.char_indices() {
            self.piece_begins |= self.fresh_pieces.is_set(at);
            if character.is_whitespace() {
                self.white_space += 1;
                continue;
            }
            self.white_space = 0;
            if std::mem::take(&mut self.piece_begins) {
                self.pieces.set(self.told.len());
            }
            self.told.push(character);
        }
        self.fresh.clear();
        self.fresh_pieces.clear();
    }
}

fn has_kept_words(kept: &str) -> bool {
    kept.chars().any(|character| !character.is_whitespace())
}

fn without_white_space(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_whitespace) {
        let words = text.chars().filter(|character| !character.is_whitespace());
        Cow::Owned(words.collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// What comes in a text after so many bytes, white space not counted.
fn beyond(text: &str, mut bytes: usize) -> &str {
    let mut characters = text.chars();
    while bytes > 0 {
        match characters.next() {
            Some(character) if character.is_whitespace() => {}
            Some(character) => bytes = bytes.saturating_sub(character.len_utf8()),
            None => break,
        }
    }
    characters.as_str()
}
