// A stand-in for the server, for tests: the page's files and the three routes, every number from the program.
//
//   node mock.js BITSPIKE [PORT]        BITSPIKE is the program; the models are those that it lists

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const page = fileURLToPath(new URL("..", import.meta.url));
const root = fileURLToPath(new URL("../../../..", import.meta.url));
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";
const PAIRS = { rte: "sentence1\tsentence2\tlabel", stsb: "sentence1\tsentence2\tscore" };
const MOST_NEURONS = 256;

class Refused extends Error {
  constructor(status, code, message, field) {
    super(message);
    Object.assign(this, { status, code, field });
  }
}

export async function serve(bitspike, port = 0) {
  const ask = async (args) => {
    try {
      return (await run(bitspike, args, { cwd: root, maxBuffer: 1 << 28 })).stdout;
    } catch (error) {
      throw new Refused(400, "refused", error.stderr?.trim() || error.message);
    }
  };
  const listed = JSON.parse(await ask(["models", "--json"]));
  const models = listed.map(({ name, task, layers, bytes }) => ({
    id: name, default: name === "sst2-tiny", layers, bytes, width: 384, steps: 16, dynamics: "phased", task,
    labels: task === "stsb" ? null : task === "rte" ? ["entailment", "not_entailment"] : ["negative", "positive"],
    regression: task === "stsb", pair: task in PAIRS,
  }));

  const texts = (inputs) => (typeof inputs === "string" ? [inputs] : [inputs?.text, inputs?.text_pair].filter((text) => text !== undefined));
  const check = (inputs, model) => {
    const found = texts(inputs);
    if (found.length !== (model.pair ? 2 : 1)) throw new Refused(422, "pair", `The model \`${model.id}\` takes ${model.pair ? "two texts" : "one text"}.`, "inputs");
    if (found.some((text) => !text.trim())) throw new Refused(422, "empty", "The text is empty.", "inputs");
    if (found.some((text) => text.length > 5000)) throw new Refused(413, "too_long", "At most 5,000 characters are taken.", "inputs");
    return found;
  };
  const softmax = (logits) => {
    const powers = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
    const sum = powers.reduce((a, b) => a + b);
    return powers.map((power) => power / sum);
  };
  const answerOf = (model, values) => {
    if (model.regression) return { label: null, score: values[0], scores: [] };
    const scores = model.labels.map((label, i) => ({ label, score: values[i] })).sort((a, b) => b.score - a.score);
    return { ...scores[0], scores };
  };

  async function classify({ model, inputs }) {
    const results = [];
    for (const one of Array.isArray(inputs) ? inputs : [inputs]) {
      const said = JSON.parse((await ask(["classify", "-q", "--json", "--model", model.id, "--", ...check(one, model)])).split("\n")[0]);
      const values = model.regression ? [said.score] : model.labels.map((label) => said.probabilities[label]);
      // About what the models read: 64 tokens, 128 of a pair.
      const truncated = texts(one).join(" ").split(/\s+/).length > (model.pair ? 125 : 62);
      results.push({ ...answerOf(model, values), truncated });
    }
    return { model: model.id, results };
  }

  const inFolder = async (task) => {
    const folder = await mkdtemp(join(tmpdir(), "bitspike-page-"));
    try {
      return await task(folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  };
  const simulate = (model, inputs, dynamics, steps, neurons) => inFolder(async (out) => {
    await ask(["trace", "-q", "--format", "json", "--dynamics", dynamics, "--timesteps", String(steps), "--out", join(out, "t"), ...neurons.flatMap((n) => ["--neuron", n]), "--", model.id, ...check(inputs, model)]);
    return JSON.parse(await readFile(join(out, "t", "trace.json"), "utf8"));
  });
  const cost = (model, inputs, dynamics, steps) => inFolder(async (data) => {
    const head = PAIRS[model.task] ?? "sentence\tlabel";
    const label = { rte: "entailment", stsb: "1" }[model.task] ?? "1";
    const clean = check(inputs, model).map((text) => text.replaceAll(/[\t\n]/g, " "));
    await writeFile(join(data, "dev.tsv"), `${head}\n${clean.join("\t")}\t${label}\n`);
    const said = JSON.parse(await ask(["cost", "--json", "--profile", "45nm", "--dynamics", dynamics, "--timesteps", String(steps), "--data", data, "--", model.id]));
    const sum = (name) => {
      const found = said.energy.find(({ estimate }) => name.test(estimate.name));
      return found ? found.estimate.total_picojoules / 1e6 : null;
    };
    return { spikes: said.total.spikes, accumulates: said.total.synaptic_acs + said.total.attention_acs,
      energy_uj: { spiking: sum(/^student, /), int8_teacher: sum(/INT8/), fp32_teacher: sum(/FP32/), quantized: dynamics === "phased" ? sum(/^quantised/) : null } };
  });

  async function trace({ model, inputs, timesteps: steps = 64, dynamics = "accumulated", neurons: told = MOST_NEURONS, token, population }) {
    const neurons = population ? Array.from({ length: MOST_NEURONS }, (_, i) => `${population}:${token}:${i}`) : [];
    const found = await simulate(model, inputs, dynamics, steps, neurons).catch((error) => {
      throw population && /token/.test(error.message) ? new Refused(422, "validation", error.message, "token") : error;
    });
    const { tokens, answer, populations } = found.summary;
    const traced = found.populations.map((one, p) => {
      const { width, theta, name } = populations[p];
      const grid = tokens.map(() => Array.from({ length: width }, () => new Int8Array(steps)));
      one.spikes.t.forEach((t, i) => (grid[one.spikes.token[i]][one.spikes.neuron[i]][t - 1] = one.spikes.sign[i]));
      const sums = grid.map((rows) => rows.map((train) => train.reduce((a, b) => a + b, 0)));
      const drawn = Math.min(width, told);
      return { name, layer: Number(/\d+/.exec(name)?.[0] ?? NaN) || null, neurons: width, threshold: theta, spikes: one.spikes.t.length,
        rates: sums.map((row) => row.reduce((a, n) => a + Math.abs(n), 0) / width / steps), counts: sums.map((row) => row.slice(0, drawn)),
        trains: token === undefined ? undefined : grid[token].slice(0, drawn).map((train) => Array.from(train, (s) => "-.+"[s + 1]).join("")),
        membranes: name === population ? one.membranes.map(({ potential }) => potential.map((v) => v / theta)) : undefined };
    });
    const values = (logits) => (model.regression ? logits : softmax(logits));
    let per_step_answers = null;
    if (dynamics !== "phased") {
      per_step_answers = [];
      for (let t = 1; t <= steps; t++) per_step_answers.push(values((await simulate(model, inputs, dynamics, t, [])).summary.answer.logits));
    }
    return { model: model.id, tokens, answer: answerOf(model, values(answer.logits)), steps, signed: found.summary.signed, populations: traced, per_step_answers, cost: await cost(model, inputs, dynamics, steps) };
  }

  const known = new Map();
  const routes = { "/v1/classify": classify, "/v1/trace": trace };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const send = (status, body, type = "application/json", head = {}) => {
      response.writeHead(status, { "content-type": type, "content-security-policy": POLICY, ...head });
      response.end(type === "application/json" ? JSON.stringify(body) : body);
    };
    try {
      if (pathname === "/v1/models") return send(200, { models });
      if (routes[pathname]) {
        let body = "";
        for await (const chunk of request) body += chunk;
        if (!known.has(pathname + body)) {
          const asked = JSON.parse(body);
          const model = models.find(({ id }) => id === (asked.model ?? "sst2-tiny"));
          if (!model) throw new Refused(422, "model", `There is no model \`${asked.model}\` here.`, "model");
          known.set(pathname + body, await routes[pathname]({ ...asked, model }));
        }
        return send(200, known.get(pathname + body));
      }
      const name = pathname === "/" ? "index.html" : pathname.slice(1);
      const type = TYPES[extname(name)];
      if (!type || name.includes("/")) throw new Refused(404, "not_found", "There is nothing here.");
      send(200, await readFile(join(page, name)), type);
    } catch (error) {
      const { status = 500, code = "mock", message, field } = error;
      send(status, { error: { code, message, field } });
    }
  });
  await new Promise((done) => server.listen(port, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.closeAllConnections?.() ?? server.close(), server };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await serve(process.argv[2], Number(process.argv[3] ?? 0));
  console.log(url);
}
