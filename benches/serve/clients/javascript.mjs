// The real client of Hugging Face against a running server: node javascript.mjs http://HOST:PORT
import assert from "node:assert";
import { InferenceClient } from "@huggingface/inference";

const client = new InferenceClient().endpoint(process.argv[2]);
const found = await client.textClassification({ inputs: "a gripping, funny film" });
assert.deepEqual(found.map((one) => one.label), ["positive", "negative"]);
console.log("@huggingface/inference");
