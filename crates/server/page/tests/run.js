// Runs the tests of the page: against BITSPIKE_SERVER (an address) where it is set, else against a server that it starts. The program is
// BITSPIKE; with PAGE_STAND_IN=1 the server is `mock.js`, which asks the program for every number.
// CHROMIUM is the browser; PAGE_SHOTS the folder in which screenshots and figures stay.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const MODELS = ["sst2-tiny", "sst2-ternary", "rte-ternary", "stsb-ternary"];
const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../../../..", import.meta.url));
const program = process.env.BITSPIKE ?? "bitspike";

/** Starts what answers: `{url, stop}`. */
async function start() {
  if (process.env.BITSPIKE_SERVER) return { url: process.env.BITSPIKE_SERVER, stop() {} };
  const command = process.env.PAGE_STAND_IN
    ? [process.execPath, [fileURLToPath(new URL("mock.js", import.meta.url)), program]]
    : [program, ["serve", ...MODELS, "--port", "0"]];
  const server = spawn(...command, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  server.on("exit", (code, signal) => {
    if (signal === "SIGTERM") return;
    console.error(`the server ended (${signal ?? code}): ${command.flat().join(" ")}`);
    process.exit(1);
  });
  const lines = [server.stdout, server.stderr].map((input) => createInterface({ input }));
  const url = await new Promise((found) => lines.forEach((one) => one.on("line", (line) => {
    const at = /http:\/\/[\d.:]+/.exec(line)?.[0];
    if (at) found(`${at}/`);
    else if (!/^\{/.test(line)) console.error(line);
  })));
  return { url, stop: () => server.kill() };
}

const { url, stop } = await start();
const files = process.argv.slice(2);
const tests = files.length ? files : (await readdir(here)).filter((name) => name.endsWith(".test.js"));
console.log(`the page of ${url}`);
const flags = ["--test", "--test-concurrency=1", "--test-reporter=spec"];
const run = spawn(process.execPath, [...flags, ...tests], { cwd: here, env: { ...process.env, BITSPIKE_SERVER: url }, stdio: "inherit" });
const [code] = await once(run, "exit");
stop();
process.exit(code ?? 1);
