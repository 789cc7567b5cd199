import OpenAI from "openai";
import { NO_EMBEDDINGS, URL, fails, passed, version } from "./asked.mjs";

const client = new OpenAI({ baseURL: `${URL}/v1`, apiKey: "none" });
await fails(() => client.embeddings.create({ model: "sst2-tiny", input: ["a", "b"] }), "404", NO_EMBEDDINGS);
await fails(() => client.embeddings.create({ model: "sst2-tiny", input: "a", encoding_format: "float" }), "404", NO_EMBEDDINGS);
await fails(() => client.chat.completions.create({ model: "sst2-tiny", messages: [{ role: "user", content: "a" }] }), "404", "/docs lists the routes");
passed("openai (npm)", version("openai"), "shows that there are no embeddings");
