// Names of functions and what they are for.
#include <algorithm>
#include <array>

#include "probes/collectors/code_parts.h"

namespace poolscope::probes {
namespace {

using Names = std::string_view;

template <std::size_t N>
bool is_one_of(Names name, const std::array<Names, N>& names) {
  return std::ranges::find(names, name) != names.end();
}

template <std::size_t N>
bool starts_with_one_of(Names name, const std::array<Names, N>& prefixes) {
  return std::ranges::any_of(prefixes, [&](Names prefix) { return name.starts_with(prefix); });
}

// The C library's; what only its symbol table or a static program names stands behind.
constexpr std::array kMalloc = {Names("malloc"),
                                Names("free"),
                                Names("cfree"),
                                Names("calloc"),
                                Names("realloc"),
                                Names("reallocarray"),
                                Names("memalign"),
                                Names("aligned_alloc"),
                                Names("valloc"),
                                Names("pvalloc"),
                                Names("posix_memalign"),
                                Names("malloc_usable_size"),
                                Names("malloc_trim"),
                                Names("malloc_info"),
                                Names("malloc_stats"),
                                Names("mallopt"),
                                Names("mallinfo"),
                                Names("mallinfo2"),
                                Names("__default_morecore"),
                                Names("__libc_malloc"),
                                Names("__libc_free"),
                                Names("__libc_calloc"),
                                Names("__libc_realloc"),
                                Names("__libc_memalign"),
                                Names("__libc_valloc"),
                                Names("__libc_pvalloc"),
                                Names("_int_malloc"),
                                Names("_int_free"),
                                Names("_int_realloc"),
                                Names("_int_memalign"),
                                Names("sysmalloc"),
                                Names("systrim"),
                                Names("malloc_consolidate"),
                                Names("unlink_chunk"),
                                Names("tcache_init"),
                                Names("ptmalloc_init"),
                                Names("arena_get2"),
                                Names("__libc_malloc_impl"),
                                Names("__malloc_alloc_meta"),
                                Names("__malloc_allzerop"),
                                Names("__malloc_donate"),
                                Names("__simple_malloc"),
                                Names("default_malloc"),
                                Names("alloc_slot"),
                                Names("nontrivial_free"),
                                Names("free_group")};
// Parts that compilers split off ("_int_free.part.0") and later versions of glibc ("_int_free_merge_chunk").
constexpr std::array kMallocPrefixes = {
    Names("_int_malloc."),  Names("_int_free"),    Names("_int_realloc."), Names("sysmalloc"),
    Names("systrim."),      Names("tcache_init."), Names("_mid_memalign"), Names("malloc_consolidate."),
    Names("unlink_chunk."), Names("arena_get2.")};
// Of other allocators, in a file that has more than an allocator; operator new and delete (Itanium C++ ABI); CPython's own.
constexpr std::array kAllocatorPrefixes = {Names("je_"),
                                           Names("_rjem_"),
                                           Names("tc_malloc"),
                                           Names("tc_free"),
                                           Names("tc_calloc"),
                                           Names("tc_realloc"),
                                           Names("tc_new"),
                                           Names("tc_delete"),
                                           Names("tc_memalign"),
                                           Names("tc_posix_memalign"),
                                           Names("_ZN8tcmalloc"),
                                           Names("_mi_"),
                                           Names("mi_malloc"),
                                           Names("mi_free"),
                                           Names("mi_calloc"),
                                           Names("mi_zalloc"),
                                           Names("mi_realloc"),
                                           Names("mi_heap_"),
                                           Names("mi_new"),
                                           Names("mi_page_"),
                                           Names("mi_segment"),
                                           Names("_Znwm"),
                                           Names("_Znam"),
                                           Names("_ZdlPv"),
                                           Names("_ZdaPv"),
                                           Names("PyObject_Malloc"),
                                           Names("PyObject_Calloc"),
                                           Names("PyObject_Realloc"),
                                           Names("PyObject_Free"),
                                           Names("_PyObject_Malloc"),
                                           Names("_PyObject_Calloc"),
                                           Names("_PyObject_Realloc"),
                                           Names("_PyObject_Free"),
                                           Names("_PyObject_Arena"),
                                           Names("PyMem_"),
                                           Names("_PyMem_"),
                                           Names("pymalloc_")};
// That get memory from the kernel, or give it back.
constexpr std::array kMemoryCalls = {Names("brk"),     Names("__brk"),    Names("sbrk"),   Names("__sbrk"),
                                     Names("mmap"),    Names("__mmap"),   Names("mmap64"), Names("__mmap64"),
                                     Names("munmap"),  Names("__munmap"), Names("mremap"), Names("__mremap"),
                                     Names("madvise"), Names("__madvise")};

constexpr std::array kCopies = {Names("memcpy"),         Names("memmove"), Names("mempcpy"),  Names("__mempcpy"),
                                Names("memset"),         Names("bcopy"),   Names("bzero"),    Names("__bzero"),
                                Names("explicit_bzero"), Names("wmemcpy"), Names("wmemmove"), Names("wmemset")};
constexpr std::array kCopyPrefixes = {Names("__memcpy_"), Names("__memmove_"), Names("__mempcpy_"),
                                      Names("__memset_"), Names("__wmemset_"), Names("__bzero_")};

constexpr std::array kCpythonGc = {Names("PyGC_Collect"),           Names("gc_collect_main"),
                                   Names("gc_collect_generations"), Names("gc_collect_with_callback"),
                                   Names("deduce_unreachable"),     Names("update_refs"),
                                   Names("subtract_refs"),          Names("visit_decref"),
                                   Names("visit_reachable"),        Names("move_unreachable"),
                                   Names("untrack_tuples"),         Names("delete_garbage"),
                                   Names("handle_weakrefs"),        Names("clear_unreachable_mask"),
                                   Names("move_legacy_finalizers")};
constexpr std::array kCpythonGcPrefixes = {Names("_PyGC_Collect"), Names("gc_collect_main.")};

// What stands behind "runtime." in Go 1.17 to 1.26. The first list that matches counts.
constexpr std::array kGoCopies = {Names("memmove"),
                                  Names("memclr"),
                                  Names("typedmemmove"),
                                  Names("typedslicecopy"),
                                  Names("typedmemclr"),
                                  Names("reflect_typedmemmove"),
                                  Names("reflect_typedslicecopy"),
                                  Names("slicecopy"),
                                  Names("duffcopy"),
                                  Names("duffzero"),
                                  Names("wbMove"),
                                  Names("wbZero")};
constexpr std::array kGoGcFirst = {Names("(*pageAlloc).scav"),
                                   Names("(*mspan).markBits"),
                                   Names("(*mspan).objIndex"),
                                   Names("(*mspan).ensureSwept"),
                                   Names("(*mspan).sweep"),
                                   Names("(*mspan).typePointers"),
                                   Names("(*mspan).heapBitsSmallForAddr"),
                                   Names("(*mheap).reclaim"),
                                   Names("(*mheap).nextSpanForSweep")};
constexpr std::array kGoAllocator = {Names("malloc"),
                                     Names("newobject"),
                                     Names("newarray"),
                                     Names("makeslice"),
                                     Names("growslice"),
                                     Names("(*mcache)"),
                                     Names("(*mcentral)"),
                                     Names("(*mheap)"),
                                     Names("(*mspan)"),
                                     Names("(*mSpanList)"),
                                     Names("(*spanSet)"),
                                     Names("(*fixalloc)"),
                                     Names("(*linearAlloc)"),
                                     Names("(*pageAlloc)"),
                                     Names("(*pageCache)"),
                                     Names("(*pallocBits)"),
                                     Names("(*pallocData)"),
                                     Names("(*pageBits)"),
                                     Names("(*addrRanges)"),
                                     Names("(*consistentHeapStats)"),
                                     Names("nextFreeFast"),
                                     Names("heapBitsSetType"),
                                     Names("heapBitsWriter"),
                                     Names("heapSetType"),
                                     Names("writeHeapBits"),
                                     Names("persistentalloc"),
                                     Names("sysAlloc"),
                                     Names("sysMap"),
                                     Names("sysUsed"),
                                     Names("sysUnused"),
                                     Names("sysFree"),
                                     Names("sysReserve"),
                                     Names("sysHugePage"),
                                     Names("rawbyteslice"),
                                     Names("rawruneslice"),
                                     Names("rawstring"),
                                     Names("publicationBarrier"),
                                     Names("roundupsize"),
                                     Names("profilealloc"),
                                     Names("mProf_Malloc"),
                                     Names("deductAssistCredit"),
                                     Names("postMallocgc")};
constexpr std::array kGoMemoryCalls = {Names("mmap"), Names("sysMmap"), Names("munmap"), Names("sysMunmap"),
                                       Names("madvise")};
constexpr std::array kGoGc = {Names("gc"),
                              Names("(*gc"),
                              Names("scan"),
                              Names("(*scan"),
                              Names("markroot"),
                              Names("grey"),
                              Names("shade"),
                              Names("findObject"),
                              Names("spanOf"),
                              Names("wb"),
                              Names("(*wb"),
                              Names("bulkBarrier"),
                              Names("sweep"),
                              Names("(*sweep"),
                              Names("(*activeSweep"),
                              Names("bgsweep"),
                              Names("bgscavenge"),
                              Names("(*scavenge"),
                              Names("(*lfstack)"),
                              Names("lfnodeValidate"),
                              Names("getempty"),
                              Names("putempty"),
                              Names("putfull"),
                              Names("trygetfull"),
                              Names("handoff"),
                              Names("(*markBits"),
                              Names("markBits"),
                              Names("heapBits"),
                              Names("(*workbuf"),
                              Names("(*stackScanState"),
                              Names("finishsweep"),
                              Names("deductSweepCredit"),
                              Names("typePointers"),
                              Names("(*typePointers"),
                              Names("tryDeferToSpanScan"),
                              Names("(*spanQueue"),
                              Names("(*localSpanQueue"),
                              Names("(*spanInlineMarkBits"),
                              Names("(*spanScan"),
                              Names("freeSomeWbufs")};

}  // namespace

CodePart part_of_function(std::string_view name) {
  if (is_one_of(name, kMalloc) || starts_with_one_of(name, kMallocPrefixes) ||
      starts_with_one_of(name, kAllocatorPrefixes))
    return CodePart::kAllocator;
  if (is_one_of(name, kMemoryCalls)) return CodePart::kMemoryCall;
  if (is_one_of(name, kCopies) || starts_with_one_of(name, kCopyPrefixes)) return CodePart::kCopy;
  if (is_one_of(name, kCpythonGc) || starts_with_one_of(name, kCpythonGcPrefixes)) return CodePart::kGc;
  return CodePart::kOther;
}

CodePart part_of_go_function(std::string_view name) {
  constexpr Names kRuntime = "runtime.";
  if (name.starts_with("internal/runtime/gc")) return CodePart::kGc;
  if (name.starts_with("runtime/internal/syscall.") || !name.starts_with(kRuntime)) return CodePart::kOther;
  name.remove_prefix(kRuntime.size());
  if (starts_with_one_of(name, kGoCopies)) return CodePart::kCopy;
  if (is_one_of(name, kGoMemoryCalls)) return CodePart::kMemoryCall;
  if (starts_with_one_of(name, kGoGcFirst)) return CodePart::kGc;
  if (starts_with_one_of(name, kGoAllocator)) return CodePart::kAllocator;
  return starts_with_one_of(name, kGoGc) ? CodePart::kGc : CodePart::kOther;
}

}  // namespace poolscope::probes
