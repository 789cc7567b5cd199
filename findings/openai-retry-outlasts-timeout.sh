#!/usr/bin/env bash
# software: openai 3.57.0 (Python)
# expected: a client with timeout=1 gives an answer or an error within about a second a try
# happens: it sleeps as long as Retry-After says, here 5 s, on the server's word alone
#
# A timeout is what bounds a call, so one would expect a client with a timeout of 1 s and one repeat to be back after some 2 s. openai
# 3.57.0 counts only the time of each request: between two of them it sleeps for as long as Retry-After names, without a limit, where
# earlier releases took no more than a minute. A server that says 120 when it is full stops every worker of a batch job for two minutes
# each, and a request handler with it. A server should say a second; a client that must be quick sets max_retries=0.
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
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai

WAIT = 5


class Full(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps({"error": {"message": "full", "type": "overloaded"}}).encode()
        self.send_response(429)
        self.send_header("retry-after", str(WAIT))
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Full)
threading.Thread(target=server.serve_forever, daemon=True).start()


def seconds(**settings):
    client = openai.OpenAI(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="none", **settings)
    began = time.monotonic()
    try:
        client.embeddings.create(model="m", input="a text")
    except openai.RateLimitError:
        return time.monotonic() - began
    return 0.0


print(f"openai {openai.__version__}; a server that answers at once: 429, Retry-After: {WAIT}")
found = {retries: seconds(timeout=1, max_retries=retries) for retries in (1, 0)}
for retries, took in found.items():
    print(f"timeout=1, max_retries={retries}: {took:.1f} s until the error")
if found[1] < WAIT or found[0] > 4:
    sys.exit("the behaviour has changed")
PY
