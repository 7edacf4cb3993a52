//! How refusals of a handshake map to responses.

/// The status of the response to a handshake refused with this status.
pub(crate) fn answer_to(handshake: u16) -> u16 {
    match handshake {
        400 | 401 | 403 | 404 => handshake,
        402 | 409 | 424 | 429 | 500.. => 503,
        _ => 500,
    }
}
