// Latent Dirichlet allocation with two topics, the topic of each word summed out by hand.
data {
  int<lower=2> V;
  int<lower=1> M;
  int<lower=1> N;
  int<lower=1, upper=V> w[N];
  int<lower=1, upper=M> doc[N];
}
parameters {
  simplex[2] theta[M];
  simplex[V] phi[2];
}
model {
  for (m in 1:M) theta[m] ~ dirichlet(rep_vector(1, 2));
  for (k in 1:2) phi[k] ~ dirichlet(rep_vector(1, V));
  for (n in 1:N) {
    real gamma[2];
    for (k in 1:2) gamma[k] = log(theta[doc[n], k]) + log(phi[k, w[n]]);
    target += log_sum_exp(gamma);
  }
}
