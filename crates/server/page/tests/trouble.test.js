import assert from "node:assert/strict";
import { test } from "node:test";
import { SENTENCE, label, open, settled } from "./browser.js";

const refuse = (status, error, headers = {}) => (route) =>
  route.fulfill({ status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify({ error }) });
const provoked = { allowed: /Failed to load resource/ };
const status = (page) => page.locator("#status-text").textContent();

test("a server that is gone is said, and asked again until it answers", async () => {
  const { page, close } = await open(provoked);
  await page.route("**/v1/**", (route) => route.abort("connectionrefused"));
  await page.fill("#text", "dull from start to end");
  await page.waitForSelector("#status:not([hidden])");
  assert.match(await status(page), /does not answer.*Trying again in 1 s/);
  await page.unroute("**/v1/**");
  await page.waitForSelector("#status", { state: "hidden" });
  await settled(page);
  assert.equal(await label(page), "negative");
  await close();
});

test("a page that opens before its server waits for it and asks by itself", async () => {
  const gone = (page) => page.route("**/v1/**", (route) => route.abort("connectionrefused"));
  const { page, close } = await open({ ...provoked, ready: false, before: gone });
  await page.waitForSelector("#status:not([hidden])");
  await page.unroute("**/v1/**");
  await settled(page);
  assert.equal(await page.locator("#status").isVisible(), false);
  await close();
});

test("an overloaded server is asked again after the seconds that it names", async () => {
  const { page, close } = await open(provoked);
  await page.route("**/v1/classify", refuse(429, { code: "overloaded", message: "too much waits", field: null }, { "retry-after": "2" }));
  await page.fill("#text", SENTENCE + "!");
  await page.waitForSelector("#status:not([hidden])");
  const began = Date.now();
  assert.equal(await status(page), "The server is busy. Trying again in 2 s.");
  await page.unroute("**/v1/classify");
  await page.waitForSelector("#status", { state: "hidden" });
  assert.ok(Date.now() - began > 1500);
  await close();
});

test("a text that is too long marks the field, and a shorter one takes the mark away", async () => {
  const { page, close } = await open(provoked);
  await page.route("**/v1/classify", refuse(413, { code: "too_large", message: "At most 5,000 characters are taken.", field: "inputs" }));
  await page.fill("#text", "long ".repeat(1500));
  await page.waitForSelector('#text[aria-invalid="true"]');
  assert.match(await page.locator("#text-error").textContent(), /too long.*5,000/);
  await page.unroute("**/v1/classify");
  await page.fill("#text", SENTENCE);
  await settled(page);
  assert.equal(await page.getAttribute("#text", "aria-invalid"), null);
  assert.equal(await page.locator("#text-error").textContent(), "");
  await close();
});

test("a server with keys is given the key that one types, and no other place is", async () => {
  const { page, close } = await open(provoked);
  await page.route("**/v1/**", (route) => (route.request().headers().authorization === "Bearer s3cret"
    ? route.continue()
    : refuse(401, { code: "unauthorized", message: "a key is needed", field: null })(route)));
  await page.fill("#text", "dull from start to end");
  await page.waitForSelector("#key:visible");
  await page.fill("#key", "s3cret");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#status", { state: "hidden" });
  await settled(page);
  assert.equal(await label(page), "negative");
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href, document.cookie]));
  assert.doesNotMatch(kept, /s3cret/);
  assert.doesNotMatch(await page.locator("#code").textContent(), /s3cret/);
  await close();
});

test("an answer that breaks off is said", async () => {
  const { page, close } = await open(provoked);
  await page.route("**/v1/classify", (route) => route.fulfill({ status: 200, contentType: "application/json", body: '{"model": "x", "res' }));
  await page.fill("#text", SENTENCE + "?");
  await page.waitForSelector("#status:not([hidden])");
  assert.match(await status(page), /broke off/);
  await close();
});
