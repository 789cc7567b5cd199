"""OpenAI's client embeds and chats: this server does neither, and must say so where the client looks."""

import openai

from asked import NO_EMBEDDINGS, URL, fails, passed

client = openai.OpenAI(base_url=URL + "/v1", api_key="none")
for call in (lambda: client.embeddings.create(model="sst2-tiny", input=["a", "b"]),
             lambda: client.with_raw_response.embeddings.create(model="sst2-tiny", input="a", encoding_format="float")):
    error = fails(call, "404", NO_EMBEDDINGS, of=openai.NotFoundError)
    assert error.type == "not_found" and error.code == "not_found", (error.type, error.code)
fails(lambda: client.chat.completions.create(model="sst2-tiny", messages=[{"role": "user", "content": "a"}]), "404", "/docs lists the routes", of=openai.NotFoundError)
# What it can be used for: any route, with its retries, its key and its errors.
# snippet
from openai import OpenAI

client = OpenAI(base_url=f"{URL}/v1", api_key="none")
found = client.post("/classify", body={"inputs": ["a gripping, funny film", "dull from start to finish"]}, cast_to=object)
print([one["label"] for one in found["results"]])
# end
assert [one["label"] for one in found["results"]] == ["positive", "negative"], found
fails(lambda: client.post("/classify", body={"input": "a"}, cast_to=object), "422", "unknown field `input`", of=openai.UnprocessableEntityError)
passed("openai", openai.__version__, "shows that there are no embeddings", "posts to /v1/classify")
