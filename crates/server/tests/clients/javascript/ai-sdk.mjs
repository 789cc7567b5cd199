import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embed, embedMany } from "ai";
import { NO_EMBEDDINGS, URL, fails, passed, version } from "./asked.mjs";

const model = createOpenAICompatible({ name: "bitspike", baseURL: `${URL}/v1` }).textEmbeddingModel("sst2-tiny");
await fails(() => embed({ model, value: "a" }), NO_EMBEDDINGS);
await fails(() => embedMany({ model, values: ["a", "b"] }), NO_EMBEDDINGS);
passed("ai", version("ai"), "shows that there are no embeddings");
