#include <gtest/gtest.h>

#include "probes/collectors/allocator_plan.h"

namespace {

using poolscope::probes::is_allocation_wrapper;

TEST(AllocationWrapper, IsKnownByItsName) {
  for (const char* symbol : {
           "malloc",
           "zmalloc",
           "ztrymalloc_usable_internal",
           "xrealloc",
           "xcalloc",
           "zmalloc.constprop.0",
           "g_malloc0_n",
           "palloc",
           "palloc0",
           "ngx_palloc",
           "ngx_alloc",
           "MemoryContextAlloc",
           "MemoryContextAllocZero",
           "AllocSetAlloc",
           "repalloc_huge",
           "OPENSSL_malloc",
           "CRYPTO_zalloc",
           "PyObject_Malloc",
           "_PyObject_GC_Alloc",
           "av_mallocz",
           "je_malloc",
           "tc_calloc",
           "mi_heap_malloc_zero",
           "talloc_named",
           "slab_alloc",
           "do_slabs_alloc",
           "__rust_alloc",
           "my_allocate",
           "strdup",
           "xstrdup",
           "g_strndup",
           "pstrdup",
           "kmemdup",
           "X509_NAME_dup",
           "xasprintf",
           "g_vasprintf",
           "operator new(unsigned long)",
           "operator new[](unsigned long, std::align_val_t)",
           "Session::operator new(unsigned long)",
           "Arena::AllocateAligned(unsigned long, int)",
           "(anonymous namespace)::checked_malloc(unsigned long)",
           "rocksdb::(anonymous namespace)::Allocate(unsigned long)",
           "pool::Arena<Node<int>, (Mode)1>::allocate(unsigned long)",
           "char* util::alloc_array<char>(unsigned long)",
           "std::vector<int, std::allocator<int> >::_M_default_append(unsigned long)",
           ("void std::vector<Foo (*)(int), std::allocator<Foo (*)(int)> >::_M_realloc_insert<Foo (*)(int)>(Foo "
            "(*&&)(int))"),
           "std::__cxx11::basic_string<char>::_M_create(unsigned long&, unsigned long)",
           ("std::__cxx11::basic_string<char> std::operator+<char>(char const*, std::__cxx11::basic_string<char> "
            "const&)"),
           "__gnu_cxx::new_allocator<char>::allocate(unsigned long, void const*)",
           "std::pmr::monotonic_buffer_resource::_M_new_buffer(unsigned long, unsigned long)",
           "alloc::raw_vec::finish_grow",
           "alloc::vec::Vec<T,A>::push",
           "<alloc::string::String as core::clone::Clone>::clone",
       }) {
    EXPECT_TRUE(is_allocation_wrapper(symbol)) << symbol;
  }
}

TEST(AllocationWrapper, IsNothingElse) {
  for (const char* symbol : {
           "",
           "main",
           "createObject",
           "parse_allocation_table",
           "report_allocations",
           "is_allocated",
           "AllocatedBytes",
           "deallocate_session",
           "dealloc_buffer",
           "PyObject_Dealloc",
           "free",
           "operator delete(void*)",
           "remove_duplicates",
           "check_duplicate",
           "dedup",
           "popup",
           "setup",
           "lookup",
           "get_allocator_name",
           "shallow_copy",
           "balloc_t::balance",
           "Metallocene::parse(char const*)",
           "app::Allocator::report() const",
           "alloc_stats::Table::print()",
           "load(std::vector<int, std::allocator<int> > const&)",
           "Page::render(std::string (*)(int))",
           "(anonymous namespace)::parse(std::allocator<char> const&)",
           // template functions carry their return type in front
           "std::unique_ptr<Foo, std::default_delete<Foo> > make_foo<Foo>(int)",
           "std::__cxx11::basic_string<char> const& app::render<Page>(Page const&)",
           "std::vector<int, std::allocator<int> > app::(anonymous namespace)::split<char>(char)",
           "app::Matrix app::operator+<int>(app::Matrix const&, int)",
           "std::ostream& app::operator<< <int>(std::ostream&, int)",
           "app::List<int>::operator->() const",
           "app::Callback::operator()(std::string const&) const",
           // a lambda or functor may have been inlined into what calls it
           "void std::for_each<int*, main::{lambda(int)#1}>(int*, int*, main::{lambda(int)#1})",
           "void std::for_each<int*, main::'lambda'(int)>(int*, int*, main::'lambda'(int))",
           "std::_Function_handler<void (), Task>::_M_invoke(std::_Any_data const&)",
           "std::thread::_State_impl<std::thread::_Invoker<std::tuple<Worker> > >::_M_run()",
           "<app::Session as core::clone::Clone>::clone",
           "app::handle<alloc::string::String>",
       }) {
    EXPECT_FALSE(is_allocation_wrapper(symbol)) << symbol;
  }
}

TEST(AllocationWrapper, NamesThatAreNotWellFormedHaveAnAnswer) {
  for (const char* symbol :
       {"<", ">", "(", "::", " ", "operator", "operator<", "a::", "f(", "x<y", "}{", "std::", "a b c("}) {
    (void)is_allocation_wrapper(symbol);
  }
  EXPECT_FALSE(is_allocation_wrapper(std::string(100'000, '<')));
}

}  // namespace
