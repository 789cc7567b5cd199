#!/usr/bin/env bash
# software: openai 6.49.0 (npm)
# expected: the vector that the server sent, or an error
# happens: 384 numbers become 96 zeros, and a vector of two becomes an empty one
#
# The JavaScript client asks for base64 unless it is told otherwise, and many servers of this interface do not know that
# parameter and answer with numbers, as all did before it existed. openai 6.49.0 decodes what comes as base64 without a look at its type:
# a list of numbers turns into bytes, each number cut to a whole one, and four of them into one float. 384 numbers between -1 and 1 are 96
# zeros, all texts are equally similar, and nothing is raised. With encoding_format "float" the same answer is read rightly. The Python
# client takes both forms. A server must honour base64, and a client of an unknown server must ask for "float".
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund --save-exact openai@6.49.0

cat > finding.mjs <<'JS'
import { readFileSync } from "node:fs";
import http from "node:http";
import OpenAI from "openai";

const { version } = JSON.parse(readFileSync("node_modules/openai/package.json", "utf8"));
const wide = Array.from({ length: 384 }, (_, i) => i / 384 - 0.5);
const vectors = { wide, two: [1, 0] };
// A server that answers with numbers, whatever was asked.
const server = http.createServer((request, response) => {
  let body = "";
  request.on("data", (part) => (body += part));
  request.on("end", () => {
    const { input } = JSON.parse(body);
    const data = [{ object: "embedding", index: 0, embedding: vectors[input] }];
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ object: "list", model: "m", data, usage: { prompt_tokens: 1, total_tokens: 1 } }));
  });
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const client = new OpenAI({ baseURL: `http://127.0.0.1:${server.address().port}/v1`, apiKey: "none" });

const embed = async (request) => (await client.embeddings.create({ model: "m", ...request })).data[0].embedding;
const found = {
  "384 numbers": await embed({ input: "wide" }),
  "384 numbers, float asked": await embed({ input: "wide", encoding_format: "float" }),
  "2 numbers": await embed({ input: "two" }),
};
console.log(`openai ${version}, node ${process.version}`);
for (const [name, vector] of Object.entries(found)) console.log(name.padEnd(26), vector.length, "numbers, first", vector.slice(0, 3));
const [cut, asked, empty] = Object.values(found);
server.closeAllConnections();
server.close();
if (cut.length !== 96 || cut.some((x) => x !== 0) || asked.length !== 384 || asked[0] !== -0.5 || empty.length !== 0) {
  console.error("the behaviour has changed");
  process.exit(1);
}
JS
node finding.mjs
