// Poisson regression on a Gaussian process with a squared-exponential kernel.
data {
  int<lower=1> N;
  real x[N];
  int<lower=0> k[N];
}
parameters {
  real<lower=0> rho;
  real<lower=0> alpha;
  vector[N] f_raw;
}
transformed parameters {
  vector[N] f;
  {
    matrix[N, N] C = cov_exp_quad(x, alpha, rho);
    for (n in 1:N) C[n, n] += 1e-10;
    f = cholesky_decompose(C) * f_raw;
  }
}
model {
  rho ~ gamma(25, 4);
  alpha ~ normal(0, 2);
  f_raw ~ normal(0, 1);
  k ~ poisson_log(f);
}
