// Numbers as people read them.

/** A score: three decimals, or what is left of a very small one. */
export function score(value) {
  const size = Math.abs(value);
  return size !== 0 && size < 0.0005 ? value.toExponential(0) : value.toFixed(3);
}

/** Milliseconds, with a decimal where there are few. */
export function milliseconds(value) {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

/** Bytes in the units of the memory's budget. */
export function bytes(value) {
  const gibibytes = value / 2 ** 30;
  return gibibytes >= 1 ? `${gibibytes.toFixed(1)} GiB` : `${Math.round(value / 2 ** 20)} MiB`;
}

/** A number of things, with its noun. */
export function count(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/** The characters of a text as Python counts them, for offsets are its own. */
export function characters(text) {
  return Array.from(text);
}
