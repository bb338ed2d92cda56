// Of a model with several heads, the one that answers.

/** The field to choose it; none where there is one. */
export function headFields(model) {
  return model.heads.length > 1
    ? [{ name: "head", label: "Head", kind: "choice", options: model.heads, value: model.heads[0] }]
    : [];
}

/** The parameter that names it. */
export function headParameter({ head }) {
  return head ? { head } : {};
}
