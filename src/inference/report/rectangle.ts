// Chains of different lengths, as an interrupted run leaves them: which of them, cut to one length, keep the most draws.

/** Indices of the chains that are kept, ascending, and the length that they are cut to; no chains when none has a draw. Among equals the one
 *  with more chains, which show more. */
export function largestRectangle(lengths: readonly number[]): { readonly kept: readonly number[]; readonly length: number } {
  let length = 0;
  let most = 0;
  [...lengths]
    .sort((a, b) => b - a)
    .forEach((candidate, i) => {
      if (candidate === 0 || candidate * (i + 1) < most) return;
      most = candidate * (i + 1);
      length = candidate;
    });
  return { kept: lengths.flatMap((own, c) => (length > 0 && own >= length ? [c] : [])), length };
}
