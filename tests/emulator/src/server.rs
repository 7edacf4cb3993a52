//! Serves one connection, from its request to its end.

use std::{io, sync::Arc};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    Ended,
    encoding::{parameters, split_target},
    observation::Entry,
    state::State,
};

use request::Request;
use response::Response;
use route::Route;

mod admission;
mod bearer;
mod conversation;
mod endpoint;
mod handshake;
mod request;
mod response;
mod route;
mod script;
mod stop;

/// Serves a connection until the client ends it or the agent resets it.
pub(crate) async fn serve(mut stream: TcpStream, state: Arc<State>, entry: Entry) {
    // Disables Nagle's algorithm, which delays small messages. A failure costs only speed.
    let _ = stream.set_nodelay(true);
    let ended = match exchange(&mut stream, &state, &entry).await {
        Ok(ended) => ended,
        Err(error) => ended_by(&error),
    };
    if ended == Ended::Reset {
        // Closing with a linger time of zero sends a reset. If the client has closed first, there
        // is nothing left to reset.
        let _ = stream.set_zero_linger();
    }
    drop(stream);
    entry.update(|connection| connection.ended = ended);
}

async fn exchange(stream: &mut TcpStream, state: &State, entry: &Entry) -> io::Result<Ended> {
    let request = request::read(stream).await?;
    let route = Route::of(&request);
    observe(entry, &request, &route);
    match route {
        Route::WebSocket { arn } => match admission::admit(&request, &arn, state) {
            Ok(admitted) => handshake::meet(stream, request, admitted, state, entry).await,
            Err(refusal) => respond(stream, &refusal, entry).await,
        },
        Route::Stop { arn } => stop::serve(stream, &request, &arn, state, entry).await,
        Route::Endpoint { runtime_id, name } => {
            endpoint::serve(stream, &request, &runtime_id, &name, state, entry).await
        }
        Route::Unknown => {
            let error = Response::error(404, "ResourceNotFoundException", "There is no such route");
            respond(stream, &error, entry).await
        }
    }
}

fn observe(entry: &Entry, request: &Request, route: &Route) {
    entry.update(|connection| {
        connection.method.clone_from(&request.method);
        connection.operation = route.operation();
        connection.arn = route.arn().map(str::to_owned);
        connection.target.clone_from(&request.target);
        connection.headers.clone_from(&request.headers);
        connection.query = parameters(split_target(&request.target).1);
        connection.runtime_session_id = match route {
            Route::Stop { .. } => request.session_in_headers(),
            _ => request
                .session_in_query()
                .or_else(|| request.session_in_headers()),
        };
    });
}

/// Sends a response, and waits for the client to end the connection.
async fn respond(stream: &mut TcpStream, response: &Response, entry: &Entry) -> io::Result<Ended> {
    entry.update(|connection| connection.status = Some(response.status));
    stream.write_all(&response.encode()).await?;
    stream.shutdown().await?;
    Ok(drain(stream).await)
}

/// Reads and discards everything until the connection ends.
///
/// Closing a socket with unread bytes would reset it, and the client might lose the response.
async fn drain(stream: &mut (impl AsyncRead + Unpin)) -> Ended {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) => return Ended::Fin,
            Ok(_) => {}
            Err(error) => return ended_by(&error),
        }
    }
}

fn ended_by(error: &io::Error) -> Ended {
    match error.kind() {
        io::ErrorKind::ConnectionReset => Ended::Reset,
        _ => Ended::Fin,
    }
}
