import { call } from "../call.js";
import { element } from "../dom.js";
import { bars } from "../drawing/bars.js";

const USUAL = "[MASK] <mask>"; // BERT's and its kin's, RoBERTa's and its kin's

export default {
  title: "Fill the mask",
  about: "The words that fit best where the mask stands.",

  /** What the model reads as its mask: the one that its tokenizer takes for a special token. */
  prepare: async (model) => {
    const { value } = await call(`/predictions/${model.path}/tokenize`, { inputs: USUAL, add_special_tokens: false });
    return { mask: value[0].find((token) => token.special)?.text ?? "[MASK]" };
  },

  fields: (model, { mask }) => [
    {
      name: "text",
      label: "Text",
      kind: "text",
      value: `The ship lies in the ${mask}.`,
      hint: `${mask} stands for a word.`,
    },
  ],

  ask: ({ text }) => ({ inputs: text, parameters: { top_k: 8 } }),

  alone: () => true,

  draw: (result) => (Array.isArray(result[0]) ? result.map(mask) : words(result)),
};

function mask(found, place) {
  return [element("h3", {}, `Mask ${place + 1}`), words(found)];
}

function words(found) {
  return bars(found.map(({ token_str: label, score, sequence }) => ({ label, score, detail: sequence })));
}
