#!/usr/bin/env python3
"""Makes test/unit/mathlib-table.json: arguments of the math library's functions and what mpmath says of them.

  python3 scripts/mathlib-table.py                 about 150 arguments a function, at every scale and near every branch
  npm run build && python3 scripts/mathlib-table.py --search 100000
                                                   so many arguments a function against the built library; prints the largest error and
                                                   adds the worst arguments to the table

A row is [argument…, value rounded to float64, (true value - rounded value) / unit in the last place]. Units are those of the
true value; for the functions in ABSOLUTE at negative arguments, of the larger of it and 1.
"""
import json
import math
import subprocess
import sys

import mpmath as M
import numpy as np
from mpmath import mpf

M.mp.prec = 200
TABLE = "test/unit/mathlib-table.json"
rng = np.random.default_rng(20)


def uniform(a, b):
    return lambda n: rng.uniform(a, b, n)


def scales(a, b, signed=False, centre=0.0):
    """Powers of two with uniform exponents, of either sign if `signed`, about a centre."""
    return lambda n: centre + np.exp2(rng.uniform(a, b, n)) * (rng.choice([-1, 1], n) if signed else 1)


def multiples(lowest, highest):
    """Numbers next to multiples of pi / 2."""
    return lambda n: np.rint(np.exp2(rng.uniform(lowest, highest, n))) * rng.choice([-1, 1], n) * (np.pi / 2)


def above_powers(n):
    """x with exp(x) above a power of 2 and exp(x) / (1 + exp(x)) below it."""
    k = rng.integers(1, 25, n)
    return np.log1p(np.exp2(-k)) * rng.uniform(0, 1, n) - k * np.log(2)


def erfcx(x):
    if x < -30:
        return mpf("inf")
    if x < 100:
        return M.exp(x * x) * M.erfc(x)
    s = t = mpf(1)
    for k in range(1, 60):
        t *= -(2 * k - 1) / (2 * x * x)
        s += t
    return s / (x * M.sqrt(M.pi))


def log_normal_cdf(x):
    r = M.sqrt(mpf(2))
    return M.log1p(-M.erfc(x / r) / 2) if x > 0 else M.log(erfcx(-x / r) / 2) - x * x / 2


def normal_quantile(p):
    if abs(p - mpf(1) / 2) < mpf("0.4"):
        return M.sqrt(mpf(2)) * M.erfinv(2 * p - 1)
    q = p if p < 0.5 else 1 - p
    r = M.sqrt(-2 * M.log(q))
    x = -(r - mpf("0.6")) if r < 3 else -M.sqrt(r * r - M.log(2 * M.pi * r * r))
    for _ in range(60):
        tail = M.erfc(-x / M.sqrt(mpf(2))) / 2
        d = M.log(tail / q) * tail / (M.exp(-x * x / 2) / M.sqrt(2 * M.pi))
        x -= d
        if abs(d) < abs(x) * mpf(2) ** -150:
            break
    return x if p < 0.5 else -x


def power(x, y):
    return M.power(abs(x), y) * (-1 if x < 0 and int(y) % 2 else 1)


def log_gamma(x):
    return M.re(M.loggamma(x))


def power_arguments(n):
    k = n // 4
    x = np.concatenate([scales(-1074, 1023.9)(k), uniform(0, 4)(k), scales(-50, -1, True, 1.0)(k), scales(-10, 10)(k)])
    y = rng.uniform(-744, 709, 4 * k) / np.log(x)
    y[3 * k :] = np.rint(rng.uniform(-60, 60, k))
    y = np.where(np.isfinite(y) & (np.abs(y) < 1e300), y, 1.5)
    return [x * np.where(np.rint(y) == y, rng.choice([-1, 1], 4 * k), 1), y]


def angles(n):
    k = n // 3
    both = lambda: np.concatenate([scales(-20, 20, True)(k), scales(-1074, 1023.9, True)(k), scales(1000, 1023.9, True)(k)])
    return [both(), both()]


def softplus(x):
    return M.log1p(M.exp(x)) if x < 0 else x + M.log1p(M.exp(-x))


circular = [uniform(-(2.0**20), 2.0**20), uniform(-10, 10), scales(-1074, 20, True), multiples(0, 19), scales(20, 1023.99, True), multiples(19, 45)]
positive = [uniform(0, 20), scales(-60, 60), scales(-45, -1, True, 1.0), scales(-45, -1, True, 2.0), uniform(0.4, 4)]
negative = uniform(-20, 0)
logistic = [uniform(-745, 50), uniform(-3, 3), uniform(-40, 40)]
FUNCTIONS = {
    "exp": (M.exp, [uniform(-745.2, 709.79), uniform(-1, 1), scales(-60, 9, True), uniform(-746, -707)]),
    "expm1": (M.expm1, [uniform(-40, 709.79), uniform(-2, 2), scales(-60, 5, True), scales(-1074, -1000, True)]),
    "log": (M.log, [scales(-1074, 1023.9), uniform(0, 3), scales(-50, -1, True, 1.0)]),
    "log1p": (M.log1p, [scales(-1074, 1023.99), uniform(-1, 3), scales(-60, -1, True), scales(-53, -1, False, -1.0)]),
    "tanh": (M.tanh, [uniform(-20, 20), uniform(-1, 1), scales(-1074, 4, True)]),
    "sinh": (M.sinh, [uniform(-710, 710), uniform(-3, 3), uniform(-30, 30), scales(-1074, 9, True)]),
    "cosh": (M.cosh, [uniform(-710, 710), uniform(-3, 3), uniform(-30, 30)]),
    "sigmoid": (lambda x: 1 / (1 + M.exp(-x)), [*logistic, above_powers]),
    "softplus": (softplus, logistic),
    "sin": (M.sin, circular),
    "cos": (M.cos, circular),
    "tan": (M.tan, circular),
    "atan": (M.atan, [uniform(-5, 5), scales(-1074, 1000, True), uniform(0.3, 2.6)]),
    "asin": (M.asin, [uniform(-1, 1), scales(-1074, 0, True), lambda n: 1 - scales(-53, 0)(n)]),
    "acos": (M.acos, [uniform(-1, 1), scales(-1074, 0, True), lambda n: 1 - scales(-53, 0)(n), lambda n: scales(-53, 0)(n) - 1]),
    "erf": (M.erf, [uniform(-6, 6), uniform(-1.5, 1.5), scales(-1000, 2, True)]),
    "erfc": (M.erfc, [uniform(-6, 27.2), uniform(-1.5, 1.5), scales(-100, 4, True)]),
    "erfcx": (erfcx, [uniform(-26, 30), uniform(-1.5, 1.5), scales(-100, 900), scales(5, 40)]),
    "lgamma": (log_gamma, [*positive, scales(-1074, 1012), negative]),
    "digamma": (lambda x: M.psi(0, x), [*positive, scales(-1000, 1000), scales(-50, -2, True, 1.4616321449683623), negative]),
    "trigamma": (lambda x: M.psi(1, x), [*positive, scales(-500, 1000), negative]),
    "tetragamma": (lambda x: M.psi(2, x), [*positive, scales(-330, 500), negative]),
    "logNormalCdf": (log_normal_cdf, [uniform(-10, 8), lambda n: -scales(-30, 30)(n), uniform(0, 37), uniform(-40, 0)]),
    "normalQuantile": (normal_quantile, [uniform(0, 1), scales(-1074, -1), lambda n: 1 - scales(-53, -1)(n), uniform(0.02, 0.12)]),
    "pow": (power, power_arguments),
    "atan2": (M.atan2, angles),
}
ABSOLUTE = ("lgamma", "digamma", "trigamma", "tetragamma")


def arguments(name, n):
    kinds = FUNCTIONS[name][1]
    if callable(kinds):
        return np.array(kinds(n))
    return np.concatenate([kind(n // len(kinds) + 1) for kind in kinds]).reshape(1, -1)


def unit(name, args, y):
    size = abs(y)
    if name in ABSOLUTE and args[0] < 0:
        size = max(size, mpf(1))
    if size < mpf(2) ** -1022:
        return mpf(2) ** -1074
    exponent = int(M.floor(M.log(size, 2)))
    exponent += 1 if mpf(2) ** (exponent + 1) <= size else 0
    exponent -= 1 if mpf(2) ** exponent > size else 0
    return mpf(2) ** (exponent - 52)


def truth(name, args):
    """The exact value; None where it overflows or underflows beyond the smallest number, or is undefined."""
    try:
        y = M.re(FUNCTIONS[name][0](*[mpf(float(a)) for a in args]))
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    if M.isnan(y) or M.isinf(y) or abs(y) >= mpf(2) ** 1024 * (1 - mpf(2) ** -54) or (y != 0 and abs(y) < mpf(2) ** -1080):
        return None
    return y


def row(name, args):
    y = truth(name, args)
    if y is None:
        return None
    rounded = float(y)
    return [*[float(a) for a in args], rounded, round(float((y - mpf(rounded)) / unit(name, args, y)), 4)]


PROGRAM = """
import { readFileSync, writeFileSync } from "node:fs";
import * as math from "./dist/runtime/numeric/math.js";
const [name, arity] = [process.argv[1], Number(process.argv[2])];
const bytes = readFileSync(0);
const x = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
const n = x.length / arity;
const y = new Float64Array(n);
for (let i = 0; i < n; i++) y[i] = math[name](x[i], x[n + i]);
writeFileSync(1, Buffer.from(y.buffer));
"""


def search(name, n, keep=12):
    """Largest error over n arguments, and the arguments of the largest ones."""
    args = arguments(name, n)
    command = ["node", "--input-type=module", "-e", PROGRAM, name, str(len(args))]
    ran = subprocess.run(command, input=args.astype("<f8").tobytes(), capture_output=True, check=True)
    values = np.frombuffer(ran.stdout, "<f8")
    errors = []
    for i, value in enumerate(values):
        point = args[:, i]
        y = truth(name, point)
        if y is None:
            continue
        off = abs(mpf(float(value)) - y) / unit(name, point, y) if math.isfinite(value) else mpf("inf")
        errors.append((float(off), tuple(float(a) for a in point)))
    # negative arguments of the functions measured absolutely have a bound of their own
    groups = [[e for e in errors if e[1][0] >= 0], [e for e in errors if e[1][0] < 0]] if name in ABSOLUTE else [errors]
    worst = []
    for group in groups:
        group.sort(reverse=True)
        print(f"{name:15s} {len(group):7d} arguments, largest error {group[0][0]:.3f} ulp at {group[0][1]}", flush=True)
        worst += [a for _, a in group[:keep]]
    return worst


def main():
    names = [a for a in sys.argv[1:] if a in FUNCTIONS] or list(FUNCTIONS)
    try:
        old = json.load(open(TABLE))
    except FileNotFoundError:
        old = {}
    table = dict(old)
    if "--search" in sys.argv:
        n = int(sys.argv[sys.argv.index("--search") + 1])
        for name in names:
            rows = [row(name, a) for a in search(name, n)]
            known = {tuple(r[:-2]) for r in table[name]}
            table[name] = table[name] + [r for r in rows if r and tuple(r[:-2]) not in known]
    else:
        for name in names:
            rows = [row(name, a) for a in arguments(name, 150).T]
            table[name] = [r for r in rows if r]
    with open(TABLE, "w") as out:
        lines = [f'  "{k}": [\n' + ",\n".join("    " + json.dumps(r) for r in table[k]) + "\n  ]" for k in FUNCTIONS if k in table]
        out.write("{\n" + ",\n".join(lines) + "\n}\n")


main()
