"""OpenAI's client embeds; it chats, too, which this server does not, and must say where the client looks."""

import openai

from asked import EMBEDDER, NO_EMBEDDINGS, URL, VECTORS, check_vectors, fails, near, passed, shortened

TEXTS = list(VECTORS)
# snippet embed
from openai import OpenAI

client = OpenAI(base_url=f"{URL}/v1", api_key="none")
found = client.embeddings.create(model="embedder", input=["a gripping, funny film", "dull from start to finish"])
print(found.data[0].embedding[:3], found.usage.total_tokens)
# end
check_vectors([one.embedding for one in found.data], ["a gripping, funny film", "dull from start to finish"])
# Base64 is what it asks for unless told otherwise; floats are the same numbers.
for options in ({}, {"encoding_format": "float"}, {"encoding_format": "base64"}):
    found = client.embeddings.create(model=EMBEDDER, input=TEXTS, **options)
    if options.get("encoding_format") != "base64":
        check_vectors([one.embedding for one in found.data], TEXTS)
    assert found.usage.prompt_tokens == found.usage.total_tokens > len(TEXTS)
    assert [one.index for one in found.data] == list(range(len(TEXTS))) and found.model == EMBEDDER
check_vectors([client.embeddings.create(model=EMBEDDER, input=TEXTS[0]).data[0].embedding], TEXTS[:1])
check_vectors([client.embeddings.create(model=EMBEDDER, input=TEXTS[0], extra_body={"normalize": False}).data[0].embedding], TEXTS[:1], "raw")
near(client.embeddings.create(model=EMBEDDER, input=TEXTS[0], dimensions=8).data[0].embedding, shortened(TEXTS[0], 8))
many = client.embeddings.create(model=EMBEDDER, input=TEXTS * 100)
check_vectors([one.embedding for one in many.data], TEXTS * 100)
assert EMBEDDER in [model.id for model in client.models.list()] and client.models.retrieve(EMBEDDER).object == "model"
error = fails(lambda: client.embeddings.create(model="sst2-tiny", input=["a", "b"]), "422", NO_EMBEDDINGS, of=openai.UnprocessableEntityError)
assert error.type == "validation" and error.code == "validation", (error.type, error.code)
fails(lambda: client.embeddings.create(model=EMBEDDER, input=[[1, 2, 3]]), "422", "token ids are of another vocabulary", of=openai.UnprocessableEntityError)
fails(lambda: client.embeddings.create(model=EMBEDDER, input="a", dimensions=33), "expected 1 to 32", of=openai.UnprocessableEntityError)
fails(lambda: client.chat.completions.create(model="sst2-tiny", messages=[{"role": "user", "content": "a"}]), "404", "/docs lists the routes", of=openai.NotFoundError)
# Any other route, with its retries, its key and its errors.
# snippet
from openai import OpenAI

client = OpenAI(base_url=f"{URL}/v1", api_key="none")
found = client.post("/classify", body={"inputs": ["a gripping, funny film", "dull from start to finish"]}, cast_to=object)
print([one["label"] for one in found["results"]])
# end
assert [one["label"] for one in found["results"]] == ["positive", "negative"], found
fails(lambda: client.post("/classify", body={"input": "a"}, cast_to=object), "422", "unknown field `input`", of=openai.UnprocessableEntityError)
passed("openai", openai.__version__, "embeds, in base64 and floats", "lists models", "shows who does not embed", "posts to /v1/classify")
