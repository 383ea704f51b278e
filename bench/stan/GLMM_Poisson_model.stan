// Counts over the years: a cubic trend and a random year effect.
data {
  int<lower=0> n;
  int<lower=0> C[n];
  vector[n] year;
}
transformed data {
  vector[n] year2 = year .* year;
  vector[n] year3 = year2 .* year;
}
parameters {
  real<lower=-20, upper=20> alpha;
  real<lower=-10, upper=10> beta1;
  real<lower=-10, upper=10> beta2;
  real<lower=-10, upper=10> beta3;
  real<lower=0, upper=5> sigma;
  vector[n] eps;
}
transformed parameters {
  vector[n] log_lambda = alpha + beta1 * year + beta2 * year2 + beta3 * year3 + eps;
}
model {
  C ~ poisson_log(log_lambda);
  eps ~ normal(0, sigma);
}
generated quantities {
  vector[n] lambda = exp(log_lambda);
}
