//! What is measured, under the names that `/metrics` shows.

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

/// Bounds of times, in seconds: 0.25 ms to half a minute.
const SECONDS: [f64; 17] =
    [0.00025, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// Bounds of numbers of texts and tokens.
const SIZES: [f64; 12] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 4096.0];

/// The meters of one server.
pub(crate) struct Meters {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    pub(crate) in_flight: Gauge,
    pub(crate) connections: Gauge,
    waiting_tokens: Gauge,
    resident: Gauge,
    tasks: Gauge,
    pub(crate) wait: Histogram,
    batch_texts: Histogram,
    batch_tokens: Histogram,
    pub(crate) batch_duration: Histogram,
    pub(crate) abandoned: Counter,
    pub(crate) truncated: Counter,
    pub(crate) early: Counter,
}

impl Meters {
    /// Describes every metric and begins at 0.
    ///
    /// # Errors
    /// If there is a histogram without bounds, which is a mistake of ours.
    pub(crate) fn new() -> Result<Self, BuildError> {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)?
            .set_buckets_for_metric(Matcher::Prefix("bitspike_batch_t".into()), &SIZES)?;
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, describe);
        let of = |name: &'static str| metrics::with_local_recorder(&recorder, || gauge!(name));
        let times = |name: &'static str| metrics::with_local_recorder(&recorder, || histogram!(name));
        let sums = |name: &'static str| metrics::with_local_recorder(&recorder, || counter!(name));
        let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        of("process_start_time_seconds").set(started.as_secs_f64());
        Ok(Self {
            in_flight: of("bitspike_http_requests_in_flight"),
            connections: of("bitspike_connections"),
            waiting_tokens: of("bitspike_queue_tokens"),
            resident: of("process_resident_memory_bytes"),
            tasks: of("bitspike_tasks"),
            wait: times("bitspike_queue_wait_seconds"),
            batch_texts: times("bitspike_batch_texts"),
            batch_tokens: times("bitspike_batch_tokens"),
            batch_duration: times("bitspike_batch_duration_seconds"),
            abandoned: sums("bitspike_abandoned_requests_total"),
            truncated: sums("bitspike_truncated_texts_total"),
            early: sums("bitspike_early_texts_total"),
            handle,
            recorder,
        })
    }

    /// Notes how many tokens wait.
    pub(crate) fn waiting(&self, tokens: usize) {
        self.waiting_tokens.set(tokens as f64);
    }

    /// Notes what is computed together.
    pub(crate) fn batch(&self, texts: usize, tokens: usize) {
        self.batch_texts.record(texts as f64);
        self.batch_tokens.record(tokens as f64);
    }

    /// Counters of texts and tokens of a model.
    pub(crate) fn of_model(&self, model: &str) -> [Counter; 2] {
        metrics::with_local_recorder(&self.recorder, || {
            ["bitspike_texts_total", "bitspike_tokens_total"].map(|name| counter!(name, "model" => model.to_owned()))
        })
    }

    /// Notes that a model's file was loaded anew, or could not be.
    pub(crate) fn reloaded(&self, model: &str, fine: bool) {
        let result = if fine { "ok" } else { "failed" };
        metrics::with_local_recorder(&self.recorder, || {
            counter!("bitspike_model_reloads_total", "model" => model.to_owned(), "result" => result).increment(1);
        });
    }

    /// Notes a request that was answered.
    pub(crate) fn answered(&self, route: &str, method: &'static str, status: u16, seconds: f64) {
        metrics::with_local_recorder(&self.recorder, || {
            let (route, status) = (route.to_owned(), status.to_string());
            counter!("bitspike_http_requests_total", "route" => route.clone(), "method" => method, "status" => status)
                .increment(1);
            histogram!("bitspike_http_request_duration_seconds", "route" => route).record(seconds);
        });
    }

    /// Notes a request that was refused.
    pub(crate) fn refused(&self, reason: &'static str) {
        metrics::with_local_recorder(&self.recorder, || {
            counter!("bitspike_refused_requests_total", "reason" => reason).increment(1);
        });
    }

    /// Sums up what was recorded, without which histograms that nobody reads would grow.
    pub(crate) fn sum_up(&self) {
        self.handle.run_upkeep();
    }

    /// In Prometheus' text format.
    pub(crate) fn text(&self) -> String {
        if let Some(bytes) = resident() {
            self.resident.set(bytes as f64);
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            self.tasks.set(runtime.metrics().num_alive_tasks() as f64);
        }
        self.handle.render()
    }
}

/// Resident memory of this process, where the system says.
fn resident() -> Option<u64> {
    let pages: u64 = std::fs::read_to_string("/proc/self/statm").ok()?.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

fn describe() {
    describe_counter!("bitspike_http_requests_total", "Requests answered.");
    describe_histogram!(
        "bitspike_http_request_duration_seconds",
        Unit::Seconds,
        "From the head of a request to the head of its answer."
    );
    describe_gauge!("bitspike_http_requests_in_flight", "Requests at work.");
    describe_gauge!("bitspike_connections", "Open connections.");
    describe_counter!("bitspike_refused_requests_total", "Requests refused, by what was wrong.");
    describe_counter!(
        "bitspike_abandoned_requests_total",
        "Parts of requests whose client left before they were computed."
    );
    describe_gauge!("bitspike_queue_tokens", "Tokens that wait to be computed.");
    describe_histogram!("bitspike_queue_wait_seconds", Unit::Seconds, "Time that texts waited to be computed.");
    describe_histogram!("bitspike_batch_texts", "Texts computed together.");
    describe_histogram!("bitspike_batch_tokens", "Tokens computed together.");
    describe_histogram!("bitspike_batch_duration_seconds", Unit::Seconds, "Time that a batch took to compute.");
    describe_counter!("bitspike_texts_total", "Texts computed.");
    describe_counter!("bitspike_tokens_total", "Tokens computed.");
    describe_counter!("bitspike_truncated_texts_total", "Texts longer than the model reads.");
    describe_counter!("bitspike_early_texts_total", "Texts that ended early because much was waiting.");
    describe_counter!("bitspike_model_reloads_total", "Model files loaded anew.");
    describe_gauge!("bitspike_tasks", "Tasks of the runtime, of which every connection is one.");
    describe_gauge!("process_resident_memory_bytes", Unit::Bytes, "Resident memory.");
    describe_gauge!("process_start_time_seconds", Unit::Seconds, "Start of the process since the epoch.");
}
