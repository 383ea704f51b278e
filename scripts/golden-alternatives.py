"""Golden densities of distributions given by alternative parameters, from SciPy: prints test/laws/alternatives-golden.json."""
import json
import math
from scipy import stats as s

def beta_ms(m, sd):
    k = m * (1 - m) / sd**2 - 1
    return s.beta(m * k, (1 - m) * k)

def inv_gamma_ms(m, sd):
    a = 2 + (m / sd) ** 2
    return s.invgamma(a, scale=m * (a - 1))

def logistic(t):
    return 1 / (1 + math.exp(-t))

def pmf(d, x):
    return float(d.logpmf(x))

def pdf(d, x):
    return float(d.logpdf(x))

rows = [
    ("Bernoulli", {"p": 0.3}, 1, pmf(s.bernoulli(0.3), 1)),
    ("Bernoulli", {"logit": -0.7}, 1, pmf(s.bernoulli(logistic(-0.7)), 1)),
    ("BernoulliLogit", {"logit": -0.7}, 1, pmf(s.bernoulli(logistic(-0.7)), 1)),
    ("Beta", {"mean": 0.3, "concentration": 7}, 0.4, pdf(s.beta(2.1, 4.9), 0.4)),
    ("Beta", {"mu": 0.3, "kappa": 7}, 0.4, pdf(s.beta(2.1, 4.9), 0.4)),
    ("Beta", {"mean": 0.3, "sd": 0.1}, 0.4, pdf(beta_ms(0.3, 0.1), 0.4)),
    ("Binomial", {"n": 9, "p": 0.3}, 4, pmf(s.binom(9, 0.3), 4)),
    ("Binomial", {"N": 9, "logit": -0.7}, 4, pmf(s.binom(9, logistic(-0.7)), 4)),
    ("CategoricalLogit", {"logits": [0.5, -1, 2]}, 3, 2 - math.log(math.exp(0.5) + math.exp(-1) + math.exp(2))),
    ("DiscreteRange", {"lower": 2, "upper": 6}, 4, -math.log(5)),
    ("Geometric", {"p": 0.3}, 4, math.log(0.3) + 4 * math.log(0.7)),
    ("Exponential", {"rate": 2.5}, 0.7, pdf(s.expon(scale=1 / 2.5), 0.7)),
    ("Exponential", {"scale": 2.5}, 0.7, pdf(s.expon(scale=2.5), 0.7)),
    ("Exponential", {"mean": 2.5}, 0.7, pdf(s.expon(scale=2.5), 0.7)),
    ("Gamma", {"shape": 3, "rate": 2.5}, 0.7, pdf(s.gamma(3, scale=1 / 2.5), 0.7)),
    ("Gamma", {"shape": 3, "scale": 2.5}, 0.7, pdf(s.gamma(3, scale=2.5), 0.7)),
    ("Gamma", {"mean": 3, "sd": 2.5}, 0.7, pdf(s.gamma((3 / 2.5) ** 2, scale=2.5**2 / 3), 0.7)),
    ("Gamma", {"mu": 3, "sigma": 2.5}, 0.7, pdf(s.gamma((3 / 2.5) ** 2, scale=2.5**2 / 3), 0.7)),
    ("Gamma", {"mean": 3, "shape": 2.5}, 0.7, pdf(s.gamma(2.5, scale=3 / 2.5), 0.7)),
    ("InvGamma", {"shape": 3, "scale": 2.5}, 0.7, pdf(s.invgamma(3, scale=2.5), 0.7)),
    ("InvGamma", {"mean": 3, "sd": 2.5}, 0.7, pdf(inv_gamma_ms(3, 2.5), 0.7)),
    ("Normal", {"mu": 0.5, "tau": 4}, 1.2, pdf(s.norm(0.5, 0.5), 1.2)),
    ("Normal", {"mean": 0.5, "sd": 4}, 1.2, pdf(s.norm(0.5, 4), 1.2)),
    ("Normal", {"mu": 0.5, "variance": 4}, 1.2, pdf(s.norm(0.5, 2), 1.2)),
    ("Poisson", {"rate": 2.5}, 4, pmf(s.poisson(2.5), 4)),
    ("Poisson", {"mu": 2.5}, 4, pmf(s.poisson(2.5), 4)),
    ("Uniform", {"lower": 2, "upper": 6}, 4.5, pdf(s.uniform(2, 4), 4.5)),
    ("Weibull", {"shape": 3, "scale": 2.5}, 0.7, pdf(s.weibull_min(3, scale=2.5), 0.7)),
]
print(json.dumps([{"name": n, "given": g, "x": x, "logDensity": v} for n, g, x, v in rows], indent=2))
