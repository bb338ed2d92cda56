// Vectors of any kind: how alike two are, and where they lie on a plane.

/** The cosine of two lists of numbers. */
export function cosine(one, other) {
  return dot(one, other) / (Math.sqrt(dot(one, one) * dot(other, other)) || 1);
}

/** The cosine of two sparse vectors, whose weights stand by their words. */
export function sparseCosine(one, other) {
  const shared = Object.keys(one).filter((word) => word in other);
  const squares = (vector) => Object.values(vector).reduce((sum, weight) => sum + weight * weight, 0);
  const product = shared.reduce((sum, word) => sum + one[word] * other[word], 0);
  return product / (Math.sqrt(squares(one) * squares(other)) || 1);
}

/** MaxSim for each token of `one`: of several vectors a text, as ColBERT compares them. */
export function maxSim(one, other) {
  const best = one.map((vector) => Math.max(...other.map((each) => dot(vector, each))));
  return best.reduce((sum, value) => sum + value, 0) / one.length;
}

/** Every pair's similarity. */
export function similarities(vectors, compare) {
  return vectors.map((one) => vectors.map((other) => compare(one, other)));
}

/**
 * The plane in which vectors differ most (principal components), by power iteration on their products: so many of them
 * are few, their numbers many. Returns a point for each, and which part of all differences the plane shows.
 */
export function plane(vectors) {
  const gram = productsOf(centred(vectors));
  const whole = gram.reduce((sum, row, place) => sum + row[place], 0) || 1;
  const axes = [strongest(gram)];
  axes.push(strongest(deflated(gram, axes[0])));
  const points = vectors.map((_, place) => axes.map(({ value, vector }) => Math.sqrt(Math.max(value, 0)) * vector[place]));
  return { points, share: (axes[0].value + axes[1].value) / whole };
}

function dot(one, other) {
  let sum = 0;
  for (let place = 0; place < one.length; place += 1) sum += one[place] * other[place];
  return sum;
}

function centred(vectors) {
  const mean = vectors[0].map((_, place) => vectors.reduce((sum, vector) => sum + vector[place], 0) / vectors.length);
  return vectors.map((vector) => vector.map((value, place) => value - mean[place]));
}

function productsOf(vectors) {
  return vectors.map((one) => vectors.map((other) => dot(one, other)));
}

const STEPS = 200;

function strongest(matrix) {
  let vector = matrix.map((_, place) => Math.cos(place + 1)); // any start that is not at right angles to it
  let value = 0;
  for (let step = 0; step < STEPS; step += 1) {
    const next = matrix.map((row) => dot(row, vector));
    value = Math.sqrt(dot(next, next));
    if (value < 1e-12) return { value: 0, vector: matrix.map(() => 0) };
    vector = next.map((each) => each / value);
  }
  return { value, vector };
}

function deflated(matrix, { value, vector }) {
  return matrix.map((row, one) => row.map((each, other) => each - value * vector[one] * vector[other]));
}
