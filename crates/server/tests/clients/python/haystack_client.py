from importlib.metadata import version

from haystack import Document
from haystack_integrations.components.embedders.huggingface_api import HuggingFaceAPIDocumentEmbedder, HuggingFaceAPITextEmbedder
from haystack_integrations.components.rankers.huggingface_api import HuggingFaceTEIRanker

from asked import NO_EMBEDDINGS, NO_RANKING, URL, fails, passed

tei = {"api_type": "text_embeddings_inference", "api_params": {"url": URL}}
fails(lambda: HuggingFaceAPITextEmbedder(**tei).run("a"), "422", NO_EMBEDDINGS)
fails(lambda: HuggingFaceAPIDocumentEmbedder(**tei).run([Document(content="a")]), "422", NO_EMBEDDINGS)
ranker = HuggingFaceTEIRanker(url=URL, max_retries=0)
fails(lambda: ranker.run("a", [Document(content="b")]), NO_RANKING)
passed("haystack-ai", version("haystack-ai"), "shows that there are no embeddings and no ranking")
