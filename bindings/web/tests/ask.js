// What a server would answer, by the package in Node: for tests of the page that ask the back end themselves.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { load } from "../npm/node.js";

const folder = process.env.PAGE_FOLDER;
const { models } = JSON.parse(await readFile(join(folder, "models.json"), "utf8"));
const opened = new Map();

function model(id) {
  const one = models.find((model) => model.id === id) ?? models.find((model) => model.default);
  if (!opened.has(one.id)) opened.set(one.id, load(join(folder, one.file), { worker: false }));
  return opened.get(one.id);
}

const MARKS = { "-1": "-", 0: ".", 1: "+" };

export async function ask(path, { model: id, inputs, ...options } = {}) {
  if (path === "v1/models") return { models };
  if (path === "v1/classify") return { results: await (await model(id)).classify(Array.isArray(inputs) ? inputs : [inputs], options) };
  const trace = await (await model(id)).trace(inputs, { cost: true, ...options });
  // Over HTTP a train is text.
  const written = (trains) => trains?.map((train) => train.map((spike) => MARKS[spike]).join(""));
  return { ...trace, populations: trace.populations.map((one) => ({ ...one, trains: written(one.trains) })) };
}
