// The server as it is now: asked again and again while somebody looks at the page.

import { call, CallError } from "./call.js";
import { element } from "./dom.js";
import { bytes, milliseconds } from "./format.js";

const EVERY_MS = 3000;
const WINDOW = 20; // looks: a minute
const OWN_HOSTS = ["127.0.0.1", "localhost", "[::1]"];

/** Looks until the page is left; `show(state, seconds)` gets each state, and the last minute's times by model. */
export function watchState(show, fail) {
  const looks = [];
  const look = async () => {
    if (!document.hidden) {
      try {
        const { value } = await call("/ui/state");
        looks.push(value);
        if (looks.length > WINDOW) looks.shift();
        show(value, (model) => sinceFirst(looks, model));
      } catch (error) {
        if (!(error instanceof CallError)) throw error;
        fail(error);
      }
    }
    setTimeout(look, EVERY_MS);
  };
  look();
}

/** How many requests took up to so long within the looks: those of the last, less those of the first. */
function sinceFirst(looks, model) {
  const [first, last] = [looks[0], looks.at(-1)].map((look) => look.models[model]?.seconds ?? []);
  const before = new Map(first);
  const found = last.map(([bound, number]) => [bound, number - (before.get(bound) ?? 0)]);
  const hasGrown = found.at(-1)?.[1] > 0 && found.every(([, number]) => number >= 0); // else they began anew meanwhile
  return hasGrown ? { buckets: found, since: "in this minute" } : { buckets: last, since: "since the start" };
}

/** The time within which a part of all was answered, in words: between two bounds it is drawn straight. */
export function quantile(buckets, part) {
  const all = buckets.at(-1)[1];
  const place = buckets.findIndex(([, number]) => number >= part * all);
  const [bound, number] = buckets[place];
  if (place === 0) return `below ${Number(bound) * 1000} ms`;
  const [from, before] = buckets[place - 1];
  if (bound === "+Inf") return `above ${Number(from) * 1000} ms`;
  const seconds = Number(from) + (Number(bound) - Number(from)) * ((part * all - before) / (number - before));
  return milliseconds(seconds * 1000);
}

/** One model's state, and the server's memory. */
export function drawState(state, seconds, model) {
  const now = state.models[model.id];
  if (!now) return [heading(), element("p", {}, "TorchServe does not describe this model now.")];
  const { buckets, since } = seconds(model.id);
  return [
    heading(),
    element("dl", {},
      element("dt", {}, "Workers"), element("dd", {}, workers(now.workers)),
      element("dt", {}, "Requests"), element("dd", {}, requests(now)),
      element("dt", {}, `A ${state.seconds_of} took`), element("dd", {}, times(buckets, since)),
      element("dt", {}, "Memory"), element("dd", {}, memory(state.memory)),
    ),
  ];
}

function times(buckets, since) {
  if (!(buckets.at(-1)?.[1] > 0)) return "none yet";
  return [`${quantile(buckets, 0.5)} (p50), ${quantile(buckets, 0.99)} (p99)`, element("small", {}, ` ${since}`)];
}

function heading() {
  return element("h2", {}, "Now");
}

function workers(all) {
  const ready = all.filter((worker) => worker.status === "READY").length;
  const dots = all.map((worker) => element("span", { class: worker.status === "READY" ? "dot good" : "dot waiting" }));
  return [element("span", { class: "dots", "aria-hidden": "true" }, dots), `${ready} of ${all.length} ready`];
}

function requests({ under_way: underWay, waiting }) {
  return underWay == null ? `${waiting} waiting` : `${underWay} under way, ${waiting} waiting`;
}

function memory({ used_bytes: used, budget_bytes: budget, granted_bytes: granted }) {
  if (used === null) return "the launcher does not say now";
  if (!granted) return bytes(used);
  const share = (part) => Math.min(1, part / granted);
  return [
    `${bytes(used)} used; at most ${bytes(budget)} were counted, ${bytes(granted)} are granted`,
    element("span", { class: "meter", "--share": share(used), "--mark": share(budget), "aria-hidden": "true" }),
  ];
}

/** A form for another number of workers; nothing where this browser is on another machine, for it is refused there. */
export function drawScaling(state, model, problem) {
  const now = state.models[model.id];
  if (!now || !OWN_HOSTS.includes(location.hostname) || !state.max_workers) return [];
  const number = element("input", {
    type: "number", min: 1, max: state.max_workers, value: now.workers.length, "aria-label": `Workers of ${model.title}`,
  });
  const submit = async (event) => {
    event.preventDefault();
    problem(null);
    try {
      await call(`/ui/models/${model.path}/workers`, { workers: number.valueAsNumber }, "PUT");
    } catch (error) {
      problem(error);
    }
  };
  return [element("form", { class: "scaling", submit },
    element("span", {}, "Workers"), number, element("button", { type: "submit", class: "quiet" }, "Scale"),
    element("small", {}, `Up to ${state.max_workers}. Workers that are taken away end at once: a request in their hands gets 500.`))];
}
