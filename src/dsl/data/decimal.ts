// Decimal numbers as JSON writes them, read from the middle of a text without cutting it into pieces.

const [MINUS, PLUS, POINT, ZERO, NINE, LOWER_E, UPPER_E] = [45, 43, 46, 48, 57, 101, 69];
/** Powers of ten that float64 holds exactly. */
const POWERS = [
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

export interface Decimal {
  readonly value: number;
  /** Written without point or exponent. */
  readonly integer: boolean;
  readonly end: number;
}

/** The number that begins at `start`, to the nearest float64; undefined where none does. */
export function readDecimal(text: string, start: number): Decimal | undefined {
  let at = start;
  const negative = text.charCodeAt(at) === MINUS;
  if (negative) at++;
  const first = at;
  let digits = 0;
  let c = text.charCodeAt(at);
  for (; c >= ZERO && c <= NINE; c = text.charCodeAt(++at)) digits = digits * 10 + (c - ZERO);
  const whole = at - first;
  if (whole === 0 || (whole > 1 && text.charCodeAt(first) === ZERO)) return undefined;
  let fraction = 0;
  if (c === POINT) {
    const point = at;
    for (c = text.charCodeAt(++at); c >= ZERO && c <= NINE; c = text.charCodeAt(++at)) digits = digits * 10 + (c - ZERO);
    fraction = at - point - 1;
    if (fraction === 0) return undefined;
  }
  const exponent = c === LOWER_E || c === UPPER_E;
  if (exponent) {
    c = text.charCodeAt(++at);
    if (c === PLUS || c === MINUS) c = text.charCodeAt(++at);
    const power = at;
    while (c >= ZERO && c <= NINE) c = text.charCodeAt(++at);
    if (at === power) return undefined;
  }
  const integer = fraction === 0 && !exponent;
  // Fifteen digits are exact, so are the powers, and one division rounds once: Clinger 1990, "How to read floating point numbers accurately".
  const exact = !exponent && whole + fraction <= 15;
  const magnitude = exact ? digits / POWERS[fraction] : Number(text.slice(first, at));
  return { value: negative ? -magnitude : magnitude, integer, end: at };
}
