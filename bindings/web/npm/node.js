// bitspike in Node, and in hosts with Node's modules.

import { readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";

import { loader } from "./api.js";
import { BitspikeError } from "./errors.js";

const files = { simd128: "./bitspike.wasm", relaxed: "./bitspike-relaxed.wasm" };

async function read(address, signal) {
  try {
    return new Uint8Array(await readFile(address, { signal }));
  } catch (cause) {
    signal?.throwIfAborted();
    throw new BitspikeError("network", `${address.pathname} cannot be read: ${cause.message}`, { cause });
  }
}

function spawn() {
  const worker = new Worker(new URL("./node-worker.js", import.meta.url));
  // A model that nobody asks anything keeps no program alive.
  worker.unref();
  let asked = 0;
  const port = {
    post(message, moved) {
      worker.postMessage(message, moved);
      if (asked++ === 0) worker.ref();
    },
    end: () => worker.terminate(),
    onmessage: null,
    onerror: null,
  };
  worker.on("message", (data) => {
    if (--asked === 0) worker.unref();
    port.onmessage(data);
  });
  worker.on("error", (error) => port.onerror(error));
  worker.on("exit", (code) => port.onerror(new Error(`it exited with ${code}`)));
  return port;
}

export const load = loader({
  compile: async (name) => WebAssembly.compile(await read(new URL(files[name], import.meta.url))),
  spawn,
  readFile: read,
});
export { Model, build } from "./api.js";
export { BitspikeError } from "./errors.js";
export { clearCache } from "./models.js";
