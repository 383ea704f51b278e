// Linear algebra, one file a factorisation: the family as the registry sees it.
export { cholesky, choleskyGradient } from "./cholesky.ts";
export { dot } from "./dot.ts";
export { symmetricEigen } from "./eigen.ts";
export { logAbsDet, solve } from "./lu.ts";
export { qr } from "./qr.ts";
export { triangularSolve } from "./triangular.ts";
