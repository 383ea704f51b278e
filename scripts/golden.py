"""Golden rows of the distributions: log densities by mpmath in 50 digits, from the textbook formulas, compared with scipy where it has them.

python3 scripts/golden.py           rewrites the `golden` fields in src/dsl/distributions/*.ts
python3 scripts/golden.py --check   says whether they are what it would write
"""
import glob, re, sys
import mpmath as mp
import numpy as np
from mpmath import mpf, log, exp, sqrt, pi, gamma, loggamma, ncdf, quad, binomial, besseli, erfc, beta as B
from scipy import stats, special

mp.mp.dps = 50
inf = mp.inf
VERSIONS = f"mpmath {mp.__version__.rsplit('.', 1)[0]}, 50 digits"


def phi(z):
    return exp(-z * z / 2) / sqrt(2 * pi)


def mat(rows):
    return mp.matrix(rows)


def det(m):
    return mp.det(m)


def quadratic(m, v):
    w = mp.lu_solve(m, mp.matrix(v))
    return mp.fsum(a * b for a, b in zip(v, w))


def trace(m):
    return mp.fsum(m[i, i] for i in range(m.rows))


def logmultigamma(a, k):
    return mpf(k * (k - 1)) / 4 * log(pi) + mp.fsum(loggamma(a - mpf(j) / 2) for j in range(k))


def logchoose(n, k):
    return loggamma(n + 1) - loggamma(k + 1) - loggamma(n - k + 1)


def gamma_log(x, a, b):
    return a * log(b) - loggamma(a) + (a - 1) * log(x) - b * x if not (a == 1 and x == 0) else log(b)


def inv_gamma_log(x, a, b):
    return a * log(b) - loggamma(a) - (a + 1) * log(x) - b / x


def xlog(a, b):
    return mpf(0) if a == 0 else a * log(b)


def nb2(x, mu, f):
    return loggamma(x + f) - loggamma(f) - loggamma(x + 1) + xlog(x, mu / (mu + f)) + f * log(f / (mu + f))


def poisson(x, l):
    return xlog(x, l) - l - loggamma(x + 1)


def mvn(x, mu, s):
    d = [a - m for a, m in zip(x, mu)]
    return -(len(x) * log(2 * pi) + log(det(s)) + quadratic(s, d)) / 2


def mvt(x, nu, mu, s):
    k = len(x)
    q = quadratic(s, [a - m for a, m in zip(x, mu)])
    return loggamma((nu + k) / 2) - loggamma(nu / 2) - mpf(k) / 2 * log(nu * pi) - log(det(s)) / 2 - (nu + k) / 2 * log(1 + q / nu)


def lkj_constant(eta, k):
    # Lewandowski, Kurowicka & Joe (2009), eq. (16), by its powers of 2 and betas
    s = mpf(0)
    t = mpf(0)
    for j in range(1, k):
        s += (2 * eta - 2 + k - j) * (k - j)
        t += (k - j) * log(B(eta + mpf(k - j - 1) / 2, eta + mpf(k - j - 1) / 2))
    return -(s * log(mpf(2)) + t)


def categorical(x, p):
    return log(p[int(x) - 1])


def dirichlet(x, a):
    return loggamma(mp.fsum(a)) - mp.fsum(loggamma(v) for v in a) + mp.fsum(xlog(v - 1, y) for v, y in zip(a, x))


def multinomial(x, p):
    return loggamma(mp.fsum(x) + 1) - mp.fsum(loggamma(v + 1) for v in x) + mp.fsum(xlog(v, q) for v, q in zip(x, p))


def softmax(g):
    s = mp.fsum(exp(v) for v in g)
    return [exp(v) / s for v in g]


def ordinal(x, eta, c, cdf):
    c = [-inf, *c, inf]
    lo, hi = c[int(x) - 1] - eta, c[int(x)] - eta
    if lo > 0:
        return log(cdf(-lo) - cdf(-hi))
    return log(cdf(hi) - cdf(lo))


def cdf_logistic(z):
    return mpf(0) if z == -inf else mpf(1) if z == inf else 1 / (1 + exp(-z))


def cdf_normal(z):
    return mpf(0) if z == -inf else mpf(1) if z == inf else erfc(-z / sqrt(mpf(2))) / 2


def student(x, nu, mu, s):
    z = (x - mu) / s
    return log(gamma((nu + 1) / 2) / gamma(nu / 2) / sqrt(nu * pi) / s) - (nu + 1) / 2 * mp.log1p(z * z / nu)


def emg(x, mu, s, l):
    return log(l / 2) + l / 2 * (2 * mu + l * s * s - 2 * x) + log(erfc((mu + l * s * s - x) / (sqrt(mpf(2)) * s)))


def skew_laplace(x, mu, s, t):
    return log(2 * t * (1 - t) / s) - 2 / s * ((1 - t) * max(mu - x, 0) + t * max(x - mu, 0))


L2 = [[1.5, 0.0], [-0.75, 0.5]]
L3 = [[2.0, 0.0, 0.0], [0.25, 0.125, 0.0], [-1.0, 4.0, 0.75]]
S2 = [[2.0, -0.75], [-0.75, 0.5]]
S3 = [[4.0, 1.0, -0.5], [1.0, 2.0, 0.25], [-0.5, 0.25, 0.75]]
R2 = [[1.0, -0.28], [-0.28, 1.0]]
R3 = [[1.0, 0.5, -0.25], [0.5, 1.0, 0.125], [-0.25, 0.125, 1.0]]
C2 = [[1.0, 0.0], [-0.28, 0.96]]
# rows of length 1 to the last bit that doubles allow
C3 = [[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [2 / 7, -3 / 7, 6 / 7]]
W2 = [[3.0, 0.5], [0.5, 0.25]]
W3 = [[5.0, -1.0, 0.5], [-1.0, 3.0, 0.25], [0.5, 0.25, 8.0]]


def llt(l):
    return l * l.T


# name: (log density of x and the parameters in order, scipy's or None, rows)
def joint(x, mean, covariance):
    """Of numbers with means and covariances between each two."""
    k = len(x)
    return mvn(x, [mean(i) for i in range(k)], mp.matrix([[covariance(i, j) for j in range(k)] for i in range(k)]))


def autoregression(x, rho, s, m=mpf(0)):
    """By the stationary covariance of the companion form, the solution of P = A P A' + Q."""
    k = len(rho)
    a = mp.zeros(k)
    for j in range(k):
        a[0, j] = rho[j]
        if j + 1 < k:
            a[j + 1, j] = 1
    system = mp.matrix(k * k, k * k)
    for i in range(k):
        for j in range(k):
            for u in range(k):
                for v in range(k):
                    system[i * k + j, u * k + v] = (1 if (i, j) == (u, v) else 0) - a[i, u] * a[j, v]
    p = mp.lu_solve(system, mp.matrix([s * s] + [0] * (k * k - 1)))
    g = [p[j] for j in range(k)]
    while len(g) < len(x):
        g.append(mp.fsum(r * g[-1 - i] for i, r in enumerate(rho)))
    return joint(x, lambda i: m, lambda i, j: g[abs(i - j)])


def garch(x, m, w, a, b, s):
    total, variance = mpf(0), s * s
    for v in x:
        total += log(phi((v - m) / sqrt(variance)) / sqrt(variance))
        variance = w + a * (v - m) ** 2 + b * variance
    return total


def dlm(y, f, g, v, w, m, c):
    """By the covariance of all observations together. y: a matrix with a row a time."""
    states, at = [], (mp.matrix(m), c)
    for _ in range(y.rows):
        at = (g * at[0], g * at[1] * g.T + w)
        states.append(at)
    def covariance(t, s):
        if t < s:
            return covariance(s, t).T
        return f.T * g ** (t - s) * states[s][1] * f + (v if t == s else mp.zeros(v.rows))
    r = y.cols
    flat = [y[t, i] for t in range(y.rows) for i in range(r)]
    return joint(flat, lambda i: (f.T * states[i // r][0])[i % r], lambda i, j: covariance(i // r, j // r)[i % r, j % r])


def laplacian(n, from_, to, alpha=mpf(1)):
    q = mp.zeros(n)
    for i, j in zip(from_, to):
        i, j = int(i) - 1, int(j) - 1
        q[i, i] += 1
        q[j, j] += 1
        q[i, j] -= alpha
        q[j, i] -= alpha
    return q


def icar(x, from_, to, s):
    n = len(x)
    values = sorted(mp.eigsy(laplacian(n, from_, to), eigvals_only=True))
    squares = mp.fsum((x[int(i) - 1] - x[int(j) - 1]) ** 2 for i, j in zip(from_, to))
    return -squares / (2 * s * s) + mp.fsum(log(v) for v in values[1:]) / 2 - (n - 1) * (log(s) + log(2 * pi) / 2)


def kronecker(a, c):
    return mp.matrix([[a[i // c.rows, j // c.cols] * c[i % c.rows, j % c.cols] for j in range(a.cols * c.cols)] for i in range(a.rows * c.rows)])


def elements(m):
    return [m[i, j] for i in range(m.rows) for j in range(m.cols)]


def low_rank(x, m, w, d):
    return mvn(x, m, w * w.T + mp.diag(d))


def logistic_normal(x, m, s):
    return mvn([log(v / x[-1]) for v in x[:-1]], m, s) - mp.fsum(log(v) for v in x)


def sticks(x, a):
    left, total = mpf(1), mpf(0)
    for v in x[:-1]:
        total += log(a) + (a - 1) * log(1 - v / left) - log(left)
        left -= v
    return total


def relaxed_bernoulli(x, odds, t):
    return log(t * odds * x ** (-t - 1) * (1 - x) ** (-t - 1) / (odds * x ** -t + (1 - x) ** -t) ** 2)


def concrete(x, e, t):
    k = len(x)
    w = [exp(a) * v ** -t for a, v in zip(e, x)]
    return loggamma(k) + (k - 1) * log(t) + mp.fsum(log(a / v) for a, v in zip(w, x)) - k * log(mp.fsum(w))


def gev(x, m, s, c):
    z = (x - m) / s
    t = exp(-z) if c == 0 else (1 + c * z) ** (-1 / c)
    return (c + 1) * log(t) - t - log(s)


def gpd(x, m, s, c):
    z = (x - m) / s
    return -log(s) + (-z if c == 0 else -(1 / c + 1) * log(1 + c * z))


def copula(x, l):
    z = [sqrt(mpf(2)) * mp.erfinv(2 * v - 1) for v in x]
    return mvn(z, [mpf(0)] * len(z), llt(l)) - mp.fsum(log(phi(v)) for v in z)


TABLE = {
    "Normal": (lambda x, m, s: log(phi((x - m) / s) / s), lambda x, m, s: stats.norm.logpdf(x, m, s), "mu sigma",
               [(1.3, 0.5, 2.0), (-7.25, 3.0, 0.4), (1e6, -2.5, 17.0), (2.5e-9, 1e-9, 3e-9)]),
    "StdNormal": (lambda x: log(phi(x)), lambda x: stats.norm.logpdf(x), "", [(0.7,), (-3.25,), (38.5,), (1e-7,)]),
    "HalfNormal": (lambda x, s: log(2 * phi(x / s) / s), lambda x, s: stats.halfnorm.logpdf(x, 0, s), "sigma",
                   [(1.3, 2.0), (0.0, 0.7), (41.0, 1.5), (3e-8, 1e-8)]),
    "LogNormal": (lambda x, m, s: log(phi((log(x) - m) / s) / s / x), lambda x, m, s: stats.lognorm.logpdf(x, s, 0, np.exp(m)), "mu sigma",
                  [(1.3, 0.5, 2.0), (25.0, 3.0, 0.25), (1e-9, -2.0, 3.5), (7e8, 1.5, 6.0)]),
    "LogitNormal": (lambda x, m, s: log(phi((log(x / (1 - x)) - m) / s) / s / x / (1 - x)), None, "mu sigma",
                    [(0.3, 0.5, 2.0), (0.9375, 3.0, 0.75), (1e-9, -12.0, 3.5), (0.5, 0.25, 0.125)]),
    "SkewNormal": (lambda x, m, s, a: log(2 * phi((x - m) / s) / s * erfc(-a * (x - m) / s / sqrt(mpf(2))) / 2),
                   lambda x, m, s, a: stats.skewnorm.logpdf(x, a, m, s), "xi omega alpha",
                   [(1.3, 0.5, 2.0, 3.0), (-7.25, 3.0, 4.0, -0.5), (-2.0, 1.0, 0.5, 6.0), (0.75, 0.5, 1.5, 0.25)]),
    "ExpModNormal": (emg, lambda x, m, s, l: stats.exponnorm.logpdf(x, 1 / (l * s), m, s), "mu sigma lambda",
                     [(1.3, 0.5, 2.0, 0.75), (-7.25, 3.0, 0.4, 2.5), (30.0, -2.5, 1.5, 0.25), (0.6, 0.5, 0.7, 90.0)]),
    "SkewDoubleExponential": (skew_laplace, None, "mu sigma tau",
                              [(1.3, 0.5, 2.0, 0.25), (-7.25, 3.0, 0.4, 0.8), (1e3, -2.5, 17.0, 0.9), (0.25, 1.5, 0.75, 0.0625)]),
    "StudentT": (student, lambda x, n, m, s: stats.t.logpdf(x, n, m, s), "nu mu sigma",
                 [(1.3, 4.0, 0.5, 2.0), (-70.25, 1.5, 3.0, 0.4), (1e9, 3.0, -2.5, 17.0), (2.0, 5e5, 0.25, 1.5), (0.75, 0.25, 0.5, 3.0)]),
    "HalfStudentT": (lambda x, n, s: log(mpf(2)) + student(x, n, mpf(0), s), lambda x, n, s: np.log(2) + stats.t.logpdf(x, n, 0, s), "nu sigma",
                     [(1.3, 4.0, 2.0), (0.0, 1.5, 0.7), (1e9, 3.0, 17.0), (2.0, 5e5, 1.5)]),
    "Cauchy": (lambda x, m, s: -log(pi * s * (1 + ((x - m) / s) ** 2)), lambda x, m, s: stats.cauchy.logpdf(x, m, s), "mu sigma",
               [(1.3, 0.5, 2.0), (-7.25, 3.0, 0.4), (1e12, -2.5, 17.0), (2.5e-9, 1e-9, 3e-9)]),
    "HalfCauchy": (lambda x, s: log(2 / (pi * s * (1 + (x / s) ** 2))), lambda x, s: stats.halfcauchy.logpdf(x, 0, s), "sigma",
                   [(1.3, 2.0), (0.0, 0.7), (1e12, 1.5), (3e-8, 1e-8)]),
    "Exponential": (lambda x, b: log(b) - b * x, lambda x, b: stats.expon.logpdf(x, 0, 1 / b), "beta",
                    [(1.3, 2.0), (0.0, 0.7), (4e4, 1.5), (3e-8, 1e7)]),
    "Laplace": (lambda x, m, s: -log(2 * s) - abs(x - m) / s, lambda x, m, s: stats.laplace.logpdf(x, m, s), "mu sigma",
                [(1.3, 0.5, 2.0), (-7.25, 3.0, 0.4), (1e6, -2.5, 17.0), (2.5e-9, 1e-9, 3e-9)]),
    "Logistic": (lambda x, m, s: log(exp(-(x - m) / s) / s / (1 + exp(-(x - m) / s)) ** 2), lambda x, m, s: stats.logistic.logpdf(x, m, s), "mu sigma",
                 [(1.3, 0.5, 2.0), (-7.25, 3.0, 0.4), (1e6, -2.5, 17.0), (-1e3, 1.5, 0.75)]),
    "LogLogistic": (lambda x, a, b: log(b / a * (x / a) ** (b - 1) / (1 + (x / a) ** b) ** 2), lambda x, a, b: stats.fisk.logpdf(x, b, 0, a), "alpha beta",
                    [(1.3, 0.5, 2.0), (25.0, 3.0, 0.25), (1e-9, 2.0, 3.5), (7e8, 1.5, 6.0)]),
    "Gumbel": (lambda x, m, s: -log(s) - (x - m) / s - exp(-(x - m) / s), lambda x, m, s: stats.gumbel_r.logpdf(x, m, s), "mu beta",
               [(1.3, 0.5, 2.0), (1.25, 3.0, 0.4), (1e6, -2.5, 17.0), (-2.0, 1.5, 0.75)]),
    "Gamma": (gamma_log, lambda x, a, b: stats.gamma.logpdf(x, a, 0, 1 / b), "alpha beta",
              [(1.3, 0.5, 2.0), (7.25, 30.0, 4.0), (1e-9, 0.03125, 0.75), (2.5e5, 1e5, 0.375), (0.25, 1.0, 3.0)]),
    "InvGamma": (inv_gamma_log, lambda x, a, b: stats.invgamma.logpdf(x, a, 0, b), "alpha beta",
                 [(1.3, 0.5, 2.0), (0.25, 30.0, 4.0), (1e9, 0.03125, 0.75), (3e-3, 1.5, 0.375)]),
    "ChiSquare": (lambda x, n: gamma_log(x, n / 2, mpf(1) / 2), lambda x, n: stats.chi2.logpdf(x, n), "nu",
                  [(1.3, 3.0), (7.25, 0.5), (1e-9, 1.5), (2.5e5, 1e5)]),
    "InvChiSquare": (lambda x, n: inv_gamma_log(x, n / 2, mpf(1) / 2), lambda x, n: stats.invgamma.logpdf(x, n / 2, 0, 0.5), "nu",
                     [(1.3, 3.0), (7.25, 0.5), (3e-3, 1.5), (1e-4, 1e4)]),
    "ScaledInvChiSquare": (lambda x, n, s: inv_gamma_log(x, n / 2, n * s * s / 2), lambda x, n, s: stats.invgamma.logpdf(x, n / 2, 0, n * s * s / 2), "nu sigma",
                           [(1.3, 3.0, 2.0), (7.25, 0.5, 0.4), (3e-3, 1.5, 0.25), (9.25, 1e4, 3.0)]),
    "Weibull": (lambda x, a, s: log(a / s * (x / s) ** (a - 1)) - (x / s) ** a, lambda x, a, s: stats.weibull_min.logpdf(x, a, 0, s), "alpha sigma",
                [(1.3, 0.5, 2.0), (2.25, 8.0, 3.0), (1e-9, 0.25, 0.75), (35.0, 1.5, 6.0)]),
    "Frechet": (lambda x, a, s: log(a / s * (x / s) ** (-a - 1)) - (x / s) ** (-a), lambda x, a, s: stats.invweibull.logpdf(x, a, 0, s), "alpha sigma",
                [(1.3, 0.5, 2.0), (2.25, 8.0, 3.0), (1e9, 0.25, 0.75), (1.25, 1.5, 6.0)]),
    "Rayleigh": (lambda x, s: log(x / s ** 2) - (x / s) ** 2 / 2, lambda x, s: stats.rayleigh.logpdf(x, 0, s), "sigma",
                 [(1.3, 2.0), (0.25, 0.7), (41.0, 1.5), (3e-8, 1e-8)]),
    "Pareto": (lambda x, m, a: log(a * m ** a / x ** (a + 1)), lambda x, m, a: stats.pareto.logpdf(x, a, 0, m), "y_min alpha",
               [(1.3, 0.5, 2.0), (25.0, 3.0, 0.25), (2.0, 2.0, 3.5), (7e8, 1.5, 6.0)]),
    "ParetoType2": (lambda x, m, l, a: log(a / l * (1 + (x - m) / l) ** (-a - 1)), lambda x, m, l, a: stats.lomax.logpdf(x, a, m, l), "mu lambda alpha",
                    [(1.3, 0.5, 2.0, 3.0), (25.0, -3.0, 0.25, 0.75), (-2.0, -2.0, 3.5, 1.5), (7e8, 1.5, 6.0, 2.5)]),
    "InverseGaussian": (lambda x, m, l: log(sqrt(l / (2 * pi * x ** 3))) - l * (x - m) ** 2 / (2 * m * m * x), lambda x, m, l: stats.invgauss.logpdf(x, m / l, 0, l),
                        "mu lambda", [(1.3, 0.5, 2.0), (25.0, 3.0, 0.25), (2e-3, 2.0, 0.125), (70.0, 65.0, 6e3)]),
    "VonMises": (lambda x, m, k: k * mp.cos(x - m) - log(2 * pi * besseli(0, k)), lambda x, m, k: stats.vonmises.logpdf(x, k, m), "mu kappa",
                 [(1.3, 0.5, 2.0), (-2.25, 3.0, 0.125), (0.75, 1.0, 39.5), (0.5, 0.51, 40.5), (1.25, 1.0, 2500.0), (0.3, 0.2, 0.0), (-1.5, 2.5, 12.0)]),
    "Uniform": (lambda x, a, b: -log(b - a), lambda x, a, b: stats.uniform.logpdf(x, a, b - a), "alpha beta",
                [(1.3, 0.5, 2.0), (-7.25, -30.0, 4.0), (2.0, 2.0, 3e6), (2e-9, 1e-9, 3e-9)]),
    "LogUniform": (lambda x, a, b: -log(x) - log(log(b / a)), lambda x, a, b: stats.loguniform.logpdf(x, a, b), "alpha beta",
                   [(1.3, 0.5, 2.0), (7.25, 1e-3, 4e3), (2.0, 2.0, 3e6), (2e-9, 1e-9, 3e-9)]),
    "Beta": (lambda x, a, b: (a - 1) * log(x) + (b - 1) * log(1 - x) - log(B(a, b)), lambda x, a, b: stats.beta.logpdf(x, a, b), "alpha beta",
             [(0.3, 0.5, 2.0), (0.9375, 30.0, 4.0), (1e-9, 0.0625, 7.5), (0.5, 2e4, 1.5e4), (0.25, 1.0, 1.0)]),
    "BetaProportion": (lambda x, m, k: (m * k - 1) * log(x) + ((1 - m) * k - 1) * log(1 - x) - log(B(m * k, (1 - m) * k)),
                       lambda x, m, k: stats.beta.logpdf(x, m * k, (1 - m) * k), "mu kappa",
                       [(0.3, 0.25, 2.0), (0.9375, 0.875, 30.0), (1e-9, 0.0625, 1.5), (0.5, 0.5625, 2e4)]),
    "Kumaraswamy": (lambda x, a, b: log(a * b * x ** (a - 1) * (1 - x ** a) ** (b - 1)), None, "a b",
                    [(0.3, 0.5, 2.0), (0.9375, 3.0, 0.75), (1e-9, 0.25, 3.5), (0.5, 6.0, 40.0)]),
    "Bernoulli": (lambda x, p: xlog(x, p) + xlog(1 - x, 1 - p), lambda x, p: stats.bernoulli.logpmf(x, p), "theta",
                  [(1, 0.3), (0, 0.9375), (0, 0.0), (1, 1.0), (1, 1e-12), (0, 1e-12)]),
    "BernoulliLogit": (lambda x, a: -mp.log1p(exp(-a if x == 1 else a)), None, "alpha",
                       [(1, 0.75), (0, 2.5), (0, -45.0), (1, -800.0), (1, 37.0)]),
    "Binomial": (lambda x, n, p: logchoose(n, x) + xlog(x, p) + xlog(n - x, 1 - p), lambda x, n, p: stats.binom.logpmf(x, n, p), "N theta",
                 [(3, 10, 0.3), (0, 7, 0.0), (7, 7, 1.0), (4000, 10000, 0.4375), (2, 25, 1e-7), (0, 0, 0.5)]),
    "BinomialLogit": (lambda x, n, a: logchoose(n, x) + x * a - n * mp.log1p(exp(a)), None, "N alpha",
                      [(3, 10, -0.75), (0, 7, -30.0), (7, 7, 41.0), (4000, 10000, -0.25), (0, 0, 0.5)]),
    "BetaBinomial": (lambda x, n, a, b: logchoose(n, x) + log(B(x + a, n - x + b) / B(a, b)), lambda x, n, a, b: stats.betabinom.logpmf(x, n, a, b), "N alpha beta",
                     [(3, 10, 0.5, 2.0), (0, 7, 30.0, 4.0), (7, 7, 0.0625, 0.75), (400, 1000, 2e9, 3e9), (2, 5, 1e-3, 40.0)]),
    "Hypergeometric": (lambda x, n, a, b: logchoose(a, x) + logchoose(b, n - x) - logchoose(a + b, n),
                       lambda x, n, a, b: stats.hypergeom.logpmf(x, a + b, a, n), "N a b",
                       [(3, 10, 7, 12), (2, 5, 2, 40), (4, 12, 9, 8), (300, 1000, 900, 2000)]),
    "Categorical": (categorical, None, "theta", [(2, [0.125, 0.25, 0.625]), (1, [1.0, 0.0]), (3, [0.5, 0.4375, 0.0625]), (1, [1.0]), (4, [0.3, 0.2, 0.375, 0.125])]),
    "CategoricalLogit": (lambda x, g: log(softmax(g)[int(x) - 1]), None, "beta",
                         [(2, [0.5, -1.25, 2.0]), (1, [700.0, 710.0]), (3, [0.5, 0.25, -40.0]), (1, [-3.0]), (4, [0.3, 2.0, -4.0, 1.0])]),
    "OrderedLogistic": (lambda x, e, c: ordinal(x, e, c, cdf_logistic), None, "eta c",
                        [(2, 0.75, [-1.5, 0.25, 2.0]), (1, 3.0, [-1.5, 0.25, 2.0]), (4, -2.5, [-1.5, 0.25, 2.0]), (2, 60.0, [-1.0, 1.5]), (1, 0.5, [0.25]), (2, -45.0, [-1.0, -0.875])]),
    "OrderedProbit": (lambda x, e, c: ordinal(x, e, c, cdf_normal), None, "eta c",
                      [(2, 0.75, [-1.5, 0.25, 2.0]), (1, 3.0, [-1.5, 0.25, 2.0]), (4, -2.5, [-1.5, 0.25, 2.0]), (2, 20.0, [-1.0, 1.5]), (1, 0.5, [0.25]), (2, -15.0, [-1.0, -0.875])]),
    "DiscreteRange": (lambda x, l, u: -log(u - l + 1), lambda x, l, u: stats.randint.logpmf(x, l, u + 1), "l u",
                      [(3, 1, 6), (-4, -4, 2), (5, 5, 5), (17, -1000, 5000)]),
    "Geometric": (lambda x, p: log(p) + xlog(x, 1 - p), lambda x, p: stats.geom.logpmf(x + 1, p), "theta",
                  [(3, 0.3), (0, 0.9375), (0, 1.0), (4000, 0.0009765625), (25, 0.5)]),
    "Poisson": (poisson, lambda x, l: stats.poisson.logpmf(x, l), "lambda", [(3, 2.5), (0, 0.0), (0, 7.25), (4000, 3900.5), (25, 1e-3)]),
    "PoissonLog": (lambda x, a: poisson(x, exp(a)), None, "alpha", [(3, 0.75), (0, -30.0), (0, 2.5), (4000, 8.25), (25, -7.0)]),
    "NegBinomial": (lambda x, a, b: loggamma(x + a) - loggamma(a) - loggamma(x + 1) + a * log(b / (b + 1)) - x * log(1 + b),
                    lambda x, a, b: stats.nbinom.logpmf(x, a, b / (1 + b)), "alpha beta",
                    [(3, 2.5, 0.75), (0, 0.125, 3.0), (40, 1e10, 2.5e8), (4000, 30.5, 0.0078125), (25, 1e-3, 2.0)]),
    "NegBinomial2": (nb2, lambda x, m, f: stats.nbinom.logpmf(x, f, f / (f + m)), "mu phi",
                     [(3, 2.5, 0.75), (0, 0.125, 3.0), (40, 38.5, 1e10), (4000, 3900.5, 30.5), (2, 0.25, 1e-3)]),
    "NegBinomial2Log": (lambda x, e, f: nb2(x, exp(e), f), None, "eta phi",
                        [(3, 0.75, 0.75), (0, -30.0, 3.0), (40, 3.5, 1e10), (4000, 8.25, 30.5), (2, -1.5, 1e-3)]),
    "BetaNegBinomial": (lambda x, r, a, b: log(B(r + x, a + b) / B(r, a)) + loggamma(x + b) - loggamma(x + 1) - loggamma(b),
                        lambda x, r, a, b: stats.betanbinom.logpmf(x, r, a, b), "r alpha beta",
                        [(3, 2.5, 4.75, 1.5), (0, 0.125, 3.0, 7.0), (40, 6.0, 5.5, 30.0), (2, 3e5, 2e6, 4.5)]),
    "ZeroInflatedPoisson": (lambda x, p, l: log((p if x == 0 else 0) + (1 - p) * exp(poisson(x, l))), None, "pi lambda",
                            [(3, 0.25, 2.5), (0, 0.0, 7.25), (0, 0.125, 60.0), (0, 1.0, 3.0), (40, 0.5, 38.5)]),
    "ZeroInflatedNegBinomial2": (lambda x, p, m, f: log((p if x == 0 else 0) + (1 - p) * exp(nb2(x, m, f))), None, "pi mu phi",
                                 [(3, 0.25, 2.5, 0.75), (0, 0.0, 7.25, 3.0), (0, 0.125, 60.0, 12.5), (40, 0.5, 38.5, 1e10)]),
    "Dirichlet": (dirichlet, lambda x, a: stats.dirichlet.logpdf(x, a), "alpha",
                  [([0.125, 0.25, 0.625], [0.5, 2.0, 3.5]), ([0.5, 0.4375, 0.0625], [1.0, 1.0, 2.0]), ([0.3125, 0.6875], [0.0625, 40.0]),
                   ([0.125, 0.375, 0.25, 0.25], [3e3, 9.5e3, 6e3, 6.5e3])]),
    "Multinomial": (lambda x, n, p: multinomial(x, p), lambda x, n, p: stats.multinomial.logpmf(x, n, p), "N theta",
                    [([1, 0, 3], 4, [0.125, 0.25, 0.625]), ([5, 0], 5, [1.0, 0.0]), ([300, 450, 20], 770, [0.5, 0.4375, 0.0625]), ([0, 0, 2, 1], 3, [0.3, 0.2, 0.4, 0.1])]),
    "MultinomialLogit": (lambda x, n, g: multinomial(x, softmax(g)), None, "N gamma",
                         [([1, 0, 3], 4, [0.5, -1.25, 2.0]), ([2, 3], 5, [700.0, 701.0]), ([300, 450, 20], 770, [0.5, 0.25, -2.0]), ([0, 0, 2, 1], 3, [0.3, 2.0, -4.0, 1.0])]),
    "DirichletMultinomial": (lambda x, n, a: loggamma(n + 1) + loggamma(mp.fsum(a)) - loggamma(n + mp.fsum(a))
                             + mp.fsum(loggamma(v + c) - loggamma(v) - loggamma(c + 1) for v, c in zip(a, x)),
                             lambda x, n, a: stats.dirichlet_multinomial.logpmf(x, a, n), "N alpha",
                             [([1, 0, 3], 4, [0.5, 2.0, 3.5]), ([5, 0], 5, [1.0, 1.0]), ([300, 450, 20], 770, [3e9, 5e9, 2e8]), ([0, 0, 2, 1], 3, [0.03125, 2.5, 0.5, 7.0])]),
    "MultiNormal": (mvn, lambda x, m, s: stats.multivariate_normal.logpdf(x, m, s), "mu Sigma",
                    [([1.3, -0.5], [0.5, 2.0], S2), ([0.25, 4.0, -2.5], [0.0, 1.5, -1.0], S3), ([2.5], [0.75], [[0.25]]), ([40.0, -31.0], [0.5, 2.0], S2)]),
    "MultiNormalCholesky": (lambda x, m, l: mvn(x, m, llt(l)), None, "mu L",
                            [([1.3, -0.5], [0.5, 2.0], L2), ([0.25, 4.0, -2.5], [0.0, 1.5, -1.0], L3), ([2.5], [0.75], [[0.25]]), ([40.0, -31.0], [0.5, 2.0], L2)]),
    "MultiNormalPrec": (lambda x, m, s: mvn(x, m, s ** -1), None, "mu Omega",
                        [([1.3, -0.5], [0.5, 2.0], S2), ([0.25, 4.0, -2.5], [0.0, 1.5, -1.0], S3), ([2.5], [0.75], [[0.25]]), ([40.0, -31.0], [0.5, 2.0], S2)]),
    "MultiStudentT": (mvt, lambda x, n, m, s: stats.multivariate_t.logpdf(x, m, s, n), "nu mu Sigma",
                      [([1.3, -0.5], 4.0, [0.5, 2.0], S2), ([0.25, 4.0, -2.5], 1.5, [0.0, 1.5, -1.0], S3), ([2.5], 30.0, [0.75], [[0.25]]), ([40.0, -31.0], 5e5, [0.5, 2.0], S2)]),
    "MultiStudentTCholesky": (lambda x, n, m, l: mvt(x, n, m, llt(l)), None, "nu mu L",
                              [([1.3, -0.5], 4.0, [0.5, 2.0], L2), ([0.25, 4.0, -2.5], 1.5, [0.0, 1.5, -1.0], L3), ([2.5], 30.0, [0.75], [[0.25]]), ([40.0, -31.0], 0.5, [0.5, 2.0], L2)]),
    "ZeroSumNormal": (lambda x, s: mp.fsum(log(phi(v / s) / s) for v in x) - log(phi(mpf(0)) / s), None, "sigma",
                      [([1.75, -1.75], 2.0), ([0.5, 2.25, -2.75], 0.75), ([-3.0, 0.125, 7.0, -5.5, 1.375], 4.0), ([1e-6, -3e-6, 2e-6], 1.5)]),
    "LkjCholesky": (lambda x, e: mp.fsum((x.rows - k - 3 + 2 * e) * log(x[k, k]) for k in range(1, x.rows)) + lkj_constant(e, x.rows), None, "eta",
                    [(C2, 2.0), (C3, 1.0), (C3, 0.5), (C3, 7.5)]),
    "LkjCorr": (lambda x, e: (e - 1) * log(det(x)) + lkj_constant(e, x.rows), None, "eta", [(R2, 2.0), (R3, 1.0), (R3, 0.5), (R3, 7.5)]),
    "Wishart": (lambda x, n, s: (n - x.rows - 1) / 2 * log(det(x)) - trace(s ** -1 * x) / 2 - n * x.rows / 2 * log(mpf(2)) - n / 2 * log(det(s)) - logmultigamma(n / 2, x.rows),
                lambda x, n, s: stats.wishart.logpdf(x, n, s), "nu S", [(W2, 3.5, S2), (W3, 4.0, S3), ([[0.75]], 1.5, [[2.0]]), (W3, 60.0, S3)]),
    "InvWishart": (lambda x, n, s: -(n + x.rows + 1) / 2 * log(det(x)) - trace(s * x ** -1) / 2 - n * x.rows / 2 * log(mpf(2)) + n / 2 * log(det(s)) - logmultigamma(n / 2, x.rows),
                   lambda x, n, s: stats.invwishart.logpdf(x, n, s), "nu S", [(W2, 3.5, S2), (W3, 4.0, S3), ([[0.75]], 1.5, [[2.0]]), (W3, 60.0, S3)]),
    "GaussianRandomWalk": (lambda x, m, s, a, b: joint(x, lambda i: a + i * m, lambda i, j: b * b + s * s * min(i, j)), None, "mu sigma m0 s0",
                           [([1.25, 2.0, 1.5, 3.25], 0.25, 0.75, 1.0, 2.0), ([-3.5], 0.5, 0.25, 1.5, 0.625), ([40.0, -7.0, 3.0], -1.5, 8.0, 0.5, 30.0), ([0.25, 0.75], 0.125, 0.0625, 0.5, 0.3)]),
    "AR": (autoregression, None, "rho sigma mu",
           [([1.25, 2.0, 1.5, 3.25, 2.75], [0.5], 0.75, 1.0), ([1.25, 2.0, 1.5, 3.25, 2.75], [0.5, 0.25], 0.75, 1.0), ([1.25, -2.0], [0.5, 0.25, -0.375], 2.0, 0.25),
            ([0.5, 0.75, -1.25, 2.5, 4.0, 1.5], [1.5, -0.75], 0.5, -0.5), ([40.0, -7.0, 3.0], [0.96875], 12.5, 20.0)]),
    "GARCH11": (garch, None, "mu omega alpha1 beta1 s1",
                [([1.25, -2.0, 0.5, 3.25], 0.25, 0.5, 0.3, 0.6, 1.5), ([-3.5], 0.5, 0.25, 0.2, 0.7, 2.0), ([0.25, 40.0, -7.0], 1.5, 0.125, 0.9, 0.05, 0.75),
                 ([0.5, 0.75, -1.25, 2.5, 4.0, 1.5], 0.125, 2.0, 0.0625, 0.875, 3.0)]),
    "UnivariateDlm": (lambda y, f, g, v, w, m, c: dlm(mp.matrix(y), mp.matrix(f), g, mp.matrix([[v]]), w, m, c), None, "F G V W m0 C0",
                      [([1.25, 2.0, 1.5, 3.25, 2.75], [1.0], [[1.0]], 0.5, [[0.25]], [1.0], [[4.0]]),
                       ([1.25, 2.0, 1.5, 3.25], [1.0, 0.0], [[1.0, 1.0], [0.0, 1.0]], 0.75, [[0.5, 0.0], [0.0, 0.125]], [1.0, 0.5], [[2.0, 0.25], [0.25, 1.0]]),
                       ([-3.5], [1.0, 0.5], [[0.5, -0.25], [0.25, 0.75]], 2.0, [[0.5, 0.25], [0.25, 0.5]], [1.5, -0.5], [[1.0, 0.0], [0.0, 0.0]]),
                       ([1.25, 2.0, 1.5, 3.25], [1.0, 0.0], [[1.0, 1.0], [0.0, 1.0]], 0.75, [[0.5, 0.5], [0.5, 0.5]], [1.0, 0.5], [[2.0, 0.25], [0.25, 1.0]])]),
    "GaussianDlmObs": (dlm, None, "F G V W m0 C0",
                       [([[1.25, 2.0], [1.5, 3.25], [2.75, 0.5]], [[1.0, 0.5], [0.25, 1.0]], [[0.75, 0.25], [-0.25, 0.5]], S2, [[0.5, 0.125], [0.125, 0.25]], [1.0, -0.5], [[2.0, 0.25], [0.25, 1.0]]),
                        ([[1.25, 2.0], [1.5, 3.25]], [[1.0, 0.5]], [[0.875]], S2, [[0.5]], [1.0], [[2.0]]),
                        ([[1.25], [1.5], [4.0]], [[1.0], [0.0]], [[1.0, 1.0], [0.0, 1.0]], [[0.5]], [[0.25, 0.0], [0.0, 0.125]], [1.0, 0.5], [[2.0, 0.25], [0.25, 1.0]]),
                        ([[40.0, -31.0]], [[1.0, 0.5], [0.25, 1.0]], [[0.75, 0.25], [-0.25, 0.5]], S2, [[0.5, 0.125], [0.125, 0.25]], [1.0, -0.5], [[2.0, 0.25], [0.25, 1.0]])]),
    "ICAR": (icar, None, "node1 node2 sigma",
             [([0.5, 1.25, -1.75], [1.0, 2.0], [2.0, 3.0], 0.75), ([1.75, -1.75], [1.0], [2.0], 2.0), ([0.5, 2.25, -2.75], [1.0, 2.0, 1.0], [2.0, 3.0, 3.0], 1.5),
              ([-3.0, 0.125, 7.0, -5.5, 1.375], [1.0, 2.0, 3.0, 4.0, 2.0], [2.0, 3.0, 4.0, 5.0, 5.0], 4.0), ([-1.0, 0.25, 0.75], [1.0, 3.0], [2.0, 2.0], 0.375)]),
    "CAR": (lambda x, m, i, j, a, t: mvn(x, m, (t * laplacian(len(x), i, j, a)) ** -1), None, "mu node1 node2 alpha tau",
            [([0.5, 1.25, -1.5], [0.25, 0.0, 0.5], [1.0, 2.0], [2.0, 3.0], 0.75, 2.0), ([1.75, -1.5], [0.0, 1.0], [1.0], [2.0], -0.5, 0.375), ([0.5, 2.25, -2.5], [1.0, 1.5, 2.0], [1.0, 2.0, 1.0], [2.0, 3.0, 3.0], 0.96875, 1.5),
             ([-3.0, 0.125, 7.0, -5.5, 1.5], [0.5, 0.25, 0.0, 1.0, 2.0], [1.0, 2.0, 3.0, 4.0, 2.0], [2.0, 3.0, 4.0, 5.0, 5.0], 0.25, 4.0)]),
    "MatrixNormal": (lambda x, m, u, v: mvn(elements(x), elements(m), kronecker(u, v)), lambda x, m, u, v: stats.matrix_normal.logpdf(x, m, u, v), "M U V",
                     [([[1.25, 2.0, 0.5], [1.5, 3.25, -1.0]], [[0.5, 1.0, 0.25], [1.25, 0.75, 2.0]], S2, S3), ([[2.5]], [[0.75]], [[0.25]], [[3.0]]),
                      ([[40.0], [-31.0]], [[0.5], [2.0]], S2, [[1.5]]), ([[0.25, 4.0]], [[0.5, 1.5]], [[2.0]], S2)]),
    "MultiNormalLowRank": (low_rank, None, "mu W D",
                           [([1.3, -0.5], [0.5, 2.0], [[1.5], [-0.75]], [0.5, 0.25]), ([0.25, 4.0, -2.5], [0.0, 1.5, -1.0], [[1.0, 0.5], [0.25, -1.0], [0.75, 2.0]], [0.5, 1.25, 3.0]),
                            ([2.5], [0.75], [[0.25]], [2.0]), ([40.0, -31.0], [0.5, 2.0], [[1.5], [-0.75]], [0.125, 8.0])]),
    "LogisticNormal": (logistic_normal, None, "mu Sigma",
                       [([0.125, 0.25, 0.625], [0.5, -1.0], S2), ([0.5, 0.4375, 0.0625], [1.0, 2.0], S2), ([0.3125, 0.6875], [-0.5], [[2.5]]), ([0.25, 0.125, 0.5, 0.125], [0.0, 1.5, -1.0], S3)]),
    "StickBreaking": (sticks, None, "alpha", [([0.125, 0.25, 0.625], 0.5), ([0.5, 0.4375, 0.0625], 3.5), ([0.3125, 0.6875], 40.0), ([0.125, 0.375, 0.25, 0.25], 1.25)]),
    "RelaxedBernoulli": (lambda x, p, t: relaxed_bernoulli(x, p / (1 - p), t), None, "p temperature", [(0.3, 0.25, 2.5), (0.875, 0.6, 2.0), (0.0001, 0.1, 1.0), (0.5625, 0.001, 1.5)]),
    "RelaxedBernoulliLogit": (lambda x, e, t: relaxed_bernoulli(x, exp(e), t), None, "eta temperature", [(0.3, -1.25, 2.5), (0.875, 0.5, 2.0), (0.0001, -2.5, 1.0), (0.5625, -30.0, 1.5)]),
    "RelaxedOneHot": (concrete, None, "eta temperature",
                      [([0.125, 0.25, 0.625], [0.5, -1.0, 2.0], 0.5), ([0.5, 0.4375, 0.0625], [1.0, 3.0, -2.0], 2.0), ([0.3125, 0.6875], [300.5, 301.25], 0.75), ([0.125, 0.375, 0.25, 0.25], [0.5, 1.5, -0.25, 0.125], 0.25)]),
    "GeneralizedExtremeValue": (gev, lambda x, m, s, c: stats.genextreme.logpdf(x, -c, m, s), "mu sigma xi",
                                [(1.3, 0.5, 2.0, 0.25), (-0.5, 0.5, 2.0, -0.375), (1.25, 3.0, 0.75, 0.0), (300.0, 5.0, 2.5, 0.75), (4.5, 3.0, 1.5, 1e-4), (0.5, 3.0, 1.5, -1e-9)]),
    "GeneralizedPareto": (gpd, lambda x, m, s, c: stats.genpareto.logpdf(x, c, m, s), "mu sigma xi",
                          [(1.3, 0.5, 2.0, 0.25), (1.5, 0.5, 2.0, -0.375), (4.25, 3.0, 0.75, 0.0), (300.0, 5.0, 2.5, 0.75), (4.5, 3.0, 1.5, 1e-4), (5.5, 3.0, 1.5, -1e-9)]),
    "GaussianCopulaCholesky": (copula, None, "L", [([0.125, 0.75], C2), ([0.3, 0.999], C2), ([0.25, 0.625, 0.0625], C3), ([0.9375, 1e-6, 0.4], C3)]),
    "Flat": (lambda x: mpf(0), None, "", [(1.3,), (-7.25,), (1e300,), (0.0,)]),
    "HalfFlat": (lambda x: mpf(0), None, "", [(1.3,), (7.25,), (1e300,), (1e-300,)]),
}


def exact(v):
    if isinstance(v, list):
        return mat([[mpf(e) for e in r] for r in v]) if isinstance(v[0], list) else [mpf(e) for e in v]
    return mpf(v)


def number(v):
    s = repr(float(v))
    if s.endswith(".0"):
        s = s[:-2]
    return re.sub(r"e([+-]?)0*(\d)", lambda m: "e" + m[1].replace("+", "") + m[2], s)


def literal(v):
    flat = [e for r in v for e in r] if isinstance(v, list) and isinstance(v[0], list) else v
    return "[" + ", ".join(number(e) for e in flat) + "]" if isinstance(flat, list) else number(flat)


def shape(v):
    return f"[{len(v)}, {len(v[0])}]" if isinstance(v, list) and isinstance(v[0], list) else None


def entry(name):
    f, reference, names, rows = TABLE[name]
    names = names.split()
    lines = []
    disagreed = False
    for x, *args in rows:
        value = float(f(exact(x), *[exact(a) for a in args]))
        if reference:
            other = float(np.squeeze(reference(np.array(x) if isinstance(x, list) else x, *[np.array(a) if isinstance(a, list) else a for a in args])))
            if not abs(other - value) <= 1e-7 * max(1, abs(value)):
                disagreed = True
                print(f"{name} {x} {args}: {value!r}, scipy {other!r}")
        params = ", ".join(f"{n}: {literal(a)}" for n, a in zip(names, args))
        shapes = [f"{n}: {shape(a)}" for n, a in zip(names, args) if shape(a)]
        fields = [f"x: {literal(x)}"]
        if shape(x):
            fields.append(f"xShape: {shape(x)}")
        fields.append("params: { " + params + " }" if params else "params: {}")
        if shapes:
            fields.append("paramShapes: { " + ", ".join(shapes) + " }")
        fields.append(f"logDensity: {number(value)}")
        lines.append("      { " + ", ".join(fields) + " },\n")
    where = VERSIONS + (("; scipy 1.17 agrees where it does not cancel" if disagreed else "; scipy 1.17 agrees") if reference else ", formula")
    return f'golden: {{\n    from: "{where}",\n    rows: [\n{"".join(lines)}    ],\n  }},'


def closing(text, start):
    depth = 0
    for i in range(start, len(text)):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(text[i], 0)
        if depth == 0:
            return i + 1
    raise ValueError("unbalanced")


def main():
    check = "--check" in sys.argv
    left = set(TABLE)
    stale = []
    for path in sorted(glob.glob("src/dsl/distributions/*.ts")):
        text = open(path).read()
        done = text
        for name in re.findall(r'\n  name: "(\w+)"', text):
            if name not in TABLE:
                print(f"no rows for {name}")
                continue
            left.discard(name)
            at = done.index("\n  golden: {", done.index(f'\n  name: "{name}"')) + 3
            end = closing(done, at + len("golden: "))
            done = done[:at] + entry(name) + done[end + 1:]
        plain = lambda t: re.sub(r"[\s,]", "", t)
        if plain(done) != plain(text):
            stale.append(path)
            if not check:
                open(path, "w").write(done)
    if left:
        print("no record for", sorted(left))
    if check:
        print("not as written:" if stale else "as written", *stale)
        sys.exit(1 if stale else 0)


main()
