// A hidden Markov chain with normal observations: the forward recursion by hand.
data {
  int<lower=1> N;
  int<lower=1> K;
  real y[N];
}
parameters {
  simplex[K] theta1;
  simplex[K] theta2;
  positive_ordered[K] mu;
}
model {
  vector[K] alpha[N];
  matrix[K, K] log_theta;
  log_theta[1] = log(theta1)';
  log_theta[2] = log(theta2)';
  mu[1] ~ normal(3, 1);
  mu[2] ~ normal(10, 1);
  for (k in 1:K) alpha[1][k] = normal_lpdf(y[1] | mu[k], 1) - log(K);
  for (t in 2:N)
    for (k in 1:K) alpha[t][k] = log_sum_exp(alpha[t - 1] + log_theta[, k]) + normal_lpdf(y[t] | mu[k], 1);
  target += log_sum_exp(alpha[N]);
}
