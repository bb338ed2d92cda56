import { entities } from "../drawing/spans.js";
import { words } from "../form.js";

const EXAMPLE = "Captain Grace Hopper sailed from Boston to Lisbon on 3 May 1952 aboard the Meridian.";

export default {
  title: "Entities of your own types",
  about: "Name the types that you look for; the model marks what belongs to them.",

  fields: () => [
    { name: "text", label: "Text", kind: "text", value: EXAMPLE },
    { name: "labels", label: "Types", kind: "line", value: "person, city, date, ship", hint: "Parted by commas." },
    { name: "threshold", label: "Only what is surer than", kind: "number", value: "0.5" },
    { name: "nested", label: "One may lie in another", kind: "check", value: false },
  ],

  ask: ({ text, labels, threshold, nested }) => ({
    inputs: text,
    parameters: { candidate_labels: words(labels), threshold: Number(threshold), ...(nested && { flat_ner: false }) },
  }),

  draw: (result, { text }) => entities(text, result),
};
