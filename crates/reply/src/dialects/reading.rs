//! The reading of one value.

use super::memory::Memory;
use super::{home_made, langchain, registry};
use crate::json::{Kind, Object, Str, Value};
use crate::said::{Call, Form, Input, Mark, Said, Source, Speaker, ToolStep, Whole, readable};

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
        self.memory.has_text |= !is_reasoning && !text.is_empty();
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
        registry::read(object, self)
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
