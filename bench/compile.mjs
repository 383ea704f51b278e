// Compile times of one posterior in a process of its own, as JSON: node bench/compile.mjs NAME
import { posteriors } from "./posteriors.mjs";
import { compileTimes } from "./tilde.mjs";

const posterior = posteriors.find(({ name }) => name === process.argv[2]);
if (posterior === undefined) throw new Error(`no posterior is called ${process.argv[2]}`);
process.stdout.write(`${JSON.stringify(await compileTimes(posterior, 5))}\n`);
