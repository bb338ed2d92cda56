// What of a text the model did not read.

import { call } from "../call.js";
import { element } from "../dom.js";
import { characters, count } from "../format.js";

const SHOWN = 300; // characters on each side of the cut

/** A note for each text that was cut, with what was left out; `texts` are those that the places count. */
export async function cutNotes(truncated, texts, model) {
  if (!texts) return [element("p", { class: "cut" }, `Longer than the model takes, so something was not read: ${places(truncated)}.`)];
  return Promise.all(truncated.map((place) => cutNote(texts[place], place, texts.length, model)));
}

function places(truncated) {
  return truncated.map((place) => `input ${place + 1}`).join(", ");
}

async function cutNote(text, place, number, model) {
  const { value } = await call(`/predictions/${model.path}/tokenize`, { inputs: text });
  const tokens = value[0].filter((token) => !token.special);
  const kept = model.maxTokens - (value[0].length - tokens.length);
  const name = number > 1 ? `Text ${place + 1}` : "The text";
  return element(
    "details",
    { class: "cut", open: number === 1 },
    element("summary", {}, `${name} was cut: ${count(kept, "token")} of ${tokens.length} were read`),
    drawCut(text, tokens, kept, model.cutsBeginning),
  );
}

function drawCut(text, tokens, kept, cutsBeginning) {
  const letters = characters(text);
  const before = Math.max(0, tokens.at(-1).stop - characters(text.trimEnd()).length); // the model's own prompt
  const first = cutsBeginning ? tokens.at(-kept).start - before : 0;
  const last = cutsBeginning ? letters.length : tokens[kept - 1].stop - before;
  return element(
    "p",
    { class: "reading" },
    first > 0 && element("del", {}, ending(letters.slice(0, first))),
    cutsBeginning ? beginning(letters.slice(first)) : ending(letters.slice(0, last)),
    last < letters.length && element("del", {}, beginning(letters.slice(last))),
  );
}

function beginning(letters) {
  return letters.length > SHOWN ? `${letters.slice(0, SHOWN).join("")} …` : letters.join("");
}

function ending(letters) {
  return letters.length > SHOWN ? `… ${letters.slice(-SHOWN).join("")}` : letters.join("");
}
