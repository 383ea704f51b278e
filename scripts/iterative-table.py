#!/usr/bin/env python3
"""Tables for test/unit/iterative.test.ts: incomplete gamma and beta functions, derivatives and quantiles to 17 digits, with mpmath (1.4).

Each tail is summed from its series of positive terms (NIST DLMF 8.7.1, 8.17.8), or as the complement of the other at a precision that
outlasts the cancellation; derivatives are those of the series, by differences at 40 more digits than are kept.
    python3 scripts/iterative-table.py > test/unit/iterative-table.json   (ten minutes)
"""
import json
import random
import sys

import mpmath as mp

mp.mp.dps = 60


def lower_gamma(a, x):
    term, total, k = mp.mpf(1), mp.mpf(1), 0
    while term > total * mp.eps:
        k += 1
        term *= x / (a + k)
        total += term
    return a * mp.log(x) - x - mp.loggamma(a + 1) + mp.log(total)


def lower_beta(a, b, r):
    x, y = r / (1 + r), 1 / (1 + r)
    term, total, k = mp.mpf(1), mp.mpf(1), 0
    while term > total * mp.eps or x * (a + b + k) > a + k:
        term *= x * (a + b + k) / (a + 1 + k)
        k += 1
        total += term
    log_b = mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)
    return a * mp.log(x) + b * mp.log(y) - log_b - mp.log(a) + mp.log(total)


def complement(l):
    if l >= 0:
        return mp.ninf  # not enough digits
    return mp.log1p(-mp.exp(l)) if l < -1 else mp.log(-mp.expm1(l))


def with_digits(f):
    """f at a precision that outlasts the cancellation in 1 - exp(l) by 40 digits."""
    def g(*args):
        for extra in (0, 150, 400, 1500):
            with mp.workdps(60 + extra):
                value = f(*args)
                if mp.isfinite(value) and (value > -(extra + 15) * mp.mpf("2.3") or extra == 1500):
                    return value
    return g


upper_gamma = with_digits(lambda a, x: complement(lower_gamma(a, x)))


def log_p(a, x):
    return lower_gamma(a, x) if x < a + 40 * mp.sqrt(a) + 40 else complement(continued(a, x))


def log_q(a, x):
    return upper_gamma(a, x) if x < a + 10 * mp.sqrt(a) + 30 else continued(a, x)


def continued(a, x):
    """log Q by Legendre's continued fraction (DLMF 8.9.2), backwards, with ever more terms."""
    def fraction(n):
        f = mp.mpf(0)
        for k in range(n, 0, -1):
            f = k * (k - a) / (x + 2 * k + 1 - a - f)
        return f
    n, old = 64, None
    while True:
        value = a * mp.log(x) - x - mp.loggamma(a) - mp.log(x + 1 - a - fraction(n))
        if old is not None and abs(value - old) < abs(value) * mp.mpf(10) ** -45:
            return value
        n, old = 2 * n, value


def log_i(a, b, r):
    # the series in x, or that in 1 - x, whichever is short
    if r < 4:
        with mp.workdps(110):
            return lower_beta(a, b, r)
    return complement_beta(a, b, r)


complement_beta = with_digits(lambda a, b, r: complement(lower_beta(b, a, 1 / r)))


def derivative(f, x, order):
    """Central differences of order 6 with a step of 1e-10, relatively, at 60 digits: right to 1e-35."""
    h = x * mp.mpf(10) ** -10
    if order == 1:
        return sum(c * (f(x + k * h) - f(x - k * h)) for k, c in ((1, mp.mpf(3) / 4), (2, -mp.mpf(3) / 20), (3, mp.mpf(1) / 60))) / h
    return (sum(c * (f(x + k * h) + f(x - k * h)) for k, c in ((1, mp.mpf(3) / 2), (2, -mp.mpf(3) / 20), (3, mp.mpf(1) / 90))) - mp.mpf(49) / 18 * f(x)) / (h * h)


def main():
    rng = random.Random(20261120)
    gamma, beta = [], []
    shapes = [1e-3, 0.015, 0.3, 0.97, 1.0, 2.5, 7.75, 10.0, 33.0, 250.0, 4000.0, 1e5, 1e6]
    for a in shapes:
        points = set()
        for z in (-37, -9, -3, -1, -0.1, 0.1, 1, 3, 9, 30):
            points.add(float(mp.mpf(a) * mp.exp(z / mp.sqrt(mp.mpf(a) + mp.mpf("0.1"))) if a < 5 else a + z * a**0.5))
        points |= {1e-200, 1e-30, 1e-5, 0.2, 0.9, 1.0, 1.5, 6.0, 25.0, 600.0} if a < 300 else {a / 3, 2 * a, a / 100}
        for x in sorted(p for p in points if 0 < p < 1e7 and not (a > 1e4 and p > 3 * a)):
            A, X = mp.mpf(a), mp.mpf(x)
            p, q = log_p(A, X), log_q(A, X)
            if p < -1e6 or q < -1e6:
                continue
            row = [a, x, float(p), float(q)]
            for f in (log_p, log_q):
                row += [float(derivative(lambda s: f(s, X), A, 1)), float(derivative(lambda s: f(s, X), A, 2))]
            gamma.append(row)
        print(a, len(gamma), file=sys.stderr)
    pairs = [(1e-3, 1e-3), (1e-3, 0.6), (0.4, 0.8), (0.02, 7.5), (0.5, 300.0), (1e-3, 1e6), (1.0, 1.0), (2.5, 0.7), (6.5, 1.0), (3.0, 9.0),
             (12.0, 12.0), (40.0, 0.01), (80.0, 3.5), (900.0, 400.0), (2e4, 0.5), (1e5, 20.0), (3e5, 7e5)]
    pairs += [(b, a) for a, b in pairs if a != b]
    for a, b in pairs:
        mean, sd = float(mp.digamma(a) - mp.digamma(b)), float(mp.sqrt(mp.psi(1, a) + mp.psi(1, b)))
        points = {mean + z * sd for z in (-9, -2, -0.7, 0.05, 0.8, 2.5, 8)}
        points |= {-600.0, -40.0, -5.0, -1.0, 0.3, 2.0, 9.0, 50.0}
        for s in sorted(points):
            if abs(s) > 650:
                continue
            r = float(mp.exp(s))
            if (r < 4 and r / (1 + r) * (a + b) - a > 2000) or (r >= 4 and (a + b) / (1 + r) - b > 2000):
                continue  # a series of thousands of terms
            A, B, R = mp.mpf(a), mp.mpf(b), mp.mpf(r)
            v = log_i(A, B, R)
            if v < -1e6 or (max(a, b) > 1e4 and abs(s - mean) > 12 * sd + 1):
                continue
            row = [a, b, r, float(v)]
            f = log_i
            row.append(float(derivative(lambda t: f(t, B, R), A, 1)))
            row.append(float(derivative(lambda t: f(A, t, R), B, 1)))
            row.append(float(derivative(lambda t: f(t, B, R), A, 2)))
            row.append(float(derivative(lambda t: derivative(lambda u: f(u, t, R), A, 1), B, 1)))
            row.append(float(derivative(lambda t: f(A, t, R), B, 2)))
            beta.append(row)
        print(a, b, len(beta), file=sys.stderr)
    for before, name, rows in (("{", "gamma", gamma), (",", "beta", beta)):
        print(f'{before}\n  "{name}": [\n    ' + ",\n    ".join(map(json.dumps, rows)) + "\n  ]", end="")
    print("\n}")


main()
