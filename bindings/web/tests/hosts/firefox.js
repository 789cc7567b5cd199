// Logits and spike counts in Firefox, without a window: the arguments and the output of same_bits.js; FIREFOX names the program. A page
// computes and sends what it found to the host that served it, so that no driver is needed.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expected, paths, simd, texts } from "../asked_bits.js";

const library = fileURLToPath(new URL("../node_modules/bitspike/", import.meta.url));

const page = `<!doctype html><title>same bits</title><script type="module">
const { load } = await import("/bitspike/index.js");
const send = (found) => fetch("/found", { method: "POST", body: JSON.stringify(found) });
const { texts, simd, models } = await (await fetch("/asked")).json();
try {
  for (const name of models) {
    const model = await load(new URL("/models/" + name, location.href), { simd, cache: false });
    const asked = texts.map((text, i) => (model.pair ? { text, text_pair: texts[(i + 1) % texts.length] } : text));
    await send({ name, ...(await model.fingerprint(asked)), kernels: model.kernels, agent: navigator.userAgent });
    model.close();
  }
  await send({ done: true });
} catch (error) {
  await send({ done: true, error: String(error) });
}
</script>`;

let wrong = 0;
let finish;
const finished = new Promise((resolve) => (finish = resolve));
let began = performance.now();
const server = createServer(async (request, response) => {
  const path = new URL(request.url, "http://localhost").pathname;
  const reply = (type, body) => response.writeHead(200, { "content-type": type }).end(body);
  if (path === "/found") {
    let body = "";
    for await (const part of request) body += part;
    const found = JSON.parse(body);
    reply("text/plain", "");
    if (found.done) return finish(found.error);
    const { texts: count, logits, counts } = expected.get(found.name);
    const same = count === texts.length && found.logits === logits && found.counts === counts;
    if (!same) wrong = 1;
    const version = /Firefox\/[\d.]+/.exec(found.agent)?.[0].replace("/", " ") ?? found.agent;
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    console.log(`${version} ${found.kernels} ${found.name}: ${texts.length} texts, logits ${found.logits}, counts ${found.counts}, ${same ? "equal" : `native ${logits} ${counts}`} (${seconds} s)`);
    began = performance.now();
    return undefined;
  }
  if (path === "/") return reply("text/html", page);
  if (path === "/asked") return reply("application/json", JSON.stringify({ texts, simd, models: paths.map((one) => basename(dirname(one))) }));
  const model = paths.find((one) => path === `/models/${basename(dirname(one))}`);
  if (model) return reply("application/octet-stream", await readFile(model));
  const name = basename(path);
  const bytes = path === `/bitspike/${name}` && (await readFile(join(library, name)).catch(() => null));
  if (!bytes) return response.writeHead(404).end();
  return reply(name.endsWith(".wasm") ? "application/wasm" : "text/javascript", bytes);
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const profile = await mkdtemp(join(tmpdir(), "firefox-"));
// Nothing is looked for on other hosts, and nothing asked at a first start.
await writeFile(join(profile, "user.js"), `user_pref("app.update.enabled", false);\nuser_pref("datareporting.policy.dataSubmissionEnabled", false);\nuser_pref("browser.aboutwelcome.enabled", false);\n`);
const firefox = spawn(process.env.FIREFOX ?? "firefox-esr", ["--headless", "--no-remote", "--profile", profile, `http://127.0.0.1:${server.address().port}/`], { stdio: "ignore" });
const gone = new Promise((resolve) => firefox.on("exit", (code) => resolve(`Firefox ended with ${code}`)).on("error", (error) => resolve(error.message)));
const slow = new Promise((resolve) => setTimeout(() => resolve("nothing came for an hour"), 3_600_000).unref());
const error = await Promise.race([finished, gone, slow]);
firefox.kill();
await gone;
server.closeAllConnections();
server.close();
await rm(profile, { recursive: true, force: true });
if (error) console.error(error);
process.exit(error ? 1 : wrong);
