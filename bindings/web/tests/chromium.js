// Chromium on a folder of plain files.

import { after } from "node:test";
import { chromium } from "playwright-core";

import { serve } from "./files.js";

/** Serves `folder` and opens a page of it in a fresh context: `{page, context, url, asked, wrong}`; `wrong` lists what the console said. */
export async function visit(folder, path = "") {
  const host = await serve(folder);
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
  after(async () => {
    await browser.close();
    host.stop();
  });
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(90_000);
  const wrong = [];
  page.on("console", (message) => wrong.push(message.text()));
  page.on("pageerror", (error) => wrong.push(error.stack));
  await page.goto(host.url + path);
  return { ...host, browser, context, page, wrong };
}
