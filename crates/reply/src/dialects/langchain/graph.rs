//! What the nodes of a graph come to: its state, and the updates of it.

use super::message::{Message, Whose};
use crate::dialects::Reading;
use crate::json::{Object, Value};
use crate::said::Coverage;

/// Reads a graph's state: all messages after the user's last one.
pub(super) fn state(object: &Object<'_>, form: &str, reading: &mut Reading<'_>) -> bool {
    let Some(messages) = object.array("messages") else {
        return false;
    };
    let is_message = |value: Value<'_>| {
        value
            .as_object()
            .is_some_and(|it| Message::of(&it).is_some())
    };
    if !messages.take(1).any(is_message) {
        return false;
    }
    let is_users = |value: Value<'_>| {
        let message = value.as_object();
        let message = message.and_then(|it| Message::of(&it));
        message.is_some_and(|it| it.whose == Whose::Other)
    };
    let after = messages.enumerate().filter(|(_, it)| is_users(*it)).last();
    let after = after.map_or(0, |(place, _)| place + 1);
    let ours = || {
        let messages = messages.skip(after).filter_map(Value::as_object);
        messages.filter_map(|it| Message::of(&it))
    };
    let mut reading = reading.inside(form);
    // The words come first: a step among them would end a turn, and words are compared by turns.
    for message in ours() {
        message.words(Coverage::Snapshot, &mut reading);
    }
    for message in ours() {
        message.steps(&mut reading);
    }
    true
}

/// Reads the updates of nodes, each under its node's name.
pub(super) fn updates(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if object.has("__interrupt__") && object.iter().count() == 1 {
        return true;
    }
    let is_update = |value: Value<'_>| parts(value).take(4).any(|it| has_messages(&it));
    if object.has("type") || object.has("role") || !object.iter().any(|(_, it)| is_update(it)) {
        return false;
    }
    for (node, update) in object.iter() {
        let mut reading = reading.spoken_by(Some(node));
        let mut reading = reading.inside("updates");
        self::update(update, &mut reading);
    }
    true
}

/// Reads one node's update: an object, or a list of them where the node answers by several
/// commands.
pub(in crate::dialects) fn update(update: Value<'_>, reading: &mut Reading<'_>) {
    for part in parts(update) {
        for message in part.get("messages").into_iter().flat_map(parts) {
            if let Some(message) = Message::of(&message) {
                message.read(Coverage::Unknown, reading);
            }
        }
    }
}

/// The object that a value is, or the objects of the list that it is.
fn parts(value: Value<'_>) -> impl Iterator<Item = Object<'_>> {
    let list = value.as_array().into_iter().flatten();
    let list = list.filter_map(Value::as_object);
    value.as_object().into_iter().chain(list)
}

fn has_messages(update: &Object<'_>) -> bool {
    let Some(messages) = update.get("messages") else {
        return false;
    };
    let first = parts(messages).next();
    first.is_some_and(|it| Message::of(&it).is_some())
}

#[cfg(test)]
mod tests {
    use crate::dialects::testing::said;

    #[test]
    fn a_state_is_what_follows_the_users_last_words() {
        let state = r#"{"messages":[{"type":"human","content":"q"},{"type":"ai","content":"OLD"},
            {"type":"human","content":"q"},{"type":"ai","content":"A. "},
            {"type":"tool","content":"r","tool_call_id":"c","additional_kwargs":{}},{"type":"ai","content":"B."}]}"#;
        assert_eq!(said(&[state]), ["text A. B.", "result c r"]);
        let event =
            format!(r#"{{"event":"on_chain_end","parent_ids":[],"data":{{"output":{state}}}}}"#);
        assert_eq!(said(&[&event]), ["text A. B.", "result c r"]);
    }
}
