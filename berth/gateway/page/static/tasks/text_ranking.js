import { bars } from "../drawing/bars.js";
import { lines } from "../form.js";

const TEXTS = `Ships with a draught of 24 metres can enter the Maasvlakte.
The harbour café opens at nine.
High water comes twice a day, and the channel is dredged each spring.
Tickets for the ferry are sold on board.`;

export default {
  title: "Text ranking",
  about: "Texts in the order in which they answer a query.",

  fields: () => [
    { name: "query", label: "Query", kind: "line", value: "How deep is the harbour?" },
    { name: "texts", label: "Texts, one on each line", kind: "text", value: TEXTS, rows: 6 },
  ],

  ask: ({ query, texts }) => ({ inputs: { query, texts: lines(texts) } }),

  draw: (result, { texts }) => {
    const each = lines(texts);
    return bars(result.map(({ index, score }) => ({ label: each[index], score })));
  },
};
