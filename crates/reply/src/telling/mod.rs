//! The third step: what was said to steps, each told once.
//!
//! Frameworks say the same words in several forms: each token as it comes, then the message whole,
//! then the result. The form that told last goes on telling. A text of any other form is compared
//! with the transcript of what was told, without white space, and what repeats it is left out. A
//! reply in one form is never compared with anything.

mod calls;
mod marks;
mod steps;
mod transcript;
mod words;

pub(crate) use steps::Telling;
