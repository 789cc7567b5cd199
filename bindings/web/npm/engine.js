// An instance of the module and the model in it: bytes in, bytes out, on whatever thread this runs.

import { BitspikeError } from "./errors.js";

const KERNELS = { auto: 0, scalar: 1, simd128: 2 };
const decoder = new TextDecoder();
const encoder = new TextEncoder();

export class Engine {
  #module;
  #kernels;
  #exports;

  /** `module` is compiled; `kernels` is `auto`, `simd128` or `scalar`. */
  constructor(module, kernels = "auto") {
    this.#module = module;
    this.#kernels = KERNELS[kernels];
    this.#start();
  }

  #start() {
    this.#exports = new WebAssembly.Instance(this.#module, {}).exports;
  }

  /** Makes a model of a packed file and says what it is. */
  open(bytes) {
    this.#put(bytes);
    return JSON.parse(decoder.decode(this.#call(() => this.#exports.open(this.#kernels))));
  }

  /** Answers a request, an object; the reply is JSON as bytes of its own. */
  ask(request) {
    this.#put(encoder.encode(JSON.stringify(request)));
    try {
      return this.#call(() => this.#exports.ask());
    } catch (error) {
      if (error.code === "internal" || error.code === "memory") this.#restart();
      throw error;
    }
  }

  /** After a panic the instance is lost, its memory is not: another one starts from the model's bytes in it. */
  #restart() {
    const { memory, file, file_length } = this.#exports;
    const bytes = new Uint8Array(memory.buffer, file() >>> 0, file_length() >>> 0).slice();
    this.#start();
    this.open(bytes);
  }

  #put(bytes) {
    const at = this.#exports.reserve(bytes.byteLength) >>> 0;
    if (at === 0) throw new BitspikeError("memory", `the host gives no memory for ${bytes.byteLength} bytes`);
    new Uint8Array(this.#exports.memory.buffer, at, bytes.byteLength).set(bytes);
  }

  #call(f) {
    let fine;
    let trap = null;
    try {
      fine = f();
    } catch (error) {
      trap = error;
    }
    const { memory, reply, reply_length } = this.#exports;
    const bytes = trap && !this.#panicked() ? null : new Uint8Array(memory.buffer, reply() >>> 0, reply_length() >>> 0).slice();
    if (fine) return bytes;
    // A trap without a message is a host that gave no memory: Rust then stops at once.
    if (bytes === null) throw new BitspikeError("memory", `the module stopped: ${trap.message}`, { cause: trap });
    const { code, message, field } = JSON.parse(decoder.decode(bytes)).error;
    throw new BitspikeError(code, message, { field, cause: trap ?? undefined });
  }

  #panicked() {
    return this.#exports.panicked() !== 0;
  }
}
