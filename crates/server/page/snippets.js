// The request for what is on the page, as a program would make it.

const shell = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** `[{name, code}]` for a POST of `inputs` to `url`. */
export function snippets(url, inputs, model, withKey) {
  const body = { model, inputs };
  const line = JSON.stringify(body);
  const pretty = JSON.stringify(body, null, 2);
  const curl = [
    `curl ${url}`,
    ...(withKey ? [`-H "authorization: Bearer $BITSPIKE_API_KEY"`] : []),
    `-H 'content-type: application/json'`,
    `-d ${shell(line)}`,
  ].join(" \\\n  ");
  const pythonHeaders = withKey ? `, "authorization": "Bearer " + os.environ["BITSPIKE_API_KEY"]` : "";
  const python = `import json${withKey ? ", os" : ""}, urllib.request

body = json.loads(${JSON.stringify(line)})
request = urllib.request.Request(
    ${JSON.stringify(url)},
    data=json.dumps(body).encode(),
    headers={"content-type": "application/json"${pythonHeaders}},
)
with urllib.request.urlopen(request) as answer:
    print(json.load(answer)["results"][0])`;
  const scriptHeaders = withKey ? `, authorization: \`Bearer \${key}\`` : "";
  const script = `const answer = await fetch(${JSON.stringify(url)}, {
  method: "POST",
  headers: { "content-type": "application/json"${scriptHeaders} },
  body: JSON.stringify(${pretty.replaceAll("\n", "\n  ")}),
});
console.log((await answer.json()).results[0]);`;
  return [
    { name: "curl", code: curl },
    { name: "Python", code: python },
    { name: "JavaScript", code: script },
  ];
}
