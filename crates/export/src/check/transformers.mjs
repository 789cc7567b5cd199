// Answers texts with an export in transformers.js: a line of JSON in, logits as f32 out. Counts are not among its outputs.
import { createInterface } from "node:readline";
import { basename, dirname, resolve } from "node:path";
import { AutoModelForSequenceClassification, Tensor, env } from "@huggingface/transformers";

const folder = resolve(process.argv.at(-1));
env.allowRemoteModels = false;
env.localModelPath = dirname(folder);
const session_options = { intraOpNumThreads: 1 };
const model = await AutoModelForSequenceClassification.from_pretrained(basename(folder), { session_options });
const runtime = `transformers.js ${env.version}`;
console.log(JSON.stringify({ runtime, settings: `node ${process.version}, device cpu, dtype of config.json, one thread` }));

const tensor = (values) => new Tensor("int64", BigInt64Array.from(values, BigInt), [1, values.length]);
for await (const line of createInterface({ input: process.stdin })) {
  const { ids, types, seconds } = JSON.parse(line);
  const inputs = { input_ids: tensor(ids), attention_mask: tensor(ids.map(() => 1)), token_type_ids: tensor(types) };
  let numbers;
  if (seconds === undefined) {
    numbers = (await model(inputs)).logits.data;
  } else {
    const times = [];
    for (const end = performance.now() + 1e3 * seconds; times.length < 3 || performance.now() < end; ) {
      const began = performance.now();
      await model(inputs);
      times.push(performance.now() - began);
    }
    numbers = [Math.min(...times), times.sort((a, b) => a - b)[times.length >> 1]];
  }
  const reply = Buffer.alloc(8 + 4 * numbers.length);
  reply.writeUInt32LE(numbers.length, 4);
  numbers.forEach((number, i) => reply.writeFloatLE(number, 8 + 4 * i));
  process.stdout.write(reply);
}
