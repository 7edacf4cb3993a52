//! A conversation over an open WebSocket: a listener reads frames while a speaker performs the
//! script.
//!
//! They run concurrently, so that frames of the client are recorded while the agent sends, even if
//! the client does not read and so blocks the agent.

use std::{io, pin::pin};

use tokio::{
    io::AsyncReadExt,
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::mpsc::{self, UnboundedSender},
};

use super::{admission::Admitted, drain, ended_by};
use crate::{
    Ended, ReceivedFrame,
    frame::{Assembler, Frame, MAX_PAYLOAD, Masking, Message, Parser, Violation},
    observation::Entry,
    state::State,
};

use speaker::{Finish, Speaker};

mod speaker;

/// What the listener passes to the speaker.
type Event = Result<Message, Violation>;

/// Holds the conversation until the client ends the connection or the agent resets it.
pub(super) async fn hold(
    stream: &mut TcpStream,
    early: &[u8],
    admitted: &Admitted,
    state: &State,
    entry: &Entry,
) -> Ended {
    let (reader, writer) = stream.split();
    let (events, inbox) = mpsc::unbounded_channel();
    let mut listening = pin!(listen(reader, early, events, entry));
    let speaking = speak(Speaker::new(writer, inbox), admitted, state);
    tokio::select! {
        // Steps that are due before the client ends the connection are still performed.
        biased;
        finish = speaking => match finish {
            Ok(Finish::Over) => listening.await,
            Ok(Finish::Reset) => Ended::Reset,
            Err(error) => {
                // The system reports a reset only once, and the writer got it.
                let ended = listening.await;
                if ended_by(&error) == Ended::Reset { Ended::Reset } else { ended }
            }
        },
        ended = &mut listening => ended,
    }
}

async fn speak(
    mut speaker: Speaker<WriteHalf<'_>>,
    admitted: &Admitted,
    state: &State,
) -> io::Result<Finish> {
    let mut steps = admitted.agent.opening.clone();
    loop {
        if let Some(finish) = speaker.perform(steps).await? {
            return Ok(finish);
        }
        let Some(message) = speaker.next_message().await? else {
            return Ok(Finish::Over);
        };
        let turn = state.turn(&admitted.arn, &admitted.runtime_session_id, message);
        steps = admitted.agent.reply(&turn);
    }
}

/// Reads frames until the connection ends. After a protocol violation it only waits for the end.
async fn listen(
    mut reader: ReadHalf<'_>,
    early: &[u8],
    events: UnboundedSender<Event>,
    entry: &Entry,
) -> Ended {
    let mut parser = Parser::new(Masking::Required, MAX_PAYLOAD);
    let mut assembler = Assembler::default();
    let mut buffer = vec![0; 16 * 1024];
    parser.push(early);
    loop {
        if let Err(violation) = take(&mut parser, &mut assembler, &events, entry) {
            // The speaker may have said its last word already.
            let _ = events.send(Err(violation));
            return drain(&mut reader).await;
        }
        match reader.read(&mut buffer).await {
            Ok(0) => return Ended::Fin,
            Ok(len) => parser.push(&buffer[..len]),
            Err(error) => return ended_by(&error),
        }
    }
}

/// Records complete frames and passes their messages to the speaker.
fn take(
    parser: &mut Parser,
    assembler: &mut Assembler,
    events: &UnboundedSender<Event>,
    entry: &Entry,
) -> Result<(), Violation> {
    while let Some(frame) = parser.next_frame()? {
        let Frame {
            opcode,
            fin,
            ref payload,
            ..
        } = frame;
        let received = ReceivedFrame {
            opcode,
            fin,
            len: payload.len(),
        };
        let message = assembler.push(frame);
        entry.update(|connection| {
            connection.frames.push(received);
            match &message {
                Ok(Some(Message::Text(text))) => connection.messages.push(text.clone()),
                Ok(Some(Message::Binary(bytes))) => {
                    connection
                        .messages
                        .push(String::from_utf8_lossy(bytes).into_owned());
                }
                Ok(Some(Message::Pong(_))) => connection.pongs += 1,
                Ok(Some(Message::Close(code))) => {
                    connection.close_code.get_or_insert(code.unwrap_or(1005));
                }
                Ok(Some(Message::Ping(_)) | None) | Err(_) => {}
            }
        });
        if let Some(message) = message? {
            // The speaker may have said its last word already.
            let _ = events.send(Ok(message));
        }
    }
    Ok(())
}
