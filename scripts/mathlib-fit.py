#!/usr/bin/env python3
"""Derives the constants of src/runtime/wasm/mathlib/coefficients.ts: minimax polynomials by Remez' exchange and rational
functions by interpolation at Chebyshev nodes, both in 60 digits with mpmath, then rounded to float64.

  python3 scripts/mathlib-fit.py > src/runtime/wasm/mathlib/coefficients.ts && npx biome check --write src/runtime/wasm/mathlib/coefficients.ts

Each table is preceded by the approximation error, weighted as it enters the function's relative error.
"""
import sys
from mpmath import mp, mpf, pi, sqrt, exp, log, sin, cos, atan, asin, atanh, erf, erfc, loggamma, digamma, psi, euler
from mpmath import matrix, lu_solve, findroot, nstr, nint, floor, erfinv

mp.dps = 60


def horner(c, x):
    r = mpf(0)
    for k in reversed(c):
        r = r * x + k
    return r


def chebyshev(a, b, n):
    return [(a + b) / 2 - (b - a) / 2 * cos(pi * (2 * i + 1) / (2 * n)) for i in range(n)]


def grid(a, b, n=600):
    """Interior points, dense near the ends, that avoid the removable singularities at 0."""
    return [(a + b) / 2 - (b - a) / 2 * cos(pi * (i + mpf("0.37")) / n) for i in range(n)]


def alternating(errors, n):
    """Abscissae of n extrema of alternating sign, the greatest; None if there are fewer."""
    extrema = []
    for x, e in errors:
        if extrema and (e > 0) == (extrema[-1][1] > 0):
            if abs(e) > abs(extrema[-1][1]):
                extrema[-1] = (x, e)
        else:
            extrema.append((x, e))
    while len(extrema) > n:
        extrema.pop(0 if abs(extrema[0][1]) < abs(extrema[-1][1]) else -1)
    return [x for x, _ in extrema] if len(extrema) == n else None


def remez(f, a, b, n, weight, m=0):
    """Numerator of degree n and denominator of degree m (constant term 1) of least maximum of |weight * (f - p / q)| over [a, b]:
    Remez' exchange; within it, the alternating system is linearised by the previous denominator. Returns p, (q,) error."""
    a, b = mpf(a), mpf(b)
    size = n + m + 2
    values = [(x, f(x), weight(x)) for x in grid(a, b)]
    known = {}

    def at(x):
        if x not in known:
            known[x] = (f(x), weight(x))
        return known[x]

    nodes = [x if x else (b - a) / 50 for x in chebyshev(a, b, size)]
    best = None
    q = [mpf(1)] + [mpf(0)] * m
    if m:  # begin with interpolation, whose error alternates
        start = [x + mpf(10) ** -25 for x in chebyshev(a, b, size - 1)]
        p, q = solve(n, m, [(x, *at(x)) for x in start], None)
        found = alternating([(x, w * (y - horner(p, x) / horner(q, x))) for x, y, w in values], size)
        nodes = found or nodes
    for _ in range(25):
        for _ in range(8 if m else 1):
            p, q = solve(n, m, [(x, *at(x)) for x in nodes], q)
        errors = [(x, w * (y - horner(p, x) / horner(q, x))) for x, y, w in values]
        worst = max(abs(e) for _, e in errors)
        if best is None or worst < best[-1]:
            best = (p, q, worst) if m else (p, worst)
        found = alternating(errors, size)
        if found is None or found == nodes:
            break
        nodes = found
    return best


def solve(n, m, points, previous):
    """p, q with w (p - f q) = ± e previous(x) at the points, or interpolation where previous is None."""
    size = len(points)
    A, r = matrix(size, size), matrix(size, 1)
    for i, (x, y, w) in enumerate(points):
        for j in range(n + 1):
            A[i, j] = w * x**j
        for j in range(1, m + 1):
            A[i, n + j] = -w * y * x**j
        if previous is not None:
            A[i, size - 1] = (-1) ** i * horner(previous, x)
        r[i] = w * y
    s = list(lu_solve(A, r))
    return s[: n + 1], [mpf(1)] + s[n + 1 : n + m + 1]


def head(value, bits):
    """The leading bits of a positive number, truncated."""
    e = int(floor(log(value, 2)))
    scale = mpf(2) ** (bits - 1 - e)
    return floor(value * scale) / scale


def number(x):
    text = repr(float(x)).removesuffix(".0")
    return {repr(float(1 / log(mpf(2)))): "Math.LOG2E", repr(float(pi)): "Math.PI"}.get(text, text)


def table(name, doc, coefficients, error=None):
    tail = "" if error is None else f" Error 2^{float(log(error, 2)):.1f}."
    print(f"/** {doc}{tail} */")
    print(f"export const {name}: readonly number[] = [{', '.join(number(c) for c in coefficients)}];")


def scalar(name, doc, value):
    print(f"/** {doc} */\nexport const {name} = {number(value)};")


def parts(name, doc, value, bits):
    """value = sum of the parts; each of the given number of bits, the last rounded to float64."""
    out = []
    for b in bits:
        h = head(value, b)
        out.append(h)
        value -= h
    out.append(value)
    table(name, doc, out)


print("// Constants of the math library, made by scripts/mathlib-fit.py; lowest degree first. Not to be edited by hand.\n")
ln2 = log(mpf(2))
scalar("log2e", "1 / log 2", 1 / ln2)
parts("ln2Parts", "log 2 in two parts, the first of 32 bits", ln2, [32])
parts("piParts", "pi in two parts", pi, [53])
scalar("logPi", "log pi", log(pi))
scalar("halfLogTwoPi", "log(2 pi) / 2", log(2 * pi) / 2)
scalar("twoOverPi", "2 / pi", 2 / pi)
parts("halfPiParts", "pi / 2 in four parts of 33, 33, 33 and 53 bits: products with integers below 2^20 are exact", pi / 2, [33, 33, 33])

chunks = []
mp.dps = 400
rest = 2 / pi
for _ in range(50):
    rest *= 2**24
    chunks.append(floor(rest))
    rest -= chunks[-1]
mp.dps = 60
table("twoOverPiChunks", "2 / pi in chunks of 24 bits: the sum of chunk[j] 2^(-24 (j + 1))", chunks)

r = ln2 / 2 * mpf("1.0001")
table("expQ", "(exp(r) - 1 - r) / r^2 on |r| <= log(2) / 2", *remez(lambda x: (exp(x) - 1 - x) / x**2, -r, r, 9, lambda x: x * x / exp(x)))
table("expm1Q", "the same, for expm1", *remez(lambda x: (exp(x) - 1 - x) / x**2, -r, r, 10, lambda x: abs(x)))
z = ((sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1)) ** 2 * mpf("1.0001")
table("logR", "(log((1+s)/(1-s)) - 2 s) / s^3, in s^2, for sqrt(1/2) <= (1+s)/(1-s) <= sqrt(2)",
      *remez(lambda x: (2 * atanh(sqrt(x)) / sqrt(x) - 2) / x, 0, z, 6, lambda x: x / 2))
table("logQ", "(log((1+s)/(1-s)) - 2 s - 2/3 s^3) / s^5, in s^2, on the same interval",
      *remez(lambda x: ((atanh(sqrt(x)) / sqrt(x) - 1) * 2 / x - mpf(2) / 3) / x, 0, z, 7, lambda x: x * x / 2))
parts("twoThirdsParts", "2/3 in two parts", mpf(2) / 3, [53])
q = (pi / 4) ** 2 * mpf("1.001")
table("sinS", "(sin(x) - x) / x^3, in x^2, on |x| <= pi/4", *remez(lambda x: (sin(sqrt(x)) / sqrt(x) - 1) / x, 0, q, 5, lambda x: x))
table("cosC", "(cos(x) - 1 + x^2/2) / x^4, in x^2, on |x| <= pi/4", *remez(lambda x: (cos(sqrt(x)) - 1 + x / 2) / x**2, 0, q, 5, lambda x: x * x))
table("atanA", "(atan(t) - t) / t^3, in t^2, on |t| <= 0.5", *remez(lambda x: (atan(sqrt(x)) / sqrt(x) - 1) / x, 0, mpf("0.2501"), 12, lambda x: x))
table("asinA", "(asin(t) - t) / t^3, in t^2, on |t| <= 0.5", *remez(lambda x: (asin(sqrt(x)) / sqrt(x) - 1) / x, 0, mpf("0.2501"), 12, lambda x: x))

# gamma and its derivatives
lo = mpf("0.75")
f = lambda t: loggamma(t + lo) / ((t + lo - 1) * (t + lo - 2)) - mpf("0.4375")
p, d, e = remez(f, 0, 3 - lo, 9, lambda t: 1 / (f(t) + mpf("0.4375")), 8)
table("lgammaP", "lgamma(x) / ((x-1)(x-2)) - 0.4375, in x - 0.75, on [0.75, 3]: numerator", p, e)
table("lgammaD", "and its denominator", d)
table("lgammaW", "(lgamma(x) - (x - 1/2) log x + x - log(2 pi)/2) x, in 1/x^2, x >= 8", *remez(
    lambda t: (loggamma(1 / sqrt(t)) - ((1 / sqrt(t) - mpf(1) / 2) * log(1 / sqrt(t)) - 1 / sqrt(t) + log(2 * pi) / 2)) / sqrt(t), mpf(10) ** -8, mpf(1) / 64, 5, lambda t: sqrt(t) / 8))
x0 = findroot(digamma, mpf("1.4616"))
parts("digammaZero", "the positive zero of digamma in three parts of 24, 24 and 53 bits", x0, [24, 24])
f = lambda t: digamma(t + 1) / (t + 1 - x0)
p, d, e = remez(f, 0, 2, 7, lambda t: 1 / f(t), 6)
table("digammaP", "digamma(x) / (x - zero), in x - 1, on [1, 3]: numerator", p, e)
table("digammaD", "and its denominator", d)
small, top = mpf(10) ** -8, mpf(1) / 64
table("digammaW", "(log x - 1/(2x) - digamma(x)) x^2, in 1/x^2, x >= 8", *remez(
    lambda t: (log(1 / sqrt(t)) - sqrt(t) / 2 - digamma(1 / sqrt(t))) / t, small, top, 6, lambda t: t / 2))
table("trigammaW", "(trigamma(x) - 1/x - 1/(2x^2)) x^3, in 1/x^2, x >= 8", *remez(
    lambda t: (psi(1, 1 / sqrt(t)) - sqrt(t) - t / 2) / t / sqrt(t), small, top, 6, lambda t: t))
table("tetragammaW", "(-tetragamma(x) - 1/x^2 - 1/x^3) x^4, in 1/x^2, x >= 8", *remez(
    lambda t: (-psi(2, 1 / sqrt(t)) - t - t * sqrt(t)) / t / t, small, top, 7, lambda t: t))


# the error function
def scaled_erfc(x):
    if x < 100:
        return exp(x * x) * erfc(x)
    s = t = mpf(1)
    for k in range(1, 60):
        t *= -(2 * k - 1) / (2 * x * x)
        s += t
    return s / (x * sqrt(pi))


k = mpf("3.5")
g = lambda u: ((1 + 2 * (k * (1 + u) / (1 - u))) * scaled_erfc(k * (1 + u) / (1 - u)) - 1) / (1 + u)
table("erfcxG", "((1 + 2 x) erfcx(x) - 1) / (1 + u), in u = (x - 3.5) / (x + 3.5), x >= 0", *remez(g, -1 + mpf(10) ** -20, 1 - mpf(10) ** -20, 22, lambda u: 1 + u))
f = lambda x: erf(sqrt(x)) / sqrt(x) - 1
table("erfE", "erf(x) / x - 1, in x^2, on |x| <= 1", *remez(f, mpf(10) ** -20, mpf("1.001"), 11, lambda x: 1))


# the normal quantile
def upper_quantile(r):
    """x > 0 with log Phi(-x) = -r^2 / 2, by Newton's iteration on the logarithm."""
    t, x = -r * r / 2, r - mpf("0.5") if r < 3 else sqrt(r * r - log(2 * pi * r * r))
    for _ in range(60):
        tail = erfc(x / sqrt(mpf(2))) / 2
        d = (log(tail) - t) * tail / (exp(-x * x / 2) / sqrt(2 * pi))
        x += d
        if abs(d) < mpf(10) ** -45:
            break
    return x


quantiles = {}


def deficit(r):
    if r not in quantiles:
        quantiles[r] = upper_quantile(r)
    return r - quantiles[r]


def central(t):
    q = sqrt(mpf("0.180625") - t)
    return (sqrt(mpf(2)) * erfinv(2 * q) / q - sqrt(2 * pi)) / q**2


scalar("rootTwoPi", "sqrt(2 pi)", sqrt(2 * pi))
p, d, e = remez(central, 0, mpf("0.180625") - mpf(10) ** -9, 7, lambda t: (mpf("0.180625") - t) / (sqrt(2 * pi) + central(t) * (mpf("0.180625") - t)), 7)
table("quantileCentralP", "(quantile(1/2 + q) / q - sqrt(2 pi)) / q^2, in 0.180625 - q^2, |q| <= 0.425: numerator", p, e)
table("quantileCentralD", "and its denominator", d)
for name, lo, hi in (("Middle", mpf("2.25"), mpf(7)), ("Far", mpf(7), mpf("38.7"))):
    p, d, e = remez(lambda t: deficit(t + lo), 0, hi - lo, 7, lambda t: 1 / quantiles[t + lo], 7)
    table(f"quantile{name}P", f"r + quantile(p), r = sqrt(-2 log p), in r - {nstr(lo)}, {nstr(lo)} <= r <= {nstr(hi)}: numerator", p, e)
    table(f"quantile{name}D", "and its denominator", d)
