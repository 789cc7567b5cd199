#!/usr/bin/env bash
# software: @huggingface/inference 4.13.30
# expected: after 503 with Retry-After: 1 a client waits a second, or gives up
# happens: it asks again at once, without a pause and without a limit
#
# 503 says that a server is overloaded, Retry-After when to come back, and clients are expected to wait, ever longer. The client
# 4.13.30 reads 503 as "the model is being loaded" and repeats the request the moment the answer is in, for as long as the server says
# so: hundreds of requests in two seconds from one call, which the caller sees as a call that takes long. An overloaded server
# is kept overloaded by it. 429 is not repeated at all, so that is what a server should say.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund --save-exact @huggingface/inference@4.13.30

cat > finding.mjs <<'JS'
import { readFileSync } from "node:fs";
import http from "node:http";
import { InferenceClient } from "@huggingface/inference";

const { version } = JSON.parse(readFileSync("node_modules/@huggingface/inference/package.json", "utf8"));
const ENOUGH = 20; // requests, which take 19 s if each waits as it is told
const SECONDS = 18;

// Requests that one call makes to a server that answers with a status at once, and the seconds that they took.
async function requests(status) {
  let seen = 0;
  const call = new AbortController();
  const server = http.createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      seen += 1;
      if (seen === ENOUGH) call.abort();
      response.writeHead(status, { "content-type": "application/json", "retry-after": "1" });
      response.end('{"error":"overloaded"}');
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const began = performance.now();
  const timer = setTimeout(() => call.abort(), SECONDS * 1000);
  const endpointUrl = `http://127.0.0.1:${server.address().port}`;
  await new InferenceClient().textClassification({ inputs: "a text", endpointUrl }, { signal: call.signal }).catch(() => {});
  clearTimeout(timer);
  server.closeAllConnections();
  server.close();
  return { seen, took: (performance.now() - began) / 1000 };
}

console.log(`@huggingface/inference ${version}, node ${process.version}; Retry-After: 1, at most ${ENOUGH} requests of one call`);
const found = { 503: await requests(503), 429: await requests(429) };
for (const [status, { seen, took }] of Object.entries(found)) console.log(`${status}: ${seen} requests in ${took.toFixed(2)} s`);
if (found[503].seen !== ENOUGH || found[429].seen !== 1) {
  console.error("the behaviour has changed");
  process.exit(1);
}
JS
node finding.mjs
