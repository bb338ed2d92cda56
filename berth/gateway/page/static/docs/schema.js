// A JSON Schema as a tree: what is named is opened where it is asked for, so that types that hold themselves are no loop.

import { element } from "../dom.js";

/** One schema of the document. */
export function drawSchema(schema, document) {
  if (!schema) return "";
  if (schema.$ref) return named(schema.$ref.split("/").at(-1), document);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return element("div", { class: "schema" }, element("small", {}, "one of"), choices.map((each) => drawSchema(each, document)));
  if (schema.properties) return properties(schema, document);
  if (schema.items) return element("div", { class: "schema" }, element("span", { class: "type" }, "a list of"), drawSchema(schema.items, document));
  return element("div", {}, element("span", { class: "type" }, typeOf(schema)), schema.description && element("small", {}, schema.description));
}

function named(name, document) {
  const details = element("details", { class: "schema", toggle: () => {
    if (details.open && details.childElementCount === 1) details.append(drawNamed(document.components.schemas[name], document));
  } }, element("summary", {}, element("span", { class: "type" }, name)));
  return details;
}

function drawNamed(schema, document) {
  return element("div", {}, schema.description && element("small", {}, schema.description), drawSchema({ ...schema, description: null }, document));
}

function properties(schema, document) {
  const required = new Set(schema.required ?? []);
  return element("ul", {}, Object.entries(schema.properties).map(([name, each]) =>
    element("li", {},
      element("code", {}, name), required.has(name) ? " (required)" : "",
      each.default != null && element("span", { class: "meta" }, ` default ${JSON.stringify(each.default)}`),
      each.description && element("small", {}, each.description),
      drawSchema({ ...each, description: null }, document))));
}

function typeOf(schema) {
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const bounds = [["≥", schema.minimum], ["≤", schema.maximum]].filter(([, bound]) => bound !== undefined).map((each) => each.join(" "));
  return [schema.type ?? "anything", ...bounds].join(" ");
}
