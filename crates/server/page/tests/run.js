// Runs the tests of the page: against BITSPIKE_SERVER (an address), else against a stand-in that asks the program BITSPIKE.
// CHROMIUM is the browser; PAGE_SHOTS the folder in which screenshots and figures stay.

import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { serve } from "./mock.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const files = process.argv.slice(2);
const tests = files.length ? files : (await readdir(here)).filter((name) => name.endsWith(".test.js"));
const mock = process.env.BITSPIKE_SERVER ? null : await serve(process.env.BITSPIKE ?? "bitspike");
const env = { ...process.env, BITSPIKE_SERVER: process.env.BITSPIKE_SERVER ?? mock.url };
console.log(`the page of ${env.BITSPIKE_SERVER}${mock ? ", a stand-in" : ""}`);
const run = spawn(process.execPath, ["--test", "--test-concurrency=1", "--test-reporter=spec", ...tests], { cwd: here, env, stdio: "inherit" });
run.on("exit", (code) => process.exit(code ?? 1));
