import { NO_EMBEDDINGS, URL, VECTORS, checkVectors, fails, passed, version } from "./asked.mjs";

// snippet
import { OpenAIEmbeddings } from "@langchain/openai";

const embeddings = new OpenAIEmbeddings({ model: "embedder", apiKey: "none", configuration: { baseURL: `${URL}/v1` } });
const vectors = await embeddings.embedDocuments(["a gripping, funny film", "dull from start to finish"]);
// end
checkVectors(vectors, ["a gripping, funny film", "dull from start to finish"]);
// It makes spaces of the ends of lines, which none of these texts has.
const texts = VECTORS.map(([text]) => text);
checkVectors(await embeddings.embedDocuments(texts), texts);
checkVectors([await embeddings.embedQuery("x")], ["x"]);
const wrong = new OpenAIEmbeddings({ model: "sst2-tiny", apiKey: "none", configuration: { baseURL: `${URL}/v1` }, maxRetries: 0 });
await fails(() => wrong.embedQuery("a"), "422", NO_EMBEDDINGS);
await fails(() => wrong.embedDocuments(["a", "b"]), "422", NO_EMBEDDINGS);
passed("@langchain/openai", version("@langchain/openai"), "embeds", "shows who does not");
