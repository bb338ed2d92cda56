// What of a text the model did not read.

import { call, CallError } from "../call.js";
import { element } from "../dom.js";
import { characters, count } from "../format.js";

const SHOWN = 300; // characters on each side of the cut

/**
 * Notes on what was cut of a request. Where each input is a text that the model reads `alone`, each says what was left
 * out; else the server does not say how much room the text had beside labels, a second text or marks.
 */
export async function cutNotes(truncated, body, alone, model) {
  if (!alone) return [plainNote(truncated, body, model)];
  try {
    return await Promise.all(truncated.map((place) => cutNote(place, body, model)));
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    return [plainNote(truncated, body, model)]; // /tokenize takes fewer tokens than a text may have that is cut
  }
}

function plainNote(truncated, body, model) {
  const which = Array.isArray(body.inputs) ? ` of text ${truncated.map((place) => place + 1).join(", ")}` : "";
  const room = `the model takes at most ${count(model.maxTokens, "token")} at once, and what it reads beside a text is among them`;
  return element("p", { class: "cut" }, `A part${which} was not read: ${room}.`);
}

async function cutNote(place, { inputs, parameters }, model) {
  const text = [inputs].flat()[place];
  const asked = { inputs: text, prompt_name: parameters?.prompt_name };
  const { value } = await call(`/predictions/${model.path}/tokenize`, asked);
  const tokens = value[0].filter((token) => !token.special);
  const kept = model.maxTokens - (value[0].length - tokens.length);
  const number = Array.isArray(inputs) ? inputs.length : 1;
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
