// The case study glyph_pool: an encoder with buffers of 4 KiB, of which a pool keeps 16 to 128; what is more comes from the heap.
//
//   --serve [fixed|adaptive] [BUFFERS]   a service that encodes one document after the other (default: adaptive, 32 buffers)
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <thread>

#include <poolscope/buffer_pool.h>

#include "tests/case_studies/case_study.h"
#include "tests/case_studies/glyph_pool/glyph_encoder.h"

namespace poolscope::case_study {
namespace {

constexpr std::uint64_t kBuffersBefore = 32, kBuffersAfter = 16;
constexpr std::size_t kHeldAtOnce = 1000;
constexpr std::uint64_t kCheckEveryDocuments = 100;
constexpr int kRepeats = 41;

using Clock = std::chrono::steady_clock;

std::unique_ptr<BufferPool> make_pool(std::uint64_t buffers, const SizingPolicy& sizing = FixedSize{}) {
  BufferPoolOptions options;
  options.pool = {.name = "glyphs",
                  .max_idle_buffers = buffers,
                  .max_borrowed_buffers = buffers,
                  .at_limit = AtLimit::kHeap,
                  .prewarm_buffers = buffers};
  options.buffer_bytes = {kGlyphBufferBytes};
  options.sizing = sizing;
  options.check_every_gets = kCheckEveryDocuments * kParagraphs;
  return std::make_unique<BufferPool>(options);
}

// A buffer as a service without a pool has it: cleared memory from the heap.
class HeapBuffer {
 public:
  HeapBuffer() : bytes_(new std::byte[kGlyphBufferBytes]()) {}
  [[nodiscard]] std::byte* data() const { return bytes_.get(); }
  void resize(std::size_t bytes) { size_ = bytes; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t size_ = 0;
};

// ---- get and put, one by one and many at once ------------------------------------------------------------------------------

struct AcquireRelease {
  double acquire_ns, release_ns;
};

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

// Of one of a thousand that are out at once.
AcquireRelease time_many(BufferPool& pool) {
  std::vector<double> acquiring, releasing;
  std::vector<Buffer> held(kHeldAtOnce);
  for (int i = 0; i < kRepeats; ++i) {
    const auto start = Clock::now();
    for (Buffer& buffer : held) buffer = pool.acquire();
    const auto full = Clock::now();
    for (Buffer& buffer : held) buffer.release();
    const auto end = Clock::now();
    acquiring.push_back(std::chrono::duration<double, std::nano>(full - start).count() / kHeldAtOnce);
    releasing.push_back(std::chrono::duration<double, std::nano>(end - full).count() / kHeldAtOnce);
  }
  return {median(acquiring), median(releasing)};
}

// What comes from the heap beside the pool when a thousand are out.
double kib_beside_pool(std::uint64_t buffers) {
  const auto pool = make_pool(buffers);
  std::vector<Buffer> held(kHeldAtOnce);
  for (Buffer& buffer : held) buffer = pool->acquire();
  return static_cast<double>(pool->stats().misses[PS_MISS_EXHAUSTED] * kGlyphBufferBytes) / 1024;
}

std::vector<Figure> figures_of_size(std::uint64_t buffers) {
  const std::string size = std::to_string(buffers);
  const auto acquire_ns = [](std::uint64_t of) { return time_many(*make_pool(of)).acquire_ns; };
  const auto release_ns = [](std::uint64_t of) { return time_many(*make_pool(of)).release_ns; };
  return {
      {"acquire_ns/" + size, [=] { return acquire_ns(kBuffersBefore); }, [=] { return acquire_ns(buffers); }},
      {"release_ns/" + size, [=] { return release_ns(kBuffersBefore); }, [=] { return release_ns(buffers); }},
      {"peak_kib/" + size, [] { return kib_beside_pool(kBuffersBefore); }, [=] { return kib_beside_pool(buffers); }}};
}

void use_heap(std::uint64_t operations) {
  for (std::uint64_t i = 0; i < operations; ++i) keep(*HeapBuffer().data());
}

Work use_pool(std::uint64_t buffers) {
  return [buffers, pool = std::shared_ptr<BufferPool>()](std::uint64_t operations) mutable {
    if (!pool) pool = make_pool(buffers);
    for (std::uint64_t i = 0; i < operations; ++i) keep(*pool->acquire().data());
  };
}

// ---- encoding --------------------------------------------------------------------------------------------------------------

// Where an encoder gets its buffers from: give() has them for one document, and they go back when they end.
struct FromHeap {
  std::array<HeapBuffer, kParagraphs> give() { return {}; }
};
struct FromPool {
  std::shared_ptr<BufferPool> pool = nullptr;  // without one: of kBuffersAfter, made at the first give()
  std::array<Buffer, kParagraphs> give() {
    if (!pool) pool = make_pool(kBuffersAfter);
    std::array<Buffer, kParagraphs> buffers;
    for (Buffer& buffer : buffers) buffer = pool->acquire();
    return buffers;
  }
};
const Document& document() {
  static const Document made = make_document(1);
  return made;
}

// How many bytes the document has as glyphs.
template <typename Source>
std::size_t encode(GlyphEncoder& encoder, Source& source) {
  encoder.begin();
  decltype(auto) buffers = source.give();
  std::size_t bytes = 0, at = 0;
  for (auto& buffer : buffers) {
    buffer.resize(encoder.encode(document()[at++], {buffer.data(), kGlyphBufferBytes}));
    bytes += buffer.size();
  }
  return bytes;
}

template <typename Source>
Work encoding(Source source) {
  return [source, encoder = std::make_shared<GlyphEncoder>()](std::uint64_t operations) mutable {
    for (std::uint64_t i = 0; i < operations; ++i) keep(encode(*encoder, source));
  };
}

// Of one call of `work`, the fastest of some: what disturbs a run makes it longer.
double least_seconds(const Work& work, std::uint64_t operations) {
  double least = 0;
  for (int i = 0; i < kRepeats; ++i) {
    const auto start = Clock::now();
    work(operations);
    const double took = std::chrono::duration<double>(Clock::now() - start).count() / static_cast<double>(operations);
    if (i == 0 || took < least) least = took;
  }
  return least;
}

// Per cent of encoding that getting the buffers of a document and giving them back takes.
template <typename Source>
double overhead_percent(Source source) {
  const Work give_only = [source](std::uint64_t operations) mutable {
    for (std::uint64_t i = 0; i < operations; ++i) keep(*source.give()[0].data());
  };
  return 100 * least_seconds(give_only, 100) / least_seconds(encoding(source), 2);
}

template <typename Source>
double compression(Source source) {
  GlyphEncoder encoder;
  std::size_t bytes = 0;
  for (const std::string& paragraph : document()) bytes += paragraph.size();
  return static_cast<double>(bytes) / static_cast<double>(encode(encoder, source));
}

// ---- a pool that finds its size --------------------------------------------------------------------------------------------

double pool_kib(const BufferPool& pool) {
  return static_cast<double>(pool.retained_bytes()) / 1024;
}

// After a thousand documents, ten buffers each, from 32 on.
std::shared_ptr<BufferPool> adapted() {
  FromPool source{make_pool(kBuffersBefore, OverflowBand{})};
  GlyphEncoder encoder;
  for (int i = 0; i < 1000; ++i) keep(encode(encoder, source));
  return source.pool;
}

// Of 16 where one get in ten finds all of them out.
double buffers_after_overflow() {
  const auto pool = make_pool(kBuffersAfter, OverflowBand{});
  std::vector<Buffer> held(kBuffersAfter + 2);
  for (std::uint64_t i = 0; i <= kCheckEveryDocuments * kParagraphs / held.size(); ++i) {
    for (Buffer& buffer : held) buffer = pool->acquire();
    for (Buffer& buffer : held) buffer.release();
  }
  return static_cast<double>(pool->max_borrowed_buffers());
}

double never_released(std::uint64_t buffers) {
  FromPool source{make_pool(buffers)};
  GlyphEncoder encoder;
  for (int i = 0; i < 100; ++i) keep(encode(encoder, source));
  return static_cast<double>(source.pool->stats().borrowed);
}

std::vector<Figure> figures() {
  std::vector<Figure> all;
  for (const std::uint64_t buffers : {16, 32, 64, 128})
    for (Figure& figure : figures_of_size(buffers)) all.push_back(std::move(figure));
  all.push_back({"pool_kib", [] { return pool_kib(*make_pool(kBuffersBefore)); }, [] { return pool_kib(*adapted()); }});
  all.push_back(
      {"overhead_percent", [] { return overhead_percent(FromHeap()); }, [] { return overhead_percent(FromPool()); }});
  all.push_back({"compression", [] { return compression(FromHeap()); }, [] { return compression(FromPool()); }});
  all.push_back(
      {"never_released", [] { return never_released(kBuffersBefore); }, [] { return never_released(kBuffersAfter); }});
  all.push_back({"adapted_buffers", [] { return static_cast<double>(kBuffersBefore); },
                 [] { return static_cast<double>(adapted()->max_borrowed_buffers()); }});
  all.push_back({"grown_buffers", [] { return static_cast<double>(kBuffersAfter); }, buffers_after_overflow});
  return all;
}

std::vector<Row> rows() {
  std::vector<Row> all = {{.name = "encode", .baseline = encoding(FromHeap()), .pooled = encoding(FromPool())}};
  all.push_back({.name = "get_and_put", .baseline = use_heap, .pooled = use_pool(kBuffersAfter)});
  return all;
}

void serve(const std::vector<std::string_view>& words) {
  static const bool is_fixed = !words.empty() && words[0] == "fixed";
  static const std::uint64_t buffers = words.size() > 1 ? std::strtoull(words[1].data(), nullptr, 10) : kBuffersBefore;
  static FromPool source{is_fixed ? make_pool(buffers) : make_pool(buffers, OverflowBand{})};
  static GlyphEncoder encoder;
  for (int i = 0; i < 4; ++i) keep(encode(encoder, source));
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

}  // namespace
}  // namespace poolscope::case_study

int main(int argc, char** argv) {
  using namespace poolscope::case_study;
  return run(argc, argv, {.rows = rows(), .figures = figures(), .serve = serve});
}
