//! What several forms say is told once.

use super::read;

#[test]
fn a_form_that_followed_tells_only_what_it_gets_ahead_with() {
    for (messages, expected) in [
        (
            &[
                r#"{"chunk":"Hello "}"#,
                r#"{"token":"Hello "}"#,
                r#"{"chunk":"wor"}"#,
                r#"{"token":"w"}"#,
                r#"{"token":"orld"}"#,
            ][..],
            "Hello world",
        ),
        (
            &[
                r#"{"chunk":"one "}"#,
                r#"{"token":"one "}"#,
                r#"{"chunk":"two three"}"#,
                r#"{"token":"two "}"#,
                r#"{"token":"three four"}"#,
                r#"{"chunk":" four"}"#,
            ],
            "one two three four",
        ),
        (
            &[
                r#"{"chunk":"one "}"#,
                r#"{"token":"one "}"#,
                r#"{"chunk":"two three"}"#,
                r#"{"token":"two "}"#,
                r#"{"token":"dogs"}"#,
            ],
            "one two threetwo dogs",
        ),
    ] {
        assert_eq!(read(messages, true).0.concat(), expected, "{messages:?}");
    }
}
