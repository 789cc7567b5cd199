import assert from "node:assert/strict";
import { test } from "node:test";
import { SENTENCE, ask, open, settled } from "./browser.js";

const moving = { context: { reducedMotion: "no-preference" } };
const position = (page) => page.locator("#scrub").inputValue().then(Number);
const trace = (more) => ask("v1/trace", { inputs: SENTENCE, timesteps: 16, ...more });

test("it plays once by itself, stops at the end, plays again and pauses", async () => {
  const { page, close } = await open({ ...moving, ready: false });
  await page.waitForSelector('#play[aria-pressed="true"]');
  await page.waitForSelector('#play[aria-pressed="false"]');
  assert.equal(await position(page), Number(await page.getAttribute("#scrub", "max")));
  await page.click("#play");
  await page.waitForFunction(() => Number(document.querySelector("#scrub").value) > 10);
  await page.click("#play");
  const stopped = await position(page);
  await page.waitForTimeout(300);
  assert.equal(await position(page), stopped);
  assert.equal(await page.locator("#play").textContent(), "Play");
  await close();
});

test("who asks for less motion sees nothing move unasked, and windows instead of a sweep", async () => {
  const { page, close } = await open();
  assert.equal(await page.getAttribute("#play", "aria-pressed"), "false");
  await page.click("#play");
  await page.waitForTimeout(1300);
  const at = await position(page);
  assert.ok(at > 0 && at % 16 === 0, `${at}`);
  await close();
});

test("steps go one by one, and the raster uncovers and covers what they pass", async () => {
  const { page, close } = await open({ allowed: /readback/ });
  const bright = () => page.evaluate(() => {
    const canvas = document.querySelector("#raster");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let sum = 0;
    for (let i = 0; i < data.length; i += 4) sum += Math.abs(data[i] - data[i + 2]) > 90;
    return sum;
  });
  const whole = await bright();
  await page.locator("#scrub").fill("0");
  const none = await bright();
  await page.click("#forward");
  const one = await bright();
  assert.ok(none < whole / 50 && one > none && one < whole, `${none} ${one} ${whole}`);
  assert.match(await page.locator("#where").textContent(), /embedding · step 1 of 16/);
  await page.click("#back");
  assert.equal(await bright(), none);
  await page.locator("#scrub").fill(await page.getAttribute("#scrub", "max"));
  assert.equal(await bright(), whole);
  await close();
});

test("in phased time windows follow one another, in accumulated time all layers share the steps", async () => {
  const { page, close } = await open();
  const { models } = await ask("v1/models");
  const { layers, steps } = models.find((model) => model.default);
  assert.equal(await page.getAttribute("#scrub", "max"), String((1 + 5 * layers) * steps));
  await page.check('input[value="accumulated"]', { force: true });
  await page.waitForFunction((end) => document.querySelector("#scrub").max === end, String(steps));
  assert.match(await page.locator("#dynamics-says").textContent(), /every step has an answer/);
  await close();
});

test("spikes and potentials of a neuron are those of the simulation", async () => {
  const { page, close } = await open();
  await page.uncheck("#sorted");
  await page.selectOption("#population", "layer.0.key");
  await page.getByRole("radio", { name: "funny" }).check({ force: true });
  await settled(page);
  await page.waitForFunction(() => /simulation/.test(document.querySelector("#train-says").textContent));
  await page.locator("#neuron").fill("7");
  const own = await trace({ dynamics: "phased", population: "layer.0.key", token: 4 });
  const traced = own.populations.find(({ name }) => name === "layer.0.key");
  const facts = await page.locator("#neuron-facts dd").allTextContents();
  const minus = (text) => text.replace("−", "-");
  assert.equal(minus(facts[0]), `${traced.counts[4][7]} of 16`);
  assert.equal(facts[1], traced.threshold.toFixed(4));
  assert.equal(minus(facts[4]), `${Number(traced.membranes[7][15].toFixed(3))} θ`);
  await page.locator("#population-table summary").click();
  const train = await page.locator("#population-table tbody tr").nth(7).locator("td").nth(1).textContent();
  assert.equal(train, traced.trains[7].replaceAll("-", "−").replaceAll(".", "·"));
  await close();
});

test("pointing at the rasters names neuron, count, membrane and threshold; a click chooses", async () => {
  const { page, close } = await open();
  const box = await page.locator("#raster").boundingBox();
  await page.mouse.move(box.x + 10, box.y + 40);
  assert.match(await page.locator("#raster-tip").textContent(), /embedding, neuron \d+\s+step \d+: .*\s+count −?\d+ in 16 steps, threshold \d/);
  await page.mouse.click(box.x + 10, box.y + 40);
  await settled(page);
  assert.equal(await page.locator("#population").inputValue(), "embedding");
  await page.waitForFunction(() => !document.querySelector("#membrane").hidden);
  await page.locator("#neurons").scrollIntoViewIfNeeded();
  await page.locator("#neurons").hover({ position: { x: 60, y: 200 } });
  assert.match(await page.locator("#population-stage .tip").textContent(), /neuron \d+, count .*\s+step \d+: .*\s+membrane −?[\d.]+ θ after it\s+threshold θ = /);
  await close();
});

test("the table says what the raster shows", async () => {
  const { page, close } = await open();
  await page.locator("#raster-table summary").click();
  const own = await trace({ dynamics: "phased" });
  const rows = page.locator("#raster-table tbody tr");
  assert.equal(await rows.count(), own.populations.length);
  const first = (await rows.first().locator("td").allTextContents()).map(Number);
  const counts = own.populations[0].counts[0];
  const total = (sign) => counts.reduce((sum, n) => sum + Math.max(0, sign * n), 0);
  assert.deepEqual(first.slice(-2), [total(1), total(-1)]);
  await close();
});

test("stopped at a step, the answer is that step's, with what it costs to there", async () => {
  const { page, close } = await open();
  const own = await trace({ dynamics: "accumulated" });
  const { models } = await ask("v1/models");
  const { labels } = models.find((model) => model.default);
  for (const step of [1, 3, 16]) {
    await page.locator("#early").fill(String(step));
    const scores = own.per_step_answers[step - 1];
    const best = scores.indexOf(Math.max(...scores));
    assert.equal(await page.locator("#early-answer").textContent(), `${labels[best]}, ${(100 * scores[best]).toFixed(1)} %`);
  }
  await page.locator("#early").fill("2");
  await page.waitForFunction(() => /To step 2 it takes [\d.,]+ µJ/.test(document.querySelector("#early-says").textContent));
  await close();
});

test("rates and energies are the back end's", async () => {
  const { page, close } = await open();
  const own = await trace({ dynamics: "phased" });
  const rates = await page.locator("#rates button").allTextContents();
  assert.deepEqual(rates, own.populations.map(({ rates: [first] }) => (100 * first).toFixed(0)));
  const energies = (await page.locator("#cost .value").allTextContents()).map((text) => Number.parseFloat(text.replace(",", "")));
  const { spiking, quantized, int8_teacher, fp32_teacher } = own.cost.energy_uj;
  [spiking, quantized, int8_teacher, fp32_teacher].forEach((value, i) => assert.ok(Math.abs(energies[i] / value - 1) < 0.02, `${energies[i]} ${value}`));
  await close();
});
