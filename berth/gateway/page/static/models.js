// The models of this server, as its gateway describes them.

import { call } from "./call.js";

/** Every version of every model, defaults first; one that has not described itself yet has `handler` null. */
export async function loadModels() {
  const { value } = await call("/ui/models");
  return value.models.map((model) => toModel(model, value.models));
}

function toModel({ name, version, is_default: isDefault, content, handler }, all) {
  const isAlone = all.filter((other) => other.name === name).length === 1;
  const path = `${encodeURIComponent(name)}/${encodeURIComponent(version)}`;
  return {
    id: `${name}/${version}`,
    name,
    version: isAlone || !isDefault ? version : `${version}, the default`,
    title: isAlone ? name : `${name} ${version}${isDefault ? ", the default" : ""}`,
    content,
    handler,
    path,
    address: isDefault ? encodeURIComponent(name) : path, // as a client would name it
    task: handler?.task,
    maxTokens: handler?.max_tokens,
    cutsBeginning: handler?.truncation_side === "left",
    heads: Object.keys(handler?.heads ?? {}),
    labels: handler?.labels ?? [],
  };
}
