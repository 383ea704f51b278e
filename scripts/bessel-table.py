#!/usr/bin/env python3
"""Table for test/unit/bessel.test.ts: modified Bessel functions and first passages of a Brownian motion, with mpmath (1.3), 40 digits and more.

Bessel rows: v, x, h = log(Gamma(v+1) (2/x)^v e^-x I_v(x)), dh/dv, I_{v+1}(x) / (x I_v(x)). First passages: u, w, log f, f'/f, f''/f, f'''/f,
f''''/f by w, f summed by the images where u is small, by the eigenfunctions else, and by both at a few digits more to see that they agree.
    python3 scripts/bessel-table.py > test/unit/bessel-table.json
"""
import json
import random

import mpmath as mp

mp.mp.dps = 50


def series(v, x):
    return mp.hyper([], [v + 1], x * x / 4, maxterms=10**6)


def h(v, x):
    return mp.log(series(v, x)) - x


def bessel_row(v, x):
    v, x = mp.mpf(v), mp.mpf(x)
    with mp.workdps(90):
        step = mp.mpf(10) ** -22 * (1 + abs(v))
        low, high = h(v - step, x), h(v + step, x)
        slope = (high - low) / (2 * step)
        return [v, x, h(v, x), slope, series(v + 1, x) / series(v, x) / (2 * (v + 1))]


def images(u, w, k):
    """Sum over n of the k-th derivative of y exp(-y^2/2u), which is (-1)^k u^((1-k)/2) He_{k+1}(z) exp(-z^2/2)."""
    total, n = mp.mpf(0), 0
    while True:
        part = mp.mpf(0)
        for m in {n, -n}:
            z = (w + 2 * m) / mp.sqrt(u)
            he = [mp.mpf(1), z]
            for i in range(1, k + 1):
                he.append(z * he[i] - i * he[i - 1])
            part += (-1) ** k * u ** (mp.mpf(1 - k) / 2) * he[k + 1] * mp.exp(-z * z / 2)
        total += part
        n += 1
        if n > 8 and 2 * n * n / u > 400:
            return total / mp.sqrt(2 * mp.pi * u**3)


def eigen(u, w, k):
    total, j = mp.mpf(0), 1
    while True:
        turn = [mp.sin, mp.cos, lambda t: -mp.sin(t), lambda t: -mp.cos(t)][k % 4]
        total += j * (j * mp.pi) ** k * turn(j * mp.pi * w) * mp.exp(-j * j * mp.pi**2 * u / 2)
        j += 1
        if (j * j - 1) * mp.pi**2 * u / 2 > 400:
            return mp.pi * total


def passage_row(u, w):
    u, w = mp.mpf(u), mp.mpf(w)
    with mp.workdps(120):
        f = images if u < 1 else eigen
        if 0.02 < u < 5:
            assert abs(images(u, w, 1) / eigen(u, w, 1) - 1) < mp.mpf(10) ** -40, (u, w)
        values = [f(u, w, k) for k in range(5)]
        return [u, w, mp.log(values[0]), *(v / values[0] for v in values[1:])]


random.seed(7)
bessel = [(v, x) for v in (-0.9, -0.5, 0, 0.3, 0.5, 1, 2.5, 7.9, 8, 30, 49, 150, 1000, 20000) for x in (1e-3, 0.7, 12.5, 39.9, 40.1, 250, 1e4)]
bessel += [(random.choice([-0.95, 0]) + 10 ** random.uniform(-2, 3), 10 ** random.uniform(-2, 4)) for _ in range(60)]
# Next to where the series and the expansion meet.
for _ in range(30):
    v = random.uniform(0, 41)
    bessel.append((v, mp.sqrt(max(mp.mpf(0), mp.mpf(40) ** 2 - v * v)) * random.choice([mp.mpf("0.99999"), mp.mpf("1.00001")])))
bessel = [(float(v), float(x)) for v, x in bessel if x > 0]
passage = [(u, w) for u in (1e-4, 1e-3, 0.03, 0.2, 0.2999, 0.3001, 0.6, 2, 20, 300) for w in (1e-6, 0.01, 0.3, 0.5, 0.51, 0.8, 0.99, 1 - 2**-20)]
passage += [(10 ** random.uniform(-3, 1.5), random.uniform(0.02, 0.98)) for _ in range(60)]
passage = [(float(u), float(w)) for u, w in passage]

rows = lambda make, at: [[float(mp.nstr(c, 17)) for c in make(*a)] for a in at]
print(json.dumps({"bessel": rows(bessel_row, bessel), "passage": rows(passage_row, passage)}))
