import asyncio
from importlib.metadata import version

import httpx
from asked import BUSY, BUSY_SAYS, MODEL, PAIR_MODEL, PAIRS, TEXTS, URL, best, check, many, passed


async def ask():
    # snippet
    from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    texts = ["a gripping, funny film", "dull from start to finish"]
    inputs = [InferInput(name="text", shape=[len(texts)], datatype="BYTES", data=texts)]
    found = await client.infer(URL, InferRequest(model_name="sst2-tiny", infer_inputs=inputs), model_name="sst2-tiny")
    print(found.outputs[0].data)
    # end
    assert found.outputs[0].data == ["positive", "negative"], found
    assert await client.is_server_live(URL) and await client.is_server_ready(URL) and await client.is_model_ready(URL, MODEL)

    def request(texts, model=MODEL, pairs=None):
        columns = {"text": texts} | ({"text_pair": pairs} if pairs else {})
        inputs = [InferInput(name=name, shape=[len(data)], datatype="BYTES", data=data) for name, data in columns.items()]
        return InferRequest(model_name=model, infer_inputs=inputs)

    found = await client.infer(URL, request(list(TEXTS)), model_name=MODEL)
    scores = {output.name: output.data for output in found.outputs}["scores"]
    for i, expected in enumerate(TEXTS.values()):
        check(zip(["negative", "positive"], scores[2 * i :]), expected)
    texts, expected = many()
    found = await client.infer(URL, request(texts), model_name=MODEL)
    assert found.outputs[0].data == [best(one) for one in expected]
    for (first, second), expected in PAIRS:
        found = await client.infer(URL, request([first], PAIR_MODEL, [second]), model_name=PAIR_MODEL)
        assert found.outputs[0].data == [best(expected)]

    v1 = InferenceRESTClient(RESTConfig(protocol="v1"))
    found = await v1.infer(URL, {"instances": list(TEXTS)}, model_name=MODEL)
    for told, expected in zip(found["predictions"], TEXTS.values(), strict=True):
        check([(one["label"], one["score"]) for one in told["scores"]], expected)

    async def shows(call, *says):
        for _ in range(100):
            try:
                await call()
            except httpx.HTTPStatusError as error:
                told = str(error) + error.response.text
                assert all(word in told for word in says), told
                return
        raise AssertionError(f"no error with {says}")

    await shows(lambda: client.infer(URL, request(["a"]), model_name="nowhere"), "404", "there is no model `nowhere`")
    await shows(lambda: client.infer(BUSY, request(["a"]), model_name="sst2-ternary"), "429", BUSY_SAYS)


asyncio.run(ask())
passed("kserve", version("kserve"), "V2 and V1", "health", "1,000 texts in order", "pairs", "shows 429, 404")
