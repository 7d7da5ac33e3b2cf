// A catalog that answers with descriptions of tables, and issues tokens. Baseline: what is written is collected in a scratch buffer of the
// thread and copied into a string of its own, as a library does that returns the JSON. Pooled: it is written into a buffer of a pool.
#include <array>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include <poolscope/buffer_pool.h>
#include <poolscope/object_pool.h>
#include <sys/random.h>

#include "tests/case_studies/case_study.h"
#include "tests/case_studies/serializer/tables.h"

namespace poolscope::case_study {
namespace {

constexpr std::size_t kUsualColumns = 13, kManyColumns = 105, kBufferBytes = 4096;

std::shared_ptr<BufferPool> buffer_pool(bool publish = false) {
  BufferPoolOptions options;
  options.pool = {.name = "serializer.buffers", .publish = publish};
  options.buffer_bytes = {kBufferBytes};
  return std::make_shared<BufferPool>(options);
}

std::string json_of(const Document& document) {
  thread_local std::string scratch;
  scratch.clear();
  write_json(scratch, document);
  return scratch;
}

Work serialize_fresh(std::size_t columns) {
  return [table = table_of(columns)](std::uint64_t operations) {
    for (std::uint64_t i = 0; i < operations; ++i) {
      Document document;
      document.describe(table);
      keep(json_of(document).data());
    }
  };
}

Work serialize_pooled(std::size_t columns, std::shared_ptr<BufferPool> pool = buffer_pool()) {
  return [table = table_of(columns), pool = std::move(pool)](std::uint64_t operations) {
    for (std::uint64_t i = 0; i < operations; ++i) {
      Document document;
      document.describe(table);
      Buffer json = pool->acquire();
      write_json(json, document);
      keep(json.data());
    }
  };
}

// The document comes from a pool, too.
Work serialize_all_pooled(std::size_t columns) {
  auto documents =
      std::make_shared<ObjectPool<Document>>(PoolOptions{.name = "serializer.documents", .publish = false});
  return [table = table_of(columns), pool = buffer_pool(), documents](std::uint64_t operations) {
    for (std::uint64_t i = 0; i < operations; ++i) {
      const auto document = documents->acquire();
      document->describe(table);
      Buffer json = pool->acquire();
      write_json(json, *document);
      keep(json.data());
    }
  };
}

// ---- tokens -------------------------------------------------------------------------------------------------------------

constexpr std::size_t kTokenBytes = 32;

std::string hex_of(const unsigned char* bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(2 * kTokenBytes, '0');
  for (std::size_t i = 0; i < kTokenBytes; ++i) {
    text[2 * i] = kDigits[bytes[i] >> 4];
    text[2 * i + 1] = kDigits[bytes[i] & 15];
  }
  return text;
}

void fill_randomly(unsigned char* bytes) {
  if (::getrandom(bytes, kTokenBytes, 0) != static_cast<ssize_t>(kTokenBytes))
    throw std::runtime_error("no random bytes");
}

void tokens_fresh(std::uint64_t operations) {
  for (std::uint64_t i = 0; i < operations; ++i) {
    const auto bytes = std::make_unique<unsigned char[]>(kTokenBytes);
    fill_randomly(bytes.get());
    keep(hex_of(bytes.get()).data());
  }
}

Work tokens_pooled() {
  using Bytes = std::array<unsigned char, kTokenBytes>;
  auto pool = std::make_shared<ObjectPool<Bytes>>(PoolOptions{.name = "serializer.tokens", .publish = false});
  return [pool](std::uint64_t operations) {
    for (std::uint64_t i = 0; i < operations; ++i) {
      const auto bytes = pool->acquire();
      fill_randomly(bytes->data());
      keep(hex_of(bytes->data()).data());
    }
  };
}

// ---- a buffer alone -----------------------------------------------------------------------------------------------------

void fresh_blocks(std::uint64_t operations) {
  for (std::uint64_t i = 0; i < operations; ++i) {
    const std::unique_ptr<char[]> block(new char[kBufferBytes]);
    keep(block.get());
  }
}

Work pooled_blocks() {
  return [pool = buffer_pool()](std::uint64_t operations) {
    for (std::uint64_t i = 0; i < operations; ++i) {
      const Buffer block = pool->acquire();
      keep(block.data());
    }
  };
}

// Writes what a small answer has; the pool and its counts are the caller's.
Work sustained(std::shared_ptr<BufferPool> pool) {
  return [pool = std::move(pool), answer = std::string(512, 'x')](std::uint64_t operations) {
    for (std::uint64_t i = 0; i < operations; ++i) {
      Buffer block = pool->acquire();
      block.append(answer);
      keep(block.data());
    }
  };
}

// ---- the service --------------------------------------------------------------------------------------------------------

// One description of 105 columns, then a pause.
void serve(const std::vector<std::string_view>&) {
  static const Work serialize = serialize_pooled(kManyColumns, buffer_pool(true));
  serialize(1);
  std::this_thread::sleep_for(std::chrono::microseconds(200));
}

Study study() {
  const auto sustained_pool = buffer_pool();
  Study all;
  all.rows = {
      {.name = "table", .baseline = serialize_fresh(kUsualColumns), .pooled = serialize_pooled(kUsualColumns)},
      {.name = "large", .baseline = serialize_fresh(kManyColumns), .pooled = serialize_pooled(kManyColumns)},
      {.name = "token", .baseline = tokens_fresh, .pooled = tokens_pooled()},
      {.name = "concurrent", .baseline = fresh_blocks, .pooled = pooled_blocks(), .threads = 2},
      {.name = "gc_pressure",
       .baseline = serialize_fresh(kUsualColumns),
       .pooled = serialize_all_pooled(kUsualColumns)},
      {.name = "concurrent/access", .pooled = pooled_blocks(), .threads = 2},
      {.name = "concurrent/10", .pooled = pooled_blocks(), .threads = 10},
      {.name = "concurrent/100", .pooled = pooled_blocks(), .threads = 100},
      {.name = "sustained", .pooled = sustained(sustained_pool)},
  };
  all.figures = {{.name = "hit_ratio", .pooled = [sustained_pool] { return sustained_pool->stats().hit_ratio(); }}};
  all.serve = serve;
  return all;
}

}  // namespace
}  // namespace poolscope::case_study

int main(int argc, char** argv) {
  return poolscope::case_study::run(argc, argv, poolscope::case_study::study());
}
