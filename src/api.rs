//! The HTTP API, from request to response. It knows neither gateways nor sockets.
//!
//! ```text
//! dispatch (route) → invoke, ag_ui or openai → ask → turn → answer (in a format)

mod accept;
mod ag_ui;
mod agents;
mod answer;
mod ask;
mod body;
mod connection;
mod context;
mod cors;
mod dispatch;
mod end_session;
mod error;
mod exposed_steps;
mod format;
mod invoke;
mod limit;
mod long_piece;
mod messages;
mod object;
mod openai;
mod prewarm;
mod reply_cache;
mod request;
mod response;
mod route;
mod settings;
mod timing;
mod turn;

pub use body::{Body, Response, whole};
pub use context::RequestContext;
pub use cors::AllowedOrigins;
pub use dispatch::Api;
pub(crate) use dispatch::refusal;
pub(crate) use error::ApiError;
pub use error::ErrorCode;
pub use exposed_steps::ExposedSteps;
pub use limit::AnswerLimit;
pub use object::MAX_BODY_BYTES;
pub use route::ROUTES;
pub use settings::ApiSettings;
