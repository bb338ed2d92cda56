// The API's description, as something to read: every address, what it takes and what it gives.

import { call } from "../call.js";
import { byId, element } from "../dom.js";
import { drawSchema } from "./schema.js";

const METHODS = ["get", "post", "put", "delete"];
const DOORS = [
  ["berth's own", /^\/(predictions|explanations)\/\{model\}(\/\{version\}(\/check)?)?$/],
  ["KServe and Open Inference", /^\/v[12]\/(models|health)|^\/v2\/?$/],
  ["Behind a model's version", /^\/predictions\//],
  ["At the root", /./],
];

async function start() {
  try {
    const { value: document } = await call("/openapi.json");
    const operations = Object.entries(document.paths).flatMap(([path, item]) =>
      METHODS.filter((method) => method in item).map((method) => ({ path, method, ...item[method] })));
    const show = () => showFound(operations, document, byId("find").value);
    byId("find").addEventListener("input", show);
    show();
  } catch (error) {
    byId("problem").hidden = false;
    byId("problem").replaceChildren(error.message);
  }
}

function showFound(operations, document, asked) {
  const wanted = asked.toLowerCase().split(/\s+/);
  const found = operations.filter((each) => wanted.every((word) => haystack(each, document).includes(word)));
  byId("count").textContent = `${found.length} of ${operations.length} addresses`;
  byId("addresses").replaceChildren(...grouped(found).map(([door, each]) => drawGroup(door, each, document)));
}

const haystacks = new Map(); // made once for each operation

function haystack(operation, document) {
  if (!haystacks.has(operation)) {
    const { path, summary, requestBody } = operation;
    const sent = withSchemas(JSON.stringify(requestBody ?? ""), document);
    haystacks.set(operation, `${path} ${summary} ${sent}`.toLowerCase());
  }
  return haystacks.get(operation);
}

/** A piece of the document with all schemas that it names, and those that they name. */
function withSchemas(text, document, seen = new Set()) {
  const names = [...text.matchAll(/schemas\/(\w+)/g)].map(([, name]) => name).filter((name) => !seen.has(name));
  names.forEach((name) => seen.add(name));
  const schemas = [...new Set(names)].map((name) => withSchemas(JSON.stringify(document.components.schemas[name]), document, seen));
  return [text, ...schemas].join(" ");
}

function grouped(operations) {
  const groups = new Map(DOORS.map(([name]) => [name, []]));
  for (const each of operations) groups.get(DOORS.find(([, pattern]) => pattern.test(each.path))[0]).push(each);
  return [...groups].filter(([, each]) => each.length > 0);
}

function drawGroup(door, operations, document) {
  return element("div", {}, element("h2", {}, door), operations.map((each) => drawOperation(each, document)));
}

function drawOperation(operation, document) {
  const body = element("div");
  const details = element("details", { class: "operation", toggle: () => {
    if (details.open && !body.hasChildNodes()) body.append(...drawBody(operation, document));
  } },
    element("summary", {}, element("b", { class: "method" }, operation.method), element("code", {}, operation.path), element("span", {}, operation.summary)),
    body);
  return details;
}

function drawBody(operation, document) {
  const sent = Object.entries(operation.requestBody?.content ?? {});
  return [
    ...(operation.description ? [element("p", {}, operation.description)] : []),
    ...sent.flatMap(([type, content]) => [element("h3", {}, `Send ${type}`), ...example(content), drawSchema(content.schema, document)]),
    element("h3", {}, "Answers"),
    ...Object.entries(operation.responses).map(([status, response]) => drawResponse(status, response, document)),
  ];
}

function drawResponse(status, response, document) {
  const contents = Object.entries(response.content ?? {});
  return element("details", { class: "schema" },
    element("summary", {}, element("code", {}, status), ` ${response.description ?? ""}`),
    Object.entries(response.headers ?? {}).map(([name, header]) =>
      element("p", {}, element("code", {}, name), " ", element("small", {}, header.description ?? ""))),
    contents.map(([type, content]) => [element("p", { class: "type" }, type), drawSchema(content.schema, document)]));
}

function example({ example: value }) {
  return value === undefined ? [] : [element("pre", {}, JSON.stringify(value, null, 2))];
}

start();
