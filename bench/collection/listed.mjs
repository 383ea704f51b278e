// Posteriors whose chains are known not to agree, with the reason.
const labels =
  "the components of the mixture have one prior, so that they may change names without a change of the density: chains that start in either order stay in it";
const topics = "topics have one prior and may change names: chains differ by a permutation of them, and by what is none";
const mixtures = ["normal_2-normal_mixture", "normal_5-normal_mixture_k"];
const documents = ["three_docs1200", "three_men1", "three_men2", "three_men3"].map((data) => `${data}-ldaK2`);
const novels = ["prideprejudice_chapter-ldaK5", "prideprejudice_paragraph-ldaK5"];
const all = (names, reason) => names.map((name) => [name, { reason }]);

export const listed = Object.fromEntries([
  ...all(mixtures, labels),
  ...all([...documents, ...novels], topics),
  ...all(
    ["mnist_100-nn_rbm1bJ10"],
    "a network: its ten hidden units may change places and signs without a change of the density, and the priors of its scales, of shapes 10^-15 and 10^-7, are funnels of 7,949 weights",
  ),
  ...all(
    ["hmm_gaussian_simulated-hmm_gaussian"],
    "no posterior: means and scales are flat, so a state that nothing is drawn from may go anywhere; chains end at means and scales of Infinity",
  ),
  ...all(
    ["uk_drivers-state_space_stochastic_level_stochastic_seasonal"],
    "a funnel: the level has 192 bounded states, which cannot be non-centred, about a scale that may be 0 (E-BFMI 0.09)",
  ),
  ...all(
    ["ecdc0401-covid19imperial_v2", "ecdc0501-covid19imperial_v2"],
    "two explanations: the effects of measures have a prior of shape 1/6, which piles up at 0, and measures of the same weeks stand in for one another: of ecdc0501 three chains ended with the third measure (mean effect 0.6), one with the fifth and sixth in its place. Susceptibles, of whom a step may take more than there are, cut the posterior off besides (29 % of transitions diverge there, 9 % of ecdc0401)",
  ),
  ...all(
    ["ecdc0501-covid19imperial_v3"],
    "the measures of covid19imperial_v2, and an edge where susceptibles run out: 21 % of transitions diverge, and ten minutes have room for 2,000 draws a chain",
  ),
  ...all(
    ["prostate-logistic_regression_rhs"],
    "a regularised horseshoe over 5,966 genes of 102 tissues: chains stay for long with one of several genes that tell the same, and four chains of 1,000 draws take most of the time",
  ),
  ...all(["iohmm_reg_simulated-iohmm_reg"], "states have one prior and may change names, as the components of a mixture"),
]);
