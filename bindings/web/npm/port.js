// One request at a time to an engine, on this thread or on a worker's.

import { Engine } from "./engine.js";
import { BitspikeError, packError, unpackError } from "./errors.js";

/** What a worker does with a message: `{id, open: {module, kernels, bytes}}` or `{id, ask}`; what it sends back and what of it moves. */
export function answering() {
  let engine = null;
  return ({ id, open, ask }) => {
    try {
      if (open) {
        engine = new Engine(open.module, open.kernels);
        return [{ id, reply: engine.open(new Uint8Array(open.bytes)) }, []];
      }
      const reply = engine.ask(ask);
      return [{ id, reply }, [reply.buffer]];
    } catch (error) {
      return [{ id, error: packError(error) }, []];
    }
  };
}

/** An engine on this thread, with the face of a worker. */
export function inline() {
  const answer = answering();
  const here = {
    post: (message) => queueMicrotask(() => here.onmessage(answer(message)[0])),
    onmessage: null,
    onerror: null,
    end() {},
  };
  return here;
}

const decoder = new TextDecoder();

export class Port {
  #worker;
  #waiting = [];
  #active = null;
  #next = 0;
  #closed = null;

  /** `worker` has `post`, `end`, and calls its `onmessage` and `onerror`. */
  constructor(worker) {
    this.#worker = worker;
    worker.onmessage = (message) => this.#done(message);
    worker.onerror = (error) => this.#end(new BitspikeError("internal", `the worker ended: ${error?.message ?? error}`, { cause: error }));
  }

  /** Resolves with what the model is. */
  open(module, kernels, bytes) {
    const open = { module, kernels, bytes };
    return this.#send({ open }, [bytes]);
  }

  /** Resolves with the reply; rejects at once when `signal` aborts, and what was not yet begun never is. */
  ask(request, signal) {
    return this.#send({ ask: request }, [], signal);
  }

  #send(message, moved, signal) {
    if (this.#closed) return Promise.reject(this.#closed);
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const entry = { message: { id: this.#next++, ...message }, moved, resolve, reject, forget() {} };
      if (signal) {
        const abort = () => {
          this.#waiting = this.#waiting.filter((one) => one !== entry);
          reject(signal.reason);
        };
        signal.addEventListener("abort", abort, { once: true });
        entry.forget = () => signal.removeEventListener("abort", abort);
      }
      this.#waiting.push(entry);
      this.#advance();
    });
  }

  #advance() {
    if (this.#active || this.#closed) return;
    this.#active = this.#waiting.shift() ?? null;
    if (!this.#active) return;
    const { message, moved, reject } = this.#active;
    try {
      this.#worker.post(message, moved);
    } catch (cause) {
      // What cannot be cloned, such as a function among the inputs.
      this.#active = null;
      reject(new BitspikeError("validation", cause.message, { cause }));
      this.#advance();
    }
  }

  #done({ reply, error }) {
    const entry = this.#active;
    this.#active = null;
    entry?.forget();
    if (error) entry?.reject(unpackError(error));
    else entry?.resolve(reply instanceof Uint8Array ? JSON.parse(decoder.decode(reply)) : reply);
    this.#advance();
  }

  #end(error) {
    if (this.#closed) return;
    this.#closed = error;
    this.#worker.end();
    for (const { forget, reject } of [this.#active, ...this.#waiting].filter(Boolean)) {
      forget();
      reject(error);
    }
    this.#active = null;
    this.#waiting = [];
  }

  close() {
    this.#end(new BitspikeError("closed", "the model was closed"));
  }
}
