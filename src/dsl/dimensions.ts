// Symbolic sizes: polynomials with integer coefficients over size names, loop variables and opaque integer expressions.

/** What a polynomial is made of: a name of the model, a loop variable, or an expression that only bind can evaluate. */
export interface Atom {
  /** Equal atoms are equal numbers. */
  readonly key: string;
  /** As the user wrote it. */
  readonly text: string;
  /** `name`: N, K. Two different names are different sizes. `opaque`: anything may hold, bind knows. */
  readonly kind: "name" | "loop" | "opaque";
  /** Of a const: its value, unless --set gives another. */
  readonly usual?: number;
}
interface Monomial {
  readonly coefficient: number;
  /** Sorted by key. */
  readonly atoms: readonly Atom[];
}
/** Monomials by the keys of their atoms; never a zero coefficient. */
export interface Dimension {
  readonly terms: ReadonlyMap<string, Monomial>;
}

/** Not in any name, so that keys of products cannot collide. */
const separator = "\u0000";
const keyOf = (atoms: readonly Atom[]): string => atoms.map((a) => a.key).join(separator);

function fromMonomials(monomials: Iterable<Monomial>): Dimension {
  const terms = new Map<string, Monomial>();
  for (const m of monomials) {
    const key = keyOf(m.atoms);
    const coefficient = (terms.get(key)?.coefficient ?? 0) + m.coefficient;
    if (coefficient === 0) terms.delete(key);
    else terms.set(key, { coefficient, atoms: m.atoms });
  }
  return { terms };
}

export const constantDimension = (n: number): Dimension => fromMonomials([{ coefficient: n, atoms: [] }]);
export const atomDimension = (atom: Atom): Dimension => fromMonomials([{ coefficient: 1, atoms: [atom] }]);
export const zero = constantDimension(0);
export const one = constantDimension(1);

export const plus = (a: Dimension, b: Dimension): Dimension => fromMonomials([...a.terms.values(), ...b.terms.values()]);
export const times = (a: Dimension, b: Dimension): Dimension =>
  fromMonomials(
    [...a.terms.values()].flatMap((x) =>
      [...b.terms.values()].map((y) => ({
        coefficient: x.coefficient * y.coefficient,
        atoms: [...x.atoms, ...y.atoms].sort((p, q) => (p.key < q.key ? -1 : p.key > q.key ? 1 : 0)),
      })),
    ),
  );
export const minus = (a: Dimension, b: Dimension): Dimension => plus(a, times(constantDimension(-1), b));

/** undefined: only bind knows this size. */
export type Size = Dimension | undefined;
export type SymbolicShape = readonly Size[];

/** The number, if no atom is in it. */
export function constantOfDimension(a: Dimension): number | undefined {
  if (a.terms.size === 0) return 0;
  const only = a.terms.get("");
  return a.terms.size === 1 && only ? only.coefficient : undefined;
}
export const isOne = (a: Dimension): boolean => constantOfDimension(a) === 1;
export const sameDimension = (a: Dimension, b: Dimension): boolean => minus(a, b).terms.size === 0;

/** `same` and `different` are certain or a matter of the language (N is not K); `unknown` is for bind to decide. */
export function compareDimensions(a: Dimension, b: Dimension): "same" | "different" | "unknown" {
  const difference = minus(a, b);
  if (difference.terms.size === 0) return "same";
  if (constantOfDimension(difference) !== undefined) return "different";
  // const K = 2 beside [a, b]: as it stands they agree, and --set is looked at when data are bound.
  if ((constantOfDimension(a) === undefined) !== (constantOfDimension(b) === undefined) && usually(difference) === 0)
    return "unknown";
  const named = [...difference.terms.values()].every((m) => m.atoms.every((x) => x.kind === "name"));
  return named ? "different" : "unknown";
}

/** The value with consts at their own. */
function usually(a: Dimension): number | undefined {
  let sum = 0;
  for (const m of a.terms.values()) {
    let product = m.coefficient;
    for (const atom of m.atoms) {
      if (atom.usual === undefined) return undefined;
      product *= atom.usual;
    }
    sum += product;
  }
  return sum;
}

/** The value with another polynomial in place of an atom. */
export function substitute(a: Dimension, key: string, by: Dimension): Dimension {
  let sum = zero;
  for (const m of a.terms.values()) {
    let product = constantDimension(m.coefficient);
    for (const atom of m.atoms) product = times(product, atom.key === key ? by : atomDimension(atom));
    sum = plus(sum, product);
  }
  return sum;
}
export const mentions = (a: Dimension, key: string): boolean =>
  [...a.terms.values()].some((m) => m.atoms.some((x) => x.key === key));
/** Coefficient of the atom where the polynomial is linear in it with a number before it, else undefined. */
export function slopeIn(a: Dimension, key: string): number | undefined {
  let slope = 0;
  for (const m of a.terms.values()) {
    const count = m.atoms.filter((x) => x.key === key).length;
    if (count === 0) continue;
    if (count > 1 || m.atoms.length > 1) return undefined;
    slope += m.coefficient;
  }
  return slope;
}

/** N + 2 * K - 1 */
export function formatDimension(a: Dimension): string {
  const monomials = [...a.terms.values()].sort((x, y) => y.atoms.length - x.atoms.length);
  if (monomials.length === 0) return "0";
  return monomials
    .map((m, i) => {
      const size = Math.abs(m.coefficient);
      const factors = m.atoms.map((x) => x.text);
      const body = factors.length === 0 ? String(size) : (size === 1 ? factors : [String(size), ...factors]).join(" * ");
      const sign = m.coefficient < 0 ? "-" : "+";
      return i === 0 ? (sign === "-" ? `-${body}` : body) : ` ${sign} ${body}`;
    })
    .join("");
}

export const formatSize = (s: Size): string => (s === undefined ? "?" : formatDimension(s));
export const formatSymbolicShape = (s: SymbolicShape): string => `[${s.map(formatSize).join(", ")}]`;
/** "a number", "a vector of N", "a matrix N x K", "an array [N, K, 2]" */
export function describeShape(s: SymbolicShape): string {
  switch (s.length) {
    case 0:
      return "a number";
    case 1:
      return s[0] === undefined ? "a vector" : `a vector of ${formatSize(s[0])}`;
    case 2:
      return `a matrix ${s.map((d) => (d && d.terms.size > 1 ? `(${formatSize(d)})` : formatSize(d))).join(" x ")}`;
    default:
      return `an array ${formatSymbolicShape(s)}`;
  }
}
