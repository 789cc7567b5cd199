import { NO_EMBEDDINGS, URL, VECTORS, checkVectors, fails, passed, version } from "./asked.mjs";

// snippet
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embed, embedMany } from "ai";

const model = createOpenAICompatible({ name: "bitspike", baseURL: `${URL}/v1` }).textEmbeddingModel("embedder");
const { embedding } = await embed({ model, value: "a gripping, funny film" });
// end
checkVectors([embedding], ["a gripping, funny film"]);
const texts = VECTORS.map(([text]) => text);
const { embeddings, usage } = await embedMany({ model, values: texts });
checkVectors(embeddings, texts);
if (!(usage.tokens > texts.length)) throw new Error(`tokens ${usage.tokens}`);
const wrong = createOpenAICompatible({ name: "bitspike", baseURL: `${URL}/v1` }).textEmbeddingModel("sst2-tiny");
await fails(() => embed({ model: wrong, value: "a" }), NO_EMBEDDINGS);
await fails(() => embedMany({ model: wrong, values: ["a", "b"] }), NO_EMBEDDINGS);
passed("ai", version("ai"), "embeds one and many", "shows who does not embed");
