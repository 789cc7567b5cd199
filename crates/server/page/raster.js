// The raster of all populations for one token. Everything is painted once, faint and in full; as time passes only what it uncovers
// is copied, so that a frame costs a few slices however many spikes there are.

import { $, colours, el, fit } from "./dom.js";
import { layout, paintTrains } from "./paint.js";
import { population, populationName, short, signed } from "./say.js";
import { order, stages, trainsOf } from "./trains.js";

const FAINT = 0.17;

export class Raster {
  #shown = [];
  #position = 0;

  /** `onPick(population, neuron)` where a population is clicked. */
  constructor(onPick) {
    this.canvas = $("raster");
    const point = (event) => this.#at(event.offsetX, event.offsetY);
    this.canvas.addEventListener("pointermove", (event) => this.#tip(point(event), event));
    this.canvas.addEventListener("pointerleave", () => ($("raster-tip").hidden = true));
    this.canvas.addEventListener("click", (event) => {
      const at = point(event);
      if (at) onPick(at.index, at.neuron);
    });
    new ResizeObserver(() => this.canvas.clientWidth !== this.width && this.paint()).observe($("raster-stage"));
  }

  show(trace, token, dynamics, sorted) {
    const { populations, steps } = trace;
    this.trace = trace;
    this.token = token;
    this.stages = stages(populations, dynamics);
    this.trains = populations.map((traced) => trainsOf(traced, token, steps));
    this.orders = populations.map(({ counts }) => order(counts[token], sorted));
    this.layers = [];
    populations.forEach(({ name }, index) => {
      const block = (population(name).layer ?? -1) + 1;
      (this.layers[block] ??= []).push(index);
    });
    this.layers = this.layers.filter(Boolean);
    this.paint();
  }

  /** Paints everything anew: another trace, width or theme. */
  paint() {
    if (!this.trace) return;
    const { populations, steps } = this.trace;
    this.width = this.canvas.clientWidth;
    this.colours = colours();
    const { cells, blocks, height } = layout(this.layers, this.width, steps);
    this.cells = cells;
    this.context = fit(this.canvas, this.width, height);
    this.ratio = this.canvas.width / this.width;
    const picture = (alpha) => {
      const canvas = new OffscreenCanvas(this.canvas.width, this.canvas.height);
      const context = canvas.getContext("2d");
      context.scale(this.ratio, this.ratio);
      context.fillStyle = this.colours.card;
      context.fillRect(0, 0, this.width, height);
      context.fillStyle = this.colours.well;
      for (const cell of cells) context.fillRect(cell.x, cell.y, cell.width, cell.height);
      this.#labels(context, blocks);
      context.globalAlpha = alpha;
      populations.forEach((_, p) => paintTrains(context, cells[p], this.trains[p], this.orders[p], steps, this.colours));
      return canvas.transferToImageBitmap();
    };
    this.faint = picture(FAINT);
    this.full = picture(1);
    this.context.drawImage(this.faint, 0, 0, this.width, height);
    this.#shown = cells.map(() => 0);
    this.cursors = cells.map(() => el("i", { hidden: true }));
    this.cursors.forEach((cursor, p) => (cursor.style.height = `${cells[p].height}px`));
    $("raster-cursors").replaceChildren(...this.cursors);
    this.move(this.#position);
  }

  #labels(context, blocks) {
    context.font = `11px ${getComputedStyle(document.body).fontFamily}`;
    context.textBaseline = "top";
    for (const block of blocks) {
      const members = this.layers[block.index];
      const { layer } = population(this.trace.populations[members[0]].name);
      context.fillStyle = this.colours.soft;
      context.textAlign = "center";
      for (const p of members) {
        const cell = this.cells[p];
        const { part } = population(this.trace.populations[p].name);
        if (cell.width >= 24) context.fillText(short(part), cell.x + cell.width / 2, cell.y + cell.height + 4);
      }
      if (layer === null) continue;
      context.fillStyle = this.colours.ink;
      context.fillText(`layer ${layer}`, block.x + block.width / 2, block.y + block.height + 17);
    }
  }

  /** Steps of a population that have passed at a position of the player. */
  passed(index, position) {
    const { steps } = this.trace;
    return Math.min(steps, Math.max(0, position - this.stages.of[index] * steps));
  }

  move(position) {
    this.#position = position;
    if (!this.trace) return;
    const { steps } = this.trace;
    this.cells.forEach((cell, index) => {
      const passed = this.passed(index, position);
      const edge = Math.round(((cell.width * Math.floor(passed)) / steps) * this.ratio);
      if (edge > this.#shown[index]) this.#copy(this.full, cell, this.#shown[index], edge);
      else if (edge < this.#shown[index]) this.#copy(this.faint, cell, edge, this.#shown[index]);
      this.#shown[index] = edge;
      const cursor = this.cursors[index];
      const runs = passed > 0 && passed < steps;
      if (cursor.hidden === runs) cursor.hidden = !runs;
      if (runs) cursor.style.transform = `translate(${cell.x + (cell.width * passed) / steps - 1}px, ${cell.y}px)`;
    });
  }

  /** Copies the columns from `from` to `to`, in device pixels from the cell's left edge. */
  #copy(source, cell, from, to) {
    const { ratio } = this;
    const [x, y, height] = [Math.round(cell.x * ratio) + from, Math.round(cell.y * ratio), Math.round(cell.height * ratio)];
    this.context.setTransform(1, 0, 0, 1, 0, 0);
    this.context.drawImage(source, x, y, to - from, height, x, y, to - from, height);
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  #at(x, y) {
    if (!this.trace) return null;
    const inside = (cell) => x >= cell.x && x < cell.x + cell.width && y >= cell.y && y < cell.y + cell.height;
    const index = this.cells.findIndex(inside);
    if (index < 0) return null;
    const cell = this.cells[index];
    const row = Math.floor(((y - cell.y) / cell.height) * this.orders[index].length);
    return { index, neuron: this.orders[index][row], step: Math.floor(((x - cell.x) / cell.width) * this.trace.steps) };
  }

  #tip(at, event) {
    const tip = $("raster-tip");
    tip.hidden = !at;
    if (!at) return;
    const { populations, steps } = this.trace;
    const traced = populations[at.index];
    const spike = this.trains[at.index][at.neuron * steps + at.step];
    tip.textContent = `${populationName(traced.name)}, neuron ${at.neuron}
step ${at.step + 1}: ${spike ? `spike ${spike > 0 ? "+1" : "−1"}` : "silent"}
count ${signed(traced.counts[this.token][at.neuron])} in ${steps} steps, threshold ${traced.threshold.toFixed(3)}`;
    placeTip(tip, event, this.width);
  }

  /** The table that says what the raster shows. */
  table() {
    const { populations, tokens } = this.trace;
    const heads = ["Population", "Neurons", "Threshold", "Rate", "Spikes +", "Spikes −"];
    const rows = populations.map((traced, p) => {
      const counted = [1, -1].map((sign) => this.trains[p].reduce((sum, spike) => sum + (spike === sign), 0));
      const rate = `${(100 * traced.rates[this.token]).toFixed(1)} %`;
      return [populationName(traced.name), this.orders[p].length, traced.threshold.toFixed(3), rate, ...counted];
    });
    return table(`Token ${tokens[this.token]}: the neurons that are drawn`, heads, rows);
  }
}

/** Puts a tip beside the pointer, within the stage. */
export function placeTip(tip, event, width) {
  const left = event.offsetX + 14 + tip.offsetWidth > width ? event.offsetX - tip.offsetWidth - 14 : event.offsetX + 14;
  tip.style.left = `${Math.max(0, left)}px`;
  tip.style.top = `${event.offsetY + 14}px`;
}

export function table(caption, heads, rows) {
  return el("table", {},
    el("caption", { class: "unseen" }, caption),
    el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, rows.map(([first, ...rest]) =>
      el("tr", {}, el("th", { scope: "row" }, String(first)), rest.map((cell) => el("td", {}, String(cell)))))));
}
