//! The reading of one value: what the dialects know of where it stands, and how they say what is in
//! it.

use super::memory::Memory;
use super::{home_made, langchain, registry};
use crate::json::{Kind, Object, Str, Value};
use crate::said::{Answer, Call, Coverage, Form, Input, Mark, Said, Source, Speaker, ToolStep};
use crate::step::Output;

/// The reading of one value.
pub(crate) struct Reading<'r> {
    /// Where what the value says goes.
    said: &'r mut Said,
    memory: &'r mut Memory,
    /// The name that the value has from what it came in, empty where none.
    outer_name: &'r str,
    /// The path of keys to here.
    form: Form,
    speaker: Option<Speaker>,
    /// What the texts repeat, where what they are in says it.
    coverage: Coverage,
    /// The value is inside of another dialect's. Its errors and ends are not the reply's.
    is_inside: bool,
}

impl<'r> Reading<'r> {
    /// The reading of a value that came by itself. `sse_name` is the name of its SSE event, empty
    /// where it has none.
    pub(crate) fn new(said: &'r mut Said, memory: &'r mut Memory, sse_name: &'r str) -> Self {
        Self {
            said,
            memory,
            outer_name: sse_name,
            form: Form::TOP,
            speaker: None,
            coverage: Coverage::Unknown,
            is_inside: false,
        }
    }

    /// The name that the value has from what it came in: that of an SSE event, or of the mode in
    /// which a graph streams. It is empty where there is none, and inside of another value.
    pub(crate) fn outer_name(&self) -> &'r str {
        self.outer_name
    }

    /// The same reading, of a value that has this name from what it came in.
    pub(crate) fn named<'n>(&'n mut self, outer_name: &'n str) -> Reading<'n> {
        Reading {
            outer_name,
            ..self.again()
        }
    }

    /// Reads text that came by itself. Its outer name may say that it is none of the reply's.
    pub(crate) fn plain_text(&mut self, text: Str<'_>) {
        home_made::named_text(self, text);
    }

    /// Reads an SSE event of which there is nothing but the name.
    pub(crate) fn name_alone(&mut self) {
        home_made::name_alone(self);
    }

    /// What the dialects remember.
    pub(crate) fn memory(&mut self) -> &mut Memory {
        self.memory
    }

    /// Whether the value is inside of another dialect's.
    pub(crate) fn is_inside(&self) -> bool {
        self.is_inside
    }

    /// Says a piece of the reply's text. `form` names the dialect and the place in it:
    /// `"ag-ui delta"`.
    pub(crate) fn text(&mut self, form: &str, text: Str<'_>) {
        self.words(form, text, false, self.coverage);
    }

    /// Says text of which the format knows what it repeats.
    pub(crate) fn text_covering(&mut self, form: &str, text: Str<'_>, coverage: Coverage) {
        self.words(form, text, false, coverage);
    }

    /// Says a piece of the agent's reasoning.
    pub(crate) fn reasoning(&mut self, form: &str, text: Str<'_>) {
        self.words(form, text, true, Coverage::Unknown);
    }

    /// Says reasoning of which the format knows what it repeats.
    pub(crate) fn reasoning_covering(&mut self, form: &str, text: Str<'_>, coverage: Coverage) {
        self.words(form, text, true, coverage);
    }

    fn words(&mut self, form: &str, text: Str<'_>, is_reasoning: bool, coverage: Coverage) {
        let form = self.form.then(form);
        let speaker = self.speaker;
        self.memory.has_text |= !is_reasoning && !text.is_empty();
        let source = Source {
            form,
            coverage,
            speaker,
        };
        self.said.push_words(text, is_reasoning, source);
    }

    /// Says that a tool is called, or more of a call. `index` is the call's place among those that
    /// stream at once.
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
        self.result_of(id, None, output, failed);
    }

    /// Says what a tool answered, by the tool's name where the call has no id.
    pub(crate) fn result_of(
        &mut self,
        id: Option<Str<'_>>,
        name: Option<Str<'_>>,
        output: Option<Value<'_>>,
        failed: bool,
    ) {
        let owned = |text: Str<'_>| text.decode().into_owned();
        let id = id.filter(|id| !id.is_empty()).map(owned);
        let name = name.filter(|name| !name.is_empty()).map(owned);
        let output = match output.map(|value| (value, value.as_str())) {
            None => Output::Text(String::new()),
            Some((_, Some(text))) => Output::Text(text.decode().into_owned()),
            Some((value, None)) => Output::Json(value.raw().to_owned()),
        };
        let result = ToolStep::Result(Answer {
            id,
            name,
            output,
            failed,
        });
        self.said.push_tool(result, self.speaker);
    }

    /// Says what a tool answered, where that is text by itself.
    pub(crate) fn result_text(&mut self, output: Str<'_>, failed: bool) {
        let output = Output::Text(output.decode().into_owned());
        let result = ToolStep::Result(Answer {
            id: None,
            name: None,
            output,
            failed,
        });
        self.said.push_tool(result, self.speaker);
    }

    /// Says that a model's turn is over.
    pub(crate) fn turn_end(&mut self) {
        self.said.push_turn_end(self.speaker);
    }

    /// Says that the agent failed, where that is the value's to say.
    pub(crate) fn error(&mut self) {
        if !self.is_inside && !self.memory.is_in_run() {
            self.said.push_error();
        }
    }

    /// Says that the reply is whole, where that is the value's to say.
    pub(crate) fn end(&mut self) {
        if !self.is_inside && !self.memory.is_in_run() {
            self.said.push_end();
        }
    }

    /// The reading of what is inside of the value under `key`. Errors and ends there are not the
    /// reply's.
    pub(crate) fn inside(&mut self, key: &str) -> Reading<'_> {
        let form = self.form.then(key);
        Reading {
            is_inside: true,
            form,
            outer_name: "",
            ..self.again()
        }
    }

    /// The same, of a reading that is not needed any more.
    pub(crate) fn into_inside(self, key: &str) -> Self {
        Self {
            is_inside: true,
            form: self.form.then(key),
            outer_name: "",
            ..self
        }
    }

    /// The reading of what a format only wraps. Errors and ends there are the reply's.
    pub(crate) fn unwrapped(&mut self, key: &str) -> Reading<'_> {
        let form = self.form.then(key);
        Reading {
            form,
            ..self.again()
        }
    }

    /// The same reading, of words that this speaker says, where one is named.
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
            coverage: Coverage::Snapshot,
            ..self.again()
        }
    }

    fn again(&mut self) -> Reading<'_> {
        Reading {
            said: self.said,
            memory: self.memory,
            outer_name: self.outer_name,
            form: self.form,
            speaker: self.speaker,
            coverage: self.coverage,
            is_inside: self.is_inside,
        }
    }

    /// How much was said so far, for [`Self::has_text_since`] and [`Self::has_said_since`].
    pub(crate) fn mark(&self) -> Mark {
        self.said.mark()
    }

    /// Whether text was said since the mark.
    pub(crate) fn has_text_since(&self, mark: Mark) -> bool {
        self.said.mark().has_text_since(mark)
    }

    /// Whether anything was said since the mark.
    pub(crate) fn has_said_since(&self, mark: Mark) -> bool {
        self.said.mark().has_said_since(mark)
    }

    /// Reads an object by the first dialect that recognises it; false where none does.
    pub(crate) fn object(&mut self, object: &Object<'_>) -> bool {
        registry::read(object, self)
    }

    /// Reads any value: an object by its dialect, an array by its elements, a string as text. False
    /// where nothing of it was recognised.
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

    /// Reads an array by its elements, in order.
    fn array(&mut self, value: Value<'_>) -> bool {
        let has_object = value.is_or_holds_object();
        if has_object && langchain::is_silent(value) {
            return true;
        }
        if let Some(text) = langchain::custom(value) {
            self.text("custom", text);
            return true;
        }
        if !has_object && home_made::named_result(self, value) {
            return true;
        }
        let mut has_read = false;
        for element in value.as_array().into_iter().flatten() {
            // Beside an object a string is a name, as in `["messages", {…}]`.
            let is_name = has_object && !element.is_or_holds_object();
            if is_name {
                continue;
            }
            // An array of events is these events, one after the other.
            if !self.is_inside && element.kind() == Kind::Object {
                self.said.part();
            }
            has_read |= match element.as_str().filter(|text| !text.is_empty()) {
                // It is named like a text by itself: what came as `event: tool_result` is a tool's.
                Some(text) if !self.outer_name.is_empty() => {
                    home_made::named_words(self, text);
                    true
                }
                _ => self.value(element),
            };
        }
        has_read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inside_has_neither_the_outer_name_nor_a_say_in_the_reply() {
        let (mut said, mut memory) = (Said::default(), Memory::default());
        let mut reading = Reading::new(&mut said, &mut memory, "error");
        let inside = reading.inside("key");
        assert!(inside.is_inside && inside.outer_name().is_empty());
        let (form, inside) = (inside.form, Reading::new(&mut said, &mut memory, "error"));
        let mut inside = inside.into_inside("key");
        assert!(inside.is_inside && inside.outer_name().is_empty());
        assert!(inside.form == form && form != Form::TOP);
        inside.error();
        inside.end();
        let mark = inside.mark();
        inside.turn_end();
        assert!(inside.has_said_since(mark) && !inside.has_text_since(mark));
        assert!(!said.ends_reply());
    }

    #[test]
    fn a_snapshots_words_are_the_conversation_so_far() {
        let (mut said, mut memory) = (Said::default(), Memory::default());
        let mut reading = Reading::new(&mut said, &mut memory, "");
        assert_eq!(reading.snapshot().coverage, Coverage::Snapshot);
        reading.reasoning("form", Str::plain("hm"));
        reading.text("form", Str::plain(""));
        assert!(!memory.has_text);
        Reading::new(&mut said, &mut memory, "").text("form", Str::plain("Hi"));
        assert!(memory.has_text);
    }
}
