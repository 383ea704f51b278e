"""Reference values of test/unit/processes.test.ts: splines by scipy, the scale of an intrinsic autoregression by numpy's pseudo-inverse, Gaussian
processes by plain linear algebra. python3 scripts/golden-processes.py writes test/unit/processes-golden.json."""
import json
import numpy as np
import scipy
from scipy.interpolate import BSpline

x = [0.0, 0.3, 1.0, 1.7, 2.5, 3.99, 4.0]
knots = [0.0, 1.0, 1.5, 3.0, 4.0]
out = {"from": f"scipy {scipy.__version__}, numpy {np.__version__}", "x": x, "knots": knots}

out["bspline"] = []
for degree in range(4):
    t = np.r_[[knots[0]] * degree, knots, [knots[-1]] * degree]
    out["bspline"].append(BSpline.design_matrix(np.array(x), t, degree).toarray().tolist())

# A spline on a circle is one on the line whose pieces beyond the ends are added where they come round.
out["periodic"] = []
m, period = len(knots) - 1, knots[-1] - knots[0]
for degree in range(4):
    t = np.array([knots[i % m] + period * (i // m) for i in range(-degree, m + 1 + degree)])
    basis = np.zeros((len(x), m))
    for j in range(m + degree):
        element = BSpline.basis_element(t[j : j + degree + 2], extrapolate=False)
        inside = np.array([knots[0] + (v - knots[0]) % period for v in x])
        # scipy's elements count both of their ends.
        basis[:, j % m] += np.nan_to_num(element(inside)) * (inside < t[j + degree + 1])
    out["periodic"].append(basis.tolist())

# A map of seven areas.
edges = [(1, 2), (1, 3), (2, 3), (3, 4), (4, 5), (5, 6), (4, 6), (6, 7)]
n = 7
Q = np.zeros((n, n))
for i, j in edges:
    Q[i - 1, i - 1] += 1
    Q[j - 1, j - 1] += 1
    Q[i - 1, j - 1] -= 1
    Q[j - 1, i - 1] -= 1
out["map"] = {
    "node1": [i for i, _ in edges],
    "node2": [j for _, j in edges],
    "n": n,
    "variances": np.diag(np.linalg.pinv(Q)).tolist(),
    "scale": float(np.exp(np.mean(np.log(np.diag(np.linalg.pinv(Q)))))),
    "logPseudoDeterminant": float(np.sum(np.log(np.linalg.eigvalsh(Q)[1:]))),
}

a, b = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([[3.0, 1.0, 0.25], [1.0, 2.0, 0.5], [0.25, 0.5, 1.5]])
v = np.array([1.0, -2.0, 0.5, 3.0, 0.25, -1.0])
out["kron"] = {
    "A": a.ravel().tolist(), "B": b.ravel().tolist(), "x": v.tolist(),
    "product": np.kron(a, b).ravel().tolist(), "multiply": (np.kron(a, b) @ v).tolist(), "solve": np.linalg.solve(np.kron(a, b), v).tolist(),
}

k = lambda p, q: 1.5**2 * np.exp(-(np.subtract.outer(p, q) ** 2) / (2 * 0.8**2))
p, q, y = np.array([0.0, 0.5, 1.25, 2.0]), np.array([0.25, 1.0, 3.0]), np.array([0.3, -0.2, 1.1, 0.7])
kyy = k(p, p) + 0.1 * np.eye(4)
out["gp"] = {
    "x": p.tolist(), "at": q.tolist(), "y": y.tolist(), "alpha": 1.5, "rho": 0.8, "noise": 0.1,
    "mean": (k(q, p) @ np.linalg.solve(kyy, y)).tolist(),
    "cov": (k(q, q) - k(q, p) @ np.linalg.solve(kyy, k(p, q))).ravel().tolist(),
}
json.dump(out, open("test/unit/processes-golden.json", "w"), indent=1)
open("test/unit/processes-golden.json", "a").write("\n")
