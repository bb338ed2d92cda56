// The page to try a model: what is served, which model is shown, how the server is.

import { drawCard } from "./cards.js";
import { byId, element } from "./dom.js";
import { readFields } from "./form.js";
import { askForKey } from "./key.js";
import { loadModels } from "./models.js";
import { drawScaling, drawState, watchState } from "./state.js";
import { showForm } from "./trying.js";

const UNAUTHORIZED = 401;
const AGAIN_MS = 2000;

function showProblem(error) {
  writeProblem(error);
  if (error?.status === UNAUTHORIZED) askForKey(start, { isRefused: true });
  else if (error) bringIntoView(byId("problem"));
}

function writeProblem(error) {
  const place = byId("problem");
  place.hidden = error === null;
  if (error === null) return;
  const where = error.param ? ` (${error.param})` : "";
  place.replaceChildren(element("strong", {}, error.status || "No answer"), ` ${error.message}${where}`);
}

function bringIntoView(place) {
  place.focus({ preventScroll: true });
  place.scrollIntoView({ block: "center" }); // not under the header, which stays at the top
}

async function start() {
  showProblem(null);
  try {
    const models = await loadModels();
    byId("model").replaceChildren(...models.map(({ id, title }) => element("option", { value: id }, title)));
    const choose = () => show(wanted(models));
    window.onhashchange = choose;
    byId("model").onchange = (event) => {
      location.hash = encodeURIComponent(event.target.value);
    };
    await choose();
  } catch (error) {
    showProblem(error);
  }
}

/** What the address names, NAME/VERSION, or NAME's default version, which is the first; else the first of all. */
function wanted(models) {
  const asked = decodeURIComponent(location.hash.slice(1));
  const [asName] = asked.split("/");
  return models.find(({ id }) => id === asked) ?? models.find(({ name }) => name === asName) ?? models[0];
}

let shown = null;

async function show(model) {
  if (!model.handler) {
    writeProblem(new Error("This model does not describe itself yet: it may be loading or busy. Asking again."));
    setTimeout(start, AGAIN_MS);
    return;
  }
  const form = byId("ask").querySelector("form");
  const written = form && shown?.name === model.name ? readFields(form) : {};
  shown = model;
  showProblem(null);
  byId("model").value = model.id;
  document.title = `${model.title}: berth`;
  byId("card").replaceChildren(...drawCard(model));
  drawNow();
  try {
    await showForm(model, showProblem, written);
  } catch (error) {
    showProblem(error);
  }
}

let latest = null;
let scaled = ""; // what the form for workers was drawn for: it stays as it is while somebody types

function drawNow() {
  if (!shown || !latest) return;
  const { state, seconds } = latest;
  const of = `${shown.id} ${state.models[shown.id]?.workers.length} ${state.max_workers}`;
  byId("state").replaceChildren(...drawState(state, seconds, shown));
  if (scaled !== of) byId("scaling").replaceChildren(...drawScaling(state, shown, showProblem));
  scaled = of;
}

let served = null; // the content of each NAME/VERSION, defaults first: it changes with `berth default`, a rollout, a new start

function showState(state, seconds) {
  latest = { state, seconds };
  const before = served;
  served = JSON.stringify(state.contents);
  if (before !== null && before !== served) start();
  const place = byId("readiness");
  place.className = state.why_not_ready ? "readiness bad" : "readiness good";
  place.textContent = state.why_not_ready ? `not ready: ${state.why_not_ready}` : "ready";
  drawNow();
}

function loseState(error) {
  byId("readiness").className = "readiness bad";
  byId("readiness").textContent = error.status === UNAUTHORIZED ? "a key is needed" : "no answer";
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // what stands behind # names a model
  byId("ask").focus();
});
byId("key").addEventListener("click", () => askForKey(start));
start();
watchState(showState, loseState);
