//! What a reader says of how it reads.

use agentcore_reply::{Account, ReplyReader, Step, UtteranceKind, formats};

use super::{Message, captures::captures};

/// The steps of a reply, and the accounts, where they are kept.
fn read(mut reader: ReplyReader, messages: &[Message]) -> (Vec<Step>, Vec<Account>) {
    let (mut steps, mut accounts) = (Vec::new(), Vec::new());
    for message in messages {
        match message {
            Message::Text(text) => reader.push_text(text),
            Message::Binary(bytes) => reader.push_binary(bytes),
            Message::Close(1000 | 1001) => reader.finish(),
            Message::Close(_) => break,
        }
        steps.extend(reader.by_ref());
        accounts.extend(reader.take_accounts());
        if matches!(steps.last(), Some(Step::End(_))) {
            break;
        }
    }
    (steps, accounts)
}

#[test]
fn accounts_change_nothing_and_hold_all_that_is_told() {
    for capture in captures() {
        let messages = capture.messages();
        let (plain, none) = read(ReplyReader::default(), &messages);
        let (steps, accounts) = read(ReplyReader::default().accounting(), &messages);
        assert_eq!(steps, plain, "{capture:?}");
        assert!(none.is_empty());
        let told = accounts.iter().flat_map(|account| account.told.clone());
        assert_eq!(told.collect::<Vec<_>>(), steps, "{capture:?}");
        for account in accounts {
            let known = |dialect| formats().any(|format| format == dialect);
            assert!(account.dialect.is_none_or(known), "{account:?}");
        }
    }
}

#[test]
fn an_account_says_the_dialect_the_repeats_and_what_is_unread() {
    let messages = [
        r#"data: {"init_event_loop": true}"#,
        r#"data: {"event": {"contentBlockDelta": {"delta": {"text": "Hello"}, "contentBlockIndex": 0}}}"#,
        r#"data: {"data": "Hello", "delta": {"text": "Hello"}}"#,
        r#"data: {"colour": "blue"}"#,
        "data: [DONE]",
    ];
    let messages = messages.map(|message| Message::Text(format!("{message}\n\n")));
    let (_, accounts) = read(ReplyReader::default().accounting(), &messages);
    let seen: Vec<_> = accounts
        .iter()
        .map(|account| {
            let says = account
                .said
                .iter()
                .any(|said| said.kind == UtteranceKind::Text);
            let tells = account
                .told
                .iter()
                .any(|step| matches!(step, Step::Text(_)));
            (account.dialect, says, tells, account.is_unread)
        })
        .collect();
    assert_eq!(
        seen,
        [
            (Some("Strands"), false, false, false),
            (Some("Bedrock Converse"), true, true, false),
            (Some("Strands"), true, false, false),
            (None, false, false, true),
            (None, false, false, false),
        ]
    );
    assert_eq!(accounts[3].source, r#"{"colour": "blue"}"#);
}
