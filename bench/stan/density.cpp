// Log densities of a Stan program, all constants included, no Jacobian:
//   density DATA.R POINT.R ...
// prints one a line, at the values of the parameters that each file gives.
#include <model.hpp>
#include <cstdio>

int main(int argc, char** argv) {
  std::ifstream file(argv[1]);
  stan::io::dump data(file);
  stan_model model(data, 1u, &std::cerr);
  for (int i = 2; i < argc; i++) {
    std::ifstream at(argv[i]);
    stan::io::dump values(at);
    std::vector<double> unconstrained;
    std::vector<int> none;
    model.transform_inits(values, none, unconstrained, &std::cerr);
    std::printf("%.17g\n", model.log_prob<false, false, double>(unconstrained, none, &std::cerr));
  }
}
