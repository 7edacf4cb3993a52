//! What an agent's refusal of the handshake becomes.

/// The status of the answer for that of a handshake.
pub(crate) fn answer_to(handshake: u16) -> u16 {
    match handshake {
        400 | 401 | 403 | 404 => handshake,
        402 | 409 | 424 | 429 | 500.. => 503,
        _ => 500,
    }
}
