// Where answers come from on a page without a server: the engine of the package `bitspike`, on threads of this page. The methods are
// those of the server's `backend.js`; see BACKEND.md there.

import { BitspikeError, load } from "./bitspike/index.js";
import { snippets } from "./snippets.js";

/** What went wrong. `status` is that of HTTP which the page knows how to show, `said` what to tell people instead of words about a server. */
export class BackendError extends Error {
  constructor({ status = 0, code = "unreachable", message, field = null, said = null }) {
    super(message);
    this.name = "BackendError";
    Object.assign(this, { status, code, field, said, retryAfter: null });
  }
}

const STATUS = { validation: 422, network: 0, http: 0 };

async function told(promise) {
  try {
    return await promise;
  } catch (error) {
    if (!(error instanceof BitspikeError)) throw error;
    const { code, message, field } = error;
    const status = STATUS[code] ?? 500;
    throw new BackendError({ status, code, message, field, said: status === 422 ? null : `The model cannot be used: ${message}.` });
  }
}

/** The models that lie beside the page, as `models.json` lists them. */
class WebBackend {
  /** Hears how much of a model is here. */
  progress = () => undefined;
  #listed = null;
  #open = new Map();

  async models() {
    this.#listed ??= this.#list();
    try {
      return { models: await this.#listed };
    } catch (error) {
      this.#listed = null;
      throw error;
    }
  }

  async #list() {
    const address = new URL("models.json", document.baseURI);
    let response;
    try {
      response = await fetch(address);
      if (response.ok) return (await response.json()).models;
    } catch (error) {
      throw new BackendError({ message: error.message, said: "The list of models did not come. Is there a connection?" });
    }
    throw new BackendError({ status: 500, code: "http", message: `models.json: status ${response.status}` });
  }

  /** A model for `use`: answers have a thread of their own, so that they do not wait for traces. */
  async #model(id, use) {
    const { models } = await this.models();
    const one = models.find((model) => model.id === id) ?? models.find((model) => model.default);
    const key = `${one.id} ${use}`;
    if (!this.#open.has(key)) {
      // What one use reads, the other finds in the cache.
      const before = this.#open.get(`${one.id} answers`)?.catch(() => undefined);
      const opened = Promise.resolve(before).then(() => load(new URL(one.file, document.baseURI), {
        sha256: one.sha256,
        progress: ({ loaded }) => this.progress({ model: one.id, loaded, total: one.bytes }),
      }));
      this.#open.set(key, opened);
      opened.catch(() => this.#open.delete(key));
    }
    return { id: one.id, model: await this.#open.get(key) };
  }

  classify(inputs, { signal, model, cost } = {}) {
    return told(this.#classify(inputs, { signal, cost }, model));
  }

  async #classify(inputs, options, name) {
    const { id, model } = await this.#model(name, "answers");
    options.signal?.throwIfAborted();
    const list = Array.isArray(inputs) ? inputs : [inputs];
    return { model: id, results: await model.classify(list, options) };
  }

  trace(inputs, { signal, model, ...options } = {}) {
    return told(this.#trace(inputs, { signal, ...present(options) }, model));
  }

  async #trace(inputs, options, name) {
    const { id, model } = await this.#model(name, "traces");
    options.signal?.throwIfAborted();
    return { model: id, ...(await model.trace(inputs, { cost: true, ...options })) };
  }

  snippets(inputs, model) {
    return snippets(new URL("bitspike/index.js", document.baseURI).href, new URL(`models/${model}.safetensors`, document.baseURI).href, inputs, model);
  }
}

/** What was given: the page says `null` where it says nothing. */
const present = (options) => Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null && value !== undefined));

/** After a first visit the page opens without a connection. */
if ("serviceWorker" in navigator) navigator.serviceWorker.register("sw.js").catch(() => undefined);

export const openBackend = () => new WebBackend();
