// A model's card: what it is, what it takes, and whether it still gives its known answers.

import { call } from "./call.js";
import { element } from "./dom.js";
import { count } from "./format.js";
import { TASKS } from "./tasks/index.js";

const MOST_LABELS = 24;

/** The card of a model, which checks the known answers at once. */
export function drawCard(model) {
  const { handler } = model;
  return [
    element("h2", {}, model.title),
    element("dl", {},
      fact("Task", TASKS[model.task]?.title ?? model.task),
      model.labels.length > 0 && fact("Labels", labels(model.labels)),
      model.heads.length > 0 && fact("Heads", model.heads.join(", ")),
      fact("Engine", `${handler.engine}, ${handler.precision}, ${handler.device}`),
      fact("Reads", `${count(model.maxTokens, "token")} of a text`),
      fact("One pass", `${count(handler.token_budget, "token")}, ${count(handler.threads, "thread")}`),
      fact("Version", model.version),
      model.content && fact("Content", element("code", { title: `sha256 ${model.content}` }, model.content.slice(0, 16))),
      fact("Known answers", knownAnswers(model)),
    ),
  ];
}

function fact(name, value) {
  return [element("dt", {}, name), element("dd", {}, value)];
}

function labels(names) {
  const rest = names.length - MOST_LABELS;
  return [
    element("span", { class: "chips" }, names.slice(0, MOST_LABELS).map((name) => element("span", { class: "chip" }, name))),
    rest > 0 && ` and ${rest} more`,
  ];
}

function knownAnswers(model) {
  const result = element("span", { role: "status" }, "asking");
  const check = async () => {
    result.textContent = "asking";
    result.className = "";
    try {
      const { value } = await call(`/predictions/${model.path}/check`);
      const when = new Date().toLocaleTimeString("en-GB");
      result.textContent = `given at ${when}, off by ${value.max_difference.toExponential(0)} at most`;
      result.className = "good";
    } catch (error) {
      result.textContent = error.message;
      result.className = "bad";
    }
  };
  check();
  return [result, " ", element("button", { type: "button", class: "quiet small", click: check }, "Check again")];
}
