// One population of one token: its raster, and one neuron of it with membrane, threshold and the codes of its count.

import { $, colours, el, fit } from "./dom.js";
import { paintTrains } from "./paint.js";
import { placeTip, table } from "./raster.js";
import { populationName, signed } from "./say.js";
import { canonicDigits, digits, evenTrain, order, trainsOf } from "./trains.js";

export class Neurons {
  #step = 0;

  constructor() {
    this.canvas = $("neurons");
    this.painted = document.createElement("canvas");
    this.tip = $("population-stage").appendChild(el("p", { class: "tip", hidden: true }));
    $("neuron").addEventListener("input", () => this.choose(this.order[Number($("neuron").value)]));
    this.canvas.addEventListener("click", (event) => this.choose(this.#at(event).neuron));
    this.canvas.addEventListener("pointermove", (event) => this.#hover(event));
    this.canvas.addEventListener("pointerleave", () => (this.tip.hidden = true));
    const stage = $("population-stage");
    new ResizeObserver(() => (stage.clientWidth !== this.width || stage.clientHeight !== this.height) && this.paint()).observe(stage);
  }

  show(trace, token, index, dynamics, sorted) {
    const traced = trace.populations[index];
    const other = this.traced?.name !== traced.name;
    Object.assign(this, { trace, token, traced, dynamics, steps: trace.steps });
    this.counts = traced.counts[token];
    this.trains = trainsOf(traced, token, trace.steps);
    this.order = order(this.counts, sorted);
    this.signed = trace.signed;
    $("neuron").max = this.counts.length - 1;
    if (other || this.neuron === undefined || this.neuron >= this.counts.length) this.neuron = this.#lively();
    this.paint();
    this.choose(this.neuron);
  }

  /** One that fires at about a third of the steps: its membrane has something to show. */
  #lively() {
    const far = (count) => Math.abs(Math.abs(count) - this.steps / 3);
    return this.counts.reduce((best, count, i) => (far(count) < far(this.counts[best]) ? i : best), 0);
  }

  paint() {
    if (!this.traced) return;
    const stage = this.canvas.parentElement;
    [this.width, this.height] = [stage.clientWidth, stage.clientHeight];
    this.colours = colours();
    fit(this.canvas, this.width, this.height);
    const context = fit(this.painted, this.width, this.height);
    this.box = { x: 0, y: 0, width: this.width, height: this.height - 20 };
    context.fillStyle = this.colours.well;
    context.fillRect(0, 0, this.width, this.box.height);
    paintTrains(context, this.box, this.trains, this.order, this.steps, this.colours);
    context.fillStyle = this.colours.soft;
    context.font = `11px ${getComputedStyle(document.body).fontFamily}`;
    context.textBaseline = "bottom";
    context.textAlign = "center";
    const every = Math.max(1, Math.ceil(this.steps / 16), Math.ceil(22 / (this.width / this.steps)));
    for (let t = 0; t < this.steps; t += every) context.fillText(t + 1, ((t + 0.5) * this.width) / this.steps, this.height - 3);
    this.#mark();
  }

  /** A line at the neuron chosen and the step that the player is at. */
  #mark() {
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, this.width, this.height);
    context.drawImage(this.painted, 0, 0, this.width, this.height);
    const rows = this.box.height / this.order.length;
    const y = this.order.indexOf(this.neuron) * rows;
    context.strokeStyle = this.colours.ink;
    context.lineWidth = 1;
    context.strokeRect(0.5, Math.max(0.5, y - 1.5), this.width - 1, rows + 3);
    const x = (this.#step * this.width) / this.steps;
    if (this.#step > 0 && this.#step < this.steps) {
      context.fillStyle = this.colours.ink;
      context.fillRect(x - 0.75, 0, 1.5, this.box.height);
    }
  }

  /** The player has shown so many steps of this population. */
  move(passed) {
    const step = Math.floor(passed);
    if (step === this.#step || !this.traced) return;
    this.#step = step;
    this.#mark();
    this.#facts();
    this.#membrane();
  }

  choose(neuron) {
    this.neuron = neuron;
    const place = this.order.indexOf(neuron);
    $("neuron").value = place;
    $("neuron").setAttribute("aria-valuetext", `neuron ${neuron}, count ${this.counts[neuron]}`);
    $("neuron-name").textContent = neuron;
    this.#mark();
    this.#facts();
    this.#membrane();
    this.#codes();
  }

  #spike(neuron, step) {
    return this.trains[neuron * this.steps + step];
  }

  #facts() {
    const { traced, steps, neuron } = this;
    const count = this.counts[neuron];
    const step = this.#step || steps;
    const potential = traced.membranes?.[neuron]?.[step - 1];
    const spike = this.#spike(neuron, step - 1);
    const facts = [
      ["Count", `${signed(count)} of ${steps}`],
      ["Threshold θ", traced.threshold.toFixed(4)],
      ["Fires at", this.signed ? "±θ/2" : "θ"],
      [`Step ${step}`, spike ? `spike ${spike > 0 ? "+1" : "−1"}` : "silent"],
      ["Membrane after it", potential === undefined ? "not sent" : `${signed(Number(potential.toFixed(3)))} θ`],
    ];
    $("neuron-facts").replaceChildren(...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
  }

  #membrane() {
    const canvas = $("membrane");
    const potentials = this.traced.membranes?.[this.neuron];
    const measured = Boolean(this.traced.trains);
    canvas.hidden = !potentials;
    $("train-says").textContent = measured
      ? "Spikes and potentials are those of the simulation."
      : "Only counts are known here: the trains drawn are the evenly spaced ones that a constant current makes.";
    if (!potentials) return;
    const [width, height] = [canvas.clientWidth, 120];
    const context = fit(canvas, width, height);
    const bounds = this.signed ? [-0.5, 0.5] : [0, 1];
    const reach = Math.max(0.75, ...potentials.map((v) => Math.abs(v - (bounds[0] + bounds[1]) / 2) * 1.12));
    const middle = (bounds[0] + bounds[1]) / 2;
    const y = (v) => height / 2 - ((v - middle) / reach) * (height / 2 - 8);
    const x = (t) => (t * width) / this.steps;
    context.strokeStyle = this.colours["strong-line"];
    context.setLineDash([4, 4]);
    for (const bound of bounds) line(context, [[0, y(bound)], [width, y(bound)]]);
    context.setLineDash([]);
    context.strokeStyle = this.colours.ink;
    context.lineWidth = 1.5;
    const start = this.signed ? 0 : 0.5;
    line(context, [start, ...potentials].map((v, t) => [x(t), y(v)]));
    for (let t = 0; t < this.steps; t++) {
      const spike = this.#spike(this.neuron, t);
      if (!spike) continue;
      context.fillStyle = spike > 0 ? this.colours.plus : this.colours.minus;
      context.fillRect(x(t + 1) - 2.5, spike > 0 ? 0 : height - 12, 4, 12);
    }
    if (this.#step > 0 && this.#step < this.steps) {
      context.fillStyle = this.colours.accent;
      context.fillRect(x(this.#step) - 0.75, 0, 1.5, height);
    }
  }

  #codes() {
    const { steps, dynamics } = this;
    const count = this.counts[this.neuron];
    const measured = Boolean(this.traced.trains);
    const unary = measured ? this.trains.slice(this.neuron * steps, (this.neuron + 1) * steps) : evenTrain(count, steps);
    const rows = [["unary", unary]];
    if (dynamics === "phased") rows.push(["digits", digits(count, steps)], ["naf", canonicDigits(count, steps)]);
    const spikes = (train) => train.reduce((sum, spike) => sum + Math.abs(spike), 0);
    const drawn = rows.map(([name, train]) => el("div", { class: "train" },
      el("span", { class: "mono" }, name),
      el("span", { class: "cells", "aria-hidden": "true" }, Array.from(train, (s) => el("i", { class: s > 0 ? "p" : s < 0 ? "m" : null }))),
      el("span", { class: "value" }, `${spikes(train)} ${spikes(train) === 1 ? "spike" : "spikes"}`)));
    const says = dynamics === "phased"
      ? "The count is all that the next layer sees. As digits a spike weighs 2ᵏ, highest first; naf has the fewest. The answer is the same to the bit."
      : "In this dynamics the next layer sees every step as it comes, and spikes may be taken back; digits exist for whole windows alone.";
    $("codes").replaceChildren(...drawn, el("p", { class: "small" }, says));
  }

  #at(event) {
    const rows = this.box.height / this.order.length;
    const row = Math.min(this.order.length - 1, Math.max(0, Math.floor(event.offsetY / rows)));
    return { neuron: this.order[row], step: Math.min(this.steps - 1, Math.floor((event.offsetX / this.width) * this.steps)) };
  }

  #hover(event) {
    if (!this.traced) return;
    const { neuron, step } = this.#at(event);
    const potential = this.traced.membranes?.[neuron]?.[step];
    const spike = this.#spike(neuron, step);
    this.tip.hidden = false;
    this.tip.textContent = [
      `neuron ${neuron}, count ${signed(this.counts[neuron])}`,
      `step ${step + 1}: ${spike ? `spike ${spike > 0 ? "+1" : "−1"}` : "silent"}`,
      potential === undefined ? null : `membrane ${signed(Number(potential.toFixed(3)))} θ after it`,
      `threshold θ = ${this.traced.threshold.toFixed(3)}`,
    ].filter(Boolean).join("\n");
    placeTip(this.tip, event, this.width);
  }

  table() {
    const MARK = { 1: "+", [-1]: "−", 0: "·" };
    const rows = this.order.map((neuron) => [
      neuron,
      signed(this.counts[neuron]),
      Array.from({ length: this.steps }, (_, t) => MARK[this.#spike(neuron, t)]).join(""),
    ]);
    return table(`${populationName(this.traced.name)}, token ${this.trace.tokens[this.token]}`, ["Neuron", "Count", "Train"], rows);
  }
}

function line(context, points) {
  context.beginPath();
  points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
}
