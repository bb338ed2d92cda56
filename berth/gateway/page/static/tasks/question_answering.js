import { bars } from "../drawing/bars.js";
import { markedText } from "../drawing/spans.js";

const CONTEXT =
  "The port of Rotterdam handled 435 million tonnes of cargo in 2024. Its deepest basin, the Maasvlakte, takes ships " +
  "with a draught of 24 metres. It is open on every day of the year.";

export default {
  title: "Question answering",
  about: "The answer, marked in its context.",

  fields: () => [
    { name: "question", label: "Question", kind: "line", value: "How deep may a ship lie?" },
    { name: "context", label: "Context", kind: "text", value: CONTEXT, rows: 5 },
    { name: "impossible", label: "There may be no answer", kind: "check", value: false },
  ],

  ask: ({ question, context, impossible }) => ({
    inputs: { question, context },
    parameters: { top_k: 3, ...(impossible && { handle_impossible_answer: true }) },
  }),

  draw: (result, { context }) => {
    const answers = [result].flat();
    const found = answers.filter((answer) => answer.answer);
    return [
      markedText(context, found.slice(0, 1).map((answer) => ({ ...answer, label: "answer" }))),
      bars(answers.map((answer) => ({ label: answer.answer || "(no answer)", score: answer.score }))),
    ];
  },

  explain: () => ({}),

  explained: ({ question, context }) => ({ question, context }),
};
