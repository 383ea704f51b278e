// Deep latent Gaussian models of static binarised MNIST: a variational autoencoder, the importance-weighted one and VI-initialised HMC,
// trained alike and judged on the same test images by annealed importance sampling. docs/results.md has the outcome.
//   node bench/deep.mjs [--seeds 0,1,2] [--methods vae,iwae,hmc] [--epochs 20] [--test 2000] [--backend auto] [--at DIR]
// Reads ../shared/data/mnist_static; keeps runs in --at (default: a folder of the system's temporary files), and takes those that are there.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: {
    seeds: { type: "string", default: "0,1,2" },
    methods: { type: "string", default: "vae,iwae,hmc" },
    epochs: { type: "string", default: "20" },
    test: { type: "string", default: "2000" },
    backend: { type: "string", default: "auto" },
    at: { type: "string", default: join(tmpdir(), "tilde-deep") },
  },
});
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const data = here("../../shared/data/mnist_static");
const cli = here("../dist/cli.js");
const METHODS = {
  vae: ["--engine", "amortized"],
  iwae: ["--engine", "amortized", "--objective", "iwae", "--samples", "5"],
  hmc: ["--engine", "vi-hmc", "--transitions", "2", "--leapfrog", "5"],
};
const TRAINING = ["--epochs", options.epochs, "--batch", "100", "--rate", "0.001", "--schedule", "drop"];
// The test file is sorted by class: its rows are taken at random, the same for all models.
const JUDGING = ["--subset", `N=${options.test}`, "--subset-seed", "1", "--estimator", "ais", "--seed", "1"];

function ppl(...args) {
  const began = process.hrtime.bigint();
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args, "--progress", "none"], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  // 2: the verdict on the guide, which is not what is judged here.
  if (status !== 0 && status !== 2) throw new Error(`ppl ${args.join(" ")} ended with ${status}:\n${stderr}`);
  return { stdout, seconds: Number(process.hrtime.bigint() - began) / 1e9 };
}

const mean = (xs) => xs.reduce((a, b) => a + b, 0) / xs.length;
const error = (xs) => Math.sqrt(mean(xs.map((x) => (x - mean(xs)) ** 2)) / (xs.length - 1));
const logLikelihoods = (path) =>
  readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => Number(line.split(",")[1]));

if (!existsSync(data)) {
  console.log(`static MNIST is not here (${data}): nothing is run`);
  process.exit(0);
}
mkdirSync(options.at, { recursive: true });
const results = new Map();
for (const seed of options.seeds.split(",")) {
  for (const method of options.methods.split(",")) {
    const folder = join(options.at, `${method}-${seed}`);
    if (!existsSync(join(folder, "run.json"))) {
      const train = ["--data", `x=${join(data, "train.bits.gz")}`, ...METHODS[method], ...TRAINING, "--seed", seed];
      ppl("run", here("deep/mnist.ppl"), ...train, "--backend", options.backend, "--out", folder, "--quiet");
    }
    const { status, seconds: took, backend, options: own } = JSON.parse(readFileSync(join(folder, "run.json"), "utf8"));
    if (status !== "done" || own.epochs !== Number(options.epochs))
      throw new Error(
        `${folder} has a run of ${own.epochs} epochs, ${status}, where ${options.epochs} belong: name another folder by --at`,
      );
    const file = `${folder}.csv`;
    const judge = ["--data", `x=${join(data, "test.bits.gz")}`, ...JUDGING, "--backend", options.backend];
    const { stdout, seconds } = ppl("evaluate", folder, ...judge, "--out", file, "--json");
    const { active_units: active } = JSON.parse(stdout);
    const rows = logLikelihoods(file);
    results.set(`${method} ${seed}`, rows);
    console.log(
      `${method} seed ${seed}: log p(x) ${mean(rows).toFixed(2)} ± ${error(rows).toFixed(2)} over ${rows.length} images, ${active} active units, trained on ${backend} in ${took.total.toFixed(0)} s, judged in ${seconds.toFixed(0)} s`,
    );
  }
}
for (const method of options.methods.split(",").filter((m) => m !== "vae")) {
  const gains = options.seeds.split(",").flatMap((seed) => {
    const [own, plain] = [results.get(`${method} ${seed}`), results.get(`vae ${seed}`)];
    if (!own || !plain) return [];
    const gain = own.map((x, i) => x - plain[i]);
    console.log(`${method} over vae, seed ${seed}: ${mean(gain).toFixed(2)} ± ${error(gain).toFixed(2)} (paired)`);
    return [mean(gain)];
  });
  if (gains.length > 0) console.log(`${method} over vae, mean of ${gains.length} seeds: ${mean(gains).toFixed(2)}`);
}
