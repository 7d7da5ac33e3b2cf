// A service that answers with rows of JSON, collected in a buffer: a new one for each answer, or one of a pool.
#include <memory>
#include <string>
#include <vector>

#include <poolscope/buffer_pool.h>

#include "tests/case_studies/case_study.h"
#include "tests/case_studies/json_buffer/service.h"
#include "tests/case_studies/json_buffer/text.h"
#include "tests/case_studies/json_buffer/tickets.h"

namespace poolscope::case_study {
namespace {

constexpr std::size_t kKiB = 1024, kUsualBytes = 50 * kKiB;

std::shared_ptr<BufferPool> pool_of(std::size_t buffer_bytes) {
  BufferPoolOptions options;
  options.pool = {.name = "json.answers", .publish = false};
  options.buffer_bytes = {buffer_bytes};
  return std::make_shared<BufferPool>(options);
}

Work fresh_buffers(std::size_t buffer_bytes, std::uint64_t rows) {
  return [=](std::uint64_t operations) {
    for (std::uint64_t i = 0; i < operations; ++i) {
      Text answer(buffer_bytes);
      append_tickets(answer, rows);
      keep(answer.data());
    }
  };
}

Work pooled_buffers(std::size_t buffer_bytes, std::uint64_t rows) {
  return [=, pool = pool_of(buffer_bytes)](std::uint64_t operations) {
    for (std::uint64_t i = 0; i < operations; ++i) {
      Buffer answer = pool->acquire();
      append_tickets(answer, rows);
      keep(answer.data());
    }
  };
}

void add_sweep(std::vector<Row>& rows) {
  for (const std::size_t kib : {1, 4, 8, 16, 32, 50, 64, 128, 256})
    rows.push_back({.name = "sweep/" + std::to_string(kib) + "K",
                    .baseline = fresh_buffers(kib * kKiB, kUsualRows),
                    .pooled = pooled_buffers(kib * kKiB, kUsualRows),
                    .counted_operations = 32});
}

void add_row_counts(std::vector<Row>& rows) {
  for (const std::uint64_t count : {10, 100, 500, 1000})
    rows.push_back({.name = "rows/" + std::to_string(count),
                    .baseline = fresh_buffers(kUsualBytes, count),
                    .pooled = pooled_buffers(kUsualBytes, count),
                    .counted_operations = 32});
}

void add_threads(std::vector<Row>& rows) {
  rows.push_back({.name = "concurrent/32K_to_50K",
                  .baseline = pooled_buffers(32 * kKiB, kUsualRows),
                  .pooled = pooled_buffers(kUsualBytes, kUsualRows),
                  .threads = 2,
                  .counted_operations = 32});
  rows.push_back({.name = "concurrent/50K",
                  .pooled = pooled_buffers(kUsualBytes, kUsualRows),
                  .threads = 2,
                  .counted_operations = 32});
}

// ---- what a buffer costs that nobody writes to --------------------------------------------------------------------------

Work get_and_put() {
  return [pool = pool_of(kUsualBytes)](std::uint64_t operations) {
    for (std::uint64_t i = 0; i < operations; ++i) {
      const Buffer buffer = pool->acquire();
      keep(buffer.data());
    }
  };
}

[[gnu::noinline]] void use_stack() {
  char buffer[kUsualBytes];
  keep(&buffer[0]);
}

void on_the_stack(std::uint64_t operations) {
  for (std::uint64_t i = 0; i < operations; ++i) use_stack();
}

void from_the_heap(std::uint64_t operations) {
  for (std::uint64_t i = 0; i < operations; ++i) {
    const std::unique_ptr<char[]> buffer(new char[kUsualBytes]);
    keep(buffer.get());
  }
}

// As a runtime does that promises zeroes.
void cleared(std::uint64_t operations) {
  for (std::uint64_t i = 0; i < operations; ++i) {
    const auto buffer = std::make_unique<char[]>(kUsualBytes);
    keep(buffer.get());
  }
}

void add_overhead(std::vector<Row>& rows) {
  rows.push_back({.name = "overhead/cleared", .baseline = cleared, .pooled = get_and_put()});
  rows.push_back({.name = "overhead/get_put", .pooled = get_and_put()});
  rows.push_back({.name = "overhead/stack", .pooled = on_the_stack});
  rows.push_back({.name = "overhead/heap", .pooled = from_the_heap});
}

// ---- sizes --------------------------------------------------------------------------------------------------------------

double answer_bytes(std::uint64_t rows) {
  Text answer(0);
  append_tickets(answer, rows);
  return static_cast<double>(answer.size());
}

void add_sizes(std::vector<Figure>& figures) {
  for (const std::uint64_t rows : {1, 10, 50, 100, 500, 1000})
    figures.push_back({.name = "size/" + std::to_string(rows), .pooled = [rows] { return answer_bytes(rows); }});
  figures.push_back({.name = "chunk/rows", .pooled = [] { return static_cast<double>(rows_of_first_chunk()); }});
  figures.push_back({.name = "chunk/chunks", .pooled = [] { return static_cast<double>(chunks_of_batch()); }});
}

Study study() {
  Study all;
  add_sweep(all.rows);
  add_row_counts(all.rows);
  add_threads(all.rows);
  add_overhead(all.rows);
  add_sizes(all.figures);
  all.serve = serve_json;
  return all;
}

}  // namespace
}  // namespace poolscope::case_study

int main(int argc, char** argv) {
  return poolscope::case_study::run(argc, argv, poolscope::case_study::study());
}
