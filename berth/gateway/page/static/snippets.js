// A request as a program: curl, Python, JavaScript. A key is never in one; each reads BERTH_API_KEY.

import { element } from "./dom.js";

const JSON_TYPE = "application/json";
// What is not seen, and may turn what stands around it about: it is written as an escape, in programs and on the page.
const UNSEEN = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The three programs of a request, by their names. */
export function programs(url, body, hasKey) {
  return { curl: curl(url, body, hasKey), Python: python(url, body, hasKey), JavaScript: javaScript(url, body, hasKey) };
}

function curl(url, body, hasKey) {
  const key = hasKey ? `  -H "authorization: Bearer $BERTH_API_KEY" \\\n` : "";
  return `curl -f ${shell(url)} \\\n${key}  -H 'content-type: ${JSON_TYPE}' \\\n  -d ${shell(quoted(body))}`;
}

function python(url, body, hasKey) {
  const key = hasKey ? `\n    headers={"authorization": f"Bearer {os.environ['BERTH_API_KEY']}"},` : "";
  return `${hasKey ? "import os\n\n" : ""}import requests

answer = requests.post(
    ${pythonText(url)},${key}
    json=${pythonValue(body, "    ")},
    timeout=60,
)
answer.raise_for_status()
print(answer.json())`;
}

function javaScript(url, body, hasKey) {
  const key = hasKey ? ", authorization: `Bearer ${process.env.BERTH_API_KEY}`" : "";
  return `const answer = await fetch(${quoted(url)}, {
  method: "POST",
  headers: { "content-type": "${JSON_TYPE}"${key} },
  body: JSON.stringify(${quoted(body, 2).replaceAll("\n", "\n  ")}),
});
if (!answer.ok) throw new Error(await answer.text());
console.log(await answer.json());`;
}

/** A value as JSON, which JavaScript reads too. */
function quoted(value, indent) {
  return JSON.stringify(value, null, indent).replace(UNSEEN, (unseen) => unseen.split("").map(escaped).join(""));
}

function escaped(unit) {
  return `\\u${hexadecimal(unit, 4)}`;
}

function hexadecimal(character, digits) {
  return character.codePointAt(0).toString(16).padStart(digits, "0");
}

function shell(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

const PYTHON_WORDS = new Map([[null, "None"], [true, "True"], [false, "False"]]);

function pythonValue(value, indent) {
  if (PYTHON_WORDS.has(value)) return PYTHON_WORDS.get(value);
  if (typeof value !== "object") return pythonText(value);
  const deeper = `${indent}    `;
  const items = Array.isArray(value)
    ? value.map((item) => pythonValue(item, deeper))
    : Object.entries(value).map(([key, item]) => `${pythonText(key)}: ${pythonValue(item, deeper)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return items.length === 0 ? open + close : `${open}\n${items.map((item) => `${deeper}${item},\n`).join("")}${indent}${close}`;
}

/** A text or a number: as in JSON, but a character beyond \uffff is one escape in Python, not two. */
function pythonText(value) {
  return JSON.stringify(value).replace(UNSEEN, (unseen) => (unseen.length === 1 ? escaped(unseen) : `\\U${hexadecimal(unseen, 8)}`));
}

/** Tabs with the programs, each with a button to copy it. */
export function drawSnippets(all, chosen, choose) {
  const names = Object.keys(all);
  const name = names.includes(chosen) ? chosen : names[0];
  const code = element("code", {}, all[name]);
  return [
    element(
      "div",
      { class: "bar" },
      element("h2", {}, "The same as a program"),
      element("div", { class: "tabs", role: "group", "aria-label": "Language" }, names.map((each) =>
        element("button", { type: "button", class: "quiet", "aria-pressed": String(each === name), click: () => choose(each) }, each))),
      copyButton(all[name]),
    ),
    element("pre", { tabindex: "0", "aria-label": name }, code),
  ];
}

function copyButton(text) {
  const button = element("button", { type: "button", class: "quiet", click: copy }, "Copy");
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select it and copy it by hand"; // a page without TLS, from another machine
    }
  }
  return button;
}
