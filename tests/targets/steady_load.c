/* steady_load: the load of steady_load.h and nothing else. Built against glibc (steady_load) and against
 * musl, as a dynamic (musl_dynamic) and as a static program with symbols (musl_static). */
#include "steady_load.h"

int main(int argc, char** argv) {
  const unsigned seconds = load_seconds_argument(argc, argv, "usage: steady_load [--seconds N]\n");
  signal(SIGTERM, load_on_term);
  return run_steady_load(seconds);
}
