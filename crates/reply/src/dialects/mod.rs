//! What a JSON value says: one file for each dialect, tried in order.
//!
//! The first dialect that recognises an object reads it alone. Recognition is by what the format's
//! own definition makes unmistakable, and shallow: it looks at an object's keys, and at most at
//! those of a few values inside. A value of another type than the format's is as if it were not
//! there.

use crate::json::{Keys, Kind, Object, Str, Value};
use crate::said::{Call, Form, Input, Mark, Said, Source, Speaker, ToolStep, Whole, readable};

mod ag_ui;
mod agent_framework;
mod agno;
mod ai_sdk;
mod anthropic;
mod autogen;
mod claude_agent;
mod converse;
mod crewai;
mod fields;
mod gemini;
mod haystack;
mod home_made;
mod invoke_model;
mod langchain;
mod langgraph_events;
mod llama_index;
mod openai_agents;
mod openai_chat;
mod openai_items;
mod openai_responses;
mod pydantic_ai;
mod semantic_kernel;
mod smolagents;
mod strands;
mod strands_bidi;
mod strands_ts;
mod tool_input;

pub(crate) use home_made::{is_terminal_name, piece};

/// The dialects, in the order in which they are tried. Home-made forms come last.
const DIALECTS: &[&Dialect] = &[
    &ag_ui::DIALECT,
    &openai_responses::DIALECT,
    &openai_chat::DIALECT,
    &anthropic::DIALECT,
    &converse::DIALECT,
    &strands::DIALECT,
    &strands_ts::DIALECT,
    &strands_bidi::DIALECT,
    &ai_sdk::DIALECT,
    &langgraph_events::DIALECT,
    &langchain::DIALECT,
    &gemini::DIALECT,
    &pydantic_ai::DIALECT,
    &openai_agents::DIALECT,
    &claude_agent::DIALECT,
    &llama_index::DIALECT,
    &autogen::DIALECT,
    &agno::DIALECT,
    &agent_framework::DIALECT,
    &semantic_kernel::DIALECT,
    &smolagents::DIALECT,
    &crewai::DIALECT,
    &haystack::DIALECT,
    &invoke_model::DIALECT,
    &home_made::DIALECT,
];

/// The formats that are read, as their users call them, in the order in which they are tried.
pub fn formats() -> impl Iterator<Item = &'static str> {
    DIALECTS.iter().map(|dialect| dialect.name)
}

/// One format of events.
pub(crate) struct Dialect {
    /// What its users call it.
    pub(crate) name: &'static str,
    /// Keys of which each object of the format has at least one: where none is there, the dialect
    /// is not asked.
    pub(crate) keys: Keys,
    /// Reads an object, or says false where it is none of this dialect's and has said nothing.
    pub(crate) read: fn(&Object<'_>, &mut Reading<'_>) -> bool,
}

/// What the dialects remember of a reply, each in a field of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    ag_ui: ag_ui::Run,
    openai_chat: openai_chat::Helper,
    anthropic: anthropic::Message,
    ai_sdk: ai_sdk::Stream,
    pydantic_ai: pydantic_ai::Run,
    strands: strands::Events,
    strands_bidi: strands_bidi::Response,
    langchain: langchain::Messages,
    langgraph_events: langgraph_events::Message,
    /// Text was said: what only lists it again is not needed.
    has_told: bool,
}

impl Memory {
    /// Whether a run has begun that says itself when it is over.
    pub(crate) fn is_in_run(&self) -> bool {
        self.ag_ui.in_run()
    }
}

/// The reading of one value: where it stands, and where what it says goes.
pub(crate) struct Reading<'r> {
    said: &'r mut Said,
    memory: &'r mut Memory,
    /// The name that the stream gives the value, in lower case without signs; empty where none.
    event: &'r str,
    /// The path of keys to here.
    form: Form,
    speaker: Option<Speaker>,
    /// How texts stand to what came before, where what they are in says it.
    whole: Whole,
    /// Inside of another dialect's value an error or an end is not the reply's.
    is_inside: bool,
}

impl<'r> Reading<'r> {
    /// The reading of a value that came by itself. `event` is the name that an SSE `event:` gave.
    pub(crate) fn new(said: &'r mut Said, memory: &'r mut Memory, event: &'r str) -> Self {
        Self {
            said,
            memory,
            event,
            form: Form::TOP,
            speaker: None,
            whole: Whole::Unknown,
            is_inside: false,
        }
    }

    /// The name that the stream gave the value by an SSE `event:` other than `message`; empty where
    /// there is none, and inside of another value.
    pub(crate) fn event(&self) -> &'r str {
        self.event
    }

    /// The reading of what an SSE `event:` gave a name.
    pub(crate) fn named<'n>(&'n mut self, event: &'n str) -> Reading<'n> {
        Reading {
            event,
            ..self.again()
        }
    }

    /// Reads text that came by itself. Its name may say that it is none.
    pub(crate) fn plain_text(&mut self, text: Str<'_>) {
        home_made::named_text(self, text);
    }

    /// Reads an event of which there is nothing but the name.
    pub(crate) fn name_alone(&mut self) {
        home_made::name_alone(self);
    }

    /// What the dialects remember.
    pub(crate) fn memory(&mut self) -> &mut Memory {
        self.memory
    }

    /// Whether what is read is inside of another dialect's value.
    pub(crate) fn is_inside(&self) -> bool {
        self.is_inside
    }

    /// Says a piece of the reply's text. `form` names the place in the dialect, the event's name
    /// included where it has one: `"ag-ui delta"`.
    pub(crate) fn text(&mut self, form: &str, text: Str<'_>) {
        self.words(form, text, false, self.whole);
    }

    /// Says text of which the format knows how it stands to what came before.
    pub(crate) fn text_whole(&mut self, form: &str, text: Str<'_>, whole: Whole) {
        self.words(form, text, false, whole);
    }

    /// Says a piece of the agent's reasoning.
    pub(crate) fn reasoning(&mut self, form: &str, text: Str<'_>) {
        self.words(form, text, true, Whole::Unknown);
    }

    /// Says reasoning of which the format knows how it stands to what came before.
    pub(crate) fn reasoning_whole(&mut self, form: &str, text: Str<'_>, whole: Whole) {
        self.words(form, text, true, whole);
    }

    fn words(&mut self, form: &str, text: Str<'_>, is_reasoning: bool, whole: Whole) {
        let form = self.form.then(form);
        let speaker = self.speaker;
        self.memory.has_told |= !is_reasoning && !text.is_empty();
        let source = Source {
            form,
            whole,
            speaker,
        };
        self.said.push_words(text, is_reasoning, source);
    }

    /// Says that a tool is called.
    pub(crate) fn call(
        &mut self,
        id: Option<Str<'_>>,
        index: Option<u64>,
        name: Option<Str<'_>>,
        input: Input,
    ) {
        let owned = |text: Str<'_>| text.decode().into_owned();
        let id = id.filter(|id| !id.is_empty()).map(owned);
        let name = name.filter(|name| !name.is_empty()).map(owned);
        let call = Call {
            id,
            index,
            name,
            input,
        };
        let call = ToolStep::Call(call);
        self.said.push_tool(call, self.speaker);
    }

    /// Says what a tool answered.
    pub(crate) fn result(&mut self, id: Option<Str<'_>>, output: Option<Value<'_>>, failed: bool) {
        let id = id.filter(|id| !id.is_empty());
        let id = id.map(|id| id.decode().into_owned());
        let output = output.map(readable).unwrap_or_default();
        let result = ToolStep::Result { id, output, failed };
        self.said.push_tool(result, self.speaker);
    }

    /// Says what a tool answered, where that is text by itself.
    pub(crate) fn result_text(&mut self, output: Str<'_>, failed: bool) {
        let output = output.decode().into_owned();
        let result = ToolStep::Result {
            id: None,
            output,
            failed,
        };
        self.said.push_tool(result, self.speaker);
    }

    /// Says that a model's turn is over.
    pub(crate) fn turn_end(&mut self) {
        self.said.push_turn_end(self.speaker);
    }

    /// Says that the agent failed.
    pub(crate) fn error(&mut self) {
        if !self.is_inside && !self.memory.is_in_run() {
            self.said.push_error();
        }
    }

    /// Says that the reply is whole.
    pub(crate) fn end(&mut self) {
        if !self.is_inside && !self.memory.is_in_run() {
            self.said.push_end();
        }
    }

    /// Reads what is further inside: `step` goes into the form of what it says. Errors and ends
    /// there are not the reply's.
    pub(crate) fn inside(&mut self, step: &str) -> Reading<'_> {
        let form = self.form.then(step);
        Reading {
            is_inside: true,
            form,
            event: "",
            ..self.again()
        }
    }

    /// The same, of a reading that is needed no more.
    pub(crate) fn into_inside(self, step: &str) -> Self {
        Self {
            is_inside: true,
            form: self.form.then(step),
            event: "",
            ..self
        }
    }

    /// Reads what a format only wraps: the same event, whose errors and ends are the reply's.
    pub(crate) fn unwrapped(&mut self, step: &str) -> Reading<'_> {
        let form = self.form.then(step);
        Reading {
            form,
            ..self.again()
        }
    }

    /// The same reading, of words of which it is said who speaks them.
    pub(crate) fn spoken_by(&mut self, name: Option<Str<'_>>) -> Reading<'_> {
        let speaker = name.map(Speaker::new).or(self.speaker);
        Reading {
            speaker,
            ..self.again()
        }
    }

    /// The same reading, of words that are the conversation so far.
    pub(crate) fn snapshot(&mut self) -> Reading<'_> {
        Reading {
            whole: Whole::Snapshot,
            ..self.again()
        }
    }

    fn again(&mut self) -> Reading<'_> {
        Reading {
            said: self.said,
            memory: self.memory,
            event: self.event,
            form: self.form,
            speaker: self.speaker,
            whole: self.whole,
            is_inside: self.is_inside,
        }
    }

    /// A place to come back to: whether text was said from here on tells [`Self::has_text_since`].
    pub(crate) fn mark(&self) -> Mark {
        self.said.mark()
    }

    /// Whether text was said since then.
    pub(crate) fn has_text_since(&self, mark: Mark) -> bool {
        self.said.mark().has_text_since(mark)
    }

    /// Whether anything was said since then.
    pub(crate) fn has_said_since(&self, mark: Mark) -> bool {
        self.said.mark().has_said_since(mark)
    }

    /// Reads an object by the first dialect that recognises it; false where none does.
    pub(crate) fn object(&mut self, object: &Object<'_>) -> bool {
        let dialects = DIALECTS.iter();
        let mut asked = dialects.filter(|dialect| object.may_have(dialect.keys));
        asked.any(|dialect| (dialect.read)(object, self))
    }

    /// Reads whatever value: an object by its dialect, an array by its elements, a string as text.
    /// False where nothing of it was recognised.
    pub(crate) fn value(&mut self, value: Value<'_>) -> bool {
        match value.kind() {
            Kind::Object => value.as_object().is_some_and(|object| self.object(&object)),
            Kind::Array => self.array(value),
            Kind::String => {
                let text = value.as_str().filter(|text| !text.is_empty());
                text.map(|text| self.text("text", text)).is_some()
            }
            Kind::Number | Kind::True | Kind::False | Kind::Null => false,
        }
    }

    /// Reads an array: what its elements give, in order. Beside an object strings are names.
    fn array(&mut self, value: Value<'_>) -> bool {
        let Some(array) = value.as_array() else {
            return false;
        };
        let has_object = value.is_or_holds_object();
        if has_object && langchain::is_silent(value) {
            return true;
        }
        if let Some(text) = langchain::custom(value) {
            self.text("custom", text);
            return true;
        }
        let mut has_read = false;
        for element in array {
            let is_name = has_object && !element.is_or_holds_object();
            if !is_name {
                has_read |= self.value(element);
            }
        }
        has_read
    }
}

#[cfg(test)]
mod testing {
    use super::*;
    use crate::json::Document;
    use crate::said::Item;

    /// What values say that come one after the other, a line for each thing: `text Hello`,
    /// `reasoning hm`, `call id name {"input"}`, `result id output`, `turn end`, `error`, `end`; and
    /// `unread` for a value that no dialect recognises.
    pub(crate) fn said(values: &[&str]) -> Vec<String> {
        let (mut memory, mut lines) = (Memory::default(), Vec::new());
        for value in values {
            let (mut said, mut document) = (Said::default(), Document::default());
            assert!(document.read(value), "no JSON: {value}");
            let value = document.value(value);
            if !Reading::new(&mut said, &mut memory, "").value(value) {
                lines.push("unread".to_owned());
            }
            lines.extend(self::lines(&said));
        }
        lines
    }

    /// A line for each thing that was said.
    pub(crate) fn lines(said: &Said) -> Vec<String> {
        let mut start = 0;
        let items = (0..).map_while(|number| Some(line(&said.item(number, &mut start)?)));
        items.collect()
    }

    /// That a dialect leaves values to others, and says nothing of them.
    pub(crate) fn leaves(dialect: &Dialect, values: &[&str]) {
        for text in values {
            let (mut said, mut document) = (Said::default(), Document::default());
            assert!(document.read(text), "no JSON: {text}");
            let object = document.value(text).as_object().expect("an object");
            let mut memory = Memory::default();
            let mut reading = Reading::new(&mut said, &mut memory, "");
            let has_read = object.may_have(dialect.keys) && (dialect.read)(&object, &mut reading);
            let has_said = said.item(0, &mut 0).is_some();
            assert!(!has_read && !has_said, "{}: {text}", dialect.name);
        }
    }

    fn line(item: &Item<'_>) -> String {
        let words = |of: &Option<String>| of.clone().unwrap_or_else(|| "-".to_owned());
        match item {
            Item::Text(text, _) => format!("text {text}"),
            Item::Reasoning(text, _) => format!("reasoning {text}"),
            Item::Tool(ToolStep::Call(call), _) => {
                let input = match &call.input {
                    Input::None => "begun".to_owned(),
                    Input::Piece(piece) => format!("piece {piece}"),
                    Input::Whole(whole) => format!("whole {whole}"),
                    Input::Ended => "ended".to_owned(),
                };
                format!("call {} {} {input}", words(&call.id), words(&call.name))
            }
            Item::Tool(ToolStep::Result { id, output, failed }, _) => {
                let failed = if *failed { " failed" } else { "" };
                format!("result {} {output}{failed}", words(id))
            }
            Item::TurnEnd(_) => "turn end".to_owned(),
            Item::Error => "error".to_owned(),
            Item::End => "end".to_owned(),
        }
    }
}
