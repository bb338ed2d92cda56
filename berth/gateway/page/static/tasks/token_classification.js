import { entities } from "../drawing/spans.js";
import { headFields, headParameter } from "./heads.js";

const EXAMPLE = "Ada Lovelace met Charles Babbage in London, long before the Port of Rotterdam had computers.";

export default {
  title: "Token classification",
  about: "Entities of a text, marked where they stand.",

  fields: (model) => [
    { name: "text", label: "Text", kind: "text", value: EXAMPLE },
    {
      name: "strategy",
      label: "Tokens become entities by",
      kind: "choice",
      value: "simple",
      options: ["simple", "first", "average", "max", "none"],
    },
    ...headFields(model),
  ],

  ask: ({ text, strategy, ...rest }) => ({
    inputs: text,
    parameters: { aggregation_strategy: strategy, ...headParameter(rest) },
  }),

  draw: (result, { text }) => entities(text, result),
};
