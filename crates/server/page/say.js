// Numbers and names as the page says them.

export const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;
export const whole = (number) => Math.round(number).toLocaleString("en-US");
export const signed = (number) => (number < 0 ? `−${-number}` : String(number));

/** Microjoules, with as many digits as matter. */
export const energy = (microjoules) =>
  `${microjoules.toLocaleString("en-US", { maximumFractionDigits: microjoules < 10 ? 2 : microjoules < 100 ? 1 : 0 })} µJ`;

/** `layer.0.feed_forward` as `{layer: 0, part: "feed forward"}`; the embedding has layer `null`. */
export function population(name) {
  const found = /^layer\.(\d+)\.(.+)$/.exec(name);
  if (!found) return { layer: null, part: name.replaceAll("_", " ") };
  return { layer: Number(found[1]), part: found[2].replaceAll("_", " ") };
}

export function populationName(name) {
  const { layer, part } = population(name);
  return layer === null ? part : `layer ${layer}, ${part}`;
}

const SHORT = { key: "key", value: "val", context: "ctx", attention: "att", "feed forward": "ffn", output: "out", embedding: "emb" };
export const short = (part) => SHORT[part] ?? part.slice(0, 4);

/** An answer in a few words: `positive, 99.9 %`, or a regression's score. */
export function answerText(label, score) {
  return label === null || label === undefined ? score.toFixed(2) : `${label}, ${percent(score)}`;
}
