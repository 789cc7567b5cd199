// Logits and spike counts of the dev set of SST-2, in Node and in Chromium, beside those of the native engine:
//
//   node same_bits.js DIGESTS FILE TEXTS MODEL ...     DIGESTS is what the example `fingerprint` printed for the same texts and models
//
// Ends with 1 where a digest differs. CHROMIUM= leaves the browser out. SIMD names the build (auto). Bun and Deno run it, too.

import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { load } from "bitspike";
import { expected, paths, simd, texts } from "./asked_bits.js";

const inputs = (pair) => texts.map((text, i) => (pair ? { text, text_pair: texts[(i + 1) % texts.length] } : text));
const { Bun, Deno } = globalThis;
const host = Bun ? `Bun ${Bun.version}` : Deno ? `Deno ${Deno.version.deno}` : `Node ${process.versions.node}`;
let wrong = 0;

function compare(host, name, kernels, found, began) {
  const { logits, counts } = expected.get(name);
  const same = expected.get(name).texts === texts.length && found.logits === logits && found.counts === counts && found.answered === logits;
  if (!same) wrong += 1;
  console.log(`${host} ${kernels} ${name}: ${texts.length} texts, logits ${found.logits}, counts ${found.counts}, ${same ? "equal" : `native ${logits} ${counts}`} (${((performance.now() - began) / 1000).toFixed(0)} s)`);
}

/** What callers get is compared, too: logits, or vectors as the layers give them. */
async function told(model, asked) {
  if (model.embedding) return model.embed(asked, { normalize: false });
  return (await model.classify(asked, { logits: true })).map((answer) => answer.logits);
}

/** FNV-1a of 64 bits of rows of `f32`. */
function digest(rows) {
  let hash = 0xcbf29ce484222325n;
  for (const row of rows) {
    for (const byte of new Uint8Array(new Float32Array(row).buffer)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, "0");
}

for (const path of paths) {
  const began = performance.now();
  const model = await load(path, { worker: false, simd });
  const asked = inputs(model.pair);
  const answered = digest(await told(model, asked));
  compare(host, basename(dirname(path)), model.kernels, { ...(await model.fingerprint(asked)), answered }, began);
}

if (process.env.CHROMIUM !== "") {
  const { chromium } = await import("playwright-core");
  const { serve } = await import("./files.js");
  const host = await serve(fileURLToPath(new URL("node_modules/bitspike", import.meta.url)));
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
  const page = await browser.newPage();
  await page.goto(`${host.url}package.json`);
  for (const path of paths) {
    const began = performance.now();
    const bytes = (await readFile(path)).toString("base64");
    const found = await page.evaluate(async ({ bytes, simd, texts, told, digest }) => {
      const { load } = await import(new URL("index.js", location.href).href);
      const model = await load(Uint8Array.from(atob(bytes), (one) => one.charCodeAt(0)), { simd });
      const asked = texts.map((text, i) => (model.pair ? { text, text_pair: texts[(i + 1) % texts.length] } : text));
      const [rows, sum] = [told, digest].map((source) => new Function(`return ${source}`)());
      const answered = sum(await rows(model, asked));
      const found = { ...(await model.fingerprint(asked)), answered, kernels: model.kernels };
      model.close();
      return found;
    }, { bytes, simd, texts, told: told.toString(), digest: digest.toString() });
    compare(`Chromium ${browser.version()}`, basename(dirname(path)), found.kernels, found, began);
  }
  await browser.close();
  host.stop();
}
process.exit(wrong ? 1 : 0);
