use super::*;
use crate::json::Str;

/// What is told of texts, of which each has the name of its form, `@` and its speaker where it has
/// one. `|` ends a turn. `=` before a form makes a snapshot of the text, `?` perhaps all pieces.
fn told(texts: &[(&str, &str)]) -> Vec<String> {
    let mut words = Words::new(1 << 20);
    let mut pieces = Vec::new();
    for (form, text) in texts {
        let (form, speaker) = form.split_once('@').unwrap_or((form, ""));
        let speaker = (!speaker.is_empty()).then(|| Speaker::new(Str::plain(speaker)));
        if *text == "|" {
            words.turn_end(speaker);
            continue;
        }
        let (form, coverage) = match form.split_at(1) {
            ("=", form) => (form, Coverage::Snapshot),
            ("?", form) => (form, Coverage::PerhapsAllPieces),
            _ => (form, Coverage::Unknown),
        };
        let form = Form::TOP.then(form);
        let source = Source {
            form,
            coverage,
            speaker,
        };
        pieces.extend(words.tell(&source, text).map(Cow::into_owned));
    }
    pieces
}

#[track_caller]
fn check(texts: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(told(texts), expected);
}

#[test]
fn equal_pieces_of_one_form_stay() {
    check(
        &[("a", "no "), ("a", "no "), ("a", "no ")],
        &["no ", "no ", "no "],
    );
}

#[test]
fn a_form_that_repeats_another_at_its_own_pace_is_silent() {
    check(
        &[
            ("a", "It "),
            ("a", "is "),
            ("b", "It"),
            ("a", "so."),
            ("b", " is so"),
            ("b", "."),
        ],
        &["It ", "is ", "so."],
    );
}

#[test]
fn a_text_that_repeats_all_is_silent_and_what_it_adds_is_told() {
    check(
        &[("a", "It is "), ("a", "so."), ("b", "It is so.")],
        &["It is ", "so."],
    );
    check(
        &[("a", "It is so. "), ("b", "It is so.\n\n Source: x")],
        &["It is so. ", "\n Source: x"],
    );
    check(
        &[("a", "It"), ("b", "It is so."), ("a", " is so.")],
        &["It", " is so."],
    );
}

#[test]
fn a_sentence_that_begins_like_an_old_one_is_not_lost() {
    check(
        &[
            ("a", "It is "),
            ("a", "sunny. "),
            ("b", "It is "),
            ("b", "late."),
        ],
        &["It is ", "sunny. ", "It is late."],
    );
}

#[test]
fn the_words_of_the_last_turn_are_not_told_again() {
    check(
        &[
            ("a", "Wait. "),
            ("a", "|"),
            ("a", "Hel"),
            ("a", "lo"),
            ("b", "Hello"),
        ],
        &["Wait. ", "Hel", "lo"],
    );
    check(
        &[("a", "Wait. "), ("a", "Hel"), ("a", "lo"), ("b", "Hello")],
        &["Wait. ", "Hel", "lo"],
    );
    check(
        &[("a", "Wait. "), ("a", "lo"), ("b", "lo")],
        &["Wait. ", "lo", "lo"],
    );
}

#[test]
fn a_form_repeats_each_turn_only_once() {
    check(
        &[
            ("a", "Yes."),
            ("b", "Yes."),
            ("a", "|"),
            ("a", "Yes."),
            ("b", "Yes."),
            ("b", "Yes."),
        ],
        &["Yes.", "Yes.", "Yes."],
    );
}

#[test]
fn a_snapshot_is_compared_with_what_its_own_form_told() {
    check(
        &[("=s", "A."), ("=s", "A."), ("=s", "A. B."), ("=s", "A. B.")],
        &["A.", " B."],
    );
}

#[test]
fn all_pieces_at_once_after_them_are_silent() {
    check(
        &[("?a", "Hel"), ("?a", "lo"), ("?a", "Hello"), ("?a", "Bye")],
        &["Hel", "lo", "Bye"],
    );
    check(&[("?a", "no"), ("?a", "no")], &["no", "no"]);
    check(
        &[
            ("?a", "Hel"),
            ("?a", "lo"),
            ("?a", "|"),
            ("?a", "Hello"),
            ("?a", "Hello"),
        ],
        &["Hel", "lo", "Hello"],
    );
}

#[test]
fn speakers_that_interleave_are_compared_each_with_themselves() {
    check(
        &[
            ("a@x", "A1 "),
            ("a@y", "B1 "),
            ("a@x", "A2"),
            ("b@x", "A1 A2"),
            ("b@y", "B1"),
        ],
        &["A1 ", "B1 ", "A2"],
    );
}

#[test]
fn white_space_alone_waits_for_what_follows() {
    check(&[("a", "A"), ("b", " "), ("b", "B")], &["A", " B"]);
    check(&[("a", "A"), ("a", "\n"), ("b", "A")], &["A", "\n"]);
}

#[test]
fn beyond_the_limit_a_form_that_only_followed_is_silent_and_a_new_one_is_told() {
    let mut words = Words::new(8);
    let mut tell = |form: &str, text: &str| {
        let source = Source {
            form: Form::TOP.then(form),
            coverage: Coverage::Unknown,
            speaker: None,
        };
        words.tell(&source, text).map(Cow::into_owned)
    };
    assert!(tell("a", "1234").is_some());
    assert!(tell("b", "1234").is_none());
    assert!(tell("a", "56789").is_some());
    assert!(tell("b", "56789").is_none());
    assert!(tell("c", "1234").is_some());
}

#[test]
fn a_speaker_that_was_long_silent_is_compared_with_all() {
    let told_by_the_second = |speakers: usize| {
        let texts =
            (0..speakers).map(|number| (format!("a@{number}"), format!("Words {number}. ")));
        let again = ("b@1".to_owned(), "Words 0. ".to_owned());
        let texts: Vec<_> = texts.chain([again]).collect();
        let texts: Vec<_> = texts
            .iter()
            .map(|(form, text)| (form.as_str(), text.as_str()))
            .collect();
        told(&texts).len() > speakers
    };
    assert!(told_by_the_second(MAX_SPEAKERS));
    assert!(!told_by_the_second(MAX_SPEAKERS + 2));
}
