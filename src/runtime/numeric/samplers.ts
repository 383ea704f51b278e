// Draws on the host from distributions that no short program of noise gives.
export * from "./continuous-samplers.ts";
export * from "./discrete-samplers.ts";
