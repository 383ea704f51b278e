#!/usr/bin/env python3
"""Tables for test/unit/tails.test.ts, to 17 digits, with mpmath: the distribution function of the skew normal, arcs of the von Mises, tails of the
beta-negative-binomial, draws of betas whose shapes differ much.

    python3 scripts/tails-table.py > test/unit/tails-table.json   (two minutes)
"""
import json

import mpmath as mp

mp.mp.dps = 40
lg = mp.loggamma


def skew_lower(z, alpha):
    """∫ of the density below z, piece by piece on the scales of z and of 1 / alpha."""
    density = lambda t: 2 * mp.npdf(t) * mp.ncdf(alpha * t)
    steep = 1 + (alpha * alpha if alpha > 0 and z < 0 else 0)
    scale = 1 / (1 + abs(z) * steep + mp.sqrt(steep))
    points = {z} | {z - scale * k / 2 for k in range(1, 60)} | {z - scale * mp.mpf(2) ** k for k in range(4, 14)}
    points |= {mp.mpf(k) / 2 for k in range(-40, 41)}
    if alpha != 0 and z > -1:
        points |= {s * mp.mpf(2) ** (mp.mpf(k) / 2) / alpha for k in range(-4, 18) for s in (1, -1)}
    least = z - 60
    return mp.quad(density, sorted(p for p in points if least <= p <= z))


def log_skew(z, alpha):
    lower, upper = skew_lower(z, alpha), skew_lower(-z, -alpha)
    return mp.log(lower) if lower < mp.mpf("0.9") else mp.log1p(-upper)


def arc(a, b, kappa):
    """∫ exp(kappa (cos t - 1)) and ∫ (cos t - 1) exp(…)."""
    width = 1 / mp.sqrt(1 + kappa)
    points = {a, b}
    for centre in (-2 * mp.pi, mp.mpf(0), 2 * mp.pi):
        points |= {centre + s * width * k / 2 for k in range(0, 40) for s in (1, -1)}
        points |= {centre + s * width * mp.mpf(2) ** k for k in range(4, 12) for s in (1, -1)}
    for end in (a, b):
        rate = kappa * abs(mp.sin(end)) + mp.sqrt(1 + kappa)
        points |= {end + s * k / rate for k in range(0, 80) for s in (1, -1)}
    inside = sorted(p for p in points if a <= p <= b)
    weight = lambda t: mp.exp(kappa * (mp.cos(t) - 1))
    return mp.quad(weight, inside), mp.quad(lambda t: (mp.cos(t) - 1) * weight(t), inside)


def log_arc(a, b, kappa):
    """log of the share of an arc, and its derivative by kappa."""
    (own, own_fall), (rest, rest_fall) = arc(a, b, kappa), arc(b, a + 2 * mp.pi, kappa)
    return -mp.log1p(rest / own), rest / (own + rest) * (own_fall / own - rest_fall / rest)


def log_mass(x, r, alpha, beta):
    return (lg(r + x) - lg(r) - lg(x + 1) + lg(alpha + beta) - lg(alpha) - lg(beta) + lg(alpha + r) + lg(beta + x) - lg(alpha + beta + r + x))


def log_tails(x, r, alpha, beta):
    """Both tails: sums where x is small; where r is an integer more than x failures are fewer than r successes of x + r trials."""
    if x <= 400:
        with mp.workdps(120):
            below = mp.fsum(mp.exp(log_mass(mp.mpf(j), r, alpha, beta)) for j in range(int(x) + 1))
            return mp.log(below), mp.log1p(-below)
    n = x + r
    with mp.workdps(60):
        term = lambda k: lg(n + 1) - lg(k + 1) - lg(n - k + 1) + lg(alpha + k) + lg(beta + n - k) + lg(alpha + beta) - lg(alpha + beta + n) - lg(alpha) - lg(beta)
        above = mp.fsum(mp.exp(term(mp.mpf(k))) for k in range(int(r)))
        return mp.log1p(-above), mp.log(above)


def log_beta_lower(a, b, s):
    """log I at log odds s, far below the mean, by its series."""
    x = 1 / (1 + mp.exp(-s))
    term, total, k = mp.mpf(1), mp.mpf(1), 0
    while abs(term) > total * mp.eps or x * (a + b + k) > a + k:
        term *= x * (a + b + k) / (a + 1 + k)
        k += 1
        total += term
    return a * s - (a + b) * mp.log1p(mp.exp(s)) - (lg(a + 1) + lg(b) - lg(a + b)) + mp.log(total)


def beta_draw(a, b, z):
    target = mp.log(mp.ncdf(z))
    s = (target + lg(a + 1) + lg(b) - lg(a + b)) / a
    for _ in range(60):
        l = log_beta_lower(a, b, s)
        slope = mp.exp(a * s - (a + b) * mp.log1p(mp.exp(s)) - (lg(a) + lg(b) - lg(a + b)) - l)
        step = (target - l) / slope
        s += step
        if abs(step) < abs(s) * mp.mpf("1e-36"):
            break
    return s


def main():
    m = lambda *xs: [mp.mpf(x) for x in xs]
    table = {"skewNormal": [], "vonMises": [], "betaNegBinomial": [], "betaDraw": []}
    for z in (-31.5, -12.25, -5.5, -2.0, -0.7, -0.01, 0.003, 0.5, 1.875, 4.5, 9.25, 30.5):
        for alpha in (1e-8, 0.1, -0.3, 1.0, -1.5, 3.25, -5.0, 40.0, -60.0, 1e4):
            log = log_skew(*m(z, alpha))
            if -1e6 < log < mp.mpf("-1e-300"):
                table["skewNormal"].append([z, alpha, float(log)])
    for kappa in (0.0, 0.001, 0.75, 3.5, 18.5, 19.5, 60.0, 1000.0, 1e6):
        for a, b in ((-3.125, -3.0), (-3.0, -0.25), (-2.0, 1.0), (0.5, 2.0), (2.5, 5.0), (3.0, 3.25), (-4.0, -3.5), (-6.0, -2.0), (-5.5, 0.75), (-0.002, 0.001)):
            # What is left of the circle is of the size of the doubles' spacing beside large angles.
            log, slope = log_arc(*m(a, b, kappa))
            if log < mp.mpf("-1e-300"):
                table["vonMises"].append([a, b, kappa, float(log), float(slope)])
    for r, alpha, beta in ((0.25, 0.5, 3.0), (2.5, 4.75, 1.5), (40.5, 3.25, 0.125), (6.0, 60.0, 30.0), (0.01, 12.0, 250.0), (150.5, 0.75, 20.0)):
        for x in (0, 1, 4, 25, 390):
            table["betaNegBinomial"].append([x, r, alpha, beta] + [float(t) for t in log_tails(*m(x, r, alpha, beta))])
    for r, alpha, beta in ((1.0, 0.5, 0.25), (3.0, 1.25, 7.5), (3.0, 0.001, 900.0), (12.0, 4.5, 0.5)):
        for x in (1000, 10**6, 10**12):
            table["betaNegBinomial"].append([x, r, alpha, beta] + [float(t) for t in log_tails(*m(x, r, alpha, beta))])
    for a in (1e-3, 0.1, 0.5, 2.0):
        for b in (1e3, 1e6, 1e8, 1e12):
            for z in (-8.0, -3.0, -0.5):
                table["betaDraw"].append([a, b, z, float(beta_draw(*m(a, b, z)))])
    rows = [f'  "{name}": [\n    ' + ",\n    ".join(map(json.dumps, rows)) + "\n  ]" for name, rows in table.items()]
    print("{\n" + ",\n".join(rows) + "\n}")


main()
