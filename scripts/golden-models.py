"""Posterior means and standard deviations of models in models/, by closed forms and quadrature: the rows of their pages' tables.

Needs numpy and scipy; reads models/NAME.data.json. Prints `| name | mean | 0 | sd | 0 |`.
"""
import json
from pathlib import Path

import numpy as np
from scipy.special import expit, gammaln

models = Path(__file__).resolve().parent.parent / "models"


def data(name):
    return {k: np.array(v, float) for k, v in json.loads((models / f"{name}.data.json").read_text()).items()}


def moments(weights, f):
    mean = (weights * f).sum()
    return mean, np.sqrt((weights * f * f).sum() - mean * mean)


def normalised(log_density):
    weights = np.exp(log_density - log_density.max())
    return weights / weights.sum()


def eight_schools():
    """tau = 5 tan(pi u / 2) has prior HalfCauchy(5) for uniform u; given tau, mu and theta are normal."""
    d = data("eight_schools")
    y, s = d["y"], d["sigma"]
    n = 400_000
    tau = 5 * np.tan(np.pi / 2 * (np.arange(n) + 0.5) / n)
    v = s[:, None] ** 2 + tau**2
    precision = 1 / 25 + (1 / v).sum(0)
    m = (y[:, None] / v).sum(0) / precision
    w = normalised(-0.5 * (np.log(v).sum(0) + np.log(precision) + (y[:, None] ** 2 / v).sum(0) - m * m * precision))

    def of_normal(mean, variance):
        e = (w * mean).sum()
        return e, np.sqrt((w * (variance + mean * mean)).sum() - e * e)

    yield "mu", of_normal(m, 1 / precision)
    yield "tau", moments(w, tau)
    for j in range(len(y)):
        k = tau**2 / v[j]
        yield f"theta[{j + 1}]", of_normal(k * y[j] + (1 - k) * m, k * s[j] ** 2 + (1 - k) ** 2 / precision)


def boiling_point():
    """Flat priors: beta | sigma is normal about least squares, sigma^2 is an inverse gamma."""
    d = data("boiling_point")
    y = 100 * np.log10(d["pressure"])
    X = np.column_stack([np.ones(len(y)), d["boiling"] - d["boiling"].mean()])
    beta = np.linalg.solve(X.T @ X, X.T @ y)
    rest = ((y - X @ beta) ** 2).sum()
    m = len(y) - X.shape[1]
    second = rest / (m - 3)
    first = np.sqrt(rest / 2) * np.exp(gammaln((m - 2) / 2) - gammaln((m - 1) / 2))
    for i, variance in enumerate(np.diag(np.linalg.inv(X.T @ X)) * second):
        yield f"beta[{i + 1}]", (beta[i], np.sqrt(variance))
    yield "sigma", (first, np.sqrt(second - first**2))


def o_rings():
    d = data("o_rings")
    alpha = np.linspace(-9, 7, 1201)[:, None]
    beta = np.linspace(-14, 8, 1201)[None, :]
    log_density = -0.5 * (alpha / 2.5) ** 2 - 0.5 * (beta / 2.5) ** 2
    for t, y in zip((d["temperature"] - 70) / 10, d["distress"]):
        eta = alpha + beta * t
        log_density = log_density + y * eta - np.logaddexp(0, eta)
    w = normalised(log_density)
    yield "alpha", moments(w, alpha)
    yield "beta", moments(w, beta)
    yield "risk31", moments(w, expit(alpha + beta * (31 - 70) / 10))


def horse_kicks():
    """On a grid of (mu, tau); given them the intercepts are independent, each integrated on a grid of its own."""
    d = data("horse_kicks")
    deaths, years = d["deaths"], d["years"]
    mu, tau = np.meshgrid(np.linspace(-1.6, 0.8, 161), (np.arange(160) + 0.5) / 100, indexing="ij")
    a = np.linspace(-3.5, 2.5, 4001)
    likelihood = np.exp(deaths[:, None] * (a + np.log(years)) - years * np.exp(a) - gammaln(deaths + 1)[:, None])
    prior = np.exp(-0.5 * ((a - mu[..., None]) / tau[..., None]) ** 2) / tau[..., None]
    mass, rate, square = (prior @ (likelihood * np.exp(k * a)).T for k in range(3))
    w = normalised(-0.5 * (mu / 2) ** 2 - 0.5 * tau**2 + np.log(mass).sum(-1))
    yield "mu", moments(w, mu)
    yield "tau", moments(w, tau)
    for j in range(len(deaths)):
        mean = (w * rate[..., j] / mass[..., j]).sum()
        yield f"rate[{j + 1}]", (mean, np.sqrt((w * square[..., j] / mass[..., j]).sum() - mean**2))


def nile():
    """On a grid of the two deviations, by the Kalman filter of one number."""
    y = data("nile")["flow"]
    observed, level = np.meshgrid(np.linspace(60, 190, 521), (np.arange(800) + 0.5) / 4, indexing="ij")
    log_density = -0.5 * (observed / 200) ** 2 - 0.5 * (level / 100) ** 2
    mean, variance = np.full(observed.shape, 1000.0), np.full(observed.shape, 1e5)
    for v in y:
        variance = variance + level**2
        total = variance + observed**2
        log_density -= 0.5 * (np.log(total) + (v - mean) ** 2 / total)
        gain = variance / total
        mean, variance = mean + gain * (v - mean), variance * (1 - gain)
    w = normalised(log_density)
    yield "observed_sd", moments(w, observed)
    yield "level_sd", moments(w, level)
    yield "ratio", moments(w, level**2 / observed**2)


def lake_huron():
    """On a grid of partial autocorrelations and sigma; given them the mean is normal."""
    y = data("lake_huron")["level"] - 579
    # The mass is well inside.
    r1, r2, s = np.meshgrid(np.linspace(0.4, 0.9999, 200), np.linspace(-0.75, 0.3, 160), np.linspace(0.5, 1.05, 111), indexing="ij")

    def whitened(x):
        """Rows of the exact likelihood at sigma = 1: predictions of the first two values have larger variances."""
        first = x[0] * np.sqrt((1 - r1**2) * (1 - r2**2))
        second = (x[1] - r1 * x[0]) * np.sqrt(1 - r2**2)
        return [first, second] + [x[t] - r1 * (1 - r2) * x[t - 1] - r2 * x[t - 2] for t in range(2, len(x))]

    a = b = c = 0
    for u, v in zip(whitened(y), whitened(np.ones(len(y)))):
        a, b, c = a + u * u, b + u * v, c + v * v
    precision = c / s**2 + 1 / 25
    centre = b / s**2 / precision
    log_density = (
        -0.5 * a / s**2 + 0.5 * precision * centre**2 - 0.5 * np.log(precision) - len(y) * np.log(s) - 0.5 * s**2
        + 0.5 * np.log(1 - r1**2) + np.log(1 - r2**2)
    )
    w = normalised(log_density)
    first, second = (w * centre).sum(), (w * (centre**2 + 1 / precision)).sum()
    yield "mean_level", (579 + first, np.sqrt(second - first**2))
    for name, f in ("partial[1]", r1), ("partial[2]", r2), ("sigma", s), ("rho1", r1 * (1 - r2)), ("rho2", r2):
        yield name, moments(w, f)


for model in eight_schools, boiling_point, o_rings, horse_kicks, nile, lake_huron:
    print(f"\n{model.__name__}")
    for name, (mean, sd) in model():
        print(f"| {name} | {mean:.6g} | 0 | {sd:.6g} | 0 |")
