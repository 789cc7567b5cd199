import logging
import os
from importlib.metadata import version

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm

from asked import NO_EMBEDDINGS, NO_RANKING, URL, fails, passed

logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)
litellm.suppress_debug_info = True
for name in ("openai/sst2-tiny", "hosted_vllm/sst2-tiny"):
    fails(lambda: litellm.embedding(name, input=["a"], api_base=URL + "/v1", api_key="none", num_retries=0), NO_EMBEDDINGS)
fails(lambda: litellm.rerank("hosted_vllm/sst2-tiny", query="a", documents=["b"], api_base=URL + "/v1/rerank", api_key="none"), NO_RANKING)
passed("litellm", version("litellm"), "shows that there are no embeddings and no ranking")
