#!/usr/bin/env bash
# A server of embeddings that answers with lists of numbers, as OpenAI's reference shows them, works with OpenAI's Python client. Its JavaScript
# client asks for base64 unless told otherwise, and decodes whatever comes: openai 6.49.0 (npm) makes of n numbers n/4 others near zero
# (0.5, -0.25, 1 and 2 become 9.5e-38), without an error or a warning, where Python's openai 3.57.0 gives the numbers. A vector store takes them.
# So a server has to obey `encoding_format`, or a client has to ask for `float`.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet openai==3.57.0
npm install --silent --no-audit --no-fund openai@6.49.0

cat > server.mjs <<'JS'
import { createServer } from "node:http";
const vectors = [[0.5, -0.25, 1, 2], Array.from({ length: 16 }, (_, i) => i + 1)];
const data = vectors.map((embedding, index) => ({ object: "embedding", index, embedding }));
const body = JSON.stringify({ object: "list", data, model: "m", usage: { prompt_tokens: 2, total_tokens: 2 } });
createServer((request, response) => response.writeHead(200, { "content-type": "application/json" }).end(body)).listen(0, "127.0.0.1", function () {
  console.log(this.address().port);
});
JS
cat > client.mjs <<'JS'
import OpenAI from "openai";
import { readFileSync } from "node:fs";
const client = new OpenAI({ baseURL: process.argv[2], apiKey: "none" });
const asked = async (more) => (await client.embeddings.create({ model: "m", input: ["a", "b"], ...more })).data.map((one) => one.embedding);
console.log(JSON.stringify({ version: JSON.parse(readFileSync("node_modules/openai/package.json")).version, usual: await asked({}), float: await asked({ encoding_format: "float" }) }));
JS
node server.mjs > port &
server=$!
trap 'kill $server; rm -rf "$dir"' EXIT
until [ -s port ]; do sleep 0.05; done
url=http://127.0.0.1:$(cat port)/v1
node client.mjs "$url" > javascript.json
venv/bin/python - "$url" <<'PY'
import json
import sys

import openai

told = json.load(open("javascript.json"))
python = [one.embedding for one in openai.OpenAI(base_url=sys.argv[1], api_key="none").embeddings.create(model="m", input=["a", "b"]).data]
print(f"openai {openai.__version__} (Python): {python}")
print(f"openai {told['version']} (npm): {told['usual']}")
print(f"openai {told['version']} (npm), encoding_format float: {told['float']}")
right = [[0.5, -0.25, 1, 2], list(range(1, 17))]
if python != right or told["float"] != right or [len(vector) for vector in told["usual"]] != [1, 4] or max(map(max, told["usual"])) > 1e-20:
    sys.exit("the behaviour has changed")
PY
