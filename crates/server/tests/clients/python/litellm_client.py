import logging
import os
from importlib.metadata import version

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm

from asked import NO_EMBEDDINGS, NO_RANKING, URL, VECTORS, check_vectors, fails, passed

logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)
litellm.suppress_debug_info = True
# snippet
found = litellm.embedding("openai/embedder", input=["a gripping, funny film"], api_base=f"{URL}/v1", api_key="none")
print(found.data[0]["embedding"][:3])
# end
check_vectors([found.data[0]["embedding"]], ["a gripping, funny film"])
TEXTS = list(VECTORS)
for name in ("openai/embedder", "hosted_vllm/embedder"):
    found = litellm.embedding(name, input=TEXTS, api_base=URL + "/v1", api_key="none", num_retries=0)
    check_vectors([one["embedding"] for one in found.data], TEXTS)
    assert found.usage.total_tokens > len(TEXTS)
for name in ("openai/sst2-tiny", "hosted_vllm/sst2-tiny"):
    fails(lambda: litellm.embedding(name, input=["a"], api_base=URL + "/v1", api_key="none", num_retries=0), NO_EMBEDDINGS)
fails(lambda: litellm.rerank("hosted_vllm/sst2-tiny", query="a", documents=["b"], api_base=URL + "/v1/rerank", api_key="none"), NO_RANKING)
passed("litellm", version("litellm"), "embeds", "shows who does not embed, and that nothing ranks")
