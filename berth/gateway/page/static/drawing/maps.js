// A similarity map of texts, and their vectors as a picture.

import { drawn, element } from "../dom.js";
import { plane, similarities } from "./vectors.js";

const WIDTH = 320;
const HEIGHT = 240;
const MARGIN = 24;
const RADIUS = 10;
const STEPS = 40;

/** The texts with the numbers by which the map and the picture call them. */
export function numbered(texts) {
  return element("ol", { class: "numbered" }, texts.map((text) => element("li", {}, text)));
}

/** A table of every pair: the darker, the more alike. */
export function similarityMap(vectors, compare) {
  const values = similarities(vectors, compare);
  const number = (place, scope) => element("th", { scope }, place + 1);
  return element(
    "table",
    { class: "map" },
    element("caption", {}, "How alike the texts are"),
    element("thead", {}, element("tr", {}, element("td"), values.map((_, place) => number(place, "col")))),
    element("tbody", {}, values.map((row, place) => element("tr", {}, number(place, "row"), row.map(cell)))),
  );
}

function cell(value) {
  const strength = Math.max(0, Math.min(1, value));
  return element("td", { class: strength > 0.7 ? "strong" : null, "--strength": strength }, value.toFixed(2));
}

/** The vectors on the plane in which they differ most. */
export function picture(vectors) {
  const { points, share } = plane(vectors);
  const dots = spread(points.map(placer(points))).map(dot);
  const described = `The vectors on a plane that shows ${Math.round(share * 100)} % of how they differ`;
  return element(
    "figure",
    {},
    element("figcaption", {}, described),
    drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": described, class: "picture" }, dots),
  );
}

function placer(points) {
  const span = (axis) => Math.max(...points.map((point) => Math.abs(point[axis]))) || 1;
  const scale = Math.min((WIDTH / 2 - MARGIN) / span(0), (HEIGHT / 2 - MARGIN) / span(1));
  return ([across, up]) => [WIDTH / 2 + across * scale, HEIGHT / 2 - up * scale];
}

/** Pushes dots that cover each other apart, half of what is missing at a time. */
function spread(dots) {
  const places = dots.map((dot) => [...dot]);
  for (let step = 0; step < STEPS; step += 1) {
    for (const [one, here] of places.entries()) for (const there of places.slice(0, one)) part(here, there);
  }
  return places;
}

function part(here, there) {
  const [across, down] = [here[0] - there[0], here[1] - there[1]];
  const distance = Math.hypot(across, down);
  if (distance >= 2 * RADIUS) return;
  const push = (2 * RADIUS - distance) / 4;
  const [x, y] = distance > 0 ? [across / distance, down / distance] : [1, 0];
  here[0] += x * push;
  here[1] += y * push;
  there[0] -= x * push;
  there[1] -= y * push;
}

function dot([across, down], index) {
  return drawn(
    "g",
    { transform: `translate(${across.toFixed(1)} ${down.toFixed(1)})` },
    drawn("circle", { r: RADIUS }),
    drawn("text", { "text-anchor": "middle", dy: "0.35em" }, String(index + 1)),
  );
}
