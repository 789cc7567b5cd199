// Compiled, never run: what the package's types promise.

import { BitspikeError, build, clearCache, load, type Answer, type Fingerprint, type Model, type Trace } from "bitspike";

export async function use(): Promise<void> {
  const control = new AbortController();
  const model: Model = await load("model.safetensors", {
    progress: ({ loaded, total, cached }) => console.log(loaded, total ?? 0, cached),
    signal: control.signal,
    sha256: "00",
    cache: "reload",
    simd: "auto",
  });
  const one: Answer = await model.classify("a fine film", { logits: true });
  const many: Answer[] = await model.classify(["a", { text: "b", text_pair: "c" }] as const, { signal: control.signal });
  for await (const answer of model.classifyStream(["a"], { batch: 4 })) console.log(answer.label ?? answer.score);
  const trace: Trace = await model.trace("a", { dynamics: "phased", token: 0, population: "embedding" });
  const counts: number[][] | undefined = trace.populations[0]?.counts;
  const vector: Float32Array = await model.embed("a fine film", { dimensions: 64 });
  const vectors: Float32Array[] = await model.embed(["a", "b"], { normalize: false });
  const bits: Fingerprint = await model.fingerprint(["a"]);
  console.log(one, many, counts, vector.length, vectors.length, bits.counts, build(), await clearCache());
  // @ts-expect-error: a number is no text
  await model.classify(7);
  // @ts-expect-error: there is no such dynamics
  await model.trace("a", { dynamics: "wild" });
  try {
    model.close();
  } catch (error) {
    if (error instanceof BitspikeError && error.code === "memory") console.log(error.field, error.status);
  }
}
