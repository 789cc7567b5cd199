// Which tokens spike, and which words the answer hangs on.

import { $, bar, el } from "./dom.js";
import { percent, whole } from "./say.js";

/** Most words that are left out in turn. */
export const MOST_WORDS = 32;

/** Spikes of every token over all populations. */
export function spikesByToken({ populations, tokens, steps }) {
  return tokens.map((_, token) => populations.reduce((sum, { rates, neurons }) => sum + rates[token] * neurons * steps, 0));
}

export function showTokens(trace, chosen, onChoose) {
  const spikes = spikesByToken(trace);
  const most = Math.max(1, ...spikes);
  const box = $("tokens");
  const focused = box.contains(document.activeElement);
  box.replaceChildren(...trace.tokens.map((token, i) =>
    el("label", { class: "token" },
      el("input", { type: "radio", name: "token", value: i, checked: i === chosen, onchange: () => onChoose(i) }),
      el("span", { "--share": `${((100 * spikes[i]) / most).toFixed(1)}%` }, token))));
  if (focused) box.querySelector("input:checked")?.focus();
  const total = spikes.reduce((sum, n) => sum + n, 0) || 1;
  const rows = trace.tokens.flatMap((token, i) => bar(token, spikes[i] / most, `${whole(spikes[i])} · ${percent(spikes[i] / total, 0)}`, "spikes", i === chosen));
  $("token-bars").replaceChildren(el("div", { class: "bars tall", tabindex: "0", role: "group", "aria-label": "Spikes by token" }, rows));
}

/** The inputs with one word left out each: `[{word, inputs}]`. A text of one word leaves nothing and is not asked. */
export function withoutEach(inputs) {
  const found = [];
  const each = (text, rebuild) => {
    const words = text.trim().split(/\s+/u);
    if (words.length < 2) return;
    words.forEach((word, i) => found.push({ word, inputs: rebuild(words.filter((_, at) => at !== i).join(" ")) }));
  };
  if (typeof inputs === "string") each(inputs, (text) => text);
  else {
    each(inputs.text, (text) => ({ ...inputs, text }));
    each(inputs.text_pair, (text_pair) => ({ ...inputs, text_pair }));
  }
  return found.slice(0, MOST_WORDS);
}

/** What each of `results`, asked without one word, says of `answer`: bars in log-odds, which still move where percents no longer do. */
export function showWords(words, results, answer) {
  const regression = answer.label === null || answer.label === undefined;
  const sure = (result) => (regression ? result.score : result.scores.find((one) => one.label === answer.label)?.score ?? 0);
  const odds = (score) => (regression ? score : Math.log(Math.max(score, 1e-9) / Math.max(1 - score, 1e-9)));
  const changes = results.map((result) => odds(sure(result)) - odds(answer.score));
  const most = Math.max(regression ? 0.5 : 1, ...changes.map(Math.abs));
  $("without-title").textContent = regression ? "The score without a word" : `How sure of “${answer.label}” without a word`;
  const rows = words.flatMap(({ word }, i) => {
    const said = regression ? sure(results[i]).toFixed(2) : percent(sure(results[i]));
    const [name, meter, text] = bar(word, Math.abs(changes[i]) / most / 2, said, "both");
    meter.firstChild.className = changes[i] < 0 ? "down" : "up";
    if (!regression && results[i].label !== answer.label) text.classList.add("flips");
    return [name, meter, text];
  });
  const box = el("div", { class: "bars tall", tabindex: "0", role: "group", "aria-label": "The answer without a word" }, rows);
  const says = el("p", { class: "small" }, `Left of the middle: without it the ${regression ? "score is lower" : "model is less sure"}. Bars are ${regression ? "points" : "log-odds"}.`);
  $("word-bars").replaceChildren(...(words.length ? [box, says] : [el("p", { class: "small" }, "One word alone: nothing to leave out.")]));
}
