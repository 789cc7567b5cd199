// What is on the page, as a program would ask it.

const quoted = (value) => JSON.stringify(value);
const shell = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** `[{name, code}]` that answer `inputs` with the model at `file`, in this page's package or another of bitspike's. */
export function snippets(library, file, inputs, model) {
  const script = `import { load } from ${quoted(library)};

const model = await load(${quoted(file)});
console.log(await model.classify(${JSON.stringify(inputs, null, 2)}));`;
  const python = `import json
import bitspike

inputs = json.loads(${quoted(JSON.stringify(inputs))})
print(bitspike.load(${quoted(model)})(inputs))`;
  const texts = typeof inputs === "string" ? [inputs] : [inputs.text, inputs.text_pair];
  return [
    { name: "JavaScript", code: script },
    { name: "Python", code: python },
    { name: "shell", code: `bitspike classify --model ${model} ${texts.map(shell).join(" ")}` },
  ];
}
