"""Chroma never looks at a status; that it fails then and stores no vector is tested too."""

from importlib.metadata import version

import chromadb

from asked import BUSY, URL, VECTORS, check_vectors, fails, passed

# snippet
from chromadb.utils.embedding_functions import HuggingFaceEmbeddingServer

embed = HuggingFaceEmbeddingServer(url=f"{URL}/embed")
vectors = embed(["a gripping, funny film", "dull from start to finish"])
# end
check_vectors(vectors, ["a gripping, funny film", "dull from start to finish"])
texts = list(VECTORS)
check_vectors(embed(texts), texts)
collection = chromadb.EphemeralClient().create_collection("texts", embedding_function=embed)
collection.add(ids=[str(i) for i in range(len(texts))], documents=texts)
nearest = collection.query(query_texts=["a gripping, funny film"], n_results=1)
assert nearest["documents"] == [["a gripping, funny film"]] and nearest["distances"][0][0] < 1e-6, nearest
# The root of a server whose first model classifies answers with classes, which are no vectors.
for path in ("", "/"):
    fails(lambda: HuggingFaceEmbeddingServer(url=URL + path)(["a", "b"]), of=(TypeError, ValueError))
fails(lambda: HuggingFaceEmbeddingServer(url=BUSY + "/embed")(["a", "b"]), of=(TypeError, ValueError))
passed("chromadb", version("chromadb"), "embeds, stores and finds", "hides why it fails")
