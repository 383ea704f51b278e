// Programs that the checker accepts without a word, each a feature or a model of posteriordb in the language.

export const accepted: Readonly<Record<string, string>> = {
  arK: `
data K: int, T: int, y: real[T]
alpha ~ Normal(0, 10)
beta: real[K] ~ Normal(0, 10)
sigma ~ HalfCauchy(2.5)
for t in K+1..T {
  y[t] ~ Normal(alpha + sum([beta[k] * y[t-k] for k in 1..K]), sigma)
}
`,
  arma: `
data T: int, y: real[T]
mu ~ Normal(0, 10); phi ~ Normal(0, 2); theta ~ Normal(0, 2); sigma ~ HalfCauchy(2.5)
y[1] ~ Normal(mu, sigma)
`,
  centered: `
data y: real[J], sigma: positive[J]
const centered = 1
mu ~ Normal(0, 5); tau ~ HalfCauchy(5)
if centered == 1 { theta: real[J] ~ Normal(mu, tau) }
else { theta: real[J] ~ noncentered Normal(mu, tau) }
y ~ Normal(theta, sigma)
`,
  corr: `
data y: real[N, 3]
R: corr[3, 3] ~ LkjCorr(2)
s: positive[3] ~ HalfNormal(1)
for n in 1..N { y[n] ~ MultiNormal(zeros(3), diag(s) @ R @ diag(s)) }
`,
  density: `
data x: real<1,>[N], w: int<0, 1>[N]
density Pareto1(x: real<1,>; a: positive) = log(a) - (a + 1) * log(x)
density Vec(x: real[K]; m: real[K]) = -sum((x - m)^2)
a ~ HalfNormal(1)
x ~ Pareto1(a)
z: real[3] ~ Vec(zeros(3))
p ~ Beta(1, 1)
w ~ Bernoulli(p)
`,
  dirichlet_multinomial: `
data x: int<0,>[N, K]
alpha: positive[K] ~ Exponential(1)
for n in 1..N { theta[n] ~ Dirichlet(alpha); x[n] ~ Multinomial(sum(x[n]), theta[n]) }
`,
  dogs: `
data n_dogs: int, n_trials: int, y: int<0, 1>[n_dogs, n_trials]
let n_avoid = [[sum([1 - y[j, s] for s in 1..t-1]) for t in 1..n_trials] for j in 1..n_dogs]
let n_shock = [[sum([y[j, s] for s in 1..t-1]) for t in 1..n_trials] for j in 1..n_dogs]
beta: real[3] ~ Normal(0, 100)
let p = beta[1] + beta[2] * n_avoid + beta[3] * n_shock
for i in 1..n_dogs { for j in 1..n_trials { y[i, j] ~ BernoulliLogit(p[i, j]) } }
`,
  dogs2: `
data n_dogs: int, n_trials: int, y: int<0, 1>[n_dogs, n_trials]
for j in 1..n_dogs {
  let n_avoid[j, 1] = 0
  let n_shock[j, 1] = 0
  for t in 2..n_trials {
    let n_avoid[j, t] = n_avoid[j, t-1] + 1 - y[j, t-1]
    let n_shock[j, t] = n_shock[j, t-1] + y[j, t-1]
  }
}
beta: real[3] ~ Normal(0, 100)
y ~ BernoulliLogit(beta[1] + beta[2] * n_avoid + beta[3] * n_shock)
`,
  fns: `
data y: real[N], x: real[N]
fn line(a, b, x) = a + b * x
fn poly(c, x) { let p[1] = c[1]; for k in 2..3 { let p[k] = c[k] * x^(k-1) }; return sum(p) }
fn horner(c, x) { let a = c[1] + c[2]; return a * x }
a ~ Normal(0, 1)
c: real[3] ~ Normal(0, 1)
y ~ Normal(line(a, 2, x) + [poly(c, x[n]) for n in 1..N] + horner(c, x), 1)
`,
  generated: `
data y: real[N]
mu ~ Normal(0, 1); s ~ HalfNormal(1)
y ~ Normal(mu, s)
predict yrep: real[N] ~ Normal(mu, s)
predict k ~ Poisson(exp(mu))
quantity m = mean(yrep) > mu ? 1 : 0
predict c ~ Categorical([0.5, 0.5])
quantity pick = [mu, s][c]
for t in 1..5 { predict w[t] ~ Normal(t > 1 ? w[t-1] : 0, 1) }
quantity last = w[5]
`,
  glmm_poisson: `
data n: int, C: int<0,>[n], year: real[n]
alpha: real<-20, 20> ~ Uniform(-20, 20)
beta1: real<-10, 10> ~ Uniform(-10, 10)
beta2: real<-10, 20> ~ Uniform(-10, 20)
beta3: real<-10, 10> ~ Uniform(-10, 10)
sigma: real<0, 5> ~ Uniform(0, 5)
eps: real[n] ~ Normal(0, sigma)
let year_squared = year^2
let year_cubed = year_squared * year
C ~ PoissonLog(alpha + beta1 * year + beta2 * year_squared + beta3 * year_cubed + eps)
predict C2 ~ PoissonLog(alpha + eps)
`,
  gp: `
data N: int, x: real[N], y: real[N]
rho ~ Gamma(25, 4)
alpha ~ HalfNormal(2)
sigma ~ HalfNormal(1)
let cov = gp_exp_quad_cov(x, alpha, rho) + diag(rep(sigma^2, N))
let L = cholesky(cov)
y ~ MultiNormalCholesky(zeros(N), L)
`,
  gp_pois: `
data N: int, x: real[N], k: int<0,>[N]
rho ~ Gamma(25, 4)
alpha ~ HalfNormal(2)
let L = cholesky(gp_exp_quad_cov(x, alpha, rho) + 1e-10 * I(N))
f_tilde: real[N] ~ Normal(0, 1)
let f = L @ f_tilde
k ~ PoissonLog(f)
`,
  hmm_example: `
data N: int, K: int, y: real[N]
for k in 1..K { theta[k] ~ Dirichlet(ones(K)) }
mu: positive_ordered[K]
mu[1] ~ Normal(3, 1)
mu[2] ~ Normal(10, 1)
let acc = [mu[k] * theta[k, 1] for k in 1..K]
factor(logsumexp(acc))
`,
  horseshoe: `
data X: real[n, d], y: int<0,1>[n], scale_icept: positive, nu: positive
beta0 ~ Normal(0, scale_icept)
tau ~ HalfStudentT(nu, 1)
lambda: positive[d] ~ HalfStudentT(nu, 1)
c2 ~ InvGamma(2, 2)
z: real[d] ~ Normal(0, 1)
let lt = sqrt(c2 * lambda^2 / (c2 + tau^2 * lambda^2))
let beta = z * lt * tau
y ~ BernoulliLogit(beta0 + X @ beta)
`,
  inflated: `
data y: int<0,>[N]
p ~ Beta(1, 1); l ~ Gamma(2, 0.1)
y ~ inflated(p, 0, Poisson(l))
data r: real[N]
r ~ rounded(Normal(0, 1), to = 0.1)
`,
  irt_2pl: `
data I: int, J: int, y: int<0, 1>[I, J]
sigma_theta ~ HalfCauchy(2)
theta: real[J] ~ Normal(0, sigma_theta)
sigma_a ~ HalfCauchy(2)
a: positive[I] ~ LogNormal(0, sigma_a)
mu_b ~ Normal(0, 5)
sigma_b ~ HalfCauchy(2)
b: real[I] ~ Normal(mu_b, sigma_b)
for i in 1..I { y[i] ~ BernoulliLogit(a[i] * (theta - b[i])) }
`,
  kidscore: `
data kid_score: real[N], mom_iq: real[N], mom_hs: int<0, 1>[N]
beta: real[4] ~ Flat()
sigma ~ HalfCauchy(2.5)
let inter = mom_hs * mom_iq
kid_score ~ Normal(beta[1] + beta[2] * mom_hs + beta[3] * mom_iq + beta[4] * inter, sigma)
`,
  lets: `
data y: real[N], idx: int<1, N>[M]
a ~ Normal(0, 1)
for n in 1..N {
  let m = a + n
  let w[n] = exp(m)
  for k in 1..3 { let v[n, k] = m * k }
}
for i in idx { b[i] ~ Normal(w[i], 1) }
y ~ Normal(w + v[, 1], 1)
let z = v @ ones(3)
observe(lpdf(Normal(z, 1), y))
`,
  lkj: `
data X: real[N, P], y: real[N], jj: int<1, J>[N], J: int, u: real[J, L]
Omega: cholesky_corr[P, P] ~ LkjCholesky(2)
tau: positive[P] ~ HalfCauchy(2.5)
z: real[P, J] ~ Normal(0, 1)
gamma: real[P, L] ~ Normal(0, 5)
sigma ~ HalfNormal(1)
let beta = (gamma @ u' + diag_pre_multiply(tau, Omega) @ z)'
for n in 1..N { y[n] ~ Normal(beta[jj[n]] @ X[n], sigma) }
`,
  m0: `
data M: int, T: int, y: int<0,1>[M, T]
let s = [sum(y[i, ]) for i in 1..M]
let C = sum([s[i] > 0 for i in 1..M])
omega ~ Uniform(0, 1)
p ~ Uniform(0, 1)
for i in 1..M {
  if s[i] > 0 { factor(log(omega) + lpmf(Binomial(T, p), s[i])) }
  else { factor(logaddexp(log(omega) + lpmf(Binomial(T, p), 0), log1m(omega))) }
}
`,
  mix: `
data N: int, y: real[N]
mu: ordered[2] ~ Normal(0, 2)
sigma: positive[2] ~ HalfNormal(2)
theta ~ Beta(5, 5)
for n in 1..N { y[n] ~ mixture([theta, 1 - theta], Normal(mu, sigma)) }
`,
  mix2: `
data y: real[N]
mu: ordered[2] ~ Normal(0, 2)
theta ~ Beta(5, 5)
for n in 1..N { factor(log_mix(theta, lpdf(Normal(mu[1], 1), y[n]), lpdf(Normal(mu[2], 1), y[n]))) }
`,
  ordered: `
data y: int<1, 5>[N], x: real[N]
c: ordered[4] ~ Normal(0, 5)
b ~ Normal(0, 1)
y ~ OrderedLogistic(b * x, c)
`,
  radon: `
data N: int, J: int
data county: int<1, J>[N], floor_measure: int<0, 1>[N], log_radon: real[N], log_uppm: real[N]
sigma_alpha ~ HalfNormal(1)
sigma_y ~ HalfNormal(1)
mu_alpha ~ Normal(0, 10)
beta: real[2] ~ Normal(0, 10)
alpha: real[J] ~ noncentered Normal(mu_alpha, sigma_alpha)
let mu = alpha[county] + beta[1] * log_uppm + floor_measure * beta[2]
log_radon ~ Normal(mu, sigma_y)
`,
  ragged: `
data N: int, g: int<1, G>[N], pos: int<1,>[G], sz: int<0,>[G], y: real[N]
mu: real[G] ~ Normal(0, 1)
for j in 1..G { y[pos[j]..pos[j]+sz[j]-1] ~ Normal(mu[j], 1) }
let tot = [sum([y[pos[j] + k - 1] for k in 1..sz[j]]) for j in 1..G]
quantity q = sum(tot) + g[1]
`,
  rats: `
data N: int, T: int, x: real[T], y: real[N, T], xbar: real
mu_alpha ~ Normal(0, 100); mu_beta ~ Normal(0, 100)
sigmasq_y ~ InvGamma(0.001, 0.001)
sigmasq_alpha ~ InvGamma(0.001, 0.001)
sigmasq_beta ~ InvGamma(0.001, 0.001)
alpha: real[N] ~ Normal(mu_alpha, sqrt(sigmasq_alpha))
beta: real[N] ~ Normal(mu_beta, sqrt(sigmasq_beta))
for n in 1..N, t in 1..T { y[n, t] ~ Normal(alpha[n] + beta[n] * (x[t] - xbar), sqrt(sigmasq_y)) }
quantity alpha0 = mu_alpha - xbar * mu_beta
`,
  rw: `
data y: real[T]
x[1] ~ Normal(0, 1)
for t in 2..T { x[t] ~ Normal(x[t-1], 0.1) }
for t in 1..T { y[t] ~ Normal(x[t], 1) }
`,
  rwvec: `
data y: real[T, D]
const K = 3
A: real[K, K] ~ Normal(0, 1)
C: real[D, K] ~ Normal(0, 1)
x[1] ~ Normal(0, I(K))
for t in 2..T { x[t] ~ Normal(A @ x[t-1], I(K)) }
for t in 1..T { y[t] ~ Normal(C @ x[t], 1) }
`,
  stochvol: `
data T: int, y: real[T]
mu ~ Cauchy(0, 10)
phi: real<-1, 1> ~ Uniform(-1, 1)
sigma ~ HalfCauchy(5)
h_std: real[T] ~ Normal(0, 1)
h[1] ~ Normal(mu, sigma / sqrt(1 - phi * phi))
for t in 2..T { h[t] ~ Normal(mu + phi * (h[t-1] - mu), sigma) }
y ~ Normal(0, exp(h / 2))
quantity p = h_std[1]
`,
  trunc: `
data y: real<0,>[N], U: real
mu ~ Normal(0, 1)
s: real<0, 10> ~ Normal(0, 3)
y ~ truncated(Normal(mu, s), lower = 0)
x: real<, 5> ~ unnormalized StudentT(3, mu, 1)
t: positive ~ StudentT(3, 0, 2.5)
v: real<0, mu^2 + 1> ~ Normal(0, 1)
`,
  twodim: `
data R: int, C: int, y: real[R, C]
row: real[R] ~ Normal(0, 1)
col: real[C] ~ Normal(0, 1)
y ~ Normal([row[i] + col[j] for i in 1..R, j in 1..C], 1)
for i in 1..R, j in 1..C { e[i, j] ~ Normal(row[i], 1) }
quantity s = sum(e) + e[R, C] + sum(e[1]) + trace(e @ e')
`,
  unicode: `
data μ: real[N]
σ ~ HalfNormal(1); θ: real[N] ~ Normal(0, σ)
μ ~ Normal(θ, σ)
`,
  wells: `
data N: int, switched: int<0,1>[N], dist: real[N], arsenic: real[N], educ: real[N]
let d = (dist - mean(dist)) / sd(dist)
alpha ~ Flat(); beta: real[3] ~ Flat()
switched ~ BernoulliLogit(alpha + [d, log(arsenic), educ / 4]' @ beta)
`,
  zeros: `
data N: int, y: real[N]
phi: real[N] ~ Flat()
factor(-0.5 * sum((phi[2..] - phi[..N-1])^2))
sum(y) ~ Normal(0, 1)
0 ~ Normal(sum(phi), 0.001 * N)
`,
  constsizes: `
data y: real[N]
const K = 2
mu: ordered[K] ~ Normal(0, 1)
s: real[K, K] ~ Normal(0, 1)
w ~ Dirichlet(ones(K))
y ~ mixture(w, Normal(mu[1], 1), Normal(mu[2], 1))
let a = [mu[1], mu[2]] + s @ [1, 2]
quantity q = a + zeros(K)
`,
  emptyranges: `
data x: real[N]
for n in 1..N { m[n] ~ Normal(sum(x[1..n-2]) + sum(x[n+2..N]), 1) }
`,
  pieces: `
data X: real[N, K], wide: int
let a = wide > 0 ? X : X[1]
let b = concat(a, X, axis = 2)
let c = concat(X[1], 3, [4, 5])
m ~ Normal(sum(b) + sum(c), 1)
`,
  modifiers: `
data y: real[N], k: int<0,>[N], most: int
w ~ Dirichlet([1, 1]); mu ~ Normal(0, 1); l ~ Exponential(1)
y ~ truncated(mixture(w, Normal(mu, 1), Normal(0, 2)), lower = 0)
k ~ truncated(Poisson(l), upper = most)
quantity q = cdf(mixture(w, Normal(mu, 1), Normal(0, 2)), 1)
x: positive ~ mixture(w, Normal(mu, 1), Normal(0, 2))
`,
};
