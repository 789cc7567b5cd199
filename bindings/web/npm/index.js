// bitspike in browsers: plain ES modules, to be imported from any address, or through a bundler.

import { loader } from "./api.js";
import { BitspikeError } from "./errors.js";

// Written out, since bundlers look for this form.
const addresses = {
  simd128: () => new URL("./bitspike.wasm", import.meta.url),
  relaxed: () => new URL("./bitspike-relaxed.wasm", import.meta.url),
};

async function compile(name) {
  const address = addresses[name]();
  let response;
  try {
    response = await fetch(address);
  } catch (cause) {
    throw new BitspikeError("network", `nothing came from ${address.href}: ${cause.message}`, { cause });
  }
  if (!response.ok) throw new BitspikeError("http", `${address.href} answered with status ${response.status}`, { status: response.status });
  // Only what is sent as application/wasm is compiled while it comes.
  if (response.headers.get("content-type")?.startsWith("application/wasm")) return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}

function spawn() {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  const port = { post: (message, moved) => worker.postMessage(message, moved), end: () => worker.terminate(), onmessage: null, onerror: null };
  worker.onmessage = ({ data }) => port.onmessage(data);
  worker.onerror = (event) => port.onerror(event);
  return port;
}

export const load = loader({ compile, spawn });
export { Model, build } from "./api.js";
export { BitspikeError } from "./errors.js";
export { clearCache } from "./models.js";
