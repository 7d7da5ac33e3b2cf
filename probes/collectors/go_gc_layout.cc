#include "probes/collectors/go_gc_layout.h"

#include <algorithm>
#include <cstdlib>

namespace poolscope::probes {
namespace {

constexpr go::GoVersion kVerified{1, 19};

// Go 1.19: runtime/mstats.go (mstats), runtime/mgcpacer.go (gcControllerState), runtime/mgc.go (workType), amd64.
constexpr std::array<GcWordField, GO_GC_WORDS> kFields = {{
    {GcVariable::kMemstats, "numgc", 7704, 4},
    {GcVariable::kMemstats, "numforcedgc", 7708, 4},
    {GcVariable::kMemstats, "pause_total_ns", 3600, 8},
    {GcVariable::kController, "gcPercent", 0, 4},
    {GcVariable::kController, "memoryLimit", 8, 8},
    {GcVariable::kController, "gcPercentHeapGoal", 104, 8},
    {GcVariable::kController, "sweepDistMinTrigger", 112, 8},
    {GcVariable::kController, "triggered", 120, 8},
    {GcVariable::kController, "heapMarked", 184, 8},
    {GcVariable::kController, "assistTime", 224, 8},
    {GcVariable::kController, "idleMarkTime", 248, 8},
    {GcVariable::kController, "heapFree", 320, 8},
    {GcVariable::kController, "totalAlloc", 328, 8},
    {GcVariable::kController, "totalFree", 336, 8},
    {GcVariable::kController, "mappedReady", 344, 8},
    {GcVariable::kWork, "totaltime", 288, 8},
}};

constexpr GcHeapLayout kHeap = {.offset = 0,
                                .generations = 3,
                                .generation_bytes = 1176,
                                .large_bytes_offset = 56,
                                .large_count_offset = 64,
                                .small_counts_offset = 72,
                                .size_classes = 68};

// runtime/sizeclasses.go, the same from Go 1.16 on
constexpr auto kSizeClasses = std::to_array<std::uint16_t>(
    {0,     8,     16,    24,    32,    48,    64,    80,    96,    112,   128,   144,  160,   176,
     192,   208,   224,   240,   256,   288,   320,   352,   384,   416,   448,   480,  512,   576,
     640,   704,   768,   896,   1024,  1152,  1280,  1408,  1536,  1792,  2048,  2304, 2688,  3072,
     3200,  3456,  4096,  4864,  5376,  6144,  6528,  6784,  6912,  8192,  9472,  9728, 10240, 10880,
     12288, 13568, 14336, 16384, 18432, 19072, 20480, 21760, 24576, 27264, 28672, 32768});
static_assert(kSizeClasses.size() == kHeap.size_classes);
static_assert(kHeap.generations * kHeap.generation_bytes <= GO_GC_HEAP_BYTES);

// last_gc_unix, pause_total_ns, numgc, numforcedgc, gc_cpu_fraction, last_gc_nanotime, lastHeapInUse
constexpr auto kMemstatsAnchors = std::to_array<std::uint32_t>({3592, 3600, 7704, 7708, 7712, 7720, 7728});
// heapLive, assistTime, dedicatedMarkTime, fractionalMarkTime, idleMarkTime, heapInUse
constexpr auto kControllerAnchors = std::to_array<std::uint32_t>({136, 224, 232, 240, 248, 304});
// userForced, totaltime, stwprocs, maxprocs, tSweepTerm, tMark, tMarkTerm, tEnd, pauseNS, pauseStart, heap1
constexpr auto kWorkAnchors = std::to_array<std::uint32_t>({280, 288, 348, 352, 360, 368, 376, 384, 392, 400, 416});

}  // namespace

const char* name_of(GcVariable variable) {
  switch (variable) {
    case GcVariable::kMemstats:
      return "runtime.memstats";
    case GcVariable::kController:
      return "runtime.gcController";
    case GcVariable::kWork:
      return "runtime.work";
  }
  std::abort();
}

std::span<const GcWordField, GO_GC_WORDS> gc_word_fields() {
  return kFields;
}

std::span<const std::uint16_t> gc_size_classes() {
  return kSizeClasses;
}

std::span<const std::uint32_t> gc_anchor_offsets(GcVariable variable) {
  switch (variable) {
    case GcVariable::kMemstats:
      return kMemstatsAnchors;
    case GcVariable::kController:
      return kControllerAnchors;
    case GcVariable::kWork:
      return kWorkAnchors;
  }
  std::abort();
}

std::optional<GcLayout> gc_layout_of(go::GoVersion version) {
  if (version != kVerified) return std::nullopt;
  GcLayout layout;
  std::ranges::transform(kFields, layout.word_offsets.begin(), &GcWordField::offset);
  layout.heap = kHeap;
  return layout;
}

std::string unverified_text(const std::string& version_text) {
  return "the layout of " + version_text + " is not verified; garbage collection is read from programs built with Go " +
         std::to_string(kVerified.major) + "." + std::to_string(kVerified.minor);
}

}  // namespace poolscope::probes
