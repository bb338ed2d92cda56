import { bars } from "../drawing/bars.js";
import { headFields, headParameter } from "./heads.js";

const EXAMPLE = "The ferry was late again, and nobody at the pier could say why.";

export default {
  title: "Text classification",
  about: "Every label of the model, with its score.",

  fields: (model) => [
    { name: "text", label: "Text", kind: "text", value: EXAMPLE },
    { name: "pair", label: "Second text", kind: "line", hint: "For models that compare two texts; else leave it empty." },
    ...headFields(model),
  ],

  ask: (values) => ({ inputs: inputOf(values), parameters: { top_k: null, ...headParameter(values) } }),

  alone: ({ pair }) => !pair,

  draw: (result) => bars(result),

  explain: ([best], values) => ({ target: best.label, ...headParameter(values) }),

  explained: ({ text, pair }) => ({ text, text_pair: pair }),
};

function inputOf({ text, pair }) {
  return pair ? { text, text_pair: pair } : text;
}
