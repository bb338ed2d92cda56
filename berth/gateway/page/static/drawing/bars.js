// Scores as bars, each with its number.

import { element } from "../dom.js";
import { score } from "../format.js";

/** A list of bars, of rows with `label`, `score`, and perhaps `detail`: the longest for 1, or for what is above it. */
export function bars(rows) {
  const longest = Math.max(1, ...rows.map((row) => row.score));
  return element("ol", { class: "bars" }, rows.map((row, place) => bar(row, longest, place === 0)));
}

function bar({ label, score: value, detail }, longest, isFirst) {
  const share = Math.max(0, value / longest);
  return element(
    "li",
    { class: isFirst ? "best" : null, "--share": share },
    element("span", { class: "name" }, label),
    element("span", { class: "value" }, score(value)),
    element("span", { class: "track", "aria-hidden": "true" }),
    detail && element("span", { class: "detail" }, detail),
  );
}
