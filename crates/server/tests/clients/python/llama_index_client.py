"""LlamaIndex never looks at a status, so it cannot show what is wrong; that it fails then and makes up no vector is tested too."""

from importlib.metadata import version

from asked import BUSY, URL, VECTORS, check_vectors, fails, passed

# snippet
from llama_index.embeddings.text_embeddings_inference import TextEmbeddingsInference

embeddings = TextEmbeddingsInference(base_url=URL, model_name="embedder")
vectors = embeddings.get_text_embedding_batch(["a gripping, funny film", "dull from start to finish"])
# end
check_vectors(vectors, ["a gripping, funny film", "dull from start to finish"])
# Ten texts a request; it asks for long ones to be cut.
texts = [text for text in VECTORS if text] * 4
check_vectors(embeddings.get_text_embedding_batch(texts), texts)
check_vectors([embeddings.get_query_embedding("x")], ["x"])
fails(lambda: TextEmbeddingsInference(base_url=BUSY, model_name="none").get_text_embedding("a"), of=KeyError)
passed("llama-index-embeddings-text-embeddings-inference", version("llama-index-embeddings-text-embeddings-inference"), "embeds", "hides why it fails")
