// Where answers come from. The page knows these three methods and BackendError, nothing of HTTP; see BACKEND.md.

import { snippets } from "./snippets.js";

/** What went wrong, in the words of whoever answered. `status` is 0 where nobody did. */
export class BackendError extends Error {
  constructor({ status = 0, code = "unreachable", message, field = null, retryAfter = null }) {
    super(message);
    this.name = "BackendError";
    Object.assign(this, { status, code, field, retryAfter });
  }
}

/** The server that the page came from, or the one at `base`. */
export class HttpBackend {
  constructor(base = document.baseURI) {
    this.base = base;
    /** Sent as a bearer token once somebody has typed it; kept in memory alone. */
    this.key = null;
  }

  models({ signal } = {}) {
    return this.#ask("v1/models", { signal });
  }

  classify(inputs, { signal, model, cost } = {}) {
    return this.#ask("v1/classify", { signal, body: { model, inputs, cost } });
  }

  async trace(inputs, { signal, ...options } = {}) {
    return inNumbers(await this.#ask("v1/trace", { signal, body: { inputs, ...options } }));
  }

  /** How to ask the same from elsewhere: `[{name, code}]`. */
  snippets(inputs, model) {
    return snippets(new URL("v1/classify", this.base).href, inputs, model, this.key !== null);
  }

  async #ask(path, { signal, body }) {
    const headers = {};
    if (body) headers["content-type"] = "application/json";
    if (this.key) headers.authorization = `Bearer ${this.key}`;
    const request = { method: body ? "POST" : "GET", headers, signal, body: body && JSON.stringify(body) };
    let response;
    try {
      response = await fetch(new URL(path, this.base), request);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new BackendError({ message: "The server does not answer." });
    }
    if (response.ok) return this.#read(response);
    throw await refusal(response);
  }

  async #read(response) {
    try {
      return await response.json();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new BackendError({ status: response.status, code: "broken", message: "The server's answer broke off." });
    }
  }
}

const SPIKE = { "+": 1, "-": -1, ".": 0 };

/** Trains come as text, a character a step. */
function inNumbers(trace) {
  const train = (text) => Array.from(text, (mark) => SPIKE[mark]);
  return { ...trace, populations: trace.populations.map((one) => ({ ...one, trains: one.trains?.map(train) })) };
}

async function refusal(response) {
  const said = await response.json().catch(() => null);
  const { code = `http_${response.status}`, message, field = null } = said?.error ?? {};
  const wait = Number.parseInt(response.headers.get("retry-after") ?? "", 10);
  return new BackendError({
    status: response.status,
    code,
    field,
    message: message ?? `The server refused with status ${response.status}.`,
    retryAfter: Number.isFinite(wait) ? wait : null,
  });
}

/** The back end of this page. Another build of the page has another `backend.js`. */
export const openBackend = () => new HttpBackend();
