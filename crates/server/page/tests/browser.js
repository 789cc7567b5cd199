// A page in Chromium that fails its test where it writes to the console, breaks, or asks another host for anything.

import assert from "node:assert/strict";
import { after } from "node:test";
import { chromium } from "playwright-core";

export const url = process.env.BITSPIKE_SERVER;
/** Whether answers come over HTTP; else from the engine in the page, and there is no server to be slow, gone or asked by others. */
export const served = !process.env.PAGE_STATIC;
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
after(() => browser.close());

export const SENTENCE = "a gripping, funny film";

/**
 * Opens the page at `#hash`. `close()` fails where it wrote to the console, other than what `allowed` matches, broke, or asked another
 * host; `before(page)` runs before anything is asked.
 */
export async function open({ hash = "", context: options = {}, allowed = null, ready = true, before = null } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  // A machine that builds at the same time takes its time.
  page.setDefaultTimeout(90_000);
  const wrong = [];
  page.on("console", (message) => allowed?.test(message.text()) || wrong.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => wrong.push(`error: ${error.stack}`));
  page.on("request", (request) => request.url().startsWith(url) || wrong.push(`request: ${request.url()}`));
  await before?.(page);
  await page.goto(url + hash);
  if (ready) await settled(page);
  const close = async () => {
    await context.close();
    assert.deepEqual(wrong, []);
  };
  return { page, context, close };
}

/** Waits until answer, raster, early answers and words are there. */
export async function settled(page) {
  await page.waitForSelector("#answer:not(.waiting) .label");
  await page.waitForSelector("#raster-stage:not(.stale)");
  await page.waitForFunction(() => document.querySelector("#early-answer").textContent && document.querySelector("#word-bars").children.length);
}

export const label = (page) => page.locator("#answer .label").textContent();

/** Asks the back end itself: the server, or the engine of a page without one. */
export async function ask(path, body) {
  if (!served) return (await import(process.env.PAGE_STATIC)).ask(path, body);
  const response = await fetch(new URL(path, url), body && { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  assert.equal(response.status, 200, await response.clone().text());
  return response.json();
}
