// The posteriors of the benchmark: which model, which data, and whether its likelihood collapses by QR.
import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { simulate } from "./simulated.mjs";

const root = new URL("../", import.meta.url);
const dataFolder = new URL("../shared/data/posteriordb/data/", root);

/** `collapses`: a sum of squares of a linear predictor, which costs O(P²) after a QR factorisation at bind whatever N is, or O(J P) by
 *  group. */
const regressions = (data, names) => names.map((model) => ({ model, data, collapses: true }));
const others = (pairs) => pairs.map(([model, data]) => ({ model, data, collapses: false }));
/** Steps that follow one another, or indicators that are summed out. */
const recursive = (pairs) => pairs.map(([model, data]) => ({ model, data, collapses: false, recursive: true }));
/** Models and data of the benchmark's own, in the way of posteriordb's models that come without data of a useful size. */
const simulated = (models) =>
  models.map((model) => ({ model, data: "simulated", collapses: false, recursive: model !== "gp_regr", own: true }));
const nesYears = [1972, 1976, 1980, 1984, 1988, 1992, 2000];

export const posteriors = [
  ...others([["eight_schools_noncentered", "eight_schools"]]),
  ...regressions("arK", ["arK"]),
  ...regressions("sblrc", ["blr"]),
  ...regressions("kidiq", ["kidscore_momhs", "kidscore_momiq", "kidscore_momhsiq", "kidscore_interaction"]),
  ...regressions("kidiq_with_mom_work", ["kidscore_interaction_c", "kidscore_interaction_c2", "kidscore_interaction_z"]),
  ...regressions("earnings", [
    "earn_height",
    "logearn_height",
    "log10earn_height",
    "logearn_interaction",
    "logearn_logheight_male",
  ]),
  ...regressions("mesquite", ["mesquite", "logmesquite", "logmesquite_logva", "logmesquite_logvas", "logmesquite_logvolume"]),
  ...nesYears.flatMap((year) => regressions(`nes${year}`, ["nes"])),
  ...regressions("diamonds", ["diamonds"]),
  ...regressions("radon_all", ["radon_hierarchical_intercept_noncentered"]),
  ...others([
    ["gp_pois_regr", "gp_pois_regr"],
    ["irt_2pl", "irt_2pl"],
    ["GLMM_Poisson_model", "GLMM_Poisson_data"],
    ["wells_interaction_c_model", "wells_data"],
  ]),
  ...recursive([
    ["hmm_example", "hmm_example"],
    ["arma11", "arma"],
    ["ldaK2", "three_men1"],
    ["lotka_volterra", "hudson_lynx_hare"],
  ]),
  ...simulated(["garch11", "gauss_mix", "gp_regr"]),
].map((p) => ({ ...p, name: `${p.data}-${p.model}` }));

export const dataAreThere = existsSync(dataFolder);
export const readData = ({ data, model, own }) =>
  own ? simulate[model]() : JSON.parse(gunzipSync(readFileSync(new URL(`${data}.json.gz`, dataFolder))).toString("utf8"));
export const modelSource = ({ model, own }) => {
  const path = `${own ? "bench/models" : "models/posteriordb"}/${model}.ppl`;
  const url = new URL(path, root);
  return { name: path, text: readFileSync(url, "utf8") };
};
