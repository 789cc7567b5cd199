#!/usr/bin/env bash
# software: openai 3.57.0 (Python)
# expected: the first vector belongs to the first text, since each one comes with its index
# happens: vectors are kept in the order of arrival, and the index is not looked at
#
# Each vector in the answer of this interface carries the index of its text, so a server that computes texts by length may send them as
# they are done, and one would expect the client to put them in order. openai 3.57.0 hands the list on as it came, and code that pairs
# texts and vectors by position pairs the wrong ones: every vector is a real one, of another text. A server must send input order,
# and a careful client sorts by index.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet openai==3.57.0

"$dir/venv/bin/python" - <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai

VECTORS = {"a": [1.0, 0.0], "a longer one": [0.0, 1.0], "of all the longest text": [0.5, 0.5]}


class Longest(BaseHTTPRequestHandler):
    """Answers the longest text first, each with the index of its text."""

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        order = sorted(range(len(request["input"])), key=lambda i: -len(request["input"][i]))
        data = [{"object": "embedding", "index": i, "embedding": VECTORS[request["input"][i]]} for i in order]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        body = json.dumps({"object": "list", "model": "m", "data": data, "usage": usage}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Longest)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = openai.OpenAI(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="none")
answer = client.embeddings.create(model="m", input=list(VECTORS), encoding_format="float").data
print(f"openai {openai.__version__}")
for text, item in zip(VECTORS, answer):
    print(f"{text!r:28} its vector {VECTORS[text]}, at its place {item.embedding} with index {item.index}")
right = [item.embedding == VECTORS[text] for text, item in zip(VECTORS, answer)]
by_index = [item.embedding for item in sorted(answer, key=lambda item: item.index)] == list(VECTORS.values())
if right != [False, True, False] or not by_index:
    sys.exit("the behaviour has changed")
PY
