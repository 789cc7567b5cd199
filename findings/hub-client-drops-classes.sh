#!/usr/bin/env bash
# text-embeddings-inference's /predict answers one text with a flat list of classes, and several texts with a list of such lists. Read by
# `InferenceClient.text_classification` of huggingface_hub 2.4.0 and 1.33.0, which is typed to return a list of classes, the flat list becomes its
# first element alone, no list at all, and of several texts the first one's classes are all that is returned; neither is an error or a warning.
# Code that takes the best class of `found` then fails, or answers every text with the first one's class. A server for this client nests
# the classes of one text, and callers ask for one text at a time.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat > client.py <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import huggingface_hub
from huggingface_hub import InferenceClient


class Server(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = InferenceClient(model=f"http://127.0.0.1:{server.server_port}")
one = [{"label": "negative", "score": 0.75}, {"label": "positive", "score": 0.25}]
other = [{"label": "positive", "score": 0.9}, {"label": "negative", "score": 0.1}]
print(f"huggingface_hub {huggingface_hub.__version__}")
found = {}
for name, answer in {"nested": [one], "flat": one, "two texts": [one, other]}.items():
    found[name] = client.text_classification("a")
    print(f"{name} {json.dumps(answer)}: {found[name]}")
told = lambda list: [(element.label, element.score) for element in list]
whole = [("negative", 0.75), ("positive", 0.25)]
if told(found["nested"]) != whole or isinstance(found["flat"], list) or found["flat"].label != "negative" or told(found["two texts"]) != whole:
    sys.exit("the behaviour has changed")
PY
for version in 2.4.0 1.33.0; do
    python3 -m venv "venv-$version"
    "venv-$version/bin/pip" install --quiet "huggingface_hub==$version"
    "venv-$version/bin/python" client.py
done
