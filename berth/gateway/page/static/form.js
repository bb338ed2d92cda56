// A form out of a task's fields, and what a person wrote into it.

import { element } from "./dom.js";

/**
 * Makes the fields. Each has `name`, `label` and `kind`: "text" (several lines), "line", "number", "check" or "choice" (with
 * `options`); `value` is what stands there first, `hint` a line below it.
 */
export function makeFields(fields) {
  const wide = fields.filter((field) => field.kind === "text" || field.kind === "line");
  const narrow = fields.filter((field) => !wide.includes(field));
  return [
    ...wide.map((field) => labelled(field, makeInput(field))),
    narrow.length > 0 && element("div", { class: "options" }, narrow.map((field) => labelled(field, makeInput(field)))),
  ];
}

/** What the fields of a form hold, by name. */
export function readFields(form) {
  const inputs = [...form.elements].filter((input) => input.name);
  return Object.fromEntries(inputs.map((input) => [input.name, input.type === "checkbox" ? input.checked : input.value]));
}

function labelled(field, input) {
  const label = element("label", { for: input.id }, field.label);
  if (field.kind === "check") return element("div", { class: "check" }, input, label);
  const hint = field.hint && element("small", { id: `hint-${field.name}` }, field.hint);
  return element("div", { class: "field" }, label, input, hint);
}

function makeInput({ name, kind, value = "", options = [], rows = 3, hint }) {
  const attributes = { name, id: `field-${name}`, "aria-describedby": hint && `hint-${name}` };
  switch (kind) {
    case "text":
      return element("textarea", { ...attributes, rows, spellcheck: "false" }, value);
    case "choice":
      return element("select", attributes, options.map((each) => element("option", { selected: each === value }, each)));
    case "number":
      return element("input", { ...attributes, type: "number", step: "any", value });
    case "check":
      return element("input", { ...attributes, type: "checkbox", checked: value });
    default:
      return element("input", { ...attributes, value, autocomplete: "off", spellcheck: "false" });
  }
}

/** The lines of a text that are not empty. */
export function lines(text) {
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}

/** Words that commas part. */
export function words(text) {
  return text.split(",").map((word) => word.trim()).filter(Boolean);
}
