from importlib.metadata import version

import openai
from huggingface_hub import InferenceClient
from langchain_huggingface import HuggingFaceEndpointEmbeddings

from asked import NO_EMBEDDINGS, URL, VECTORS, check_vectors, fails, near, passed, shortened

TEXTS = list(VECTORS)
# snippet
from langchain_openai import OpenAIEmbeddings

# It sends texts instead of another model's token ids.
embeddings = OpenAIEmbeddings(base_url=f"{URL}/v1", api_key="none", model="embedder", check_embedding_ctx_length=False)
vectors = embeddings.embed_documents(["a gripping, funny film", "dull from start to finish"])
query = embeddings.embed_query("a gripping, funny film")
# end
check_vectors(vectors, ["a gripping, funny film", "dull from start to finish"])
check_vectors([query], ["a gripping, funny film"])
check_vectors(embeddings.embed_documents(TEXTS * 150), TEXTS * 150)
short = OpenAIEmbeddings(base_url=URL + "/v1", api_key="none", model="embedder", check_embedding_ctx_length=False, dimensions=8)
near(short.embed_query("x"), shortened("x", 8))
wrong = OpenAIEmbeddings(base_url=URL + "/v1", api_key="none", model="sst2-tiny", check_embedding_ctx_length=False)
fails(lambda: wrong.embed_documents(["a", "b"]), "422", NO_EMBEDDINGS, of=openai.UnprocessableEntityError)
# It takes names of the hub alone; its client replaced, it asks.
fails(lambda: HuggingFaceEndpointEmbeddings(model=URL), "URL")
hub = HuggingFaceEndpointEmbeddings(model="none/none", huggingfacehub_api_token="none")
hub.client = InferenceClient(model=URL + "/embed")
check_vectors(hub.embed_documents(["x", "dull from start to finish"]), ["x", "dull from start to finish"])
check_vectors([hub.embed_query("x")], ["x"])
passed("langchain-openai", version("langchain-openai"), "embeds", "shows who does not", f"langchain-huggingface {version('langchain-huggingface')} embeds too")
