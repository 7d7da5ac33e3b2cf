#pragma once
// A case study: work of a service, done as before it had a pool (baseline) and with one (pooled), measured beside each other.
//
//   int main(int argc, char** argv) {
//     return poolscope::case_study::run(argc, argv, {.rows = {{.name = "sweep/50K", .baseline = ..., .pooled = ...}}, .serve = ...});
//   }
//
//   case_NAME --measure SECONDS ROUNDS   each round does the baseline, then the pooled work, each for at least SECONDS; JSON on stdout:
//                                        {"rows": {ROW: {"baseline": {"ns": [per round]}, "pooled": {...}}}, "figures": {FIGURE: ...}}
//   case_NAME --count                    under counter_preload.so: the same with {"bytes": ..., "allocations": ...} per operation
//   case_NAME --serve [WORDS]            until SIGTERM: what an agent watches; then {"operations": so often it did its work}
//
// NAMEs of rows and figures are those of NAME/reported.toml, which has what others reported. tests/bench/case_studies.py puts both into
// one table.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace poolscope::case_study {

// Does so many operations. The state it needs, its pool above all, stays from call to call.
using Work = std::function<void(std::uint64_t operations)>;

struct Row {
  std::string name;
  Work baseline = {}, pooled = {};  // one of them is empty where there is nothing to compare with
  // That do it at the same time. ns are CPU time of the thread; of several: wall time / operations of all of them, as Go tells it.
  unsigned threads = 1;
  // Of --count, after as many that warm up. Always in one thread: what a thread costs does not count.
  std::uint64_t counted_operations = 512;
};

// What is not per operation: a ratio of hits, the most memory, a size. Called once, after the rows.
struct Figure {
  std::string name;
  std::function<double()> baseline = {}, pooled = {};
};

struct Study {
  std::vector<Row> rows;
  std::vector<Figure> figures = {};
  // Does some milliseconds of the service's work; called until SIGTERM. `words` are those after --serve, always the same.
  std::function<void(const std::vector<std::string_view>& words)> serve;
};

// What main() returns: 0, 2 with a message when the words are wrong.
int run(int argc, char** argv, const Study& study);

// The optimiser cannot leave out what made `value`.
template <typename T>
void keep(const T& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

}  // namespace poolscope::case_study
