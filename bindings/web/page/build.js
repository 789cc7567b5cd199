// Builds the page that needs no server, a folder of plain files for any web host:
//
//   node bindings/web/page/build.js FOLDER MODEL ...     packed models or their folders; the first one is the default
//
// The package must be built before (`bindings/web/build.sh`).

import { createHash } from "node:crypto";
import { copyFile, cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const page = join(here, "../../../crates/server/page");
const library = join(here, "../npm");
const KINDS = new Set([".html", ".css", ".js", ".svg"]);
/** Modules with vectors are compiled, which a policy has to allow by name; nothing else is that is not a file of the page. */
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; object-src 'none'; base-uri 'none'; form-action 'self'";

const [folder, ...models] = process.argv.slice(2);
if (!folder || !models.length) {
  console.error("usage: node build.js FOLDER MODEL ...");
  process.exit(2);
}
const { load } = await import(join(library, "node.js"));
await rm(folder, { recursive: true, force: true });
await mkdir(join(folder, "bitspike"), { recursive: true });
await mkdir(join(folder, "models"));

for (const name of await readdir(page)) {
  if (KINDS.has(extname(name))) await copyFile(join(page, name), join(folder, name));
}
for (const name of ["backend.js", "snippets.js"]) await copyFile(join(here, name), join(folder, name));
for (const name of await readdir(library)) {
  if (/\.(js|wasm)$/.test(name) && !name.startsWith("node")) await cp(join(library, name), join(folder, "bitspike", name));
}
const html = await readFile(join(folder, "index.html"), "utf8");
await writeFile(join(folder, "index.html"), html.replace('<meta charset="utf-8">', `$&\n  <meta http-equiv="content-security-policy" content="${POLICY}">`));

const listed = [];
for (const given of models) {
  const path = extname(given) === ".safetensors" ? given : join(given, "model.safetensors");
  const id = basename(dirname(path));
  const file = `models/${id}.safetensors`;
  await copyFile(path, join(folder, file));
  const model = await load(await readFile(path), { worker: false });
  const { task, labels, regression, embedding, pair, layers, width, steps, dynamics, weight_bits, max_length, bytes, sha256 } = model;
  const about = { task, labels, regression, embedding, pair, layers, width, steps, dynamics, weight_bits, max_length, bytes, sha256 };
  listed.push({ id, default: listed.length === 0, ...about, file });
}
await writeFile(join(folder, "models.json"), JSON.stringify({ models: listed }));

const files = (await readdir(folder, { recursive: true, withFileTypes: true }))
  .filter((entry) => entry.isFile())
  .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)))
  .filter((name) => !name.startsWith("models/"))
  .sort();
const hash = createHash("sha256");
for (const name of files) hash.update(name).update(await readFile(join(folder, name)));
const worker = (await readFile(join(here, "sw.js"), "utf8"))
  .replace('VERSION = ""', `VERSION = "${hash.digest("hex").slice(0, 16)}"`)
  .replace("FILES = []", `FILES = ${JSON.stringify(["./", ...files])}`);
await writeFile(join(folder, "sw.js"), worker);
console.log(`${files.length + 1} files and ${listed.length} models in ${folder}`);
