// Attributions: each token as dark as it weighs, in one colour what speaks for the label, in another what speaks against.

import { element } from "../dom.js";
import { characters, score } from "../format.js";

/** The explained texts, by their key in the request, and the sum that the attributions make. */
export function shades(explanation, texts) {
  const heaviest = Math.max(...explanation.tokens.map((token) => Math.abs(token.attribution)), 1e-12);
  const inputs = [...new Set(explanation.tokens.map((token) => token.input))].filter((name) => name in texts);
  const subject = explanation.label ?? explanation.answer;
  return [
    element("p", {}, "What speaks ", element("span", { class: "says-for" }, "for"), " and ",
      element("span", { class: "says-against" }, "against"), " ", element("strong", {}, subject), ":"),
    inputs.map((name) => shaded(texts[name], explanation.tokens.filter((token) => token.input === name), heaviest)),
    element("p", { class: "meta" }, `Score ${score(explanation.score)}; ${score(explanation.baseline_score)} without ` +
      `any word; the shares sum to the difference within ${score(Math.abs(explanation.convergence_delta))}.`),
  ];
}

function shaded(text, tokens, heaviest) {
  const letters = characters(text);
  const parts = [];
  let end = 0;
  for (const token of tokens) {
    if (token.start == null || token.start < end) continue;
    parts.push(letters.slice(end, token.start).join(""), shade(token, letters, heaviest));
    end = token.end;
  }
  return element("p", { class: "reading" }, ...parts, letters.slice(end).join(""));
}

function shade(token, letters, heaviest) {
  const weight = Math.abs(token.attribution) / heaviest;
  return element(
    "span",
    { class: `shade ${token.attribution < 0 ? "against" : "for"}`, "--weight": weight, title: score(token.attribution) },
    letters.slice(token.start, token.end).join(""),
  );
}
