// The answer at every step of an accumulated simulation, and where one could have stopped.

import { $, el, svg } from "./dom.js";
import { answerText, energy, percent } from "./say.js";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [420, 190, 34, 8, 8, 24];

export class Early {
  /** `onSettle(step)` once the slider rests. */
  constructor(onSettle) {
    let timer = 0;
    $("early").addEventListener("input", () => {
      this.stop(Number($("early").value));
      clearTimeout(timer);
      timer = setTimeout(() => onSettle(this.step), 250);
    });
  }

  /** `perStep` is `[step][class]` in the order of `labels`; of a regression `[step][1]`. */
  show({ perStep, labels, full }) {
    const whole = this.step === undefined || this.step === this.steps;
    Object.assign(this, { perStep, labels, full, steps: perStep.length, cost: null });
    this.regression = !labels;
    this.top = this.regression ? 5 : 1;
    $("early").max = this.steps;
    $("early").disabled = false;
    this.#draw();
    this.stop(whole ? this.steps : Math.min(this.step, this.steps));
  }

  #x = (step) => LEFT + ((step - 1) / Math.max(1, this.steps - 1)) * (WIDTH - LEFT - RIGHT);
  #y = (score) => TOP + (1 - Math.min(this.top, Math.max(0, score)) / this.top) * (HEIGHT - TOP - BOTTOM);

  #best(step) {
    const scores = this.perStep[step - 1];
    const index = scores.indexOf(Math.max(...scores));
    return { index, label: this.labels?.[index] ?? null, score: scores[index] };
  }

  #draw() {
    const classes = this.perStep[0].length;
    const last = this.#best(this.steps).index;
    const grid = [0, 0.5, 1].flatMap((share) => {
      const y = this.#y(share * this.top);
      const text = this.regression ? String(share * this.top) : percent(share, 0);
      return [svg("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y }), svg("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, text)];
    });
    const every = Math.ceil(this.steps / 8);
    const ticks = Array.from({ length: this.steps }, (_, t) => t + 1)
      .filter((t) => t === 1 || t % every === 0)
      .map((t) => svg("text", { x: this.#x(t), y: HEIGHT - 6, "text-anchor": "middle" }, String(t)));
    const curve = (c) => this.perStep.map((scores, t) => `${t ? "L" : "M"}${this.#x(t + 1).toFixed(1)},${this.#y(scores[c]).toFixed(1)}`).join("");
    const order = [...Array(classes).keys()].sort((a, b) => (a === last) - (b === last));
    const curves = order.map((c) => svg("path", { class: `curve${c === last ? " top" : ""}`, d: curve(c) }));
    const names = (this.labels ?? []).slice(0, classes > 4 ? 0 : classes).map((name, c) => {
      const y = this.#y(this.perStep[this.steps - 1][c]);
      return svg("text", { class: c === last ? "top" : null, x: WIDTH - RIGHT, y: y < HEIGHT / 2 ? y + 18 : y - 8, "text-anchor": "end" }, name);
    });
    this.line = svg("line", { class: "at", y1: TOP, y2: HEIGHT - BOTTOM });
    this.point = svg("circle", { class: "point", r: 5 });
    const says = `Score of each class at steps 1 to ${this.steps}`;
    $("early-chart").replaceChildren(
      svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": says }, grid, ticks, curves, names, this.line, this.point));
  }

  stop(step) {
    if (!this.perStep) return;
    this.step = step;
    const { label, score } = this.#best(step);
    $("early").value = step;
    $("early-step").textContent = `${step} of ${this.steps}`;
    $("early-answer").textContent = answerText(label, score);
    const x = this.#x(step);
    this.line.setAttribute("x1", x);
    this.line.setAttribute("x2", x);
    this.point.setAttribute("cx", x);
    this.point.setAttribute("cy", this.#y(score));
    this.#says();
  }

  /** What the operations up to a step cost. */
  priced(step, microjoules) {
    this.cost = { step, microjoules };
    this.#says();
  }

  #says() {
    const settled = this.#settled();
    const since = this.regression ? "" : settled === 1
      ? `The answer is “${this.full}” from the first step on. `
      : settled ? `The answer stays “${this.#best(this.steps).label}” from step ${settled} on. ` : "";
    const differs = this.full && this.#best(this.steps).label !== this.full
      ? `Phased time ends with “${this.full}”: accumulated time comes near that answer and need not reach it. ` : "";
    const cost = this.cost?.step === this.step
      ? `To step ${this.step} it takes ${energy(this.cost.microjoules)}.` : "";
    $("early-says").replaceChildren(el("span", {}, since + differs + cost));
  }

  #settled() {
    const last = this.#best(this.steps).index;
    let step = this.steps;
    while (step > 1 && this.#best(step - 1).index === last) step -= 1;
    return step;
  }

  none(why) {
    this.perStep = null;
    $("early").disabled = true;
    $("early-chart").replaceChildren();
    $("early-answer").textContent = "";
    $("early-says").textContent = why;
  }
}
