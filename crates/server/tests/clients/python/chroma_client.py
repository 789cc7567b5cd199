"""Chroma never looks at a status; that it fails and stores no vector is what is tested."""

from importlib.metadata import version

from chromadb.utils.embedding_functions import HuggingFaceEmbeddingServer

from asked import URL, fails, passed

for path in ("", "/", "/embed"):
    fails(lambda: HuggingFaceEmbeddingServer(url=URL + path)(["a", "b"]), of=(TypeError, ValueError))
passed("chromadb", version("chromadb"), "fails, and hides why")
