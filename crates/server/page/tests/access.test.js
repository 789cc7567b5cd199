import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { label, open, served, settled } from "./browser.js";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const shots = process.env.PAGE_SHOTS ?? "shots";
const SIZES = [[320, 640], [768, 1024], [1280, 800], [1920, 1080]];

async function violations(page) {
  // Evaluated by the browser's debugger, so that the page's policy stays as it is.
  await page.evaluate(await readFile(axe, "utf8"));
  const { violations: found } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
}

for (const colorScheme of ["light", "dark"]) {
  for (const [width, height] of SIZES) {
    test(`${width} by ${height}, ${colorScheme}: nothing is cut off, axe finds nothing, a picture is kept`, async () => {
      const { page, close } = await open({ context: { viewport: { width, height }, colorScheme } });
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the page scrolls sideways");
      await mkdir(shots, { recursive: true });
      await page.screenshot({ path: join(shots, `page-${width}-${colorScheme}.png`), fullPage: true });
      await page.locator("#raster-table summary").click();
      await page.locator("#population-table summary").click();
      assert.deepEqual(await violations(page), []);
      await close();
    });
  }
}

test("axe finds nothing while something is wrong, or with two sentences", async () => {
  const { page, close } = await open({ allowed: /Failed to load resource/ });
  const pair = await page.locator("#model option").evaluateAll((options) => options.map(({ value }) => value).find((id) => /rte|stsb/.test(id)));
  await page.selectOption("#model", pair);
  await settled(page);
  assert.deepEqual(await violations(page), []);
  if (!served) return close();
  await page.route("**/v1/classify", (route) => route.fulfill({ status: 401, contentType: "application/json", body: '{"error": {"message": "a key"}}' }));
  await page.fill("#text", "something else");
  await page.waitForSelector("#key:visible");
  assert.deepEqual(await violations(page), []);
  await close();
});

test("the keyboard alone reaches and works everything", async () => {
  const { page, close } = await open();
  const focused = () => page.evaluate(() => {
    const at = document.activeElement;
    return at.id || at.name || at.textContent.trim().slice(0, 40);
  });
  const reach = async (wanted) => {
    for (let i = 0; i < 90; i++) {
      await page.keyboard.press("Tab");
      if ((await focused()) === wanted) return;
    }
    assert.fail(`Tab never reaches ${wanted}`);
  };
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "Skip to the sentence");
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "text");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("dull from start to end");
  await settled(page);
  assert.equal(await label(page), "negative");
  await reach("dynamics");
  await page.keyboard.press("ArrowRight");
  await settled(page);
  assert.ok(await page.isChecked('input[value="accumulated"]'));
  await reach("token");
  await page.keyboard.press("ArrowRight");
  await settled(page);
  assert.match(await page.locator("#rates-of").textContent(), /dull/);
  assert.equal(await focused(), "token");
  await reach("play");
  await page.keyboard.press("Space");
  await page.waitForSelector('#play[aria-pressed="true"]');
  await page.keyboard.press("Space");
  await page.waitForSelector('#play[aria-pressed="false"]');
  await reach("scrub");
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  assert.match(await page.locator("#where").textContent(), /^step 1 of/);
  await reach("population");
  await reach("neuron");
  const before = await page.locator("#neuron-name").textContent();
  await page.keyboard.press("ArrowRight");
  assert.notEqual(await page.locator("#neuron-name").textContent(), before);
  await reach("early");
  await page.keyboard.press("Home");
  assert.match(await page.locator("#early-step").textContent(), /^1 of/);
  await reach("code-tab-0");
  await page.keyboard.press("ArrowRight");
  assert.match(await page.locator("#code").textContent(), /import json/);
  await reach("copy");
  await close();
});

test("the answer is announced once typing rests", async () => {
  const { page, close } = await open();
  await page.fill("#text", "dull from start to end");
  await page.waitForFunction(() => /^Answer: negative, [\d.]+ %$/.test(document.querySelector("#announce").textContent));
  await close();
});

test("the theme turns by its button, is kept, and the raster turns with it", async () => {
  const { page, close } = await open({ context: { colorScheme: "light" }, allowed: /readback/ });
  const pixel = () => page.evaluate(() => [...document.querySelector("#raster").getContext("2d").getImageData(1, document.querySelector("#raster").height - 2, 1, 1).data.slice(0, 3)]);
  const [light] = await pixel();
  await page.click("#theme");
  const [dark] = await pixel();
  assert.ok(light > 200 && dark < 60, `${light} ${dark}`);
  await page.reload();
  await settled(page);
  assert.equal(await page.getAttribute("#theme", "aria-pressed"), "true");
  await close();
});
