import { bars } from "../drawing/bars.js";
import { words } from "../form.js";

const EXAMPLE = "The crane at berth four has stopped, and two ships are waiting.";

export default {
  title: "Labels of your own",
  about: "Name the labels; the model scores each, though it was trained with none of them.",

  fields: () => [
    { name: "text", label: "Text", kind: "text", value: EXAMPLE },
    { name: "labels", label: "Labels", kind: "line", value: "breakdown, weather, staff, money", hint: "Parted by commas." },
    { name: "several", label: "Several may be right", kind: "check", value: false },
  ],

  ask: ({ text, labels, several }) => ({
    inputs: text,
    parameters: { candidate_labels: words(labels), ...(several && { multi_label: true }) },
  }),

  draw: ({ labels, scores }) => bars(labels.map((label, place) => ({ label, score: scores[place] }))),
};
