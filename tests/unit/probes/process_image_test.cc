#include "probes/collectors/process_image.h"

#include <algorithm>
#include <memory>

#include <dlfcn.h>
#include <gtest/gtest.h>

#include "tests/unit/probes/own_process.h"

namespace {

using namespace poolscope;
using namespace poolscope::probes;

class ImageOfThisProcess : public testing::Test {
 protected:
  ProcessImage image = test::image_of_this_process();
};

TEST_F(ImageOfThisProcess, FindsTheObjectOfAnAddress) {
  const LoadedObject* libc = image.object_at(reinterpret_cast<std::uint64_t>(dlsym(RTLD_NEXT, "getpid")));
  ASSERT_NE(libc, nullptr);
  EXPECT_NE(libc->mapped.path.find("libc.so.6"), std::string::npos);
  EXPECT_EQ(image.object_at(0x10), nullptr);
  EXPECT_EQ(image.object_at(~std::uint64_t{0}), nullptr);
}

TEST_F(ImageOfThisProcess, BiasLeadsFromSymbolsToTheirAddresses) {
  const auto address = reinterpret_cast<std::uint64_t>(dlsym(RTLD_NEXT, "getpid"));
  const LoadedObject* libc = image.object_at(address);
  ASSERT_NE(libc, nullptr);
  const auto symbols = libc->file->find_function("getpid");
  ASSERT_FALSE(symbols.empty());
  EXPECT_EQ(symbols.front()->address + libc->bias, address);
}

TEST_F(ImageOfThisProcess, FilesAreParsedOnceForAllProcesses) {
  const ProcessImage again = test::image_of_this_process();
  ASSERT_EQ(image.objects().size(), again.objects().size());
  for (std::size_t i = 0; i < image.objects().size(); ++i) EXPECT_EQ(image.objects()[i].file, again.objects()[i].file);
}

TEST_F(ImageOfThisProcess, IsStaleOnceALibraryWasLoaded) {
  EXPECT_FALSE(image.is_stale());
  const std::unique_ptr<void, int (*)(void*)> library(dlopen(FAKE_ALLOCATOR, RTLD_NOW | RTLD_LOCAL), dlclose);
  ASSERT_NE(library, nullptr) << dlerror();
  EXPECT_TRUE(image.is_stale());
}

TEST(ProcessImage, OfAProcessThatIsGoneCannotBeRead) {
  ElfCache cache;
  constexpr std::int32_t kNoSuchPid = 1 << 30;
  EXPECT_FALSE(ProcessImage::read({kNoSuchPid, 1}, cache));
}

}  // namespace
