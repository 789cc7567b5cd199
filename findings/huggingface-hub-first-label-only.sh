#!/usr/bin/env bash
# software: huggingface_hub 2.4.0
# expected: every label that the server answers, or an error
# happens: of text-embeddings-inference's flat list only the first label is kept
#
# text_classification of InferenceClient takes the address of a server, and text-embeddings-inference, of the same house, answers
# its route /predict with one list of labels. huggingface_hub 2.4.0 expects a list of lists and takes its first element: of a flat list that
# is one label, an object where a list is promised, and the others are gone, with top_k=2 too. If the server does not sort by
# score, the label that is left is not the best one. No error is raised. The root route, which nests, is read rightly.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet huggingface_hub==2.4.0

"$dir/venv/bin/python" - <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import huggingface_hub

LABELS = [{"label": "negative", "score": 0.2}, {"label": "positive", "score": 0.8}]


class Server(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps(LABELS if self.path == "/predict" else [LABELS]).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"


def labels(route, **settings):
    answer = huggingface_hub.InferenceClient(model=url + route).text_classification("a gripping film", **settings)
    return [label.label for label in answer] if isinstance(answer, list) else f"{type(answer).__name__} {answer.label}"


print(f"huggingface_hub {huggingface_hub.__version__}; sent: {LABELS}")
found = {"/predict": labels("/predict"), "/predict, top_k=2": labels("/predict", top_k=2), "/": labels("/")}
for route, answer in found.items():
    print(f"{route:20}{answer}")
one = "TextClassificationOutputElement negative"
if list(found.values()) != [one, one, ["negative", "positive"]]:
    sys.exit("the behaviour has changed")
PY
