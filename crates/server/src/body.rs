//! Bodies, read within limits of size, time and memory.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use http_body_util::BodyExt;

use crate::app::App;
use crate::problem::{Kind, Problem, Result};

/// Bytes of a refused body that are read, so that its sender comes to read the answer.
const DRAINED: usize = 1 << 20;

/// Memory that bodies take, given back when they go.
struct Reserved {
    app: Arc<App>,
    bytes: usize,
}

impl Reserved {
    fn add(&mut self, bytes: usize) -> Result<()> {
        self.bytes += bytes;
        let before = self.app.buffered.fetch_add(bytes, Ordering::Relaxed);
        match before + bytes <= self.app.settings.max_buffered_bytes {
            true => Ok(()),
            false => Err(Problem::busy()),
        }
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.app.buffered.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// How a body is compressed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Coding {
    Identity,
    Gzip,
    Deflate,
}

fn coding(headers: &HeaderMap) -> Result<Coding> {
    let Some(value) = headers.get(header::CONTENT_ENCODING) else { return Ok(Coding::Identity) };
    match value.to_str().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(Coding::Identity),
        "gzip" | "x-gzip" => Ok(Coding::Gzip),
        "deflate" => Ok(Coding::Deflate),
        other => {
            let message = format!("Content-Encoding: expected identity, gzip or deflate, found `{other}`");
            Err(Problem::new(Kind::Syntax, message).at("Content-Encoding"))
        }
    }
}

/// The size that the head of a request announces.
fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(limit: usize) -> Problem {
    Problem::too_large("body", format!("a body may have {limit} bytes (--max-body-bytes); send fewer texts a request"))
}

/// The whole body of a request whose texts are to wait for the model, decompressed; refused before anything is parsed where too much
/// waits already.
pub(crate) async fn of_texts(app: &Arc<App>, headers: &HeaderMap, body: Body) -> Result<Bytes> {
    let bytes = read(app, headers, body).await?;
    app.queue.check_room()?;
    Ok(bytes)
}

/// The whole body, decompressed.
pub(crate) async fn read(app: &Arc<App>, headers: &HeaderMap, body: Body) -> Result<Bytes> {
    let coding = coding(headers)?;
    let limit = app.settings.max_body_bytes;
    let size = announced(headers);
    if size.is_some_and(|size| size > limit) {
        // A client that waits to be told to go on has not begun to send.
        if !headers.contains_key(header::EXPECT) {
            drain(body).await;
        }
        return Err(too_large(limit));
    }
    let mut reserved = Reserved { app: app.clone(), bytes: 0 };
    reserved.add(size.unwrap_or(0))?;
    let all = collect(body, limit, size, &mut reserved);
    let bytes = match tokio::time::timeout(app.settings.body_time, all).await {
        Ok(bytes) => bytes?,
        Err(_) => return Err(Problem::new(Kind::Slow, "the body did not arrive in time").at("body")),
    };
    match coding {
        Coding::Identity => Ok(bytes),
        coding => inflate(coding, &bytes, limit, &mut reserved),
    }
}

async fn collect(mut body: Body, limit: usize, size: Option<usize>, reserved: &mut Reserved) -> Result<Bytes> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| Problem::new(Kind::Syntax, format!("the body broke off: {error}")).at("body"))?;
        let Ok(part) = frame.into_data() else { continue };
        // One part is most often all there is, and needs no copy.
        if whole.is_empty() && size == Some(part.len()) {
            return Ok(part);
        }
        if whole.len() + part.len() > limit {
            drain(body).await;
            return Err(too_large(limit));
        }
        if size.is_none() {
            reserved.add(part.len())?;
        }
        whole.extend_from_slice(&part);
    }
    Ok(whole.freeze())
}

/// Reads and forgets the beginning of what is left.
async fn drain(mut body: Body) {
    let mut left = DRAINED;
    let rest = async {
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(std::time::Duration::from_secs(1), rest).await;
}

/// Decompresses, and ends where a small body turns out to hold a large one.
fn inflate(coding: Coding, bytes: &[u8], limit: usize, reserved: &mut Reserved) -> Result<Bytes> {
    let mut whole = Vec::new();
    let most = limit as u64 + 1;
    let read = match coding {
        Coding::Gzip => MultiGzDecoder::new(bytes).take(most).read_to_end(&mut whole),
        _ => ZlibDecoder::new(bytes).take(most).read_to_end(&mut whole),
    };
    read.map_err(|error| Problem::new(Kind::Syntax, format!("the body cannot be decompressed: {error}")).at("body"))?;
    if whole.len() > limit {
        return Err(too_large(limit));
    }
    reserved.add(whole.len())?;
    Ok(whole.into())
}
