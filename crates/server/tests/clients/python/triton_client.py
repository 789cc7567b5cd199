from importlib.metadata import version

import numpy as np
import tritonclient.http as triton

from asked import BUSY, BUSY_SAYS, EMBEDDER, MODEL, PAIR_MODEL, PAIRS, TEXTS, URL, VECTORS, best, check, check_vectors, fails, many, passed, refused

AT = URL.removeprefix("http://")

# snippet
import numpy as np
import tritonclient.http as triton

client = triton.InferenceServerClient(URL.removeprefix("http://"))
texts = np.array([b"a gripping, funny film", b"dull from start to finish"], dtype=object)
asked = triton.InferInput("text", [len(texts)], "BYTES")
asked.set_data_from_numpy(texts)
found = client.infer("sst2-tiny", [asked])
print(found.as_numpy("label"), found.as_numpy("scores"))
# end
assert list(found.as_numpy("label")) == ["positive", "negative"], found.get_response()
labels = ["negative", "positive"]


def tensor(name, texts, binary):
    one = triton.InferInput(name, [len(texts)], "BYTES")
    one.set_data_from_numpy(np.array([text.encode() for text in texts], dtype=object), binary_data=binary)
    return one


def ask(texts, binary, **more):
    found = client.infer(MODEL, [tensor("text", texts, binary)], **more)
    return list(found.as_numpy("label")), found.as_numpy("scores")


for binary in (True, False):
    for compression in (None, "gzip", "deflate"):
        for answer in (None, "gzip"):
            named, scores = ask(list(TEXTS), binary, request_compression_algorithm=compression, response_compression_algorithm=answer)
            for label, row, expected in zip(named, scores, TEXTS.values()):
                assert label == best(expected)
                check(zip(labels, row.tolist()), expected)
texts, expected = many()
named, scores = ask(texts, True)
assert named == [best(one) for one in expected]
for (first, second), expected in PAIRS:
    found = client.infer(PAIR_MODEL, [tensor("text", [first], True), tensor("text_pair", [second], False)])
    assert found.as_numpy("label")[0] == best(expected)
asked = [triton.InferRequestedOutput("scores", binary_data=True)]
found = client.infer(MODEL, [tensor("text", ["a"], True)], outputs=asked, request_id="7", model_version="1")
assert found.as_numpy("label") is None and found.as_numpy("scores").shape == (1, 2) and found.get_response()["id"] == "7"

# snippet embed
texts = np.array([b"a gripping, funny film", b"dull from start to finish"], dtype=object)
asked = triton.InferInput("text", [len(texts)], "BYTES")
asked.set_data_from_numpy(texts)
vectors = client.infer("embedder", [asked]).as_numpy("embedding")
# end
check_vectors(vectors.tolist(), ["a gripping, funny film", "dull from start to finish"])
for binary in (True, False):
    found = client.infer(EMBEDDER, [tensor("text", list(VECTORS), binary)])
    check_vectors(found.as_numpy("embedding").tolist(), list(VECTORS))
assert client.get_model_metadata(EMBEDDER)["outputs"] == [{"name": "embedding", "datatype": "FP32", "shape": [-1, 32]}]
assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(MODEL) and client.is_model_ready(PAIR_MODEL)
assert client.get_server_metadata()["name"] == "bitspike"
assert client.get_model_metadata(MODEL)["inputs"] == [{"name": "text", "datatype": "BYTES", "shape": [-1]}]
assert client.get_model_repository_index()[0]["name"] == MODEL
assert client.get_model_config(MODEL)["input"] == [{"name": "text", "data_type": "TYPE_STRING", "dims": [-1]}]
fails(lambda: client.get_inference_statistics(MODEL), "404", "/metrics", of=triton.InferenceServerException)
fails(lambda: client.infer("nowhere", [tensor("text", ["a"], True)]), "there is no model `nowhere`", of=triton.InferenceServerException)
fails(lambda: client.infer(MODEL, [tensor("x", ["a"], True), tensor("y", ["a"], True)]), "expected text, found `x`", of=triton.InferenceServerException)
busy = triton.InferenceServerClient(BUSY.removeprefix("http://"))
refused(lambda: busy.infer("sst2-ternary", [tensor("text", ["a"], True)]), "429", BUSY_SAYS, of=triton.InferenceServerException)
passed("tritonclient", version("tritonclient"), "raw bytes and JSON", "gzip and deflate", "1,000 texts in order", "pairs", "vectors", "shows 429, 404, 422")
