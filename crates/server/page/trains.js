// How a count becomes spikes in time: docs/codes.md and docs/model.md, in the words of this page.

import { population } from "./say.js";

/** The train that a constant current makes of a count: `T` steps, the membrane grows by `n/T` thresholds a step and fires at a half. */
export function evenTrain(count, steps) {
  const train = new Int8Array(steps);
  const sign = Math.sign(count);
  let membrane = 0;
  for (let t = 0; t < steps; t++) {
    membrane += Math.abs(count); // in units of theta/T, so that nothing rounds
    if (2 * membrane >= steps) {
      train[t] = sign;
      membrane -= steps;
    }
  }
  return train;
}

/** Binary digits of a count of at most `steps`, highest first, with its sign. */
export function digits(count, steps) {
  const length = Math.ceil(Math.log2(steps + 1));
  const left = Math.abs(count);
  return Int8Array.from({ length }, (_, k) => ((left >> (length - 1 - k)) & 1) * Math.sign(count));
}

/** Canonic signed digits of a count of at most `steps`, highest first: no two neighbours are both spikes. */
export function canonicDigits(count, steps) {
  const length = Math.floor(Math.log2(3 * steps));
  const found = new Int8Array(length);
  let left = Math.abs(count);
  for (let k = length - 1; k >= 0 && left > 0; k--) {
    if (left & 1) {
      const digit = 2 - (left & 3);
      found[k] = digit * Math.sign(count);
      left -= digit;
    }
    left >>= 1;
  }
  return found;
}

/** `[neuron][T]` of one population and token in one array; measured where the back end sent trains, else even ones. */
export function trainsOf(traced, token, steps) {
  const counts = traced.counts[token];
  const trains = new Int8Array(counts.length * steps);
  counts.forEach((count, neuron) => {
    trains.set(traced.trains?.[neuron] ?? evenTrain(count, steps), neuron * steps);
  });
  return trains;
}

/** Neurons in the order in which they are drawn. */
export function order(counts, sorted) {
  const neurons = counts.map((_, neuron) => neuron);
  return sorted ? neurons.sort((a, b) => counts[b] - counts[a] || a - b) : neurons;
}

const PLACE = { key: 0, value: 0, context: 1, attention: 2, "feed forward": 3, output: 4 };

/** When each population spikes: in `phased` window after window, else all at once. `[stage]`, and how many there are. */
export function stages(populations, dynamics) {
  if (dynamics !== "phased") return { of: populations.map(() => 0), count: 1 };
  const of = populations.map(({ name }, i) => {
    const { layer, part } = population(name);
    return layer === null ? 0 : part in PLACE ? 1 + 5 * layer + PLACE[part] : i;
  });
  return { of, count: Math.max(...of) + 1 };
}
