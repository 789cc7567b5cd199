import assert from "node:assert";
import { NO_EMBEDDINGS, URL, VECTORS, checkVectors, fails, passed, version } from "./asked.mjs";

// snippet
import OpenAI from "openai";

const client = new OpenAI({ baseURL: `${URL}/v1`, apiKey: "none" });
const found = await client.embeddings.create({ model: "embedder", input: ["a gripping, funny film", "dull from start to finish"] });
console.log(found.data[0].embedding.slice(0, 3), found.usage.total_tokens);
// end
checkVectors(found.data.map((one) => one.embedding), ["a gripping, funny film", "dull from start to finish"]);
const texts = VECTORS.map(([text]) => text);
for (const options of [{}, { encoding_format: "float" }]) {
  const { data } = await client.embeddings.create({ model: "embedder", input: texts, ...options });
  checkVectors(data.map((one) => one.embedding), texts);
}
assert.equal((await client.embeddings.create({ model: "embedder", input: "x", dimensions: 8 })).data[0].embedding.length, 8);
assert((await client.models.list()).data.some(({ id }) => id === "embedder"));
await fails(() => client.embeddings.create({ model: "sst2-tiny", input: ["a", "b"] }), "422", NO_EMBEDDINGS);
await fails(() => client.embeddings.create({ model: "sst2-tiny", input: "a", encoding_format: "float" }), "422", NO_EMBEDDINGS);
await fails(() => client.chat.completions.create({ model: "sst2-tiny", messages: [{ role: "user", content: "a" }] }), "404", "/docs lists the routes");
passed("openai (npm)", version("openai"), "embeds, in base64 and floats", "lists models", "shows who does not embed");
