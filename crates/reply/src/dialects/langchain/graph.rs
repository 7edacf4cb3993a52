//! What the nodes of a graph come to: its state, and the updates of it.

use super::message::{self, Message, Whose};
use crate::dialects::ids::Ids;
use crate::dialects::{Reading, home_made};
use crate::json::{Object, Value};
use crate::names::is_agents;
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
        message.is_some_and(|it| match Message::of(&it) {
            Some(message) => message.whose == Whose::Other,
            None => is_question(&it),
        })
    };
    let after = messages.enumerate().filter(|(_, it)| is_users(*it)).last();
    let after = after.map_or(0, |(place, _)| place + 1);
    let ours = || {
        let messages = messages.skip(after).filter_map(Value::as_object);
        messages.filter_map(|it| Message::of(&it))
    };
    let mut reading = reading.inside(form);
    let ids = || ours().filter_map(|message| message.agents_id());
    // Nodes that speak at the same time interleave, so each message that came by itself is compared
    // by itself. More of them than there are speakers are not known by their ids.
    let memory = &mut reading.memory().langchain;
    let is_by_id = ids().any(|id| memory.is_heard(id)) && ids().nth(Ids::MAX).is_none();
    // The words come first: a step among them would end a turn, and words are compared by turns.
    for object in messages.skip(after).filter_map(Value::as_object) {
        let Some(message) = Message::of(&object) else {
            // A node may have written it as a dictionary, and a graph without a reducer keeps it so.
            dict_words(&object, &mut reading);
            continue;
        };
        let id = message.agents_id();
        let speaker = id.filter(|id| reading.memory().langchain.speaks(*id, is_by_id));
        message.words(Coverage::Snapshot, &mut reading.spoken_by(speaker));
    }
    for object in messages.skip(after).filter_map(Value::as_object) {
        match Message::of(&object) {
            Some(message) => message.steps(&mut reading),
            None => dict_steps(&object, &mut reading),
        }
    }
    true
}

/// Reads the updates of nodes, each under its node's name.
pub(super) fn updates(object: &Object<'_>, reading: &mut Reading<'_>) -> bool {
    if object.has("__interrupt__") && object.iter().count() == 1 {
        return true;
    }
    if object.has("type") || object.has("role") {
        return false;
    }
    let mut has_dicts = false;
    let updates = object.iter().flat_map(|(_, it)| parts(it).take(4));
    let is_typed = updates
        .filter_map(|it| first_is_typed(&it))
        .any(|is_typed| {
            has_dicts |= !is_typed;
            is_typed
        });
    // Home-made objects hold such dictionaries too, but under keys of their own.
    let is_update = is_typed || (has_dicts && !home_made::may_have_text(object));
    if !is_update {
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
        let Some(messages) = part.get("messages") else {
            continue;
        };
        for message in parts(messages) {
            if let Some(message) = Message::of(&message) {
                message.read(Coverage::Unknown, reading);
            }
        }
        dicts(messages, reading);
    }
}

/// Reads the messages that a node wrote as dictionaries, `{"role", "content"}`. Where a question of
/// the user's is among them they are the conversation so far, of which the answer is what follows.
fn dicts(messages: Value<'_>, reading: &mut Reading<'_>) {
    let place = parts(messages)
        .enumerate()
        .filter(|(_, it)| is_question(it));
    let after = place.last().map(|(place, _)| place + 1);
    for message in parts(messages).skip(after.unwrap_or(0)) {
        if !is_dict(&message) {
            continue;
        }
        let mut reading = reading.inside("dict");
        if after.is_some() {
            reading.snapshot().object(&message);
        } else {
            reading.object(&message);
        }
    }
}

/// Says the agent's words in a dictionary of a state, like those of the messages around it.
fn dict_words(message: &Object<'_>, reading: &mut Reading<'_>) {
    let content = message.get("content").filter(|_| is_dict(message));
    if let Some(content) = content.filter(|_| is_agents(message.string("role"))) {
        message::content(content, message::WHOLE, Coverage::Snapshot, reading);
    }
}

/// Says the calls in such a dictionary, or what a tool answered.
fn dict_steps(message: &Object<'_>, reading: &mut Reading<'_>) {
    if is_agents(message.string("role")) {
        if let Some(calls) = message.get("tool_calls").filter(|_| is_dict(message)) {
            home_made::calls(calls, reading);
        }
    } else {
        reading.object(message);
    }
}

fn is_question(message: &Object<'_>) -> bool {
    let role = message.string("role");
    role.is_some_and(|role| role.is_any(&["user", "human"]))
}

/// Whether an object is a message as people write it, with a role in place of a type.
fn is_dict(message: &Object<'_>) -> bool {
    let is_one = message.string("role").is_some() && message.has("content");
    is_one && Message::of(message).is_none()
}

/// The object that a value is, or the objects of the list that it is.
fn parts(value: Value<'_>) -> impl Iterator<Item = Object<'_>> {
    let list = value.as_array().into_iter().flatten();
    let list = list.filter_map(Value::as_object);
    value.as_object().into_iter().chain(list)
}

/// Whether the first of a node's messages has a type, or is a dictionary with a role; `None` where
/// it has none.
fn first_is_typed(update: &Object<'_>) -> Option<bool> {
    let first = parts(update.get("messages")?).next()?;
    let is_typed = Message::of(&first).is_some();
    (is_typed || is_dict(&first)).then_some(is_typed)
}

#[cfg(test)]
mod tests {
    use crate::dialects::testing::said;

    #[test]
    fn a_nodes_messages_may_be_dictionaries_with_roles() {
        const ANSWER: &str = r#"{"role":"assistant","content":"Hi"}"#;
        for update in [
            format!(r#"{{"agent":{{"messages":[{ANSWER}]}}}}"#),
            format!(r#"{{"agent":{{"messages":{ANSWER}}}}}"#),
            format!(r#"["updates",{{"agent":{{"messages":[{ANSWER}]}}}}]"#),
            format!(r#"{{"type":"updates","ns":[],"data":{{"agent":{{"messages":[{ANSWER}]}}}}}}"#),
            format!(
                r#"{{"type":"event","method":"updates","params":{{"node":"agent","data":{{"messages":[{ANSWER}]}}}}}}"#
            ),
            r#"{"agent":{"messages":[{"role":"ai","content":[{"type":"text","text":"Hi"}]}]}}"#
                .to_owned(),
            // All of the conversation, where the graph has no reducer for it.
            format!(
                r#"{{"agent":{{"messages":[{{"role":"user","content":"q"}},{{"role":"assistant","content":"OLD"}},
                {{"role":"user","content":"PROMPT"}},{ANSWER}]}}}}"#
            ),
        ] {
            assert_eq!(said(&[&update]), ["text Hi"], "{update}");
        }
        let tool = r#"{"tools":{"messages":[{"role":"tool","content":"42","tool_call_id":"c"},{"role":"system","content":"S"}]}}"#;
        assert_eq!(said(&[tool]), ["result c 42"]);
    }

    #[test]
    fn a_state_may_hold_messages_of_both_kinds() {
        let state = r#"{"messages":[{"type":"human","content":"q"},{"role":"assistant","content":"OLD"},
            {"role":"user","content":"PROMPT"},{"type":"ai","content":"A. "},
            {"role":"assistant","content":"B.","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]},
            {"role":"tool","tool_call_id":"c","content":"42"}]}"#;
        assert_eq!(
            said(&[state]),
            ["text A. B.", "call c f whole {}", "result c 42"]
        );
    }

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
