// One row in Node: node.js PACKAGE MODEL SIMD SECONDS prints {name, best, median}.

import { pathToFileURL } from "node:url";
import { resolve } from "node:path";

import { bitspike } from "./ask.js";

const [folder, model, simd, seconds] = process.argv.slice(2);
const library = await import(pathToFileURL(resolve(folder, "node.js")).href);
console.log(JSON.stringify(await bitspike(library, pathToFileURL(resolve(model)), simd, Number(seconds))));
