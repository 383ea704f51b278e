"""Writes test/unit/diagnostics-golden.json: ArviZ's statistics of small chains, with the chains themselves.

Needs arviz 0.23 and numpy; run from the root of the repository, then format what it writes:
python3 scripts/golden-diagnostics.py && npx biome check --write test/unit/diagnostics-golden.json
"""

import json
import warnings

warnings.filterwarnings("ignore")
import arviz as az
import numpy as np

rng = np.random.default_rng(20250101)


def ar1(chains, draws, rho):
    x = np.zeros((chains, draws))
    noise = rng.normal(size=(chains, draws))
    x[:, 0] = noise[:, 0]
    for t in range(1, draws):
        x[:, t] = rho * x[:, t - 1] + np.sqrt(1 - rho**2) * noise[:, t]
    return x


def short(x):
    """Few digits, so that the file stays small; both sides see the same doubles."""
    return np.round(x, 4)


chains = {
    "independent": short(rng.normal(size=(4, 100))),
    "correlated": short(ar1(4, 100, 0.9)),
    "antithetic": short(ar1(4, 100, -0.8)),
    "odd length": short(ar1(3, 51, 0.5)),
    "one chain": short(ar1(1, 80, 0.3)),
    "two locations": short(rng.normal(size=(4, 60)) + np.array([0, 0, 1, 2])[:, None]),
    "two scales": short(rng.normal(size=(4, 60)) * np.array([1, 1, 1, 5])[:, None]),
    "heavy tails": short(rng.standard_cauchy(size=(4, 100))),
    "ties": rng.poisson(2, size=(4, 100)).astype(float),
    "rare ones": (rng.random(size=(4, 100)) < 0.02).astype(float),
    "drift": short(np.linspace(0, 3, 60)[None, :] + 0.3 * rng.normal(size=(2, 60))),
    "long memory": short(ar1(2, 700, 0.995)),
    "few draws": short(rng.normal(size=(2, 4))),
    "five draws": short(rng.normal(size=(2, 5))),
    "offset": 1e6 + short(rng.normal(size=(4, 60))),
    "constant": np.full((4, 20), 2.5),
    "constant chains that differ": np.repeat(np.array([[1.0], [2.0]]), 20, axis=1),
    "not a number": np.where(np.arange(40).reshape(2, 20) == 7, np.nan, 1.0 + np.arange(40).reshape(2, 20)),
    "infinite": np.where(np.arange(40).reshape(2, 20) == 7, np.inf, 1.0 + np.sin(np.arange(40)).reshape(2, 20)),
}


def statistics(x):
    data = az.convert_to_dataset(x[:, :, None])

    def one(f, **kw):
        return float(f(data, **kw)["x"].values.ravel()[0])

    return {
        "rhat": one(az.rhat, method="rank"),
        "rhat_bulk": one(az.rhat, method="z_scale"),
        "rhat_folded": one(az.rhat, method="folded"),
        "ess_bulk": one(az.ess, method="bulk"),
        "ess_tail": one(az.ess, method="tail"),
        "ess_mean": one(az.ess, method="mean"),
        "ess_sd": one(az.ess, method="sd"),
        "ess_q25": one(az.ess, method="quantile", prob=0.25),
        "mcse_mean": one(az.mcse, method="mean"),
        "mcse_sd": one(az.mcse, method="sd"),
        "mcse_q05": one(az.mcse, method="quantile", prob=0.05),
        "mcse_q50": one(az.mcse, method="quantile", prob=0.5),
        "mcse_q95": one(az.mcse, method="quantile", prob=0.95),
        "bfmi": [float(v) for v in np.atleast_1d(az.bfmi(x))],
    }


def clean(value):
    """JSON has no NaN: as a string."""
    if isinstance(value, list):
        return [clean(v) for v in value]
    return value if np.isfinite(value) else str(value)


rows = []
for name, x in chains.items():
    if name == "infinite":
        stats = {"rhat": statistics(np.where(np.isinf(x), 1e300, x))["rhat"]}
    else:
        stats = statistics(x)
    rows.append(
        {
            "name": name,
            "chains": x.shape[0],
            "draws": x.shape[1],
            "values": [clean(float(v)) for v in x.ravel()],
            "statistics": {k: clean(v) for k, v in stats.items()},
        }
    )
with open("test/unit/diagnostics-golden.json", "w") as f:
    f.write('{"from": "ArviZ %s",\n"rows": [\n' % az.__version__)
    f.write(",\n".join(json.dumps(row) for row in rows))
    f.write("\n]}\n")
