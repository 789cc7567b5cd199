import asyncio

import huggingface_hub
from huggingface_hub import AsyncInferenceClient

from asked import BUSY, BUSY_SAYS, TEXTS, URL, VECTORS, check, check_vectors, fails, near, passed, refused, shortened

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
# snippet embed
embeds = InferenceClient(model=f"{URL}/embed")
vectors = embeds.feature_extraction("a gripping, funny film")
print(vectors.shape)
# end
assert vectors.shape == (1, 32), vectors.shape
for text in VECTORS:
    check_vectors(embeds.feature_extraction(text), [text])
    check_vectors(embeds.feature_extraction(text, normalize=False, truncate=True), [text], "raw")
    # At the root an option that only embeddings have tells what is wanted.
    check_vectors(client.feature_extraction(text, normalize=True), [text])
near(embeds.feature_extraction("x", dimensions=8)[0], shortened("x", 8))
fails(lambda: embeds.feature_extraction("a", prompt_name="query"), "422", "have no prompts")
fails(lambda: embeds.text_classification("a"), "422", "parameters")
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
passed("huggingface_hub", huggingface_hub.__version__, "classifies, sync and async", "embeds", "shows 429, 422")
