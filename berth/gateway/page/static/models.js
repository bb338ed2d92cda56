// The models of this server, as its gateway describes them.

import { call } from "./call.js";

/** All models; one that has not described itself yet has `handler` null. */
export async function loadModels() {
  const { value } = await call("/ui/models");
  return value.models.map(toModel);
}

function toModel({ name, versions, content, handler }) {
  return {
    name,
    versions,
    content,
    handler,
    path: `/predictions/${encodeURIComponent(name)}/${encodeURIComponent(versions[0])}`,
    task: handler?.task,
    maxTokens: handler?.max_tokens,
    cutsBeginning: handler?.truncation_side === "left",
    heads: Object.keys(handler?.heads ?? {}),
    labels: handler?.labels ?? [],
  };
}
