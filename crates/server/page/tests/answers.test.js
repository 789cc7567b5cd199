import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { SENTENCE, ask, label, open, served, settled, url } from "./browser.js";

test("the answer changes while one types, and is the back end's own", async () => {
  const { page, close } = await open();
  await page.fill("#text", "");
  await page.locator("#text").pressSequentially("dull from start to end", { delay: 15 });
  await settled(page);
  const { results: [own] } = await ask("v1/classify", { inputs: "dull from start to end" });
  assert.equal(await label(page), own.label);
  assert.match(await page.locator("#answer .sure").textContent(), new RegExp(`^${(100 * own.score).toFixed(1)}`));
  await close();
});

test("only the last of what was typed is shown, and what was asked before is let go", { skip: !served }, async () => {
  const { page, close } = await open();
  let held = 0;
  await page.route("**/v1/classify", async (route) => {
    if (route.request().postData().includes("awful")) {
      held += 1;
      await new Promise((done) => setTimeout(done, 700));
    }
    await route.continue().catch(() => {});
  });
  const failed = page.waitForEvent("requestfailed", (request) => request.postData()?.includes("awful"));
  await page.fill("#text", "an awful, tedious mess");
  await page.waitForTimeout(250);
  assert.equal(held, 1);
  await page.fill("#text", SENTENCE);
  assert.match((await failed).failure().errorText, /ABORTED/);
  await settled(page);
  await page.waitForTimeout(800);
  assert.equal(await label(page), "positive");
  await close();
});

test("an empty sentence asks nothing and says so", async () => {
  const { page, close } = await open();
  const asked = [];
  page.on("request", (request) => request.url().includes("/v1/") && asked.push(`${request.url()} ${request.postData()}`));
  await page.fill("#text", "   ");
  await page.waitForTimeout(600);
  assert.equal(await page.locator("#answer").textContent(), "Nothing typed yet.");
  assert.deepEqual(asked, []);
  await close();
});

test("text is shown as text, whatever markup it holds", async () => {
  const { page, close } = await open();
  await page.fill("#text", `<img src=x onerror=alert(1)> "quoted" & 'so' a fine film`);
  await settled(page);
  await page.waitForTimeout(300);
  assert.equal(await page.locator("main img").count(), 0);
  assert.match(await page.locator("#code").textContent(), /onerror=alert/);
  await close();
});

test("a text longer than the model reads is answered, and that it was cut is said", async () => {
  const { page, close } = await open();
  assert.doesNotMatch(await page.locator("#answer").textContent(), /longer/);
  await page.fill("#text", "a fine and gripping film ".repeat(30));
  await page.waitForFunction(() => /longer than the model reads/.test(document.querySelector("#answer").textContent));
  await settled(page);
  await close();
});

test("models are switched: two texts for pairs, a score for a regression", async () => {
  const { page, close } = await open();
  const { models } = await ask("v1/models");
  assert.equal(await page.locator("#model option").count(), models.length);
  assert.equal(await page.locator("#model").inputValue(), models.find((model) => model.default).id);
  for (const model of models) {
    await page.selectOption("#model", model.id);
    await settled(page);
    assert.equal(await page.locator("#pair").isVisible(), model.pair, model.id);
    assert.equal(await page.locator("#population option").count(), 1 + 6 * model.layers, model.id);
    const text = await page.locator("#text").inputValue();
    const inputs = model.pair ? { text, text_pair: await page.locator("#text-pair").inputValue() } : text;
    const { results: [own] } = await ask("v1/classify", { model: model.id, inputs });
    assert.equal(await label(page), model.regression ? own.score.toFixed(2) : own.label, model.id);
  }
  await close();
});

test("the address keeps sentence, model and dynamics, so that a link shows the same", async () => {
  const { page, close } = await open();
  await page.fill("#text", "not nearly as bad & dull as it sounds");
  await page.check('input[value="accumulated"]', { force: true });
  await settled(page);
  const { hash } = new URL(page.url());
  await close();
  const again = await open({ hash });
  assert.equal(await again.page.locator("#text").inputValue(), "not nearly as bad & dull as it sounds");
  assert.ok(await again.page.isChecked('input[value="accumulated"]'));
  await again.close();
});

test("what the copy buttons copy runs, and gives the answer on the page", { skip: !served }, async () => {
  const { page, close } = await open({ context: { permissions: ["clipboard-read", "clipboard-write"] } });
  await page.fill("#text", `it's a "gripping" film`);
  await settled(page);
  const shown = await label(page);
  const run = { curl: ["bash", "-c"], Python: ["python3", "-c"], JavaScript: [process.execPath, "--input-type=module", "-e"] };
  for (const [name, [program, ...flags]] of Object.entries(run)) {
    await page.getByRole("tab", { name }).click();
    await page.click("#copy");
    await page.waitForFunction((said) => document.querySelector("#copied").textContent === said, `${name} copied`);
    const code = await page.evaluate(() => navigator.clipboard.readText());
    const said = execFileSync(program, [...flags, code], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], env: { ...process.env, no_proxy: "127.0.0.1" } });
    assert.match(said, new RegExp(`label['"]?: ?['"]${shown}`), name);
  }
  await close();
});

test("every word is left out in turn, and the answers without it are the back end's", async () => {
  const { page, close } = await open();
  const words = SENTENCE.split(" ");
  const inputs = words.map((_, i) => words.filter((_, at) => at !== i).join(" "));
  const { results } = await ask("v1/classify", { inputs });
  const share = (result) => `${(100 * result.scores.find((one) => one.label === "positive").score).toFixed(1)} %`;
  assert.deepEqual(await page.locator("#word-bars .name").allTextContents(), words);
  assert.deepEqual(await page.locator("#word-bars .value").allTextContents(), results.map(share));
  await close();
});

test("the page carries a policy that forbids foreign and inline code", async () => {
  const response = await fetch(url);
  // A page of plain files carries it itself.
  const policy = response.headers.get("content-security-policy") ?? /content-security-policy" content="([^"]*)"/.exec(await response.text())[1];
  assert.match(policy, /default-src 'self'/);
  assert.doesNotMatch(policy.replace("'wasm-unsafe-eval'", ""), /unsafe/);
});
