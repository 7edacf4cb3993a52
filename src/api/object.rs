//! A request's body as a JSON object: the fields of it that are known, each once at the most. What
//! others hold is not looked at.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::error::ApiError;

/// The largest body, in bytes.
pub const MAX_BODY_BYTES: usize = 1_048_576;

/// U+FEFF, which some programs write before a text.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The value of a field.
#[derive(Debug, Default)]
pub(super) enum Field<'a> {
    /// Not there, or null.
    #[default]
    None,
    Text(String),
    /// Of another type.
    Other(&'a RawValue),
}

/// The text of a body that is a JSON object.
///
/// # Errors
/// 413 for a body that is too large, 400 for one that is no object.
pub(super) fn object(body: &[u8]) -> Result<&str, ApiError> {
    if body.len() > MAX_BODY_BYTES {
        return Err(ApiError::payload_too_large(MAX_BODY_BYTES));
    }
    // RFC 8259, section 8.1: it may be there, and is not to be.
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    let json: &RawValue = serde_json::from_slice(body).map_err(|error| not_json(&error))?;
    if json.get().starts_with('{') {
        Ok(json.get())
    } else {
        Err(ApiError::validation(
            "the request body must be a JSON object",
        ))
    }
}

/// Whether there is a body at all.
pub(super) fn is_blank(body: &[u8]) -> bool {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    body.trim_ascii().is_empty()
}

/// The fields of an object that have these names.
///
/// # Errors
/// 400 where one of them is there twice, or holds a string that is no text.
pub(super) fn fields<'a, const N: usize>(
    json: &'a str,
    names: &[&str; N],
) -> Result<[Field<'a>; N], ApiError> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let known = deserializer.deserialize_map(Known { names });
    known.map_err(|error| not_json(&error))
}

/// Says where the JSON is wrong, in our words alone: a parser's may quote the body.
fn not_json(error: &serde_json::Error) -> ApiError {
    if error.is_data() {
        // Ours, of a known field: the place is put behind it.
        let text = error.to_string();
        let ours = text.split(" at line ").next().unwrap_or_default();
        return ApiError::validation(ours.to_owned());
    }
    let (line, column) = (error.line(), error.column());
    ApiError::validation(format!(
        "the request body is not valid JSON (line {line}, column {column})"
    ))
}

impl<'a> Field<'a> {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::None | Self::Other(_) => None,
        }
    }

    /// # Errors
    /// 400 where it is there and no string.
    pub(super) fn into_text(self, name: &str) -> Result<Option<String>, ApiError> {
        match self {
            Self::None => Ok(None),
            Self::Text(text) => Ok(Some(text)),
            Self::Other(_) => Err(wrong_type(name, "a string")),
        }
    }

    /// The elements of an array.
    ///
    /// # Errors
    /// 400 where it is there and no array.
    pub(super) fn into_array(self, name: &str) -> Result<Option<Vec<&'a RawValue>>, ApiError> {
        match self {
            Self::None => Ok(None),
            Self::Other(value) if value.get().starts_with('[') => {
                Ok(serde_json::from_str(value.get()).ok())
            }
            Self::Text(_) | Self::Other(_) => Err(wrong_type(name, "an array")),
        }
    }
}

pub(super) fn wrong_type(name: &str, wanted: &str) -> ApiError {
    ApiError::validation(format!("{name} must be {wanted}"))
}

/// Serde's derived types take an array for a struct, and build what nobody asked for.
struct Known<'n, const N: usize> {
    names: &'n [&'n str; N],
}

impl<'de, const N: usize> Visitor<'de> for Known<'_, N> {
    type Value = [Field<'de>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = [const { Field::None }; N];
        let mut seen = [false; N];
        while let Some(name) = map.next_key::<String>()? {
            let Some(place) = self.names.iter().position(|known| *known == name) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value: &RawValue = map.next_value()?;
            fields[place] = match value.get() {
                "null" => Field::None,
                text if text.starts_with('"') => {
                    Field::Text(serde_json::from_str(text).map_err(|_| {
                        A::Error::custom(format!("{name} holds half of a surrogate pair"))
                    })?)
                }
                _ => Field::Other(value),
            };
            if std::mem::replace(&mut seen[place], true) {
                return Err(A::Error::custom(format!("{name} is there twice")));
            }
        }
        Ok(fields)
    }
}
