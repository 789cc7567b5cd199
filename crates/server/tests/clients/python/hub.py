import asyncio

import huggingface_hub
from huggingface_hub import AsyncInferenceClient

from asked import BUSY, BUSY_SAYS, NO_EMBEDDINGS, TEXTS, URL, check, fails, passed, refused

# snippet
from huggingface_hub import InferenceClient

client = InferenceClient(model=URL)
found = client.text_classification("a gripping, funny film")
print(found[0].label, found[0].score)
# end


def told(answer):
    return [(one.label, one.score) for one in answer]


check(told(found), TEXTS["a gripping, funny film"])
for text, expected in TEXTS.items():
    for base in (URL, URL + "/"):
        check(told(InferenceClient(model=base).text_classification(text)), expected)
# Of the flat list of `/predict` it takes the first element alone: that route is not for this client.
assert InferenceClient(model=URL + "/predict").text_classification("a gripping, funny film") == found[0]
first = client.text_classification("a gripping, funny film", top_k=1, function_to_apply="softmax")
assert len(first) == 1 and first[0].label == found[0].label, first
# Hammered by nobody: one request, and the body's words.
refused(lambda: InferenceClient(model=BUSY).text_classification("a"), "429", BUSY_SAYS)
fails(lambda: client.text_classification("a", function_to_apply="relu"), "422", "expected softmax, sigmoid or none")
fails(lambda: client.feature_extraction("a", normalize=True), "422", NO_EMBEDDINGS)
fails(lambda: InferenceClient(model=URL + "/embed").feature_extraction("a"), "404", NO_EMBEDDINGS)
fails(lambda: InferenceClient(model=URL + "/v1/embeddings").feature_extraction("a"), "404", NO_EMBEDDINGS)
# Classes are no vectors: without an option that tells it apart, the client itself refuses them.
fails(lambda: client.feature_extraction("a"), of=(TypeError, ValueError))
fails(lambda: client.sentence_similarity("a", other_sentences=["b"]), "422", "source_sentence")
fails(lambda: client.zero_shot_classification("a", candidate_labels=["b", "c"]), "422", "candidate_labels")


async def ask():
    # snippet async
    async with AsyncInferenceClient(model=URL) as client:
        texts = ["a gripping, funny film", "dull from start to finish"]
        answers = await asyncio.gather(*(client.text_classification(text) for text in texts))
    # end
    for text, answer in zip(texts, answers):
        check(told(answer), TEXTS[text])
    several = AsyncInferenceClient(model=URL)
    answers = await asyncio.gather(*(several.text_classification(text) for text in list(TEXTS) * 20))
    for text, answer in zip(list(TEXTS) * 20, answers):
        check(told(answer), TEXTS[text])


asyncio.run(ask())
passed("huggingface_hub", huggingface_hub.__version__, "classifies, sync and async", "shows 429, 422, 404")
