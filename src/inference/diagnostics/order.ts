// Sorted order of a column: a radix sort by the leading bits, then insertion; linear in time, whatever the tails.

const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;
const MASK = DIGITS - 1;

/** Indices that sort `values` ascending; ties in order of index. NaN has no place in it. */
export function sortedOrder(values: Float64Array): Int32Array {
  const n = values.length;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < n; i++) {
    const x = values[i];
    if (x < low) low = x;
    if (x > high) high = x;
  }
  const order = new Int32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  if (!(high - low < Number.POSITIVE_INFINITY)) return order.sort((i, j) => compare(values[i], values[j]) || i - j);

  // x - low >= 0 rounds monotonically, and the bits of doubles >= 0 are ordered as they are: the upper word (little-endian,
  // as WebAssembly is) sorts all but those that agree to 20 bits of mantissa.
  const shifted = new Float64Array(n);
  for (let i = 0; i < n; i++) shifted[i] = values[i] - low;
  const words = new Uint32Array(shifted.buffer);
  let from = order;
  let to = new Int32Array(n);
  const begins = new Int32Array(DIGITS);
  for (let shift = 0; shift < 32; shift += DIGIT_BITS) {
    begins.fill(0);
    for (let i = 0; i < n; i++) begins[(words[2 * i + 1] >>> shift) & MASK]++;
    for (let digit = 0, sum = 0; digit < DIGITS; digit++) {
      const size = begins[digit];
      begins[digit] = sum;
      sum += size;
    }
    for (let i = 0; i < n; i++) {
      const index = from[i];
      to[begins[(words[2 * index + 1] >>> shift) & MASK]++] = index;
    }
    const swapped = from;
    from = to;
    to = swapped;
  }
  for (let i = 1; i < n; i++) {
    const index = from[i];
    const x = values[index];
    let j = i - 1;
    while (j >= 0 && values[from[j]] > x) {
      from[j + 1] = from[j];
      j--;
    }
    from[j + 1] = index;
  }
  return from;
}

function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
