// Switching wells: distance, arsenic and their interaction, centred; Stan's fused logistic regression.
data {
  int<lower=0> N;
  int<lower=0, upper=1> switched[N];
  vector[N] dist;
  vector[N] arsenic;
}
transformed data {
  vector[N] d = (dist - mean(dist)) / 100;
  vector[N] a = arsenic - mean(arsenic);
  matrix[N, 3] x = append_col(append_col(d, a), d .* a);
}
parameters {
  real alpha;
  vector[3] beta;
}
model {
  switched ~ bernoulli_logit_glm(x, alpha, beta);
}
