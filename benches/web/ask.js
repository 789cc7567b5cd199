// What is measured: how long one answer takes, asked again and again on one thread. Runs in Node and in a page alike.

/** 25 tokens with their frame. */
export const TEXT = "film ".repeat(23).trim();

/** Milliseconds an answer of `ask`, the best and the median of samples of ten within `seconds`, after a fifth of it to warm up. */
export async function time(ask, seconds) {
  const samples = [];
  const run = async (until) => {
    do {
      const began = performance.now();
      for (let i = 0; i < 10; i++) await ask();
      samples.push((performance.now() - began) / 10);
    } while (performance.now() < until);
  };
  await run(performance.now() + 200 * seconds);
  samples.length = 0;
  await run(performance.now() + 1000 * seconds);
  samples.sort((a, b) => a - b);
  return { best: samples[0], median: samples[Math.floor(samples.length / 2)] };
}

/** Our engine on the caller's thread, so that no message between threads is measured. */
export async function bitspike({ load }, model, simd, seconds) {
  const loaded = await load(model, { worker: false, simd });
  const { tokens } = await loaded.classify(TEXT);
  if (tokens !== 25) throw new Error(`${tokens} tokens; expected 25`);
  return { name: loaded.kernels, ...(await time(() => loaded.classify(TEXT), seconds)) };
}

/** The pipeline of transformers.js, its tokeniser included as ours is. */
export async function transformers({ pipeline, env }, folder, device, dtype, seconds) {
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.localModelPath = folder;
  const classify = await pipeline("text-classification", "peer", { device, dtype });
  const { input_ids } = await classify.tokenizer(TEXT);
  if (input_ids.dims[1] !== 25) throw new Error(`${input_ids.dims[1]} tokens; expected 25`);
  return time(() => classify(TEXT), seconds);
}

/** ONNX Runtime Web alone, without a tokeniser: 25 ids to logits. */
export async function onnx(ort, model, seconds) {
  const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"], graphOptimizationLevel: "all" });
  const ids = (value) => new ort.Tensor("int64", BigInt64Array.from({ length: 25 }, (_, i) => value(i)), [1, 25]);
  const all = {
    input_ids: ids((i) => (i === 0 ? 101n : i === 24 ? 102n : 2143n)),
    attention_mask: ids(() => 1n),
    token_type_ids: ids(() => 0n),
  };
  const feeds = Object.fromEntries(session.inputNames.map((name) => [name, all[name]]));
  return time(() => session.run(feeds), seconds);
}
