//! The HTTP client of the credentials chain: ours, over the connections that all else goes over, so
//! that the binary holds one TLS stack with one set of roots.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use crate::agentcore::wire::Connector;
use crate::agentcore::wire::endpoint::Endpoint;
use crate::agentcore::wire::rest;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What holds where a provider sets no time of its own.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A client whose connections are the connector's.
pub(super) fn client(connector: Connector) -> SharedHttpClient {
    http_client_fn(move |settings, _| {
        SharedHttpConnector::new(OneRequest {
            connector: connector.clone(),
            settings: settings.clone(),
        })
    })
}

/// One connection for each request: credentials are fetched once in hours.
#[derive(Debug)]
struct OneRequest {
    connector: Connector,
    settings: HttpConnectorSettings,
}

impl HttpConnector for OneRequest {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (connector, settings) = (self.connector.clone(), self.settings.clone());
        HttpConnectorFuture::new(async move { send(&connector, &settings, request).await })
    }
}

async fn send(
    connector: &Connector,
    settings: &HttpConnectorSettings,
    request: HttpRequest,
) -> Result<HttpResponse, ConnectorError> {
    let (endpoint, request) = parts(request).map_err(ConnectorError::user)?;
    let connect = settings.connect_timeout().unwrap_or(TIMEOUT);
    let transport = timeout(connect, connector.connect(&endpoint))
        .await
        .map_err(|elapsed| ConnectorError::timeout(elapsed.into()))?
        .map_err(|error| ConnectorError::io(error.into()))?;
    let read = settings.read_timeout().unwrap_or(TIMEOUT);
    let answer = timeout(read, rest::exchange(TokioIo::new(transport), request))
        .await
        .map_err(|elapsed| ConnectorError::timeout(elapsed.into()))?
        .map_err(|error| ConnectorError::io(error.into()))?;
    let mut response = Response::new(SdkBody::from(answer.body));
    *response.headers_mut() = answer.headers;
    let status = answer.status.try_into();
    *response.status_mut() = status.map_err(|error: http::status::InvalidStatusCode| {
        ConnectorError::other(error.into(), None)
    })?;
    HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
}

/// Where a request goes, and the request as it goes there.
fn parts(request: HttpRequest) -> Result<(Endpoint, Request<Full<Bytes>>), BoxError> {
    let (mut parts, body) = request.try_into_http1x()?.into_parts();
    let body = body.bytes().ok_or("a body that is not at hand")?;
    let body = Bytes::copy_from_slice(body);
    let endpoint = Endpoint::of_uri(&parts.uri).ok_or("an address without a host")?;
    let target = parts.uri.path_and_query();
    parts.uri = target.map_or_else(Uri::default, |target| Uri::from(target.clone()));
    let host = HeaderValue::from_str(endpoint.authority())?;
    parts.headers.entry(header::HOST).or_insert(host);
    Ok((endpoint, Request::from_parts(parts, Full::new(body))))
}
