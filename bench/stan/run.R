# One posterior in Stan, driven line by line from bench/run.mjs:
#   Rscript run.R CACHE MODEL.stan [DATA.R]
# compiles the model unless CACHE has it already and prints {"ready":…}; then each input line "warmup draws seed file.csv"
# runs one chain with Stan's defaults, writes its draws to the file and prints one line of JSON.
suppressPackageStartupMessages(library(rstan))
arguments <- commandArgs(trailingOnly = TRUE)
cache <- arguments[1]
file <- arguments[2]

# As CmdStan compiles. With -march=native Eigen aligns otherwise than in the library that Debian built, and the program ends in a double free.
flags <- Sys.getenv("TILDE_STAN_FLAGS", "-O3 -mtune=native")
makevars <- tempfile()
writeLines(paste("CXX14FLAGS =", flags, "-w -fPIC"), makevars)
Sys.setenv(R_MAKEVARS_USER = makevars)

say <- function(...) { cat(sprintf(...), "\n", sep = ""); flush(stdout()) }
name <- sub("[.]stan$", "", basename(file))
key <- tempfile()
writeLines(c(readLines(file), flags, stan_version(), R.version.string), key)
stored <- file.path(cache, paste0(name, "-", tools::md5sum(key), ".rds"))
began <- proc.time()[["elapsed"]]
if (file.exists(stored)) {
  model <- readRDS(stored)
} else {
  model <- stan_model(file, model_name = name, auto_write = FALSE)
  saveRDS(model, stored)
}
say('{"ready":"%s","stan":"%s","flags":"%s","compileSeconds":%.1f}', name, stan_version(), flags, proc.time()[["elapsed"]] - began)

if (length(arguments) > 2) {
  data <- read_rdump(arguments[3])
  input <- file("stdin", "r")
  while (length(line <- readLines(input, n = 1)) > 0) {
    order <- strsplit(line, " ")[[1]]
    warmup <- as.integer(order[1])
    draws <- as.integer(order[2])
    # What Stan prints while it samples goes nowhere.
    capture.output(fit <- suppressWarnings(sampling(model, data = data, chains = 1, warmup = warmup, iter = warmup + draws,
      seed = as.integer(order[3]), refresh = 0, check_data = FALSE)))
    seconds <- get_elapsed_time(fit)[1, ]
    steps <- get_sampler_params(fit, inc_warmup = FALSE)[[1]]
    columns <- extract(fit, permuted = FALSE)[, 1, ]
    write.table(columns, order[4], sep = ",", quote = FALSE, row.names = FALSE,
      col.names = gsub("[[,]", ".", gsub("]", "", colnames(columns), fixed = TRUE)))
    say('{"warmupSeconds":%.9g,"samplingSeconds":%.9g,"leapfrogs":%.0f,"divergences":%.0f,"draws":%d}', seconds[["warmup"]],
      seconds[["sample"]], sum(steps[, "n_leapfrog__"]), sum(steps[, "divergent__"]), draws)
  }
}
