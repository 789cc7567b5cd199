"""LlamaIndex never looks at a status, so it cannot show why there are no vectors; that it fails and makes up none is what is tested."""

from importlib.metadata import version

from llama_index.embeddings.text_embeddings_inference import TextEmbeddingsInference

from asked import URL, fails, passed

embed = TextEmbeddingsInference(base_url=URL, model_name="sst2-tiny")
fails(lambda: embed.get_text_embedding("a"), of=KeyError)
fails(lambda: embed.get_text_embedding_batch(["a", "b"]), of=Exception)
passed("llama-index-embeddings-text-embeddings-inference", version("llama-index-embeddings-text-embeddings-inference"), "fails, and hides why")
