import assert from "node:assert";
import { BUSY, BUSY_SAYS, CLASSIFIES, NO_EMBEDDINGS, TEXTS, URL, VECTORS, check, checkVectors, fails, passed, version } from "./asked.mjs";

// snippet
import { InferenceClient } from "@huggingface/inference";

const client = new InferenceClient().endpoint(`${URL}/`);
const found = await client.textClassification({ inputs: "a gripping, funny film" });
console.log(found[0].label, found[0].score);
// end
check(found, TEXTS[0][1]);
for (const [text, expected] of TEXTS) check(await client.textClassification({ inputs: text }), expected);
const all = await Promise.all([...TEXTS, ...TEXTS, ...TEXTS].map(([text]) => client.textClassification({ inputs: text })));
all.forEach((answer, i) => check(answer, TEXTS[i % TEXTS.length][1]));
assert.equal((await client.textClassification({ inputs: "a", parameters: { top_k: 1 } })).length, 1);
await fails(() => client.textClassification({ inputs: "a", parameters: { function_to_apply: "relu" } }), "expected softmax, sigmoid or none");
// It repeats a 503 without pause or end; a 429 it shows.
let asked = 0;
const counting = (...all) => (asked++, fetch(...all));
const busy = new InferenceClient(undefined, { fetch: counting }).endpoint(`${BUSY}/`);
for (let i = 0; i < 100; i++) {
  asked = 0;
  const error = await busy.textClassification({ inputs: "a" }).then(() => undefined, (error) => error);
  if (error === undefined) continue;
  await fails(() => Promise.reject(error), BUSY_SAYS);
  break;
}
assert.equal(asked, 1);
// snippet embed
const embeds = new InferenceClient().endpoint(`${URL}/embed`);
const [vector] = await embeds.featureExtraction({ inputs: "a gripping, funny film" });
console.log(vector.length);
// end
checkVectors([vector], ["a gripping, funny film"]);
for (const [text] of VECTORS) checkVectors(await embeds.featureExtraction({ inputs: text }), [text]);
checkVectors(await client.featureExtraction({ inputs: "x", normalize: false }), ["x"], "raw");
await fails(() => new InferenceClient().endpoint(`${CLASSIFIES}/embed`).featureExtraction({ inputs: "a" }), NO_EMBEDDINGS);
passed("@huggingface/inference", version("@huggingface/inference"), "classifies", "embeds", "one request a 429", "shows 429, 422");
