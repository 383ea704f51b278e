// When chains agree: the worst R-hat of all numbers that are saved, and the least effective size, of the bulk.
export const RHAT = 1.01;
export const ESS = 400;

/** NaN agrees with nothing. */
export const agrees = ({ rhat, ess }) => rhat < RHAT && ess > ESS;

/** Over all rows of a fit that vary. */
export function worstOf(fit) {
  // A number that is the same in all draws of all chains has no R-hat: a diagonal of ones, a size.
  const rows = fit.summary().filter((row) => row.sd !== 0);
  // Interrupted in its warm-up.
  if (rows.length === 0) return { rhat: Number.NaN, at: "", ess: 0, divergences: 0 };
  const worst = rows.reduce((a, b) => (Number.isNaN(b.rhat) || b.rhat > a.rhat ? b : a), { rhat: 0, name: "" });
  return {
    rhat: worst.rhat,
    at: worst.name,
    ess: Math.min(...rows.map((row) => row.essBulk)),
    divergences: fit.sampler.divergences,
  };
}
