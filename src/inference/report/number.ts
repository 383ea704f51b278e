// Numbers as text: shortest round trip as Stan's files spell them, and rounded to what the Monte Carlo error leaves meaningful.

/** Shortest text that reads back to the same double; nan, inf and -inf as C++ prints them. */
export function exactNumber(x: number): string {
  if (x - x === 0) return String(x);
  return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
}

/** Reads what exactNumber writes, and the other spellings in use; undefined if it is no number. */
export function parseNumber(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const value = Number(trimmed);
  if (!Number.isNaN(value)) return value;
  const spelled = /^([+-]?)(nan|inf|infinity)$/i.exec(trimmed);
  if (spelled === null) return undefined;
  if (spelled[2].toLowerCase() === "nan") return Number.NaN;
  return spelled[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** Decimals that show two digits of a standard error: 0.063 gives 3. At most `most`; negative for errors in the tens. */
export function decimalsFor(error: number, most: number): number {
  if (!(error > 0 && error < Number.POSITIVE_INFINITY)) return most;
  const exponent = Number(error.toExponential(1).split("e")[1]);
  return Math.min(most, 1 - exponent);
}

/** Fixed notation with so many decimals, or exponential where that would be long or show nothing. */
export function roundedNumber(x: number, decimals: number): string {
  if (!Number.isFinite(x)) return exactNumber(x);
  const size = Math.abs(x);
  if (size !== 0 && (size >= 1e7 || size < 1e-4)) return x.toExponential(3);
  const text = x.toFixed(Math.max(0, decimals));
  return Number(text) === 0 && text.startsWith("-") ? text.slice(1) : text;
}
