// Where models come from: an address, a cache, or bytes that are already here.

import { BitspikeError } from "./errors.js";

const CACHE = "bitspike-models";

/**
 * The bytes of a model: `{bytes, sha256, cached}`. `source` is an address, a `Response`, a `Blob` or bytes; `readFile` reads `file:`
 * addresses where there are any.
 */
export async function obtain(source, { progress, signal, sha256, cache = true, readFile } = {}) {
  signal?.throwIfAborted();
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return checked(view(source), sha256);
  if (typeof Blob !== "undefined" && source instanceof Blob) return checked(new Uint8Array(await source.arrayBuffer()), sha256);
  if (typeof Response !== "undefined" && source instanceof Response) return checked(await read(source, progress), sha256);
  if (typeof source !== "string" && !(source instanceof URL)) {
    throw new BitspikeError("validation", "expected an address, a Response, a Blob or bytes", { field: "source" });
  }
  const address = resolve(source);
  if (readFile && address.protocol === "file:") return checked(await readFile(address, signal), sha256);
  const store = cache ? await openCache() : null;
  if (store && cache !== "reload") {
    const found = await fromCache(store, address, sha256);
    if (found) {
      progress?.({ loaded: found.bytes.byteLength, total: found.bytes.byteLength, cached: true });
      return found;
    }
  }
  const response = await ask(address, signal);
  const found = await checked(await read(response, progress, signal), sha256);
  if (store && found.sha256) await keep(store, address, found);
  return found;
}

function resolve(source) {
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  try {
    return new URL(source, base);
  } catch (cause) {
    // Node has no address that others are relative to: what is none is a path.
    const here = globalThis.process?.cwd?.();
    if (here !== undefined) return new URL(source, `file://${here}/`);
    throw new BitspikeError("validation", `\`${source}\` is no address`, { field: "source", cause });
  }
}

const view = (bytes) =>
  bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);

async function ask(address, signal) {
  let response;
  try {
    response = await fetch(address, { signal });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new BitspikeError("network", `nothing came from ${address.href}: ${cause.message}; check the connection and the address`, { cause });
  }
  if (!response.ok) {
    throw new BitspikeError("http", `${address.href} answered with status ${response.status}`, { status: response.status });
  }
  const type = (response.headers.get("content-type") ?? "").split(";")[0].trim();
  if (/^(text\/html|application\/xhtml\+xml|application\/json)$/i.test(type)) {
    throw new BitspikeError("content_type", `${address.href} is of type ${type}; expected the bytes of a packed model`);
  }
  return response;
}

/** Reads a body piece by piece and tells how much is there. */
async function read(response, progress, signal) {
  // The length of what was compressed on the way says nothing of what comes out.
  const length = response.headers.get("content-encoding") ? NaN : Number.parseInt(response.headers.get("content-length") ?? "", 10);
  const total = Number.isFinite(length) ? length : null;
  const parts = [];
  let loaded = 0;
  try {
    const reader = response.body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      parts.push(part.value);
      loaded += part.value.byteLength;
      progress?.({ loaded, total, cached: false });
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw new BitspikeError("network", `the model broke off after ${loaded} bytes: ${cause.message}; load it again`, { cause });
  }
  const bytes = new Uint8Array(loaded);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}

async function checked(bytes, expected) {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) {
    if (expected === undefined) return { bytes, sha256: null, cached: false };
    throw new BitspikeError("unsupported", "SHA-256 cannot be checked here: serve the page over https, or from localhost");
  }
  const digest = new Uint8Array(await subtle.digest("SHA-256", bytes));
  const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (expected !== undefined && expected.toLowerCase() !== sha256) {
    throw new BitspikeError("hash", `the model's SHA-256 is ${sha256}; expected ${expected}`, { field: "sha256" });
  }
  return { bytes, sha256, cached: false };
}

/** The cache of this origin; none where the host has none or refuses it. */
async function openCache() {
  try {
    return (await globalThis.caches?.open(CACHE)) ?? null;
  } catch {
    return null;
  }
}

/** What is kept of `address`, if it is still what it was, and what is expected. */
async function fromCache(store, address, expected) {
  const kept = await store.match(address.href).catch(() => undefined);
  if (!kept) return null;
  try {
    const bytes = new Uint8Array(await kept.arrayBuffer());
    return { ...(await checked(bytes, expected ?? kept.headers.get("x-sha256") ?? undefined)), cached: true };
  } catch {
    await store.delete(address.href).catch(() => false);
    return null;
  }
}

async function keep(store, address, { bytes, sha256 }) {
  const headers = { "content-type": "application/octet-stream", "content-length": String(bytes.byteLength), "x-sha256": sha256 };
  // A full disk, or a page in private mode, is no reason to fail.
  await store.put(address.href, new Response(bytes, { headers })).catch(() => undefined);
}

/** Forgets every model that was kept. */
export const clearCache = async () => (await globalThis.caches?.delete(CACHE)) ?? false;
