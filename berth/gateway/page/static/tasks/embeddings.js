import { element } from "../dom.js";
import { bars } from "../drawing/bars.js";
import { numbered, picture, similarityMap } from "../drawing/maps.js";
import { cosine, maxSim, sparseCosine } from "../drawing/vectors.js";
import { count } from "../format.js";
import { lines } from "../form.js";

const TEXTS = `The ship entered the harbour at dawn.
A vessel came into port early in the morning.
High water is expected at noon.
The tide will peak around midday.
The café serves fresh bread.
Breakfast is rolls and coffee.`;
const MOST_WORDS = 12;

export default {
  title: "Embeddings",
  about: "A vector for each text: how alike they are, and where they lie.",

  fields: ({ handler }) => [
    { name: "texts", label: "Texts, one on each line", kind: "text", value: TEXTS, rows: 7 },
    ...(handler.prompts
      ? [{ name: "prompt", label: "Prompt", kind: "choice", options: ["the default", ...handler.prompts] }]
      : []),
    ...((handler.vectors ?? []).length > 1
      ? [{ name: "vectors", label: "Vectors", kind: "choice", options: handler.vectors, value: handler.vectors[0] }]
      : []),
  ],

  ask: ({ texts, prompt, vectors }, model) => {
    const kind = vectors ?? model.handler.vectors?.[0];
    const parameters = {
      ...(prompt && prompt !== "the default" && { prompt_name: prompt }),
      ...(vectors && { vectors }),
      ...(kind === "sparse" && { sparse_keys: "words" }),
    };
    return { inputs: lines(texts), ...(Object.keys(parameters).length > 0 && { parameters }) };
  },

  // ColBERT marks its texts, and a sparse model may look its queries up: each with a length of its own.
  alone: (_, { handler: { vectors: [kind] = ["dense"], prompts } }) => kind === "dense" || (kind === "sparse" && !prompts),

  draw: (vectors, { texts }) => {
    const [first] = vectors;
    if (!Array.isArray(first)) return sparse(vectors, lines(texts));
    return Array.isArray(first[0]) ? several(vectors, lines(texts)) : dense(vectors, lines(texts));
  },
};

function dense(vectors, texts) {
  return [
    numbered(texts),
    vectors.length > 1 &&
      element("div", { class: "side" }, similarityMap(vectors, cosine), vectors.length > 2 && picture(vectors)),
    element("p", { class: "meta" }, `${count(vectors.length, "vector")} of ${count(vectors[0].length, "number")}; the first begins with ` +
      vectors[0].slice(0, 4).map((value) => value.toFixed(4)).join(", ")),
  ];
}

function sparse(vectors, texts) {
  return [
    numbered(texts),
    vectors.length > 1 && similarityMap(vectors, sparseCosine),
    vectors.map((vector, place) => [element("h3", {}, `Words of text ${place + 1}`), heaviest(vector)]),
  ];
}

function heaviest(vector) {
  const sorted = Object.entries(vector).sort(([, one], [, other]) => other - one);
  return bars(sorted.slice(0, MOST_WORDS).map(([label, score]) => ({ label, score })));
}

function several(vectors, texts) {
  return [
    numbered(texts),
    vectors.length > 1 && similarityMap(vectors, maxSim),
    element("p", { class: "meta" }, vectors.map((each, place) => `Text ${place + 1}: ${count(each.length, "vector")}`).join("; ")),
  ];
}
