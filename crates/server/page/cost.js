// What the sentence costs beside other ways to answer it.

import { $, bar, el } from "./dom.js";
import { energy, whole } from "./say.js";

const NAMES = {
  spiking: "this model",
  quantized: "quantised network",
  int8_teacher: "INT8, dense",
  fp32_teacher: "FP32, dense",
};

export function showCost(cost, dynamics) {
  const entries = Object.entries(NAMES).map(([key, name]) => [key, name, cost?.energy_uj?.[key] ?? null]).filter(([, , value]) => value !== null);
  if (!entries.length) {
    $("cost").replaceChildren(el("p", { class: "small" }, "This back end prices nothing."));
    $("cost-says").textContent = "";
    return;
  }
  const most = Math.max(...entries.map(([, , value]) => value));
  const own = entries.find(([key]) => key === "spiking")?.[2];
  const rows = entries.flatMap(([key, name, value]) => {
    const beside = key !== "spiking" && own ? ` · ${(value / own).toFixed(value / own < 10 ? 2 : 0)}×` : "";
    const [label, meter, said] = bar(name, value / most, energy(value) + beside, key === "spiking" ? "" : "faint", key === "spiking");
    return [label, said, meter];
  });
  $("cost").replaceChildren(el("div", { class: "bars" }, rows));
  $("cost-says").textContent =
    `${whole(cost.spikes)} spikes caused ${whole(cost.accumulates)} accumulates, in ${dynamics} time. Operations and memory are counted exactly ` +
    "and priced with published constants of 45 nm CMOS: an estimate, not a measurement. It presumes adders that skip what does not spike. The dense networks are " +
    "BERTs of this shape; the quantised network has the same codes and, in phased time, the same answer: where it is cheaper, spikes cost more than they save.";
}
