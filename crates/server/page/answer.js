// The answer in large, and the classes beside it.

import { $, bar, el } from "./dom.js";
import { answerText, percent } from "./say.js";

let announced = 0;

export function showAnswer(result, { range = 5 } = {}) {
  const { label, score, scores } = result;
  const regression = label === null || label === undefined;
  const verdict = el("p", { class: "verdict" },
    el("span", { class: "label" }, regression ? score.toFixed(2) : label),
    el("span", { class: "sure" }, regression ? `of ${range}` : percent(score)));
  const rows = regression
    ? bar("score", score / range, score.toFixed(2))
    : (scores ?? []).flatMap((one) => bar(one.label, one.score, percent(one.score), one.label === label ? "" : "faint", one.label === label));
  $("answer").classList.remove("waiting");
  const cut = result.truncated ? el("p", { class: "small" }, "The text is longer than the model reads: what is beyond was left out.") : null;
  $("answer").replaceChildren(...[verdict, el("div", { class: "bars" }, rows), cut].filter(Boolean));
  // Said aloud once typing rests, not at every key.
  clearTimeout(announced);
  announced = setTimeout(() => ($("announce").textContent = `Answer: ${answerText(label, score)}`), 900);
}

export function showNothing() {
  clearTimeout(announced);
  $("answer").replaceChildren(el("p", { class: "verdict" }, el("span", { class: "sure" }, "Nothing typed yet.")));
}
