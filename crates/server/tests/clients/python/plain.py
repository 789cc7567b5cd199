import gzip
import json
import zlib

import requests

from asked import BUSY, MODEL, NO_RANKING, PAIR_MODEL, PAIRS, URL, check, many, passed

# snippet
import requests

answer = requests.post(f"{URL}/v1/classify", json={"inputs": ["a gripping, funny film", "dull from start to finish"]})
for one in answer.json()["results"]:
    print(one["label"], one["score"])
# end
assert [one["label"] for one in answer.json()["results"]] == ["positive", "negative"], answer.text
kept = requests.Session()


def post(path, body, **more):
    return kept.post(URL + path, **({"json": body} | more) if not isinstance(body, bytes) else {"data": body} | more)


def pairs(scored):
    return [(one["label"], one["score"]) for one in scored]


# Answers in the order of the texts, a thousand of them, whichever the route.
texts, expected = many()
for told, one in zip(post("/v1/classify", {"inputs": texts}).json()["results"], expected, strict=True):
    check(pairs(told["scores"]), one)
for told, one in zip(post("/predict", {"inputs": [[text] for text in texts]}).json(), expected, strict=True):
    check(pairs(told), one)
for told, one in zip(post("/", {"inputs": texts, "parameters": {}}).json(), expected, strict=True):
    check(pairs(told), one)
for (first, second), one in PAIRS:
    check(pairs(post("/predict", {"inputs": [first, second], "model": PAIR_MODEL}).json()), one)

# One text is nested at `/`, flat at `/predict`; always JSON, whatever was said of the body.
body = json.dumps({"inputs": texts[0]}).encode()
for headers in ({}, {"content-type": "text/plain"}, {"content-type": "application/octet-stream"}, {"content-type": "application/vnd.api+json"}):
    for path, nested in (("/", True), ("/predict", False)):
        answer = post(path, body, headers=headers)
        assert answer.status_code == 200 and answer.headers["content-type"] == "application/json", (path, headers, answer.text)
        check(pairs(answer.json()[0] if nested else answer.json()), expected[0])
# JSON Schema calls 1.0 an integer.
assert len(post("/", {"inputs": "a", "parameters": {"top_k": 1.0}}).json()[0]) == 1
assert post("/", {"inputs": "a", "parameters": {"top_k": 1.5}}).status_code == 422

# Compressed bodies, their members one after another.
whole = json.dumps({"inputs": texts}).encode()
half = len(whole) // 2
for coding, packed in {"gzip": gzip.compress(whole), "deflate": zlib.compress(whole), "x-gzip": gzip.compress(whole[:half]) + gzip.compress(whole[half:])}.items():
    answer = post("/v1/classify", packed, headers={"content-encoding": coding})
    assert answer.status_code == 200 and len(answer.json()["results"]) == 1000, (coding, answer.text)
answer = post("/v1/classify", gzip.compress(whole)[:-9], headers={"content-encoding": "gzip"})
assert answer.status_code == 400 and answer.json()["error"]["type"] == "malformed", answer.text
answer = post("/v1/classify", gzip.compress(b" " * 100_000_000), headers={"content-encoding": "gzip"})
assert answer.status_code == 413, answer.text
# More than axum's 2 MB.
assert post("/v1/classify", {"inputs": ["a" * 200_000] * 20}).status_code == 200

# Errors in the shape of the route, health as KServe's clients read it.
for path, status, says in (("/v1/embeddings", 422, "input"), ("/v1/rerank", 404, NO_RANKING), ("/v1/models/x:predict", 404, "`x`"), ("/v1/classify", 422, "inputs")):
    answer = post(path, {"instances": ["a"]} if ":" in path else {})
    error = answer.json()["error"]
    assert answer.status_code == status and says in error["message"] and error["type"] and error["code"], answer.text
for path, status, says in (("/embed", 422, "inputs"), ("/embed_sparse", 404, "one vector a text"), ("/rerank", 404, NO_RANKING), ("/predict", 422, "inputs"), ("/v2/models/x/infer", 404, "`x`")):
    answer = post(path, {})
    assert answer.status_code == status and says in answer.json()["error"] and answer.json()["error_type"], answer.text
assert kept.get(URL + "/v2/health/live").json() == {"live": True} and kept.get(URL + "/v2/health/ready").json() == {"ready": True}
assert kept.get(URL + "/health").status_code == 200 and kept.get(URL + "/info").json()["model_id"] == MODEL
# No redirect that would lose a body, and a key that nobody asked for is not looked at.
assert post("/predict/", {"inputs": "a"}, allow_redirects=False).status_code == 404
assert post("/predict", {"inputs": "a"}, headers={"authorization": "Bearer hf_x"}).status_code == 200

for path in ("/v1/classify", "/predict", "/", "/v2/models/sst2-ternary/infer"):
    for _ in range(100):
        infer = {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["a"]}]}
        answer = requests.post(BUSY + path, json=infer if "infer" in path else {"inputs": "a"})
        if answer.status_code != 200:
            break
    assert answer.status_code == 429 and answer.headers["retry-after"] == "1", (path, answer.status_code, answer.text)
    error = answer.json()["error"]
    assert "too many tokens" in (error["message"] if path.startswith("/v1") else error), answer.text
passed("requests", requests.__version__, "every route", "1,000 texts in order", "gzip and deflate", "429 with Retry-After 1", "errors and health in the shape of their route")
