// Names that users of Stan, BUGS and NumPy bring along, and what they are called here.

const types: Readonly<Record<string, string>> = {
  vector: "a vector is real[N]",
  row_vector: "a vector is real[N]",
  matrix: "a matrix is real[N, K]",
  array: "sizes stand after the type: real[N]",
  tensor: "an array is real[N, K, M]",
  float: "did you mean real?",
  double: "did you mean real?",
  number: "did you mean real?",
  integer: "did you mean int?",
  bool: "0 or 1 is int<0, 1>",
  boolean: "0 or 1 is int<0, 1>",
  binary: "0 or 1 is int<0, 1>",
  natural: "counts are int<0,>",
  count: "counts are int<0,>",
  probability: "a number between 0 and 1 is unit",
  prob: "a number between 0 and 1 is unit",
  cov_matrix: "a covariance matrix is cov[K, K]",
  corr_matrix: "a correlation matrix is corr[K, K]",
  cholesky_factor_corr: "a factor of a correlation matrix is cholesky_corr[K, K]",
  cholesky_factor_cov: "a factor of a covariance matrix is cholesky_cov[K, K]",
  sum_to_zero_vector: "it is called sum_to_zero[K]",
};
const distributions: Readonly<Record<string, string>> = {
  gaussian: "write Normal(mu, sigma)",
  norm: "write Normal(mu, sigma)",
  n: "write Normal(mu, sigma)",
  dnorm: "write Normal(mu, tau = …): BUGS gives the precision",
  dgamma: "write Gamma(shape, rate)",
  dunif: "write Uniform(lower, upper)",
  unif: "write Uniform(lower, upper)",
  dbern: "write Bernoulli(p)",
  bern: "write Bernoulli(p)",
  dbin: "write Binomial(n, p): the number of trials comes first",
  dpois: "write Poisson(rate)",
  dbeta: "write Beta(a, b)",
  dexp: "write Exponential(rate)",
  dt: "write StudentT(nu, mu, sigma)",
  t: "write StudentT(nu, mu, sigma)",
  student: "write StudentT(nu, mu, sigma)",
  dcat: "write Categorical(p)",
  discrete: "write Categorical(p), or FiniteDiscrete(values, p) for other integers than 1 … K",
  discretenonparametric: "write FiniteDiscrete(values, p)",
  ddirch: "write Dirichlet(alpha)",
  dmnorm: "write MultiNormalPrec(mu, Omega): BUGS gives the precision",
  mvnormal: "write MultiNormal(mu, Sigma)",
  multivariatenormal: "write MultiNormal(mu, Sigma)",
  doubleexponential: "write Laplace(mu, sigma)",
  inversegamma: "write InvGamma(alpha, beta)",
  gammapoisson: "write NegBinomial(alpha, beta): a Poisson whose rate is Gamma(alpha, beta)",
  negativebinomial: "write NegBinomial(alpha, beta), or NegBinomial2(mu, phi) by its mean",
  lkj: "write LkjCorr(eta), or LkjCholesky(eta) for the factor",
  exgaussian: "write ExpModNormal(mu, sigma, lambda)",
  wald: "write InverseGaussian(mu, lambda)",
  mvlognormal: "write MultiLogNormal(mu, Sigma)",
  mvlogitnormal: "write LogisticNormal(mu, Sigma)",
  zerooneinflatedbeta: "write inflated(p, 0, inflated(q, 1, Beta(a, b)))",
  hurdlepoisson: "write hurdle(p, Poisson(lambda))",
  hurdlenegativebinomial: "write hurdle(p, NegBinomial2(mu, phi))",
  hurdlegamma: "write hurdle(p, Gamma(alpha, beta))",
  hurdlelognormal: "write hurdle(p, LogNormal(mu, sigma))",
  foldeddistribution: "write folded(D)",
  foldednormal: "write folded(Normal(mu, sigma))",
  halft: "write HalfStudentT(nu, sigma)",
  zeroinflateddistribution: "write inflated(p, 0, D)",
  horseshoe: "write beta ~ Normal(0, tau * lambda) with tau and each lambda HalfCauchy(1)",
  improperuniform: "write Flat()",
};
const functions: Readonly<Record<string, string>> = {
  to_vector: "vectors need no conversion; flatten(X) lays a matrix out row by row",
  to_array_1d: "flatten(X) lays a matrix out row by row",
  to_row_vector: "there are no row vectors: vectors stand on either side of @",
  to_matrix: "reshape(x, N, K) fills a matrix row by row",
  rep_vector: "write rep(x, N)",
  rep_row_vector: "write rep(x, N)",
  rep_matrix: "write rep(x, N, K)",
  rep_array: "write rep(x, N)",
  zeros_vector: "write zeros(N)",
  ones_vector: "write ones(N)",
  zeros_row_vector: "write zeros(N)",
  append_row: "write concat(a, b)",
  append_col: "write concat(a, b, axis = 2)",
  append_array: "write concat(a, b)",
  head: "write x[..n]",
  tail: "write x[length(x)-n+1..]",
  segment: "write x[i..i+n-1]",
  block: "write x[i..j, k..l]",
  sub_col: "write x[i..j, k]",
  sub_row: "write x[k, i..j]",
  col: "write x[, j]",
  row: "write x[i, ]",
  elt_multiply: "write a * b",
  elt_divide: "write a / b",
  dims: "write length(x), cols(x)",
  numel: "write size(x)",
  fabs: "write abs(x)",
  ln: "write log(x)",
  expit: "write inv_logit(x)",
  int_step: "write x > 0",
  step: "write x >= 0",
  if_else: "write c ? a : b",
  ifelse: "write c ? a : b",
  where: "write c ? a : b",
  select: "write c ? a : b",
  lower_triangle: "comparisons of indices give 0 or 1: multiply by them",
  normal_id_glm: "write y ~ Normal(alpha + X @ beta, sigma): it is recognised",
  bernoulli_logit_glm: "write y ~ BernoulliLogit(alpha + X @ beta)",
  poisson_log_glm: "write y ~ PoissonLog(alpha + X @ beta)",
  target: "write factor(e)",
  increment_log_prob: "write factor(e)",
  print: "quantity saves a value with the draws",
  reject: "declare the type that the value must have",
  ode_rk45: "write ode(rhs, y0, t0, ts, …)",
  ode_bdf: "write ode(rhs, y0, t0, ts, …)",
  integrate_ode_rk45: "write ode(rhs, y0, t0, ts, …)",
  integrate_ode_bdf: "write ode(rhs, y0, t0, ts, …)",
  dot_prod: "write u @ v",
  matmul: "write A @ B",
  mdivide_left_tri_low: "write trisolve(L, b)",
  mdivide_left: "write solve(A, b)",
  mdivide_right_tri_low: "write trisolve(L, B')'",
  columns_dot_product: "write sum(A * B, axis = 1)",
  rows_dot_product: "write sum(A * B, axis = 2)",
  transposed: "write A'",
  columns_dot_self: "write sum(A * A, axis = 1)",
  rows_dot_self: "write sum(A * A, axis = 2)",
  trace_quad_form: "write trace(B' @ A @ B)",
  trace_dot: "write sum(A * B)",
  add_diag: "write A + diag(d)",
  mdivide_left_spd: "write solve(A, b)",
  mdivide_right_spd: "write solve(A, B')'",
  determinant: "write exp(log_det(A)), its absolute value",
  linspaced_vector: "write linspace(a, b, n)",
  linspaced_row_vector: "write linspace(a, b, n)",
  linspaced_array: "write linspace(a, b, n)",
  one_hot_vector: "I(n)[k] is the k-th unit vector",
  uniform_simplex: "write ones(K) / K",
  sort_asc: "write sort(x)",
  sort_desc: "write reverse(sort(x))",
  sort_indices_asc: "write order(x)",
  sort_indices_desc: "write reverse(order(x))",
  integrate_ode: "write ode(rhs, y0, t0, ts, …)",
  fma: "write x * y + z",
  to_int: "floor(x), round(x) or trunc(x) give whole numbers",
  reduce_sum: "a loop over rows is one vectorised term",
  map_rect: "a loop over rows is one vectorised term",
  not_a_number: "there is no NaN to write: missing data are null in the data file",
  positive_infinity: "write inf",
  negative_infinity: "write -inf",
};

export const foreignType = (name: string): string | undefined => (Object.hasOwn(types, name) ? types[name] : undefined);

/** By the name without case and underscores. */
export function foreignDistribution(name: string): string | undefined {
  const folded = name.replaceAll("_", "").toLowerCase();
  return Object.hasOwn(distributions, folded) ? distributions[folded] : undefined;
}

/** normal_lpdf is lpdf(Normal(…), x). `distributionNamed`: finds a record by its name without case and underscores. */
export function foreignFunction(name: string, distributionNamed: (folded: string) => string | undefined): string | undefined {
  if (Object.hasOwn(functions, name)) return functions[name];
  const parts = /^(\w+)_(lpdf|lpmf|lcdf|lccdf|cdf|rng|lupdf|lupmf|log)$/.exec(name);
  if (!parts) return undefined;
  const distribution = distributionNamed(parts[1].replaceAll("_", "").toLowerCase());
  if (!distribution) return undefined;
  switch (parts[2]) {
    case "rng":
      return `write predict x ~ ${distribution}(…)`;
    case "lupdf":
    case "lupmf":
    case "log":
      return `write lpdf(${distribution}(…), x)`;
    default:
      return `write ${parts[2]}(${distribution}(…), x)`;
  }
}
