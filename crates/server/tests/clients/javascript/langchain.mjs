import { OpenAIEmbeddings } from "@langchain/openai";
import { NO_EMBEDDINGS, URL, fails, passed, version } from "./asked.mjs";

const embeddings = new OpenAIEmbeddings({ model: "sst2-tiny", apiKey: "none", configuration: { baseURL: `${URL}/v1` }, maxRetries: 0 });
await fails(() => embeddings.embedQuery("a"), "404", NO_EMBEDDINGS);
await fails(() => embeddings.embedDocuments(["a", "b"]), "404", NO_EMBEDDINGS);
passed("@langchain/openai", version("@langchain/openai"), "shows that there are no embeddings");
