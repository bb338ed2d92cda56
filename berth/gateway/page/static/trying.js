// The form of a model, its answer, and the same request as a program.

import { call, readKey } from "./call.js";
import { byId, element } from "./dom.js";
import { cutNotes } from "./drawing/cut.js";
import { explanation } from "./explaining.js";
import { makeFields, readFields } from "./form.js";
import { count, milliseconds } from "./format.js";
import { drawSnippets, programs } from "./snippets.js";
import { TASKS } from "./tasks/index.js";

let language = "curl"; // that was chosen last
let chosen = null; // the model whose form was asked for last

/**
 * Shows a model's form, with what was `written` in its fields before, by name; `problem(error)` is told what goes wrong,
 * and null when something new begins.
 */
export async function showForm(model, problem, written) {
  const task = TASKS[model.task];
  chosen = model;
  const prepared = task.prepare ? await task.prepare(model) : {};
  if (chosen !== model) return; // another was chosen meanwhile
  const fields = task.fields(model, prepared).map((field) => ({ ...field, value: written[field.name] ?? field.value }));
  const form = element("form", {}, makeFields(fields), askBar());
  const request = () => task.ask(readFields(form), model);
  byId("ask").replaceChildren(element("h1", {}, task.title), element("p", { class: "about" }, task.about), form);
  showNothing("The answer will stand here.");
  form.addEventListener("input", () => showSnippets(model, request()));
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(model, task, form, problem);
  });
  showSnippets(model, request());
}

function showNothing(why) {
  byId("answer").replaceChildren(element("p", { class: "nothing" }, why));
}

function askBar() {
  return element("div", { class: "bar" },
    element("button", { type: "submit", class: "primary" }, "Ask"),
    element("small", {}, "or Ctrl+Enter"));
}

/** Asks one question at a time, whichever key or button says so; an answer to a form that is gone is dropped. */
async function ask(model, task, form, problem) {
  const button = form.querySelector("button.primary");
  if (button.ariaDisabled) return;
  const values = readFields(form);
  const body = task.ask(values, model);
  problem(null);
  button.ariaDisabled = "true"; // not `disabled`, which would take the focus away
  try {
    const answer = await call(`/predictions/${model.address}`, body);
    const shown = await drawAnswer(model, task, values, body, answer, problem);
    if (form.isConnected) byId("answer").replaceChildren(...shown);
  } catch (error) {
    if (!form.isConnected) return;
    showNothing("No answer to this: what was wrong stands above the form.");
    problem(error);
  } finally {
    button.ariaDisabled = null;
  }
}

async function drawAnswer(model, task, values, body, answer, problem) {
  const cut = answer.truncated.length > 0 && (await cutNotes(answer.truncated, body, task.alone?.(values, model), model));
  return [
    element("div", { class: "bar" }, element("h2", {}, "Answer"), element("span", { class: "meta" }, cost(answer))),
    ...[cut || [], task.draw(answer.value, values, model)].flat(Infinity).filter(Boolean),
    ...(task.explain ? [explanation(model, task, values, body, answer, problem)] : []),
  ];
}

function cost({ ms, workerMs, tokens }) {
  const parts = [milliseconds(ms)];
  if (workerMs !== null) parts.push(`${milliseconds(workerMs)} of it in the worker`);
  if (tokens !== null) parts.push(count(tokens, "token"));
  return parts.join(" · ");
}

function showSnippets(model, body) {
  const url = `${location.origin}/predictions/${model.address}`;
  const all = programs(url, body, readKey() !== "");
  const choose = (name) => {
    language = name;
    byId("snippets").replaceChildren(...drawSnippets(all, language, choose));
    byId("snippets").querySelector("[aria-pressed=true]").focus();
  };
  byId("snippets").replaceChildren(...drawSnippets(all, language, choose));
}
