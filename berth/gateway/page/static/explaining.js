// Which words made an answer: asked for by a button, with as many steps as it takes.

import { call } from "./call.js";
import { element } from "./dom.js";
import { shades } from "./drawing/shades.js";

const STEPS = [20, 50, 300]; // of the path from a text without words to this one: the server's default, captum's, the most
const CLOSE = 0.05;
const SHOWN = 0.005; // what is shown has two decimals
const BUSY = 503;

/** A button that asks which words made the answer to `body`, and what it finds in its place. */
export function explanation(model, task, values, body, { value }, problem) {
  const place = element("div", { class: "explanation" });
  const explain = async () => {
    if (button.ariaDisabled) return;
    button.ariaDisabled = "true"; // not `disabled`, which would take the focus away
    try {
      const found = await completed(model, body.inputs, task.explain(value, values));
      place.replaceChildren(...shades(found, task.explained(values)).flat(Infinity));
    } catch (error) {
      button.ariaDisabled = null;
      if (place.isConnected) problem(error);
    }
  };
  const button = element("button", { type: "button", class: "quiet", click: explain }, "Which words made it?");
  place.append(button);
  return place;
}

/** An explanation whose shares sum to the score's difference but for a twentieth, where the server has time for one. */
async function completed(model, inputs, parameters) {
  let found = null;
  for (const steps of STEPS) {
    try {
      found = (await call(`/explanations/${model.address}`, { inputs, parameters: { ...parameters, n_steps: steps } })).value;
    } catch (error) {
      if (found === null || error.status !== BUSY) throw error;
      return found; // so many steps take too long: what was found with fewer says how much it misses
    }
    if (isComplete(found)) return found;
  }
  return found;
}

/** Whether the shares of an explanation sum to the score's difference from that of no words, but for a twentieth of it. */
function isComplete({ score, baseline_score: baseline, convergence_delta: missed }) {
  return Math.abs(missed) <= Math.max(CLOSE * Math.abs(score - baseline), SHOWN);
}
