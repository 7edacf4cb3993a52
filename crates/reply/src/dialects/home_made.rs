//! Forms of no framework's: what people write by hand.

use super::{Dialect, Reading};
use crate::json::{Keys, Object};

pub(super) const DIALECT: Dialect = Dialect {
    name: "home-made",
    keys: Keys::ANY,
    read,
};

fn read(_object: &Object<'_>, _reading: &mut Reading<'_>) -> bool {
    false
}
