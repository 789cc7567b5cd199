// Rates by population: a table whose cells are warm where much fires, and which chooses the population.

import { $, el } from "./dom.js";
import { population, populationName, short } from "./say.js";

export function showRates(trace, token, chosen, onPick) {
  const { populations, tokens } = trace;
  $("rates-of").textContent = tokens[token];
  const cells = new Map();
  const parts = [];
  let layers = 0;
  populations.forEach((traced, index) => {
    const { layer, part } = population(traced.name);
    if (layer !== null && !parts.includes(part)) parts.push(part);
    layers = Math.max(layers, (layer ?? -1) + 1);
    cells.set(`${layer} ${part}`, index);
  });
  const most = Math.max(0.01, ...populations.map(({ rates }) => rates[token]));
  const cell = (index, span = 1) => {
    if (index === undefined) return el("td", { colspan: span });
    const rate = populations[index].rates[token];
    const name = populationName(populations[index].name);
    const text = (100 * rate).toFixed(0);
    return el("td", { colspan: span },
      el("button", { type: "button", "--share": `${((100 * rate) / most).toFixed(1)}%`, "aria-pressed": String(index === chosen),
        "aria-label": `${name}: ${text} percent`, onclick: () => onPick(index) }, text));
  };
  const head = el("tr", {}, el("td", {}), parts.map((part) => el("th", { scope: "col" }, el("abbr", { title: part }, short(part)))));
  const first = populations.findIndex(({ name }) => population(name).layer === null);
  const rows = Array.from({ length: layers }, (_, layer) =>
    el("tr", {}, el("th", { scope: "row" }, `layer ${layer}`), parts.map((part) => cell(cells.get(`${layer} ${part}`)))));
  if (first >= 0) rows.unshift(el("tr", {}, el("th", { scope: "row" }, "embedding"), cell(first, parts.length)));
  const focused = document.activeElement?.closest("#rates") ? document.activeElement.getAttribute("aria-label")?.split(":")[0] : null;
  $("rates").replaceChildren(el("table", { class: "heat" }, el("thead", {}, head), el("tbody", {}, rows)));
  if (focused) [...$("rates").querySelectorAll("button")].find((b) => b.getAttribute("aria-label").startsWith(`${focused}:`))?.focus();
}
