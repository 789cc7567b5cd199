"""MLServer is a server; what of it asks others are its codecs and its command `infer`."""

import json
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import requests
from mlserver.codecs import StringCodec
from mlserver.types import InferenceRequest, InferenceResponse

from asked import MODEL, TEXTS, URL, best, check, passed

# snippet
import requests
from mlserver.codecs import StringCodec
from mlserver.types import InferenceRequest, InferenceResponse

texts = ["a gripping, funny film", "dull from start to finish"]
asked = InferenceRequest(inputs=[StringCodec.encode_input("text", texts)])
answer = requests.post(f"{URL}/v2/models/sst2-tiny/infer", data=asked.model_dump_json())
found = InferenceResponse.model_validate_json(answer.text)
print(StringCodec.decode_output(found.outputs[0]))
# end
assert StringCodec.decode_output(found.outputs[0]) == ["positive", "negative"], found
asked = InferenceRequest(inputs=[StringCodec.encode_input("text", list(TEXTS))])
found = requests.post(f"{URL}/v2/models/{MODEL}/infer", data=asked.model_dump_json()).json()
for i, expected in enumerate(TEXTS.values()):
    check(zip(["negative", "positive"], found["outputs"][1]["data"][2 * i :]), expected)

with tempfile.TemporaryDirectory() as folder:
    lines, answers = Path(folder) / "lines.jsonl", Path(folder) / "answers.jsonl"
    lines.write_text("".join(InferenceRequest(inputs=[StringCodec.encode_input("text", [text])]).model_dump_json() + "\n" for text in TEXTS))
    command = [Path(sys.executable).parent / "mlserver", "infer", "--url", URL.removeprefix("http://"), "--model-name", MODEL, "--input-data-path", lines,
               "--output-data-path", answers, "--batch-size", "4", "--workers", "2"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert said.returncode == 0, said.stdout + said.stderr
    # Answers come in the order in which they were ready; each has the index of its line.
    found = {}
    for line in answers.read_text().splitlines():
        told = json.loads(line)
        index = told.get("parameters", {}).get("inference", {}).get("index", len(found))
        found[index] = told["outputs"][0]["data"]
    labels = [label for _, data in sorted(found.items()) for label in data]
    assert sorted(labels) == sorted(best(expected) for expected in TEXTS.values()), found
passed("mlserver", version("mlserver"), "codecs", "the command `infer`")
