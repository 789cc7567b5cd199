//! Answers of spiking language models over HTTP.
//!
//! [`Server::bind`] loads models and listens, [`Server::run`] answers until it is told to stop. Routes are those of
//! text-embeddings-inference (`/predict`, `/info`, `/health`, `/metrics`), of Hugging Face's clients (`/`), of KServe (`/v2`), and our own
//! (`/v1/classify`, `/v1/embeddings`, `/v1/trace`, `/v1/models`); `/docs` lists them and `/` is a page. `docs/server.md` is the reference.
//!
//! | module | what |
//! |---|---|
//! | `settings`, `server`, `connection`, `tls` | what a server is told, its life, its connections |
//! | `front`, `problem`, `meters`, `spans`, `keys` | what every request passes, what is wrong with one, what is measured and traced, who may ask |
//! | `routes`, `inputs`, `body` | the routes, the forms of texts, bodies within limits |
//! | `queue`, `lane`, `models`, `app` | texts that wait and are computed together, long work, models that can be replaced |

mod app;
mod body;
mod connection;
mod error;
mod front;
mod inputs;
mod keys;
mod lane;
mod meters;
mod models;
mod problem;
mod queue;
mod routes;
mod server;
mod settings;
mod spans;
mod stamp;
mod tls;
mod unit;

pub use error::{Error, Result};
pub use server::{Handle, Server};
pub use settings::{Settings, TlsFiles};
pub use unit::systemd_unit;

/// The OpenAPI description of the routes, as `/openapi.json` gives it.
pub fn openapi() -> &'static serde_json::Value {
    routes::description()
}
