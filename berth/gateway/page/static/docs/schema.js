// A JSON Schema as a tree: what is named is opened where it is asked for, so that types that hold themselves are no loop.

import { element } from "../dom.js";

/** One schema of the document. */
export function drawSchema(schema, document) {
  if (!schema) return "";
  if (schema.$ref) return named(schema.$ref.split("/").at(-1), document);
  const words = inWords(schema);
  if (words) return element("div", {}, element("span", { class: "type" }, words), describe(schema));
  if (schema.properties) return properties(schema, document);
  const [title, parts] = schema.items ? ["a list of", [schema.items]] : ["one of", choicesOf(schema)];
  return element("div", { class: "schema" }, element("small", {}, title), describe(schema), parts.map((each) => drawSchema(each, document)));
}

/** A schema without objects in a few words, such as "string or null"; null for one that is more than that. */
function inWords(schema) {
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const choices = choicesOf(schema);
  if (choices || schema.items) {
    const parts = (choices ?? [schema.items]).map(inWords);
    if (parts.includes(null)) return null;
    return choices ? parts.join(" or ") : `list of ${parts[0]}`;
  }
  if (schema.$ref || schema.properties) return null;
  const bounds = [["≥", schema.minimum], ["≤", schema.maximum]].filter(([, bound]) => bound !== undefined);
  return [schema.type ?? "anything", ...bounds.map((each) => each.join(" "))].join(" ");
}

function choicesOf(schema) {
  return schema.anyOf ?? schema.oneOf;
}

function describe({ description }) {
  return description && element("small", {}, description);
}

function named(name, document) {
  const draw = () => {
    if (details.open && details.childElementCount === 1) details.append(drawNamed(document.components.schemas[name], document));
  };
  const details = element("details", { class: "schema", toggle: draw }, element("summary", {}, element("span", { class: "type" }, name)));
  return details;
}

function drawNamed(schema, document) {
  return element("div", {}, describe(schema), drawSchema({ ...schema, description: null }, document));
}

function properties(schema, document) {
  const required = new Set(schema.required ?? []);
  return element("ul", {}, Object.entries(schema.properties).map(([name, each]) => property(name, each, required.has(name), document)));
}

function property(name, schema, isRequired, document) {
  const { default: value } = schema;
  const notes = [isRequired && "required", value != null && `default ${JSON.stringify(value)}`].filter(Boolean).join(", ");
  return element("li", {},
    element("code", {}, name), " ", element("span", { class: "meta" }, notes),
    describe(schema),
    drawSchema({ ...schema, description: null }, document));
}
