// Models and what they are asked: the same on every host, which says how modules are compiled and workers started.

import { BitspikeError } from "./errors.js";
import { obtain } from "./models.js";
import { Port, inline } from "./port.js";

/** Texts of a request to the engine: an abort takes effect between two. */
const BATCH = 32;

/** Modules with one vector instruction each: hosts that lack it refuse them. */
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];
const RELAXED = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 146, 2, 11];
const runs = (bytes) => WebAssembly.validate(new Uint8Array(bytes));

/** Which build of the engine this host gets: `relaxed` or `simd128`. */
export function build(simd = "auto") {
  if (!["auto", "relaxed", "simd128", "scalar"].includes(simd)) {
    throw new BitspikeError("validation", `expected auto, relaxed, simd128 or scalar, found ${simd}`, { field: "simd" });
  }
  if (typeof WebAssembly === "undefined" || !runs(SIMD)) {
    throw new BitspikeError("unsupported", "this host runs no WebAssembly with vectors (SIMD128); use a browser of 2021 or later");
  }
  if (simd === "relaxed" && !runs(RELAXED)) {
    throw new BitspikeError("unsupported", "this host has no relaxed SIMD; use simd: \"auto\"");
  }
  return (simd === "auto" || simd === "relaxed") && runs(RELAXED) ? "relaxed" : "simd128";
}

/** Texts and pairs as the engine takes them: well-formed, a lone surrogate being U+FFFD as in every encoder of UTF-8. */
function taken(input, field) {
  if (typeof input === "string") return wellFormed(input);
  if (input && typeof input === "object" && typeof input.text === "string") {
    const { text, text_pair = null } = input;
    if (text_pair === null) return wellFormed(text);
    if (typeof text_pair === "string") return { text: wellFormed(text), text_pair: wellFormed(text_pair) };
  }
  throw new BitspikeError("validation", "expected a text, or {text, text_pair}", { field });
}

const wellFormed = (text) => text.toWellFormed?.() ?? text.replace(/\p{Surrogate}/gu, "\ufffd");

/** A model that answers. */
export class Model {
  #port;

  /** Use `load`. */
  constructor(port, facts) {
    this.#port = port;
    Object.assign(this, facts);
  }

  /** The answer to a text or a pair, or answers to a list of them, in order. */
  async classify(inputs, { signal, logits = false, cost = false } = {}) {
    const wanted = { logits, cost };
    if (!Array.isArray(inputs)) return (await this.#classify([taken(inputs, "inputs")], wanted, signal))[0];
    const texts = inputs.map((input, i) => taken(input, `inputs[${i}]`));
    const results = [];
    for (let first = 0; first < texts.length; first += BATCH) {
      results.push(...(await this.#classify(texts.slice(first, first + BATCH), wanted, signal)));
    }
    return results;
  }

  async #classify(inputs, wanted, signal) {
    return (await this.#port.ask({ classify: { inputs, ...wanted } }, signal)).results;
  }

  /** The vector of a text, or vectors of a list of them, in order, each a `Float32Array`; of a model that embeds. */
  async embed(inputs, { signal, normalize, dimensions } = {}) {
    const single = !Array.isArray(inputs);
    const texts = single ? [taken(inputs, "inputs")] : inputs.map((input, i) => taken(input, `inputs[${i}]`));
    const found = [];
    for (let first = 0; first < texts.length; first += BATCH) {
      const embed = { inputs: texts.slice(first, first + BATCH), normalize, dimensions };
      found.push(...(await this.#port.ask({ embed }, signal)).vectors.map((values) => Float32Array.from(values)));
    }
    return single ? found[0] : found;
  }

  /** Answers to a stream of texts, in order, as they are known; reads no further ahead than `batch` texts. */
  async *classifyStream(inputs, { signal, logits = false, cost = false, batch = BATCH } = {}) {
    const wanted = { logits, cost };
    let texts = [];
    for await (const input of inputs) {
      signal?.throwIfAborted();
      texts.push(taken(input, "inputs"));
      if (texts.length >= batch) {
        yield* await this.#classify(texts, wanted, signal);
        texts = [];
      }
    }
    if (texts.length) yield* await this.#classify(texts, wanted, signal);
  }

  /** Every population's spikes on the way of one text through the model, and the answer after each step. */
  trace(input, { signal, timesteps, dynamics, neurons, token, population, cost = false } = {}) {
    return this.#one((inputs) => this.#port.ask({ trace: { inputs, timesteps, dynamics, neurons, token, population, cost } }, signal), input);
  }

  /** What one text takes: spikes, operations, and energy under published constants, beside other networks. */
  async cost(input, { signal } = {}) {
    return (await this.classify(input, { signal, cost: true })).cost;
  }

  /** Digests of logits and spike counts of texts, `{logits, counts}`: equal on every machine that computes the same bits. */
  async fingerprint(inputs, { signal } = {}) {
    const texts = inputs.map((input, i) => taken(input, `inputs[${i}]`));
    let found = null;
    for (let first = 0; first < texts.length; first += BATCH) {
      const after = found && [found.logits, found.counts];
      found = await this.#port.ask({ fingerprint: { inputs: texts.slice(first, first + BATCH), after } }, signal);
    }
    return found ?? this.#port.ask({ fingerprint: { inputs: [] } }, signal);
  }

  async #one(ask, input) {
    return ask(taken(input, "inputs"));
  }

  /** Ends the worker and gives its memory back; what is still asked rejects with the code `closed`. */
  close() {
    this.#port.close();
  }

  [Symbol.dispose ?? Symbol.for("Symbol.dispose")]() {
    this.close();
  }
}

/** `load` of a host: `compile(build)` gives a module, `spawn()` a worker, `readFile(address)` bytes. */
export function loader({ compile, spawn, readFile }) {
  const modules = new Map();
  const compiled = (name) => {
    if (!modules.has(name)) {
      const module = compile(name);
      modules.set(name, module);
      module.catch(() => modules.delete(name));
    }
    return modules.get(name);
  };
  return async function load(source, { progress, signal, sha256, cache, worker = true, simd = "auto" } = {}) {
    signal?.throwIfAborted();
    const module = compiled(build(simd));
    module.catch(() => undefined);
    const found = await obtain(source, { progress, signal, sha256, cache, readFile });
    const port = new Port(worker ? spawn() : inline());
    try {
      // What a caller owns stays the caller's.
      const own = ArrayBuffer.isView(source) || source instanceof ArrayBuffer;
      const bytes = own || found.bytes.byteLength !== found.bytes.buffer.byteLength ? found.bytes.slice().buffer : found.bytes.buffer;
      const kernels = simd === "scalar" || simd === "simd128" ? simd : "auto";
      const facts = await port.open(await module, kernels, bytes);
      signal?.throwIfAborted();
      return new Model(port, { ...facts, sha256: found.sha256, cached: found.cached });
    } catch (error) {
      port.close();
      throw error;
    }
  };
}
