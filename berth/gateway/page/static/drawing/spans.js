// Spans of a text, coloured where they stand.

import { element } from "../dom.js";
import { characters, score } from "../format.js";

const GOLDEN_ANGLE = 137.5; // neighbours differ most

/** A hue for each label, in the order in which they come. */
export function huesOf(labels) {
  return new Map([...new Set(labels)].map((label, place) => [label, (200 + place * GOLDEN_ANGLE) % 360]));
}

/** The text with its spans marked. Spans have `start`, `end` and `label`; of two that overlap the first is marked. */
export function markedText(text, spans) {
  const hues = huesOf(spans.map((span) => span.label));
  const letters = characters(text);
  const parts = [];
  let end = 0;
  for (const span of [...spans].sort((one, other) => one.start - other.start)) {
    if (span.start < end) continue;
    parts.push(letters.slice(end, span.start).join(""), marked(span, letters, hues.get(span.label)));
    end = span.end;
  }
  return element("p", { class: "reading" }, ...parts, letters.slice(end).join(""));
}

function marked(span, letters, hue) {
  const said = letters.slice(span.start, span.end).join("");
  return element("mark", { "--hue": hue }, said, element("span", { class: "tag" }, span.label));
}

/** Spans as a table: what, which label, how sure. */
export function spanTable(spans) {
  const hues = huesOf(spans.map((span) => span.label));
  const rows = spans.map((span) =>
    element(
      "tr",
      {},
      element("td", {}, element("span", { class: "chip", "--hue": hues.get(span.label) }, span.label)),
      element("td", {}, span.text),
      element("td", { class: "number" }, score(span.score)),
    ),
  );
  const head = ["Label", "Words", "Score"].map((name) => element("th", { scope: "col" }, name));
  return element("table", { class: "plain" }, element("thead", {}, element("tr", {}, head)), element("tbody", {}, rows));
}

/** Entities, as token-classification and GLiNER give them: marked, then listed; a sentence where there are none. */
export function entities(text, found) {
  if (found.length === 0) return element("p", { class: "nothing" }, "Nothing was found in this text.");
  const spans = found.map((each) => ({
    start: each.start,
    end: each.end,
    label: each.entity_group ?? each.entity,
    score: each.score,
    text: characters(text).slice(each.start, each.end).join(""),
  }));
  return [markedText(text, spans), spanTable(spans)];
}
