// Log densities of Stan programs: translated by rstan's stanc, compiled against Debian's StanHeaders for doubles alone. That, and
// precompiled headers, make it seconds a program, where rstan, which also compiles gradients and samplers, takes a minute.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rDump, stanCache } from "./stan.mjs";

const library = "/usr/lib/R/site-library";
const includes = ["RcppEigen/include", "BH/include", "StanHeaders/include/src", "StanHeaders/include", "RcppParallel/include"];
// As rstan compiles, without optimisation: what takes time is the compiler.
const flags = [
  ..."-std=c++14 -w -O0 -DEIGEN_NO_DEBUG -DBOOST_DISABLE_ASSERTS -DBOOST_PENDING_INTEGER_LOG2_HPP -DBOOST_NO_AUTO_PTR -D_REENTRANT -DUSING_R".split(
    " ",
  ),
  ...includes.flatMap((path) => ["-isystem", `${library}/${path}`]),
];
const links = [`-L${library}/RcppParallel/libs`, `-L${library}/StanHeaders/lib`, "-lStanHeaders", "-ltbb"];
const driver = fileURLToPath(new URL("stan/density.cpp", import.meta.url));

const run = (command, words, options = {}) => execFileSync(command, words, { maxBuffer: 2 ** 28, encoding: "utf8", ...options });
const compile = (words) => run("nice", ["g++", ...flags, ...words], { stdio: ["ignore", "inherit", "inherit"] });

/** "2.21.0", of rstan's parser and headers. */
export const stanVersion = () =>
  run("Rscript", ["-e", "cat(rstan::stan_version())"], { stdio: ["ignore", "pipe", "ignore"] }).trim();

function headers() {
  const folder = join(stanCache, "density-headers");
  const header = join(folder, "stan.hpp");
  if (existsSync(`${header}.gch`)) return header;
  mkdirSync(folder, { recursive: true });
  const all = ["stan/math/prim/mat/fun/Eigen.hpp", "stan/model/model_header.hpp", "stan/io/dump.hpp"];
  writeFileSync(header, all.map((path) => `#include <${path}>\n`).join(""));
  compile(["-x", "c++-header", header, "-o", `${header}.gch`]);
  return header;
}

/** The compiled program, from the cache if it is there. */
function executable(name, source) {
  const key = createHash("md5").update(source).update(readFileSync(driver)).digest("hex");
  const path = join(stanCache, `density-${name}-${key}`);
  if (existsSync(path)) return path;
  const header = headers();
  const folder = mkdtempSync(join(tmpdir(), "tilde-density-"));
  writeFileSync(join(folder, "model.stan"), source);
  const translate =
    'writeLines(rstan::stanc("model.stan", model_name = "translated", obfuscate_model_name = FALSE)$cppcode, "model.hpp")';
  run("Rscript", ["-e", translate], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  // The base with virtual functions would have log_prob compiled for Stan's variables too.
  const text = readFileSync(join(folder, "model.hpp"), "utf8")
    .replace(/stan::model::model_base_crtp<\w+>/, "stan::model::prob_grad")
    .replaceAll("model_base_crtp(0)", "prob_grad(0)");
  writeFileSync(join(folder, "model.hpp"), text);
  compile(["-include", header, `-I${folder}`, driver, "-o", path, ...links]);
  rmSync(folder, { recursive: true });
  return path;
}

/** One at each point: constrained values of the program's parameters by name, nested arrays. */
export function stanLogDensities(name, source, data, points) {
  const path = executable(name, source);
  const folder = mkdtempSync(join(tmpdir(), "tilde-density-"));
  const files = [data, ...points].map((values, i) => {
    writeFileSync(join(folder, `${i}.R`), rDump(values));
    return join(folder, `${i}.R`);
  });
  const lines = run(path, files, { stdio: ["ignore", "pipe", "pipe"] })
    .trim()
    .split("\n");
  rmSync(folder, { recursive: true });
  // C++ writes inf.
  return lines.map((text) => Number(text.replace("inf", "Infinity")));
}
