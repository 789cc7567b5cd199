// The page: what is typed and chosen goes to the back end, what it says goes to the parts.

import { showAnswer, showNothing } from "./answer.js";
import { BackendError, openBackend } from "./backend.js";
import { showCode } from "./code.js";
import { showCost } from "./cost.js";
import { $, el } from "./dom.js";
import { Early } from "./early.js";
import { Latest } from "./latest.js";
import { Neurons } from "./neurons.js";
import { Player } from "./player.js";
import { Raster } from "./raster.js";
import { showRates } from "./rates.js";
import { population, populationName } from "./say.js";
import { fromAddress, themes, toAddress } from "./settings.js";
import { Trouble } from "./trouble.js";
import { showTokens, showWords, withoutEach } from "./words.js";

const EXAMPLES = {
  single: ["a gripping, funny film", "not nearly as bad as it sounds", "two hours that i will never get back", "the cast tries hard, the script does not"],
  pair: [["A man is playing a guitar.", "Someone plays an instrument."], ["The market rose on Friday.", "Two dogs run through the snow."]],
};
const SAYS = {
  phased: "A layer computes from the finished counts of the layer below, then its neurons fire their T steps: window after window. The counts, and the answer, equal the quantised network's to the bit.",
  accumulated: "All layers fire at every step. Operators see the sums so far, so that every step has an answer and comes nearer to the equilibrium; neurons correct what they sent too much of.",
  instantaneous: "All layers fire at every step, and operators see the spikes of that step alone, as a chip without memory in them would. A model that was not trained so answers worse.",
};

const backend = openBackend();
const asks = { classify: new Latest(), trace: new Latest(), early: new Latest(), words: new Latest(), price: new Latest() };
const chosen = { model: null, dynamics: "phased", token: 0, population: null };
let models = [];
let trace = null;
let answer = null;

const player = new Player(moved, (playing) => {
  $("play").textContent = playing ? "Pause" : "Play";
  $("play").setAttribute("aria-pressed", String(playing));
  moved(player.position);
});
const raster = new Raster((index, neuron) => pick(index, neuron));
const neurons = new Neurons();
const early = new Early(price);
const trouble = new Trouble(() => (models.length ? ask(0) : start()), (key) => (backend.key = key));

const model = () => models.find(({ id }) => id === chosen.model);

/** What is typed, as a back end takes it; `null` while something is missing. */
function inputs() {
  const text = $("text").value.trim();
  const text_pair = $("text-pair").value.trim();
  if (!model()?.pair) return text || null;
  return text && text_pair ? { text, text_pair } : null;
}

function keep() {
  toAddress({ model: model()?.default ? null : chosen.model, text: $("text").value, pair: model()?.pair ? $("text-pair").value : null,
    dynamics: chosen.dynamics === "phased" ? null : chosen.dynamics });
}

/** Asks for the answer at once and, when typing rests, for everything else. */
function ask(delay = 90) {
  const asked = inputs();
  keep();
  if (asked === null) {
    for (const one of Object.values(asks)) one.cancel();
    showNothing();
    return;
  }
  $("answer").classList.add("waiting");
  const options = { model: chosen.model };
  asks.classify.run((signal) => backend.classify(asked, { ...options, signal }), {
    delay,
    failed: fail,
    done: ({ results: [result] }) => {
      answer = result;
      trouble.clear();
      showAnswer(result);
      showCode(backend.snippets(asked, chosen.model));
      askTrace(delay === 0 ? 0 : 260);
      askWords(asked, result, delay === 0 ? 60 : 320);
    },
  });
}

function askTrace(delay = 0) {
  const asked = inputs();
  if (asked === null) return;
  const [token, dynamics] = [chosen.token, chosen.dynamics];
  const options = { model: chosen.model, timesteps: model().steps, dynamics, token, population: chosen.population };
  $("raster-stage").classList.add("stale");
  asks.trace.run(async (signal) => {
    try {
      return await backend.trace(asked, { ...options, signal });
    } catch (error) {
      // A shorter text has fewer tokens than the one whose token was chosen.
      if (error instanceof BackendError && error.field === "token" && token > 0) return backend.trace(asked, { ...options, token: 0, signal });
      throw error;
    }
  }, { delay, failed: fail, done: (found) => showTrace(found, asked, dynamics) });
}

function showTrace(found, asked, dynamics) {
  trouble.clear();
  const first = trace === null;
  const same = trace?.dynamics === dynamics && trace?.steps === found.steps && trace?.populations.length === found.populations.length;
  trace = { ...found, dynamics };
  if (chosen.token >= trace.tokens.length) chosen.token = 0;
  if (!trace.populations.some(({ name }) => name === chosen.population)) chosen.population = trace.populations.at(-1).name;
  $("raster-stage").classList.remove("stale");
  listPopulations();
  showTokens(trace, chosen.token, (token) => { chosen.token = token; askTrace(); });
  showParts();
  raster.show(trace, chosen.token, dynamics, $("sorted").checked);
  const windows = raster.stages.count;
  $("scrub").max = windows * trace.steps;
  player.load(windows, trace.steps);
  if (!same) player.seek(player.end);
  if (first && !window.matchMedia("(prefers-reduced-motion: reduce)").matches) {
    player.seek(0);
    player.play();
  }
  showCost(trace.cost, dynamics);
  const drawn = Math.max(...trace.populations.map(({ counts }) => counts[chosen.token].length));
  const most = Math.max(...trace.populations.map((p) => p.neurons));
  $("raster-facts").textContent = `A column is a step, a row a neuron${drawn < most ? `; at most ${drawn} neurons of a population are drawn` : ""}. Click a population to look closer.`;
  tables();
  if (dynamics === "accumulated" && trace.per_step_answers) showEarly(trace);
  else askEarly(asked);
}

function askEarly(asked) {
  const options = { model: chosen.model, timesteps: model().steps, dynamics: "accumulated", neurons: 1 };
  asks.early.run((signal) => backend.trace(asked, { ...options, signal }), { delay: 120, failed: fail, done: showEarly });
}

function showEarly(found) {
  if (!found.per_step_answers) return early.none("This back end gives no answers at every step.");
  early.show({ perStep: found.per_step_answers, labels: model()?.regression ? null : model()?.labels ?? found.answer.scores.map((s) => s.label), full: answer?.label });
  const whole = found.cost?.energy_uj?.spiking ?? null;
  if (early.step < early.steps) price(early.step);
  else if (whole !== null) early.priced(early.step, whole);
}

/** What the operations up to a step cost: a simulation of so many steps. */
function price(step) {
  const asked = inputs();
  if (asked === null) return;
  const options = { model: chosen.model, dynamics: "accumulated", timesteps: step, neurons: 1 };
  asks.price.run((signal) => backend.trace(asked, { ...options, signal }), {
    failed: fail,
    done: ({ cost }) => {
      if (cost) early.priced(step, cost.energy_uj.spiking);
    },
  });
}

function askWords(asked, result, delay) {
  const words = withoutEach(asked);
  if (!words.length) return showWords([], [], result);
  asks.words.run((signal) => backend.classify(words.map((word) => word.inputs), { model: chosen.model, signal }), {
    delay, failed: fail, done: ({ results }) => showWords(words, results, result),
  });
}

function fail(error) {
  if (error instanceof BackendError) trouble.show(error);
  else throw error;
}

function listPopulations() {
  const names = trace.populations.map(({ name }) => name);
  const select = $("population");
  if ([...select.options].map((option) => option.value).join() !== names.join()) {
    const groups = Map.groupBy?.(names, (name) => population(name).layer) ?? groupBy(names);
    select.replaceChildren(...[...groups].map(([layer, members]) => {
      const options = members.map((name) => el("option", { value: name }, populationName(name)));
      return layer === null ? options[0] : el("optgroup", { label: `layer ${layer}` }, options);
    }));
  }
  select.value = chosen.population;
}

function groupBy(names) {
  const groups = new Map();
  for (const name of names) groups.set(population(name).layer, [...(groups.get(population(name).layer) ?? []), name]);
  return groups;
}

const index = () => trace.populations.findIndex(({ name }) => name === chosen.population);

function showParts() {
  neurons.show(trace, chosen.token, index(), trace.dynamics, $("sorted").checked);
  showRates(trace, chosen.token, index(), (at) => pick(at));
}

function pick(at, neuron) {
  const { name } = trace.populations[at];
  if (neuron !== undefined) { neurons.traced = trace.populations[at]; neurons.neuron = neuron; }
  if (name === chosen.population && neuron === undefined) return;
  chosen.population = name;
  $("population").value = name;
  showParts();
  askTrace();
}

let told = 0;

function moved(position) {
  const step = Math.floor(position);
  if (trace) {
    raster.move(position);
    neurons.move(raster.passed(index(), position));
  }
  // Words and the slider cost a layout: ten times a second is enough while it plays.
  const now = performance.now();
  if (player?.playing && now - told < 100) return;
  told = now;
  $("scrub").value = step;
  if (!trace) return;
  const { steps } = trace;
  if (step >= player.end) say(`end: ${player.end} steps`);
  else if (player.end === steps) say(`step ${step} of ${steps}`);
  else {
    const window = Math.floor(step / steps);
    const { layer, part } = population(trace.populations[raster.stages.of.indexOf(window)]?.name ?? "");
    say(`${layer === null ? part : `layer ${layer} · ${part === "key" ? "key, value" : part}`} · step ${step % steps} of ${steps}`);
  }
}

function say(where) {
  if ($("where").textContent === where) return;
  $("where").textContent = where;
  $("scrub").setAttribute("aria-valuetext", where);
}

function tables() {
  for (const [id, part] of [["raster-table", raster], ["population-table", neurons]]) {
    if ($(id).open && trace) $(id).querySelector(".scroll").replaceChildren(part.table());
  }
}

/** What the model is; while it comes, how much of it is there. */
function facts(coming = null) {
  const { layers, width, steps, bytes, regression, labels } = model();
  const classes = regression ? "a score" : labels ? labels.join(" or ") : "classes";
  const size = bytes ? `, ${(bytes / 1e6).toFixed(1)} MB` : "";
  const is = `${layers} layers of width ${width}, T = ${steps} steps${size}; answers ${classes}.`;
  $("model-facts").textContent = coming === null ? is : `${is} ${(100 * coming).toFixed(0)} % of it is here.`;
}

function chooseModel(id, keepText) {
  chosen.model = id;
  chosen.population = `layer.${model().layers - 1}.output`;
  chosen.token = 0;
  const { pair } = model();
  $("pair").hidden = !pair;
  $("text-label").textContent = pair ? "First sentence" : "Sentence";
  facts();
  const examples = pair ? EXAMPLES.pair : EXAMPLES.single.map((text) => [text]);
  const use = ([first, second]) => {
    $("text").value = first;
    if (second) $("text-pair").value = second;
    grow();
    ask(0);
  };
  $("examples").replaceChildren(...examples.map((one) => el("button", { type: "button", onclick: () => use(one) }, one.join(" / "))));
  if (!keepText && (pair !== Boolean($("text-pair").value) || !$("text").value)) {
    [$("text").value, $("text-pair").value] = [examples[0][0], examples[0][1] ?? ""];
  }
  grow();
}

/** Text areas are as tall as their text, also where `field-sizing` is not known. */
function grow() {
  if (CSS.supports("field-sizing", "content")) return;
  for (const id of ["text", "text-pair"]) {
    $(id).style.height = "auto";
    $(id).style.height = `${$(id).scrollHeight + 2}px`;
  }
}

async function start() {
  try {
    const all = (await backend.models()).models;
    models = all.filter((one) => !one.embedding);
    if (!models.length) {
      const names = all.map(({ id }) => id).join(", ");
      const said = `${names} gives vectors, which this page does not show: programs ask v1/embeddings or embed.`;
      return fail(new BackendError({ status: 422, code: "embeds", message: said }));
    }
  } catch (error) {
    return fail(error);
  }
  const address = fromAddress();
  const first = models.find(({ id }) => id === address.model) ?? models.find((one) => one.default) ?? models[0];
  $("model").replaceChildren(...models.map(({ id }) => el("option", { value: id }, id)));
  $("model").value = first.id;
  $("model").disabled = false;
  $("text").value = address.text ?? $("text").value;
  $("text-pair").value = address.pair ?? "";
  if (address.dynamics in SAYS) chosen.dynamics = address.dynamics;
  document.querySelector(`[name="dynamics"][value="${chosen.dynamics}"]`).checked = true;
  $("dynamics-says").textContent = SAYS[chosen.dynamics];
  chooseModel(first.id, Boolean(address.text));
  ask(0);
}

for (const id of ["text", "text-pair"]) {
  $(id).addEventListener("input", () => { grow(); ask(); });
  // A sentence has no line breaks; Enter asks at once.
  $(id).addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); ask(0); } });
}
$("ask").addEventListener("submit", (event) => event.preventDefault());
$("model").addEventListener("change", () => { chooseModel($("model").value, false); ask(0); });
$("dynamics").addEventListener("change", ({ target }) => {
  chosen.dynamics = target.value;
  $("dynamics-says").textContent = SAYS[target.value];
  keep();
  askTrace();
});
$("population").addEventListener("change", () => pick(trace.populations.findIndex(({ name }) => name === $("population").value)));
$("sorted").addEventListener("change", () => { if (trace) { raster.show(trace, chosen.token, trace.dynamics, $("sorted").checked); showParts(); } });
$("play").addEventListener("click", () => (player.playing ? player.pause() : player.play()));
$("back").addEventListener("click", () => player.step(-1));
$("forward").addEventListener("click", () => player.step(1));
$("scrub").addEventListener("input", () => { player.pause(); player.seek(Number($("scrub").value)); });
$("speed").addEventListener("change", () => (player.speed = Number($("speed").value)));
for (const id of ["raster-table", "population-table"]) $(id).addEventListener("toggle", tables);
if ("progress" in backend) {
  backend.progress = ({ model: id, loaded, total }) => { if (id === chosen.model) facts(loaded < total ? loaded / total : null); };
}
themes(() => { raster.paint(); neurons.paint(); if (trace) neurons.choose(neurons.neuron); });
start();
