import assert from "node:assert";
import { gzipSync } from "node:zlib";
import { BUSY, URL, check, many, passed } from "./asked.mjs";

// snippet
const answer = await fetch(`${URL}/v1/classify`, {
  method: "POST",
  body: JSON.stringify({ inputs: ["a gripping, funny film", "dull from start to finish"] }),
});
for (const { label, score } of (await answer.json()).results) console.log(label, score);
// end
const rows = many();
const body = JSON.stringify({ inputs: rows.map(([text]) => text) });
for (const [content, headers] of [[body, {}], [gzipSync(body), { "content-encoding": "gzip" }]]) {
  const told = await (await fetch(`${URL}/v1/classify`, { method: "POST", body: content, headers })).json();
  assert.equal(told.results.length, rows.length);
  told.results.forEach(({ scores }, i) => check(scores, rows[i][1]));
}
// A stream of lines is answered in its order, too.
const lines = rows.map(([text]) => JSON.stringify(text)).join("\n");
const stream = await fetch(`${URL}/v1/classify`, { method: "POST", body: lines, headers: { "content-type": "application/x-ndjson" } });
(await stream.text()).trim().split("\n").forEach((line, i) => check(JSON.parse(line).scores, rows[i][1]));
let refused;
for (let i = 0; i < 100 && refused?.status !== 429; i++) refused = await fetch(`${BUSY}/predict`, { method: "POST", body: '{"inputs":"a"}' });
assert.deepEqual([refused.status, refused.headers.get("retry-after")], [429, "1"]);
passed("fetch", `Node ${process.versions.node}`, "1,000 texts in order", "gzip", "lines", "429 with Retry-After 1");
