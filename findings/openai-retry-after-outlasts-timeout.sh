#!/usr/bin/env bash
# A client of openai 3.57.0 (Python) that is told `timeout=5` is expected to give up after some seconds. Where a server answers 429 or 503 with
# `Retry-After: 70`, the call waits those 70 seconds before it asks again: the timeout is of each request, and the pause is in no way
# limited. Earlier releases (1.x) obeyed pauses of up to a minute alone. A server that is overloaded for a moment should
# say a second; a caller that must not wait needs `max_retries=0`.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat > client.py <<'PY'
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import openai

asked = []


class Server(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        asked.append(time.monotonic())
        body = json.dumps({"object": "list", "model": "m", "data": [{"object": "embedding", "index": 0, "embedding": [1.0]}]}).encode()
        self.send_response(429 if len(asked) == 1 else 200)
        if len(asked) == 1:
            self.send_header("retry-after", "70")
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = openai.OpenAI(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="none", timeout=5)
began = time.monotonic()
client.embeddings.create(model="m", input="a", encoding_format="float")
took = time.monotonic() - began
print(f"openai {openai.__version__}: timeout=5, Retry-After: 70, answered after {took:.0f} s, {len(asked)} requests")
expected = sys.argv[1]
if (expected == "waits") != (took >= 70):
    sys.exit("the behaviour has changed")
PY
for pair in 3.57.0:waits 1.109.1:caps; do
    version=${pair%%:*}
    python3 -m venv "venv-$version"
    "venv-$version/bin/pip" install --quiet "openai==$version"
    "venv-$version/bin/python" client.py "${pair##*:}"
done
