// Requests to the server that this page came from, with the key that a person gave it.

const KEY = "berth.key";

/** An answer that is an error, or none at all (status 0). */
export class CallError extends Error {
  constructor(status, message, param = null) {
    super(message);
    this.status = status;
    this.param = param;
  }
}

/** The key of this tab; "" where there is none. */
export function readKey() {
  return sessionStorage.getItem(KEY) ?? "";
}

/** Keeps a key until the tab is closed. */
export function keepKey(key) {
  sessionStorage.setItem(KEY, key);
}

/**
 * Asks once. Returns the answer's value, how long it took here and in the worker, the tokens that the model read, and
 * the places of the inputs that were cut; throws a CallError.
 */
export async function call(path, body, method = body === undefined ? "GET" : "POST") {
  const began = performance.now();
  const answer = await send(path, body, method);
  const text = await answer.text();
  const ms = performance.now() - began;
  const value = parse(text);
  if (!answer.ok) throw refused(answer.status, value, text);
  const cut = answer.headers.get("x-truncated");
  return {
    value,
    ms,
    workerMs: numberIn(answer, "x-inference-time-ms"),
    tokens: numberIn(answer, "x-compute-tokens"),
    truncated: cut ? cut.split(",").map(Number) : [],
  };
}

async function send(path, body, method) {
  const key = readKey();
  const headers = key ? { authorization: `Bearer ${key}` } : {};
  if (body !== undefined) headers["content-type"] = "application/json";
  try {
    return await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new CallError(0, "The server does not answer: it may have ended, or the connection is gone.");
  }
}

function refused(status, value, text) {
  const said = value?.error?.message ?? value?.message ?? value?.error;
  return new CallError(status, said ?? (text.slice(0, 200) || `the server answered ${status}`), value?.param);
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function numberIn(answer, name) {
  const value = answer.headers.get(name);
  return value === null ? null : Number(value);
}
