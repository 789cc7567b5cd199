// How long answers take, in Node and in Chromium, on one thread:
//
//   node speed.js FOLDER MODEL ...      the folder that page/build.js wrote, with these models by name
//
// Times are the best of many samples of ten answers to 25 tokens: other work on the machine only adds. CHROMIUM= leaves the browser out.

import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { load } from "bitspike";

const [folder, ...names] = process.argv.slice(2);
const TEXT = "film ".repeat(23);
const BUILDS = ["scalar", "simd128", "auto"];

/** Milliseconds an answer, of the best sample within `budget` milliseconds. */
async function best(model, text, budget) {
  const { tokens } = await model.classify(text);
  if (tokens !== 25) throw new Error(`${tokens} tokens`);
  const input = model.pair ? { text, text_pair: text } : text;
  let least = Infinity;
  const until = performance.now() + budget;
  while (performance.now() < until) {
    const began = performance.now();
    for (let i = 0; i < 10; i++) await model.classify(input);
    least = Math.min(least, (performance.now() - began) / 10);
  }
  return least;
}

const ms = (time) => `${time.toFixed(2)} ms`;
for (const name of names) {
  for (const simd of BUILDS) {
    const model = await load(join(folder, `models/${name}.safetensors`), { worker: false, simd });
    console.log(`Node ${process.versions.node}, ${name}, ${model.kernels}: ${ms(await best(model, TEXT, 6000))}`);
  }
}

if (process.env.CHROMIUM !== "") {
  const { chromium } = await import("playwright-core");
  const { serve } = await import("./files.js");
  const host = await serve(folder);
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
  const page = await browser.newPage();
  page.setDefaultTimeout(90_000);
  for (const name of names) {
    await page.goto(`${host.url}icon.svg`);
    for (const simd of BUILDS) {
      const [kernels, time] = await page.evaluate(async ({ name, simd, text, best }) => {
        const { load } = await import(new URL("bitspike/index.js", location.href).href);
        const model = await load(new URL(`models/${name}.safetensors`, location.href), { worker: false, simd });
        return [model.kernels, await new Function(`return ${best}`)()(model, text, 6000)];
      }, { name, simd, text: TEXT, best: best.toString() });
      console.log(`Chromium ${browser.version()}, ${name}, ${kernels}: ${ms(time)}`);
    }
    // Files in the caches of the browser: what a second visit takes from nothing to the first answer.
    let least = Infinity;
    for (let i = 0; i < 12; i++) {
      await page.goto(`${host.url}icon.svg`);
      least = Math.min(least, await page.evaluate(async ({ name, text }) => {
        const began = performance.now();
        const { load } = await import(new URL("bitspike/index.js", location.href).href);
        const model = await load(new URL(`models/${name}.safetensors`, location.href));
        await model.classify(text);
        const took = performance.now() - began;
        model.close();
        return took;
      }, { name, text: TEXT }));
    }
    console.log(`Chromium ${browser.version()}, ${name}: ${ms(least)} from import to the first answer, files in its caches`);
  }
  await browser.close();
  host.stop();
}
