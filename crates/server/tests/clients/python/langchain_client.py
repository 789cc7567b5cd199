from importlib.metadata import version

import openai
from huggingface_hub import InferenceClient
from langchain_huggingface import HuggingFaceEndpointEmbeddings
from langchain_openai import OpenAIEmbeddings

from asked import NO_EMBEDDINGS, URL, fails, passed

embed = OpenAIEmbeddings(base_url=URL + "/v1", api_key="none", model="sst2-tiny", check_embedding_ctx_length=False)
fails(lambda: embed.embed_documents(["a", "b"]), "404", NO_EMBEDDINGS, of=openai.NotFoundError)
fails(lambda: embed.embed_query("a"), "404", NO_EMBEDDINGS, of=openai.NotFoundError)
# It takes names of the hub alone, and so has nothing to ask here.
fails(lambda: HuggingFaceEndpointEmbeddings(model=URL), "URL")
embed = HuggingFaceEndpointEmbeddings(model="none/none", huggingfacehub_api_token="none")
embed.client = InferenceClient(model=URL + "/embed")
fails(lambda: embed.embed_documents(["a", "b"]), "404", NO_EMBEDDINGS)
passed("langchain-openai", version("langchain-openai"), "shows that there are no embeddings", f"langchain-huggingface {version('langchain-huggingface')} too")
