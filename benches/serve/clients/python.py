"""Real clients against a running server: python.py HOST:PORT MODEL. Each part is left out where its client is not installed."""

import sys

at, model = sys.argv[1:]
url = f"http://{at}"
fine, dull = "a gripping, funny film", "dull from start to finish"

try:
    import huggingface_hub
    from huggingface_hub import InferenceClient

    for base in (url, url + "/"):
        found = InferenceClient(model=base).text_classification(fine)
        assert [one.label for one in found] == ["positive", "negative"], found
        assert len(InferenceClient(model=base).text_classification(fine, top_k=1)) == 1
    try:
        InferenceClient(model=url).text_classification(fine, function_to_apply="relu")
    except Exception as error:
        assert "relu" in str(error) or "422" in str(error), error
    else:
        raise AssertionError("an unknown function was taken")
    print("huggingface_hub", huggingface_hub.__version__)
except ImportError:
    pass

try:
    import numpy as np
    import tritonclient.http as triton

    client = triton.InferenceServerClient(at)
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(model)
    assert client.get_model_metadata(model)["inputs"][0]["name"] == "text"
    for binary in (True, False):
        for compression in (None, "gzip", "deflate"):
            text = triton.InferInput("text", [2], "BYTES")
            text.set_data_from_numpy(np.array([fine.encode(), dull.encode()], dtype=object), binary_data=binary)
            found = client.infer(model, [text], request_compression_algorithm=compression)
            assert list(found.as_numpy("label")) == ["positive", "negative"], found.get_response()
            assert found.as_numpy("scores").shape == (2, 2)
    try:
        client.infer("nowhere", [text])
    except Exception as error:
        assert "there is no model `nowhere`" in str(error), error
    else:
        raise AssertionError("a model that is not there answered")
    print("tritonclient")
except ImportError:
    pass

try:
    import asyncio

    from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

    async def ask():
        client = InferenceRESTClient(RESTConfig(protocol="v2"))
        assert await client.is_server_live(url) and await client.is_server_ready(url) and await client.is_model_ready(url, model)
        asked = InferRequest(model_name=model, infer_inputs=[InferInput(name="text", shape=[1], datatype="BYTES", data=[fine])])
        found = await client.infer(url, asked, model_name=model)
        assert found.outputs[0].data == ["positive"], found
        v1 = InferenceRESTClient(RESTConfig(protocol="v1"))
        found = await v1.infer(url, {"instances": [fine, dull]}, model_name=model)
        assert [one["label"] for one in found["predictions"]] == ["positive", "negative"], found

    asyncio.run(ask())
    print("kserve")
except ImportError:
    pass
