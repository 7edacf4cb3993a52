//! The request that opens an agent's WebSocket: where it goes, and by whose leave.

use std::borrow::Cow;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::agent::{Runtime, RuntimeUser};
use crate::agentcore::sign::SESSION_ID;
use crate::agentcore::sign::presign::{PresignedUrl, presign, unsigned};
use crate::agentcore::wire::endpoint::Endpoint;
use crate::caller::BearerToken;
use crate::invocation::Visit;

/// What tells a runtime who its user is.
const USER_ID: HeaderName = HeaderName::from_static("x-amzn-bedrock-agentcore-runtime-user-id");

/// By whose leave a WebSocket is opened.
#[derive(Clone, Copy, Debug)]
pub(super) enum Leave<'a> {
    /// By our own: the address is signed, at this time.
    Signed(&'a Credentials, SystemTime),
    /// By the caller's: nothing is signed.
    Token(&'a BearerToken),
}

/// What opens a WebSocket. It may hold a signature or a token: for the wire alone.
#[derive(Debug)]
pub(super) struct Opening<'a> {
    pub(super) url: PresignedUrl,
    pub(super) headers: Cow<'a, HeaderMap>,
}

impl<'a> Opening<'a> {
    /// The request for an invocation's session. A session's id is told in the address where that is
    /// signed, which keeps it from being changed, and in a header where it is not.
    pub(super) fn new(
        runtime: &Runtime,
        visit: &'a Visit,
        endpoint: Option<&Endpoint>,
        leave: Leave<'_>,
    ) -> Self {
        let session = &visit.runtime_session;
        let mut headers = Cow::Borrowed(visit.trace.as_headers());
        let url = match leave {
            Leave::Signed(credentials, time) => {
                presign(runtime, session, endpoint, credentials, time)
            }
            Leave::Token(token) => {
                let headers = headers.to_mut();
                headers.insert(SESSION_ID, plain(session.as_str()));
                headers.insert(header::AUTHORIZATION, token.authorization());
                unsigned(runtime, endpoint)
            }
        };
        if runtime.user == RuntimeUser::Caller
            && let Some(caller) = &visit.caller
        {
            headers.to_mut().insert(USER_ID, plain(caller.as_str()));
        }
        Self { url, headers }
    }
}

/// Ids are of letters, digits, hyphens and underscores.
#[expect(clippy::expect_used, reason = "what the ids' own types hold")]
fn plain(id: &str) -> HeaderValue {
    HeaderValue::from_str(id).expect("an id is of visible ASCII characters alone")
}
