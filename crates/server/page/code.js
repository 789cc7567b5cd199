// The request for what is on the page, to copy.

import { $, el } from "./dom.js";

let chosen = 0;
let shown = [];

function choose(index, focus) {
  chosen = index;
  const tabs = [...$("code-tabs").children];
  tabs.forEach((tab, i) => {
    tab.setAttribute("aria-selected", String(i === index));
    tab.tabIndex = i === index ? 0 : -1;
  });
  if (focus) tabs[index].focus();
  $("code").setAttribute("aria-labelledby", `code-tab-${index}`);
  $("code").replaceChildren(el("pre", {}, el("code", {}, shown[index].code)));
  $("copied").textContent = "";
}

export function showCode(snippets) {
  const first = shown.length !== snippets.length;
  shown = snippets;
  if (first) {
    $("code-tabs").replaceChildren(...snippets.map(({ name }, i) =>
      el("button", { type: "button", role: "tab", id: `code-tab-${i}`, "aria-controls": "code", onclick: () => choose(i) }, name)));
    $("code-tabs").onkeydown = ({ key }) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (by) choose((chosen + by + shown.length) % shown.length, true);
    };
    $("copy").onclick = copy;
  }
  choose(Math.min(chosen, snippets.length - 1));
}

async function copy() {
  const { name, code } = shown[chosen];
  try {
    await navigator.clipboard.writeText(code);
    $("copied").textContent = `${name} copied`;
  } catch {
    // Pages from other hosts without TLS have no clipboard: the text is selected instead.
    getSelection().selectAllChildren($("code"));
    $("copied").textContent = "Selected: press Ctrl+C to copy";
  }
}
