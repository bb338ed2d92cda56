// What each task asks, and how its answers are drawn. A task has:
//   title, about   words for people
//   fields(model)  its form, as form.js makes it
//   ask(values)    the request's body, out of what the form holds
//   alone(values, model)  whether the model reads each input as it is, with nothing but a prompt beside it; absent: never
//   draw(result, values, model)   the answer
//   explain(result)   the parameters of an explanation; absent where there is none
//   explained(values) the explained texts by their keys

import embeddings from "./embeddings.js";
import fillMask from "./fill_mask.js";
import questionAnswering from "./question_answering.js";
import textClassification from "./text_classification.js";
import textRanking from "./text_ranking.js";
import tokenClassification from "./token_classification.js";
import zeroShotClassification from "./zero_shot_classification.js";
import zeroShotTokenClassification from "./zero_shot_token_classification.js";

export const TASKS = {
  embeddings,
  "fill-mask": fillMask,
  "question-answering": questionAnswering,
  "text-classification": textClassification,
  "text-ranking": textRanking,
  "token-classification": tokenClassification,
  "zero-shot-classification": zeroShotClassification,
  "zero-shot-token-classification": zeroShotTokenClassification,
};
