from importlib.metadata import version

from haystack import Document

from asked import CLASSIFIES, NO_EMBEDDINGS, NO_RANKING, URL, VECTORS, check_vectors, fails, passed

# snippet
from haystack_integrations.components.embedders.huggingface_api import HuggingFaceAPIDocumentEmbedder, HuggingFaceAPITextEmbedder
from haystack_integrations.components.rankers.huggingface_api import HuggingFaceTEIRanker

# It turns normalisation off unless told otherwise.
server = {"api_type": "text_embeddings_inference", "api_params": {"url": URL}, "normalize": True}
query = HuggingFaceAPITextEmbedder(**server).run("a gripping, funny film")["embedding"]
documents = HuggingFaceAPIDocumentEmbedder(**server).run([Document(content="dull from start to finish")])["documents"]
# end
check_vectors([query, documents[0].embedding], ["a gripping, funny film", "dull from start to finish"])
texts = [text for text in VECTORS if text] * 5
embedded = HuggingFaceAPIDocumentEmbedder(**{**server, "normalize": False}).run([Document(content=text) for text in texts])["documents"]
check_vectors([document.embedding for document in embedded], texts, "raw")
fails(lambda: HuggingFaceAPITextEmbedder(api_type="text_embeddings_inference", api_params={"url": CLASSIFIES}).run("a"), NO_EMBEDDINGS)
ranker = HuggingFaceTEIRanker(url=URL, max_retries=0)
fails(lambda: ranker.run("a", [Document(content="b")]), NO_RANKING)
passed("haystack-ai", version("haystack-ai"), "embeds, normalised and not", "shows who does not embed, and that nothing ranks")
